"""Of what a map is made: a network, how pictures are normalized for it, and one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.errors import ShapeError
from cnnviz.training.pictures import DeviceImages, Normalization

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network and a picture. The network may be shared: nothing here changes it in any way."""

    network: nn.Module
    """Normalized images (N, C, H, W) to logits (N, classes)."""
    normalization: Normalization
    picture: Pixels
    """(H, W, C), as the data set has them."""
    references: Pixels | None = None
    """Other pictures (N, H, W, C), as baselines for GradientSHAP."""

    def __post_init__(self) -> None:
        channels = len(self.normalization.mean)
        if self.picture.dtype != np.uint8 or self.picture.ndim != 3:
            raise ShapeError(
                f"the picture is {self.picture.dtype} {self.picture.shape}: use uint8 (H, W, C)"
            )
        if self.picture.shape[2] != channels:
            raise ShapeError(
                f"the picture has {self.picture.shape[2]} channels, the network's normalization "
                f"has {channels}: use a picture of its data set"
            )
        others = self.references
        if others is not None and (
            others.dtype != np.uint8 or others.shape[1:] != self.picture.shape or not len(others)
        ):
            raise ShapeError(
                f"the references are {others.dtype} {others.shape}: use at least one picture, "
                f"uint8 (N, {', '.join(map(str, self.picture.shape))})"
            )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        height, width, channels = self.picture.shape
        return channels, height, width

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        parameter = next(self.network.parameters(), None)
        return torch.device("cpu") if parameter is None else parameter.device

    def tensor(self) -> torch.Tensor:
        """The picture as the network gets it, float32 (1, C, H, W), on its device."""
        return self.normalized(self.picture[None])

    def normalized(self, pictures: Pixels) -> torch.Tensor:
        """Pictures (N, H, W, C) as the network gets them, float32 (N, C, H, W), on its device."""
        no_labels = np.zeros(len(pictures), np.int64)
        images = DeviceImages(pictures, no_labels, self.normalization, self.device)
        return images.batch(torch.arange(len(pictures))).contiguous()
