"""The training loop that PyTorch's tutorials end with: what our loop is compared with.

A data set of PIL images with torchvision's transforms, a DataLoader with two workers, float32 in
the default memory format, Nesterov SGD, and `loss.item()` in every step. Nothing is left out that
an ordinary user would write, and nothing is added that one would have to know of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from cnnviz.models.registry import ModelSpec, build_model

MEAN: Final = (0.4914, 0.4822, 0.4465)
STD: Final = (0.2470, 0.2435, 0.2616)
WORKERS: Final = 2
LEARNING_RATE: Final = 0.05
"""PyTorch's CIFAR-10 tutorial has 0.001 for a batch of 4; in proportion, 0.064 for one of 256."""
MOMENTUM: Final = 0.9
WEIGHT_DECAY: Final = 5e-4

Transform = Callable[[Image.Image], torch.Tensor]


class PictureDataset(Dataset[tuple[torch.Tensor, int]]):
    """Images as torchvision.datasets.CIFAR10 holds and returns them, wherever they came from."""

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        transform: Transform,
    ) -> None:
        """images: (N, 32, 32, 3)"""
        self.data = np.array(images)  # in memory, as torchvision has them
        self.targets: list[int] = labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.data[index])
        return self.transform(picture), self.targets[index]


def training_transform() -> Transform:
    """Random crop, random flip, to a tensor, normalized."""
    return _composed(
        transforms.RandomCrop(32, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    )


def evaluation_transform() -> Transform:
    """To a tensor, normalized."""
    return _composed(transforms.ToTensor(), transforms.Normalize(MEAN, STD))


def _composed(*parts: object) -> Transform:
    composed: Transform = transforms.Compose(list(parts))
    return composed


class TutorialTraining:
    """A network, its optimizer and its loader."""

    def __init__(
        self,
        spec: ModelSpec,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        batch_size: int,
        device: torch.device,
        *,
        workers: int = WORKERS,
    ) -> None:
        self.device = device
        self.loader = DataLoader(
            PictureDataset(images, labels, training_transform()),
            batch_size=batch_size,
            shuffle=True,
            num_workers=workers,
            drop_last=True,
            pin_memory=device.type == "cuda",
        )
        self.network = build_model(spec).to(device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=LEARNING_RATE,
            momentum=MOMENTUM,
            nesterov=True,
            weight_decay=WEIGHT_DECAY,
        )

    def epoch(self) -> Iterator[float]:
        """Trains one epoch; gives the mean loss so far after each step."""
        self.network.train()
        running_loss = 0.0
        for step, (images, labels) in enumerate(self.loader, start=1):
            images = images.to(self.device, non_blocking=True)
            labels = labels.to(self.device, non_blocking=True)
            self.optimizer.zero_grad()
            loss = self.criterion(self.network(images), labels)
            loss.backward()
            self.optimizer.step()
            running_loss += loss.item()
            yield running_loss / step

    @torch.no_grad()
    def accuracy(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> float:
        """Share of these images that the network gets right, 0 to 1."""
        dataset = PictureDataset(images, labels, evaluation_transform())
        self.network.eval()
        right = 0
        for batch, expected in DataLoader(dataset, batch_size=500):
            logits = self.network(batch.to(self.device))
            right += int((logits.argmax(1) == expected.to(self.device)).sum())
        return right / len(dataset)
