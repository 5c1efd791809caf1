"""A real training of the app's own server, told what to do through the store, and its records.

The server that is measured schedules it and starts its worker, as it does for a viewer's; this
process only hands it in.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.watch_arithmetic import Mark
from cnnviz.data.datasets import load_split
from cnnviz.errors import DataError
from cnnviz.runs.limits import load_limits
from cnnviz.runs.run import Command, Run
from cnnviz.runs.store import RunStore
from cnnviz.training.config import TrainingConfig
from cnnviz.training.recipes import recipe

OWNER: Final = "benchmark"
LOOK_EVERY_S: Final = 0.05
"""Four times a second, at most, a worker writes records; each time is to be seen."""
START_LIMIT_S: Final = 300.0
END_LIMIT_S: Final = 60.0
RESERVE: Final = 1.3
"""So much longer than is needed must a training still take, for its forecast is one."""


class TrainingEndedError(RuntimeError):
    """The training that is measured ended, or never began."""


def measured_config() -> TrainingConfig:
    """LeNet-5 on CIFAR-10 if that is on this machine, else on the digits; as long as is allowed."""
    epochs = load_limits().max_epochs
    try:
        if load_split("cifar10", "train").is_complete:
            return recipe("lenet5", "cifar10", epochs=epochs)
    except DataError:
        pass
    held_out = {} if load_split("mnist", "train").is_complete else {"validation_count": 500}
    return recipe("lenet5", "mnist", epochs=epochs, **held_out)


class WatchedTraining:
    """The training under way, and when each of its records was written.

    A thread looks at the store twenty times a second, whoever watches. Make it with
    `watched_training`.
    """

    def __init__(self, store: RunStore, config: TrainingConfig) -> None:
        self._store = store
        self.config = config
        self._lock = threading.Lock()
        self._marks: dict[int, list[Mark]] = {}
        self._ending = threading.Event()
        self._run_id: int | None = None
        self._thread = threading.Thread(target=self._look, name="store watch", daemon=True)
        self._thread.start()

    @property
    def run_id(self) -> int:
        """The run that is measured now."""
        if self._run_id is None:
            raise TrainingEndedError("no training was begun")
        return self._run_id

    def run(self) -> Run:
        """The run as it is now."""
        return self._store.get_run(self.run_id)

    def marks(self) -> list[Mark]:
        """Its step records so far, in order."""
        with self._lock:
            return list(self._marks.get(self.run_id, ()))

    def epoch_steps(self) -> int:
        """Steps of an epoch."""
        start = self.run().start
        assert start is not None, "asked before it began"
        return start.steps_per_epoch

    def worker_pid(self) -> int | None:
        """The process that trains."""
        handle = self.run().handle
        return None if handle is None else int(json.loads(handle)["pid"])

    def ensure(self, seconds: float) -> None:
        """Lets this training go on if it lasts that long, else hands in another of its kind.

        Returns when it is in its second epoch. TrainingEndedError if it does not get there.
        """
        if self._run_id is not None:
            run = self.run()
            if run.is_active and (run.remaining_s or 0.0) > RESERVE * seconds:
                return
            self.stop()
        self._run_id = self._store.create_run(self.config, OWNER).id
        self._wait("begin", lambda run: run.epochs_done > 0, START_LIMIT_S)

    def pause(self) -> None:
        """Holds it, and returns when it stands."""
        self._store.send(self.run_id, Command("pause"))
        self._wait("pause", lambda run: run.status == "paused", END_LIMIT_S)

    def play(self) -> None:
        """Lets it go on, and returns when it has taken a step."""
        step = self.run().step
        self._store.send(self.run_id, Command("play"))
        self._wait("go on", lambda run: run.step > step, END_LIMIT_S)

    def stop(self) -> None:
        """Ends it, if it has not ended, and returns when its worker is gone."""
        if self.run().is_open:
            self._store.send(self.run_id, Command("stop"))
        deadline = time.monotonic() + END_LIMIT_S
        while self.run().is_open and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Ends the training and the thread."""
        if self._run_id is not None:
            self.stop()
        self._ending.set()
        self._thread.join()

    def _wait(self, what: str, is_so: Callable[[Run], bool], limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not is_so(run := self.run()):
            if not run.is_open or time.monotonic() > deadline:
                raise TrainingEndedError(
                    f"the training should {what} and is {run.status}: {run.message}"
                )
            time.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        seen, version = None, 0
        while not self._ending.wait(LOOK_EVERY_S):
            run_id = self._run_id
            if run_id is None:
                continue
            if run_id != seen:
                seen, version = run_id, 0
            news = self._store.records_since(run_id, version)
            version = news.version
            # The heartbeat is set in the same transaction as the records.
            at_s = news.run.heartbeat_s or time.time()
            found = [Mark(at_s, record.step, record.elapsed_s) for record in news.steps]
            with self._lock:
                self._marks.setdefault(run_id, []).extend(found)


@contextmanager
def watched_training(folder: Path, config: TrainingConfig) -> Iterator[WatchedTraining]:
    """Opens the store of the server's runs; ends with the training stopped."""
    with RunStore(folder) as store:
        training = WatchedTraining(store, config)
        try:
            yield training
        finally:
            training.close()
