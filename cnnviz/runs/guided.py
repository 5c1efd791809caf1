"""A training that obeys between two steps, and keeps what it needs to go on."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from cnnviz.errors import SettingError
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.journal import Journal
from cnnviz.runs.orders import Orders
from cnnviz.runs.run import Command, End, Event, EventKind, RunStatus
from cnnviz.training.records import EndRecord, EpochRecord, StartRecord, StepRecord
from cnnviz.training.run_folder import RunFolder

if TYPE_CHECKING:
    from cnnviz.training.loop import Training

_STATE_EVERY_S: Final = 30.0
_STATE_SHARE: Final = 0.02
"""Of the time, at most, that goes into keeping states between epochs."""


class GuidedTraining:
    """Iterates a training in a worker. OSError, DiskFullError and what the training raises pass."""

    def __init__(
        self,
        training: Training,
        attempt: Attempt,
        journal: Journal,
        orders: Orders,
        folder: RunFolder,
        *,
        snapshots_bytes: int,
        step_records: int,
    ) -> None:
        self.training = training
        self.is_between_steps = False
        """Whether the training can be asked for its state."""
        self._attempt = attempt
        self._journal = journal
        self._orders = orders
        self._folder = folder
        self._snapshots_bytes = snapshots_bytes
        self._least_every = math.ceil(training.total_steps / step_records)
        self._sound = True  # its numbers are still finite
        self._held = False  # paused
        self._allowed = 0  # steps that are taken nevertheless
        self._state_due = math.inf

    def run(self) -> End:
        """Trains to the end, or until it is told to stop or to leave."""
        self._begin()
        training = self.training
        planned = usual = max(training.record_every, self._least_every)
        while True:
            # Before the orders are looked at: one that comes later sets it to 1 again.
            training.record_every = 1 if self._held else usual
            if (end := self._obey()) is not None:
                return end
            self.is_between_steps = False
            record = next(training)
            self.is_between_steps = True
            if isinstance(record, EndRecord):
                return End("finished" if record.reason == "finished" else "failed", record.message)
            assert not isinstance(record, StartRecord)
            self._journal.add(record)
            self._journal.check()  # before anything is kept: the run may be another worker's now
            if isinstance(record, EpochRecord):
                self._keep_epoch()
            else:
                self._allowed = max(0, self._allowed - 1)
                self._sound = math.isfinite(record.loss) and math.isfinite(record.gradient_norm)
                usual = min(planned, self._steps_in_a_second(record))
                if time.monotonic() >= self._state_due:
                    self.keep_state()

    def keep_last_moment(self) -> None:
        """Keeps the state on a disk that is full, if there is room for all that belongs to it."""
        training = self.training
        snapshot = self._folder.snapshot(training.epochs_done)
        epoch_ended = training.step == training.epochs_done * training.steps_per_epoch
        if epoch_ended and not snapshot.exists():  # it was what found the disk full
            self._folder.save_snapshot(training.snapshot())
        self.keep_state()

    def keep_state(self) -> None:
        """Keeps what is needed to go on from here; not of a training that has gone astray."""
        if not self._sound:
            return
        began = time.monotonic()
        self._folder.save_state(self.training.state())
        took = time.monotonic() - began
        self._state_due = time.monotonic() + max(_STATE_EVERY_S, took / _STATE_SHARE)

    def _begin(self) -> None:
        training = self.training
        start = next(training)
        assert isinstance(start, StartRecord)
        self.is_between_steps = True
        self._folder.remove_after(training.epochs_done if training.step else -1)
        self._attempt.begin(start, training.epochs_done, self._event("started"))
        if training.step == 0:
            self._folder.save_snapshot(training.snapshot())
        self._state_due = time.monotonic() + _STATE_EVERY_S
        self._orders.hurry = self._hurry
        self._orders.ask_store(self._attempt)  # what it was told while it waited

    def _steps_in_a_second(self, record: StepRecord) -> int:
        """So many steps in one record that there is a record each second, where a step is shorter.

        As many as ever if the configuration says how many.
        """
        config = self.training.config
        if config.record_every:
            return max(config.record_every, self._least_every)
        return max(self._least_every, int(record.images_per_s / config.batch_size), 1)

    # ------------------------------------------------------------------------- between two steps

    def _obey(self) -> End | None:
        """Does what was told, and returns when the training is to go on; or how it ends."""
        training = self.training
        while True:
            self._journal.check()
            for number, command in self._orders.take():
                if command.kind == "stop":
                    self.keep_state()
                    why = command.reason or "Stopped."
                    return End("stopped", f"{why} Step {training.step:,} was done.")
                self._do(command)
                self._attempt.forget_commands(number)
            if self._orders.leave is not None:
                self.keep_state()
                return End("interrupted", f"{self._orders.leave} after step {training.step:,}.")
            # What comes next at these two places is a record, and not a step.
            epoch_ends = training.step == (training.epochs_done + 1) * training.steps_per_epoch
            no_step_left = training.step == training.total_steps
            if not self._held or self._allowed or epoch_ends or no_step_left:
                return None
            self._orders.wait()

    def _do(self, command: Command) -> None:
        if command.kind == "change":
            self._change(command)
        elif command.kind == "play":
            if self._held:
                self._held = False
                self._note("resumed")
        else:
            if not self._held:
                self._held = True
                self.keep_state()
                self._note("paused")
            self.training.record_every = 1
            self._allowed += command.kind == "step"

    def _change(self, command: Command) -> None:
        try:
            self.training.change(
                learning_rate=command.learning_rate, weight_decay=command.weight_decay
            )
        except SettingError as error:  # such as a schedule that is zero throughout
            self._journal.say(f"Nothing was changed: {error}.")
            return
        self._note("changed")
        self.keep_state()  # so that a worker that is killed does not forget it

    def _note(self, kind: EventKind) -> None:
        status: RunStatus = "paused" if self._held else "running"
        self._attempt.note(self._event(kind), status, "Paused." if self._held else "Trains.")

    def _event(self, kind: EventKind) -> Event:
        training = self.training
        return Event(
            training.step,
            kind,
            time.time(),
            training.elapsed_s,
            training.learning_rate,
            training.weight_decay,
        )

    def _hurry(self) -> None:
        self.training.record_every = 1

    def _keep_epoch(self) -> None:
        self._folder.save_snapshot(self.training.snapshot())
        self._folder.thin_snapshots(self._snapshots_bytes)
        self.keep_state()
