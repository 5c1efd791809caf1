"""RunQueue: which run is next, who is told what, and what became of those that ended.

    queue = RunQueue(RunStore(runs_folder()), LocalExecutor(limits), limits)
    run = queue.submit(config, owner)       from any thread; at once
    queue.store.records_since(run.id)       what a page shows
    queue.pause(run.id)                     obeyed within one step of the training
    queue.close()                           workers keep their states and leave

Any number of processes may have a queue on one store. One of them schedules, the others hand in and
tell; if that one ends, another takes over. The queue knows nothing of processes: it hands runs to
an executor and asks that one how they are.
"""

from __future__ import annotations

import atexit
from typing import Final

from cnnviz.errors import DiskFullError, RunError, SettingError
from cnnviz.runs import folders
from cnnviz.runs.executor import Executor
from cnnviz.runs.limits import Limits
from cnnviz.runs.pasted import check_pasted
from cnnviz.runs.run import Command, CommandKind, Run
from cnnviz.runs.schedule import Schedule
from cnnviz.runs.store import RunStore
from cnnviz.settings import shown
from cnnviz.training.config import TrainingConfig

_MAX_LEARNING_RATE: Final = 1000.0  # as in TrainingConfig
_MAX_WEIGHT_DECAY: Final = 10.0


class RunQueue:
    """The queue of a store. Whether a viewer may is asked before, of `permissions.may_stop`."""

    def __init__(
        self,
        store: RunStore,
        executor: Executor,
        limits: Limits | None = None,
        *,
        tick_s: float = 0.25,
    ) -> None:
        """Starts to schedule, in a thread of its own.

        tick_s: how often it looks. The store is closed by whoever opened it, after the queue.
        """
        self.store = store
        self.limits = limits or Limits()
        self._executor = executor
        self._schedule = Schedule(store, executor, self.limits, tick_s=tick_s)
        atexit.register(self.close)
        self._schedule.start()

    # ----------------------------------------------------------------------------- what people do

    def submit(self, config: TrainingConfig, owner: str, *, name: str = "", note: str = "") -> Run:
        """Puts a run at the end of the queue.

        SettingError for a setting beyond the limits, and for a pasted network that cannot be
        trained (to find that out PyTorch is imported); RunError if the queue or the disk is full.
        """
        self.limits.check(config)
        check_pasted(config, self.limits)
        self._check_disk()
        run = self.store.create_run(config, owner, name=name, note=note, limits=self.limits)
        self._schedule.wake()
        return run

    def resume(
        self,
        run_id: int,
        *,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
    ) -> Run:
        """Puts a run that was stopped, interrupted or failed at the end of the queue again.

        It goes on from its last state (`store.folder_of(run_id).state`), with other rates if they
        are given, and from the beginning if there is no state. RunError if it did not end early, or
        if the queue or the disk is full.
        """
        change = None
        if learning_rate is not None or weight_decay is not None:
            change = _change(learning_rate, weight_decay)
        self._check_disk()
        run = self.store.requeue(run_id, change=change, limits=self.limits)
        self._schedule.wake()
        return run

    def stop(self, run_id: int) -> None:
        """Ends a run, with a state from which it can be resumed; RunError if it has ended."""
        self.store.send(run_id, Command("stop"))

    def pause(self, run_id: int) -> None:
        """Holds a run after the step that it is at. It keeps its device."""
        self._tell_active(run_id, "pause")

    def play(self, run_id: int) -> None:
        """Lets a paused run go on."""
        self._tell_active(run_id, "play")

    def step(self, run_id: int) -> None:
        """Trains one batch and holds."""
        self._tell_active(run_id, "step")

    def change(
        self,
        run_id: int,
        *,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
    ) -> None:
        """Changes the rest of a run, one that waits too; SettingError for what is no such number.

        learning_rate: that of the next step; the schedule goes on from there in proportion.
        """
        self.store.send(run_id, _change(learning_rate, weight_decay))

    @property
    def devices(self) -> int:
        """So many runs are trained at once."""
        return len(self._executor.devices)

    @property
    def is_scheduling(self) -> bool:
        """Whether this queue starts runs, and not that of another process."""
        return self._schedule.holds_lock

    def close(self) -> None:
        """Stops its workers, which keep their states; their runs are interrupted. Waits for them.

        Also done when the interpreter ends. Runs that wait go on waiting for the next queue.
        """
        atexit.unregister(self.close)
        self._schedule.close()

    def _tell_active(self, run_id: int, kind: CommandKind) -> None:
        run = self.store.get_run(run_id)
        if run.status == "waiting":
            raise RunError(f"{run.name} waits for its turn: there is nothing to {kind} yet")
        self.store.send(run_id, Command(kind))

    def _check_disk(self) -> None:
        root, limits = self.store.folder, self.limits
        try:
            free = folders.free_bytes(root)
        except OSError as error:
            raise RunError(f"{root} cannot be used ({error.strerror or error})") from None
        if free < limits.free_disk_mb * 10**6:
            raise DiskFullError(
                f"{free // 10**6:,} MB are free on the disk of {root}, and a new run needs "
                f"{limits.free_disk_mb:,}: delete runs, or make room otherwise"
            )
        if (used := folders.total_bytes(root)) > limits.disk_mb * 10**6:
            raise RunError(
                f"the runs take {used // 10**6:,} MB, and this server keeps {limits.disk_mb:,}: "
                "delete some first"
            )


def _change(learning_rate: float | None, weight_decay: float | None) -> Command:
    if learning_rate is None and weight_decay is None:
        raise SettingError("nothing is to change: give learning_rate or weight_decay")
    for name, value, high in (
        ("learning_rate", learning_rate, _MAX_LEARNING_RATE),
        ("weight_decay", weight_decay, _MAX_WEIGHT_DECAY),
    ):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value <= high):  # nor nan
            raise SettingError(f"{name} is {shown(value)}: use a number from 0 to {high:g}")
    return Command("change", learning_rate, weight_decay)
