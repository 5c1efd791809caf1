"""The store and the queue of trainings of this server: opened once, shared by all sessions."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from cnnviz.errors import CnnvizError
from cnnviz.runs.folders import runs_folder
from cnnviz.runs.limits import Limits, load_limits
from cnnviz.runs.local import LocalExecutor
from cnnviz.runs.permissions import Operator
from cnnviz.runs.queue import RunQueue
from cnnviz.runs.run import OPEN, Run
from cnnviz.runs.store import RunStore
from cnnviz.ui.training.live_records import LiveRecords


@dataclass(frozen=True, slots=True)
class TrainingService:
    """Where pages hand in trainings and read what became of them."""

    store: RunStore
    queue: RunQueue
    limits: Limits
    operator: Operator
    live: LiveRecords = field(init=False)
    """What the runs tell, read once for all sessions."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "live", LiveRecords(self.store))


class _OnlyService:
    """The service of this server process.

    Not in Streamlit's cache: any browser may have that cleared, for all viewers, and this would
    interrupt what is being trained.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._service: TrainingService | None = None

    def __call__(self) -> TrainingService:
        """Opens the store and starts the queue at the first call.

        RunError or SettingError, with the sentence to show, if either cannot be; asked again the
        next time.
        """
        with self._lock:
            if self._service is None:
                self._service = _open()
            return self._service

    def clear(self) -> None:
        """Ends the queue and its workers, and closes the store; the next call opens them anew."""
        with self._lock:
            service, self._service = self._service, None
            if service is not None:
                service.queue.close()
                service.store.close()


training_service: Final = _OnlyService()


def _open() -> TrainingService:
    limits = load_limits()
    operator = Operator.from_environment(at_loopback=limits.loopback_may_stop)
    store = RunStore(runs_folder())
    return TrainingService(store, RunQueue(store, LocalExecutor(limits), limits), limits, operator)


def trainings_here() -> list[Run] | str:
    """The trainings that wait or go on, oldest first; a sentence where they cannot be read."""
    try:
        return training_service().store.list_runs(statuses=OPEN)[::-1]
    except CnnvizError as error:
        return str(error)
