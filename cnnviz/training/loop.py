"""`train`: a training as an iterator of records. It knows no pages, no processes and no stores.

Whoever iterates decides everything else: to pause is not to ask for the next record, to stop is
never to ask again, and `Training.state` gives all that is needed to go on later, with the same
result to the last bit.

Every random number comes from a generator that is seeded by the run's seed and the number of the
epoch or step. There is no state of a generator to keep, and no other code can disturb it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.data.canonical import Split
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.models.blocks import InitializedFromImages
from cnnviz.models.registry import build_model
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import (
    autocast,
    choose_device,
    device_name,
    measure_precision,
    move,
)
from cnnviz.training.optimizer import LOOKAHEAD_EVERY, Lookahead, make_optimizer, set_rates
from cnnviz.training.pictures import (
    Augmentation,
    DeviceImages,
    hold_out,
    measure_normalization,
)
from cnnviz.training.records import (
    EndReason,
    EndRecord,
    EpochRecord,
    Record,
    StartRecord,
    StepRecord,
    Summary,
)
from cnnviz.training.schedule import learning_rate_at
from cnnviz.training.seeds import generator_for, seeded_global
from cnnviz.training.state import Progress, Snapshot, TrainingState, half_precision
from cnnviz.training.summaries import (
    summarize_activations,
    summarize_batch_norm,
    summarize_weights,
)

WHITENING_IMAGES: Final = 5000
_RECORDS_PER_EPOCH: Final = 40
_EVALUATION_BATCH: Final = 500
_ACTIVATION_IMAGES: Final = 256


def train(config: TrainingConfig, data: Split, *, state: TrainingState | None = None) -> Training:
    """Trains a network on a training split: iterate over what is returned.

    The first record is a StartRecord; then StepRecords, an EpochRecord after each epoch, and an
    EndRecord last. A loss that is not finite, or a GPU without memory left, ends the training with
    an EndRecord that says so.

    state: goes on from there; its configuration must be this one.
    SettingError if configuration and data do not fit, CheckpointError if the state does not.
    """
    return Training(config, data, state)


class Training(Iterator[Record]):
    """A training under way. Between two records it may be looked at, changed or left."""

    def __init__(self, config: TrainingConfig, data: Split, state: TrainingState | None) -> None:
        if data.dataset != config.dataset:
            raise SettingError(
                f"the configuration is for {config.dataset}, but the images are of {data.dataset}"
            )
        if state is not None:
            _check_state(state, config, data)
        self.config = config
        self.device = choose_device(config.device)
        train_indices, held_out = hold_out(data.labels, config.validation_count)
        self.steps_per_epoch = len(train_indices) // config.batch_size
        if self.steps_per_epoch == 0:
            raise SettingError(
                f"batch_size is {config.batch_size}, but there are {len(train_indices):,} images "
                "to train on: use a smaller one"
            )
        self.total_steps = self.steps_per_epoch * config.epochs
        self.record_every = config.record_every or max(
            1, self.steps_per_epoch // _RECORDS_PER_EPOCH
        )
        """Steps between two step records; may be changed at any time."""

        train_images = data.images[train_indices]
        self.normalization = measure_normalization(train_images)
        self._digest = data.digest
        self._images = DeviceImages(
            train_images,
            data.labels[train_indices],
            self.normalization,
            self.device,
            margin=config.shift,
        )
        self._held_out = DeviceImages(
            data.images[held_out], data.labels[held_out], self.normalization, self.device
        )
        self._augmentation = Augmentation(
            config, len(train_indices), generator_for(config.seed, "mirrored")
        )
        self.network = self._build()
        if state is not None:
            self.precision = state.progress.precision
        elif config.precision == "auto":
            self.precision = measure_precision(config.spec, self.device, config.batch_size)
        else:
            self.precision = config.precision
        self._optimizer = make_optimizer(config, self.network)
        self._lookahead = Lookahead(self.network) if config.averaging == "lookahead" else None

        self.step = 0
        """Steps done."""
        self.epochs_done = 0
        """Epochs whose record was given."""
        self._loss_sum, self._correct = 0.0, 0
        self._elapsed_s = 0.0
        self._learning_rate_factor = 1.0
        self.weight_decay = config.weight_decay
        self._validation_logits: npt.NDArray[np.float16] | None = None
        if state is not None:
            self._restore(state)
        self._first_step, self._elapsed_before = self.step, self._elapsed_s
        self._order_of = -1  # the epoch whose order is at hand
        self._order = torch.empty(0, dtype=torch.int64)
        self._clock_started = 0.0
        self._records = self._run()

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> Record:
        """The next record; the clock runs only while it is computed."""
        self._clock_started = time.perf_counter()
        try:
            return next(self._records)
        finally:
            self._elapsed_s += time.perf_counter() - self._clock_started
            self._clock_started = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds of training, without the consumer's time, over all parts of the run."""
        running = time.perf_counter() - self._clock_started if self._clock_started else 0.0
        return self._elapsed_s + running

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        step = min(self.step, self.total_steps - 1)
        planned = learning_rate_at(self.config, step, self.total_steps)
        return planned * self._learning_rate_factor

    def change(
        self, *, learning_rate: float | None = None, weight_decay: float | None = None
    ) -> None:
        """Changes the rest of the training.

        learning_rate: that of the next step; the schedule goes on from there in proportion.
        """
        for name, value in (("learning_rate", learning_rate), ("weight_decay", weight_decay)):
            if value is not None and not 0 <= value < float("inf"):
                raise SettingError(f"{name} is {value}: use a number from 0 up")
        if learning_rate is not None:
            planned = self.learning_rate / self._learning_rate_factor
            if planned > 0 and learning_rate > 0:
                self._learning_rate_factor = learning_rate / planned
        if weight_decay is not None:
            self.weight_decay = weight_decay

    def state(self) -> TrainingState:
        """All that is needed to go on from here."""
        tensors = {f"model/{name}": t for name, t in self.network.state_dict().items()}
        for index, values in self._optimizer.state_dict()["state"].items():
            for name, value in values.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer/{index}/{name}"] = value
        if self._lookahead is not None:
            tensors |= {f"lookahead/{name}": t for name, t in self._lookahead.average.items()}
        progress = Progress(
            config=self.config,
            train_digest=self._digest,
            precision=self.precision,
            step=self.step,
            epochs_done=self.epochs_done,
            loss_sum=self._loss_sum,
            correct=self._correct,
            elapsed_s=self.elapsed_s,
            learning_rate_factor=self._learning_rate_factor,
            weight_decay=self.weight_decay,
        )
        return TrainingState(
            progress,
            {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()},
        )

    def snapshot(self) -> Snapshot:
        """The network as it is now, with the validation logits of the last epoch's end."""
        weights = {
            name: half_precision(tensor, name) for name, tensor in self.network.state_dict().items()
        }
        return Snapshot(self.epochs_done, self.step, weights, self._validation_logits)

    # ------------------------------------------------------------------------------- the loop

    def _run(self) -> Iterator[Record]:
        yield self._start_record()
        try:
            yield from self._steps()
        except torch.OutOfMemoryError:
            half = self.config.batch_size // 2
            yield self._end_record(
                "out_of_memory",
                f"{device_name(self.device)} has not enough memory for a batch of "
                f"{self.config.batch_size}: use a smaller batch_size, such as {half}.",
            )

    def _steps(self) -> Iterator[Record]:
        loss_sum = torch.zeros((), dtype=_sum_type(self.device), device=self.device)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        steps, seconds = 0, 0.0
        while True:
            if self.step == (self.epochs_done + 1) * self.steps_per_epoch:
                yield self._finish_epoch()
                continue
            if self.step == self.total_steps:
                break
            began = time.perf_counter()
            learning_rate, weight_decay = self.learning_rate, self.weight_decay
            set_rates(self._optimizer, learning_rate, weight_decay)
            loss, right = self._one_step()
            loss_sum += loss
            correct += right
            steps += 1
            epoch_ends = self.step % self.steps_per_epoch == 0
            if steps < self.record_every and not epoch_ends:
                seconds += time.perf_counter() - began
                continue
            mean_loss, right_count = loss_sum.item() / steps, int(correct.item())
            gradient_norm = self._gradient_norm()
            seconds += time.perf_counter() - began
            self._loss_sum += mean_loss * steps
            self._correct += right_count
            images = steps * self.config.batch_size
            yield StepRecord(
                step=self.step,
                epoch=self.step / self.steps_per_epoch,
                loss=mean_loss,
                accuracy=right_count / images,
                learning_rate=learning_rate,
                weight_decay=weight_decay,
                gradient_norm=gradient_norm,
                images_per_s=images / seconds,
                elapsed_s=self.elapsed_s,
                remaining_s=self._remaining_s(),
                fraction_done=self.step / self.total_steps,
            )
            if not np.isfinite(mean_loss):
                yield self._end_record(
                    "non_finite",
                    f"The loss is no longer a finite number at step {self.step:,}: the weights "
                    f"grew beyond all bounds. Use a learning rate below {learning_rate:.3g}.",
                )
                return
            loss_sum.zero_()
            correct.zero_()
            steps, seconds = 0, 0.0
        yield self._end_record("finished", f"All {self.config.epochs} epochs are done.")

    def _one_step(self) -> tuple[torch.Tensor, torch.Tensor]:
        """One step of the optimizer; the batch's loss and how many it got right, on the device."""
        epoch, place = divmod(self.step, self.steps_per_epoch)
        if self._order_of != epoch:
            generator = generator_for(self.config.seed, "order", epoch)
            self._order = torch.randperm(self._images.count, generator=generator)
            self._order_of = epoch
        start = place * self.config.batch_size
        indices = self._order[start : start + self.config.batch_size]
        generator = generator_for(self.config.seed, "augmentation", self.step)
        batch = self._augmentation.batch(self._images, indices, epoch, generator)
        labels = self._images.labels[indices.to(self.device)]
        self.network.train()
        with self._seeded_dropout(), autocast(self.device, self.precision):
            logits = self.network(batch)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.config.label_smoothing)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._optimizer.step()
        self.step += 1
        if self._lookahead is not None:
            if self.step % LOOKAHEAD_EVERY == 0:
                decay = self._lookahead.decay(self.step, self.total_steps)
                self._lookahead.update(self.network, decay)
            if self.step == self.total_steps:
                self._lookahead.settle(self.network)
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def _finish_epoch(self) -> EpochRecord:
        steps, images = self.steps_per_epoch, self.steps_per_epoch * self.config.batch_size
        loss = accuracy = per_class = None
        if self._held_out.count:
            logits = self.predict(self._held_out)
            labels = self._held_out.labels
            loss = F.cross_entropy(logits, labels).item()
            right = (logits.argmax(1) == labels).float()
            accuracy = right.mean().item()
            per_class = tuple(
                right[labels == label].mean().item() for label in range(self.config.spec.classes)
            )
            self._validation_logits = logits.cpu().numpy().astype(np.float16)
        self.epochs_done += 1
        record = EpochRecord(
            epoch=self.epochs_done,
            step=self.step,
            train_loss=self._loss_sum / steps,
            train_accuracy=self._correct / images,
            validation_loss=loss,
            validation_accuracy=accuracy,
            per_class_accuracy=per_class,
            batch_norm=summarize_batch_norm(self.network),
            weights=summarize_weights(self.network),
            activations=self._summarize_activations(),
            learning_rate=self.learning_rate,
            elapsed_s=self.elapsed_s,
        )
        self._loss_sum, self._correct = 0.0, 0
        return record

    @torch.no_grad()
    def predict(self, images: DeviceImages) -> torch.Tensor:
        """Logits (N, classes), float32 on the device, in evaluation, of one view of each image."""
        self.network.eval()
        parts = []
        for start in range(0, images.count, _EVALUATION_BATCH):
            indices = torch.arange(start, min(start + _EVALUATION_BATCH, images.count))
            with autocast(self.device, self.precision):
                parts.append(self.network(images.batch(indices)).float())
        return torch.cat(parts)

    # ---------------------------------------------------------------------------------- parts

    def _build(self) -> nn.Module:
        with seeded_global(self.config.seed, "weights", 0, torch.device("cpu")):
            network = build_model(self.config.spec)
        if isinstance(network, InitializedFromImages):
            chosen = generator_for(self.config.seed, "whitening")
            count = min(WHITENING_IMAGES, self._images.count)
            indices = torch.randperm(self._images.count, generator=chosen)[:count]
            network.initialize_from(self._images.batch(indices).cpu())
        return move(network, self.device)

    def _restore(self, state: TrainingState) -> None:
        groups: dict[str, dict[str, torch.Tensor]] = {"model": {}, "optimizer": {}, "lookahead": {}}
        for name, tensor in state.tensors.items():
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
            if self._lookahead is not None:
                for name, tensor in self._lookahead.average.items():
                    tensor.copy_(groups["lookahead"][name])
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"this state does not fit its network: {reason}") from None
        progress = state.progress
        self.step, self.epochs_done = progress.step, progress.epochs_done
        self._loss_sum, self._correct = progress.loss_sum, progress.correct
        self._elapsed_s = progress.elapsed_s
        self._learning_rate_factor = progress.learning_rate_factor
        self.weight_decay = progress.weight_decay

    def _start_record(self) -> StartRecord:
        trained = (p for p in self.network.parameters() if p.requires_grad)
        return StartRecord(
            device=str(self.device),
            device_name=device_name(self.device),
            precision=self.precision,
            threads=torch.get_num_threads(),
            parameters=sum(parameter.numel() for parameter in trained),
            train_count=self._images.count,
            validation_count=self._held_out.count,
            steps_per_epoch=self.steps_per_epoch,
            total_steps=self.total_steps,
            train_digest=self._digest,
            mean=self.normalization.mean,
            std=self.normalization.std,
            first_step=self.step,
        )

    def _end_record(self, reason: EndReason, message: str) -> EndRecord:
        return EndRecord(reason, message, self.step, self.elapsed_s)

    def _summarize_activations(self) -> Mapping[str, Summary]:
        images = self._held_out if self._held_out.count else self._images
        batch = images.batch(torch.arange(min(images.count, _ACTIVATION_IMAGES)))
        self.network.eval()

        def forward() -> None:
            with autocast(self.device, self.precision):
                self.network(batch)

        return summarize_activations(self.network, forward)

    def _gradient_norm(self) -> float:
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        return float(nn.utils.get_total_norm(gradients))

    def _remaining_s(self) -> float:
        here = self.elapsed_s - self._elapsed_before
        return here / (self.step - self._first_step) * (self.total_steps - self.step)

    def _seeded_dropout(self) -> AbstractContextManager[None]:
        if not self.config.dropout:
            return nullcontext()
        return seeded_global(self.config.seed, "dropout", self.step, self.device)


def _sum_type(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64  # Metal has no float64


def _check_state(state: TrainingState, config: TrainingConfig, data: Split) -> None:
    if state.progress.config != config:
        raise CheckpointError(
            "this state is of a training with another configuration: go on with its own, or "
            "begin anew"
        )
    if state.progress.train_digest != data.digest:
        raise CheckpointError(
            f"this state is of a training on other images (digest "
            f"{state.progress.train_digest[:16]}..., here {data.digest[:16]}...)"
        )
