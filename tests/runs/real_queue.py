"""A queue with real workers; apart from `trainings`, so that the tests' server needs no torch."""

from __future__ import annotations

from typing import Final

from cnnviz.runs.limits import Limits
from cnnviz.runs.local import LocalExecutor
from cnnviz.runs.queue import RunQueue
from cnnviz.runs.store import RunStore

LIMITS: Final = Limits(threads=1, free_disk_mb=0)


def make_queue(store: RunStore) -> RunQueue:
    """Its workers are not below the test's own priority: the test waits for them."""
    executor = LocalExecutor(LIMITS, devices=("cpu",), niceness=0)
    return RunQueue(store, executor, LIMITS, tick_s=0.05)
