"""`train`: a training as an iterator of records. It knows no pages, no processes and no stores.

Whoever iterates decides everything else: to pause is not to ask for the next record, to stop is
never to ask again, and `Training.state` gives all that is needed to go on later, with the same
result to the last bit.

Every random number comes from a generator that is seeded by the run's seed and the number of the
epoch or step. There is no state of a generator to keep, and no other code can disturb it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from cnnviz.data.canonical import Split
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import (
    choose_device,
    device_name,
    is_out_of_memory,
)
from cnnviz.training.learner import Learner
from cnnviz.training.precision import choose_precision
from cnnviz.training.records import (
    EndReason,
    EndRecord,
    EpochRecord,
    Record,
    StartRecord,
    StepRecord,
)
from cnnviz.training.schedule import learning_rate_at
from cnnviz.training.state import Progress, Snapshot, TrainingState, half_precision
from cnnviz.training.summaries import (
    summarize_batch_norm,
    summarize_weights,
)

_RECORDS_PER_EPOCH: Final = 40


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
        if data.name != "train":
            raise SettingError(f"these are the {data.name} images: train on the train split")
        if state is not None:
            _check_state(state, config, data)
        self.config = config
        self.device = choose_device(config.device)
        if state is not None:
            self.precision = state.progress.precision
        elif config.precision == "auto":
            self.precision = choose_precision(config.spec, self.device, config.batch_size)
        else:
            self.precision = config.precision
        self.digest = data.digest
        """Of the training split."""
        try:
            self._learner = Learner(config, data, self.device, self.precision)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise SettingError(
                f"{device_name(self.device)} has not enough memory for the images and the network: "
                "end what else uses it, or use device cpu"
            ) from None
        self.network = self._learner.network
        self.normalization = self._learner.normalization
        self.steps_per_epoch = self._learner.steps_per_epoch
        self.total_steps = self._learner.total_steps
        self.record_every = config.record_every or max(
            1, self.steps_per_epoch // _RECORDS_PER_EPOCH
        )
        """Steps between two step records; may be changed at any time."""

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
        return self._planned_learning_rate() * self._learning_rate_factor

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
            planned = self._planned_learning_rate()
            if planned == 0:
                raise SettingError(
                    "learning_rate is 0 in this training's configuration and cannot be changed: "
                    "begin another training"
                )
            self._learning_rate_factor = learning_rate / planned
        if weight_decay is not None:
            self.weight_decay = weight_decay

    def state(self) -> TrainingState:
        """All that is needed to go on from here."""
        progress = Progress(
            config=self.config,
            train_digest=self.digest,
            precision=self.precision,
            step=self.step,
            epochs_done=self.epochs_done,
            loss_sum=self._loss_sum,
            correct=self._correct,
            elapsed_s=self.elapsed_s,
            learning_rate_factor=self._learning_rate_factor,
            weight_decay=self.weight_decay,
        )
        return TrainingState(progress, self._learner.tensors())

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
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            half = max(2, self.config.batch_size // 2)
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
            loss, right = self._learner.learn(
                self.step, learning_rate=learning_rate, weight_decay=weight_decay
            )
            self.step += 1
            loss_sum += loss
            correct += right
            steps += 1
            # Counted from the epoch's start, so that a stop in between shifts no later record.
            if self.step % self.steps_per_epoch % self.record_every:
                seconds += time.perf_counter() - began
                continue
            mean_loss, right_count = loss_sum.item() / steps, int(correct.item())
            gradient_norm = self._learner.gradient_norm()
            seconds += time.perf_counter() - began
            self._loss_sum += loss_sum.item()
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

    def _finish_epoch(self) -> EpochRecord:
        steps, images = self.steps_per_epoch, self.steps_per_epoch * self.config.batch_size
        loss = accuracy = per_class = None
        if self._learner.held_out.count:
            logits = self._learner.predict_held_out()
            labels = self._learner.held_out.labels
            loss = F.cross_entropy(logits, labels).item()
            right = (logits.argmax(1) == labels).float()
            accuracy = right.mean().item()
            per_class = tuple(
                right[labels == label].mean().item() for label in range(self.config.spec.classes)
            )
            # By torch: numpy warns of logits beyond 65,504, as a run that diverges has them.
            self._validation_logits = logits.half().cpu().numpy()
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
            activations=self._learner.summarize_activations(),
            learning_rate=self.learning_rate,
            elapsed_s=self.elapsed_s,
        )
        self._loss_sum, self._correct = 0.0, 0
        return record

    # ---------------------------------------------------------------------------------- parts

    def _restore(self, state: TrainingState) -> None:
        progress = state.progress
        first = progress.epochs_done * self.steps_per_epoch
        last = min(first + self.steps_per_epoch, self.total_steps)
        if not first <= progress.step <= last:
            raise CheckpointError(
                f"this state is damaged: {progress.epochs_done} epochs of {self.steps_per_epoch} "
                f"steps are done, but {progress.step} steps"
            )
        self._learner.load(state.tensors, begun=progress.step > 0)
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
            train_count=self._learner.images.count,
            validation_count=self._learner.held_out.count,
            steps_per_epoch=self.steps_per_epoch,
            total_steps=self.total_steps,
            train_digest=self.digest,
            mean=self.normalization.mean,
            std=self.normalization.std,
            first_step=self.step,
        )

    def _end_record(self, reason: EndReason, message: str) -> EndRecord:
        return EndRecord(reason, message, self.step, self.elapsed_s)

    def _planned_learning_rate(self) -> float:
        step = min(self.step, self.total_steps - 1)
        return learning_rate_at(self.config, step, self.total_steps)

    def _remaining_s(self) -> float:
        here = self.elapsed_s - self._elapsed_before
        return here / (self.step - self._first_step) * (self.total_steps - self.step)


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
