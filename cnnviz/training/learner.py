"""The network of a training: its first weights, one step, what it says of pictures.

All that is computed on the device is here; what is told of it, and when, is in `loop`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Final

import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.data.canonical import Split
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.evaluation_mode import evaluation_mode
from cnnviz.models.blocks import InitializedFromImages
from cnnviz.models.registry import build_model
from cnnviz.predictions import run_network
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import Precision, autocast, move
from cnnviz.training.optimizer import (
    LOOKAHEAD_EVERY,
    Lookahead,
    check_optimizer,
    make_optimizer,
    set_rates,
)
from cnnviz.training.pictures import (
    Augmentation,
    DeviceImages,
    hold_out,
    measure_normalization,
)
from cnnviz.training.records import Summary
from cnnviz.training.seeds import generator_for, seeded_global
from cnnviz.training.small_maps import small_maps_by_product
from cnnviz.training.summaries import summarize_activations

WHITENING_IMAGES: Final = 5000
_ACTIVATION_IMAGES: Final = 256


class Learner:
    """A network, its optimizer and its images, on one device."""

    def __init__(
        self, config: TrainingConfig, data: Split, device: torch.device, precision: Precision
    ) -> None:
        """data: the training split; SettingError if it has too few images."""
        self.device, self.precision = device, precision
        self._config = config
        train_indices, held_out = hold_out(data.labels, config.validation_count)
        self.steps_per_epoch = len(train_indices) // config.batch_size
        if self.steps_per_epoch == 0:
            raise SettingError(
                f"batch_size is {config.batch_size}, but there are {len(train_indices):,} images "
                "to train on: use a smaller one"
            )
        self.total_steps = self.steps_per_epoch * config.epochs
        train_images = data.images[train_indices]
        self.normalization = measure_normalization(train_images)
        labels = data.labels[train_indices]
        self.images = DeviceImages(
            train_images, labels, self.normalization, device, margin=config.shift
        )
        self.held_out = DeviceImages(
            data.images[held_out], data.labels[held_out], self.normalization, device
        )
        mirrored = generator_for(config.seed, "mirrored")
        self._augmentation = Augmentation(config, self.images.count, mirrored)
        self._order_of = -1  # the epoch whose order is at hand
        self._order = torch.empty(0, dtype=torch.int64)
        self.network = self._build()
        self._optimizer = make_optimizer(config, self.network)
        self._lookahead = Lookahead(self.network) if config.averaging == "lookahead" else None

    def learn(
        self, step: int, *, learning_rate: float, weight_decay: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The step that comes after `step` steps were done.

        Returns the mean loss of its batch and how many images of it were right, on the device.
        """
        set_rates(self._optimizer, learning_rate, weight_decay)
        epoch, place = divmod(step, self.steps_per_epoch)
        start, size = place * self._config.batch_size, self._config.batch_size
        indices = self._order_in(epoch)[start : start + size]
        generator = generator_for(self._config.seed, "augmentation", step)
        batch = self._augmentation.batch(self.images, indices, epoch, generator)
        labels = self.images.labels[indices.to(self.device)]
        self.network.train()
        with self._repeatable(step):
            with autocast(self.device, self.precision):
                logits = self.network(batch)
            smoothing = self._config.label_smoothing
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
            self._optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
        self._optimizer.step()
        self._average(step + 1)
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def gradient_norm(self) -> float:
        """Euclidean norm of the last step's gradient, over all parameters."""
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        return float(nn.utils.get_total_norm(gradients))

    def predict_held_out(self) -> torch.Tensor:
        """Logits (N, classes) of the held-out images, float32 on the device, in evaluation."""
        return run_network(self.network, self.held_out, precision=self.precision)

    def summarize_activations(self) -> Mapping[str, Summary]:
        """By layer, in evaluation, of the first held-out (else training) images."""
        images = self.held_out if self.held_out.count else self.images
        batch = images.batch(torch.arange(min(images.count, _ACTIVATION_IMAGES)))

        def forward() -> None:
            with evaluation_mode(self.network), autocast(self.device, self.precision):
                self.network(batch)

        return summarize_activations(self.network, forward)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Copies of all that changes while it learns, on the CPU: see `TrainingState`."""
        tensors = {f"model/{name}": t for name, t in self.network.state_dict().items()}
        for index, values in self._optimizer.state_dict()["state"].items():
            for name, value in values.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer/{index}/{name}"] = value
        if self._lookahead is not None:
            tensors |= {f"lookahead/{name}": t for name, t in self._lookahead.average.items()}
        return {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}

    def load(self, tensors: Mapping[str, torch.Tensor], *, begun: bool) -> None:
        """Takes over what `tensors` gave; CheckpointError if it does not fit.

        begun: whether a step was done before.
        """
        groups: dict[str, dict[str, torch.Tensor]] = {"model": {}, "optimizer": {}, "lookahead": {}}
        for name, tensor in tensors.items():
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = tensor
        try:
            self.network.load_state_dict(groups["model"])
            saved = self._optimizer.state_dict()
            saved["state"] = {}
            for name, tensor in groups["optimizer"].items():
                index, _, key = name.partition("/")
                saved["state"].setdefault(int(index), {})[key] = tensor
            self._optimizer.load_state_dict(saved)
            check_optimizer(self._optimizer, begun=begun)
            if self._lookahead is not None:
                self._lookahead.load(groups["lookahead"])
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"this state does not fit its network: {reason}") from None

    def _build(self) -> nn.Module:
        seed = self._config.seed
        with seeded_global(seed, "weights", 0, torch.device("cpu")):
            network = build_model(self._config.spec)
        if isinstance(network, InitializedFromImages):
            count = min(WHITENING_IMAGES, self.images.count)
            chosen = generator_for(seed, "whitening")
            indices = torch.randperm(self.images.count, generator=chosen)[:count]
            network.initialize_from(self.images.batch(indices).cpu())
        return move(network, self.device)

    def _order_in(self, epoch: int) -> torch.Tensor:
        if self._order_of != epoch:
            generator = generator_for(self._config.seed, "order", epoch)
            self._order = torch.randperm(self.images.count, generator=generator)
            self._order_of = epoch
        return self._order

    @contextmanager
    def _repeatable(self, step: int) -> Iterator[None]:
        """What a step needs to come out the same each time, and the quicker way over small maps."""
        by_product = self.device.type == "cpu" and self.precision == "bfloat16"
        dropout = (
            seeded_global(self._config.seed, "dropout", step, self.device)
            if self._config.dropout or self._config.network_text  # which may have its own
            else nullcontext()
        )
        with (
            dropout,
            small_maps_by_product(self.network, enabled=by_product),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        ):
            yield

    def _average(self, steps_done: int) -> None:
        if self._lookahead is None:
            return
        if steps_done % LOOKAHEAD_EVERY == 0:
            decay = self._lookahead.decay(steps_done, self.total_steps)
            self._lookahead.update(self.network, decay)
        if steps_done == self.total_steps:
            self._lookahead.settle(self.network)
