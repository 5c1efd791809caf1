"""The store and the queue of trainings of this server: opened once, shared by all sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

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


def _close(service: TrainingService) -> None:
    service.queue.close()
    service.store.close()


# "Clear cache" in Streamlit's menu drops what is cached while a worker of it may run: on_release
# ends the queue first, so that there are never two of this server.
@st.cache_resource(show_spinner=False, on_release=_close)
def training_service() -> TrainingService:
    """Opens the store and starts the queue at the first call of the server process.

    RunError or SettingError, with the sentence to show, if either cannot be; asked again the next
    time.
    """
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
