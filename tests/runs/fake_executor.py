"""An executor without processes: a test decides when its workers end."""

from __future__ import annotations

from pathlib import Path

from cnnviz.errors import RunError
from cnnviz.runs.executor import Ended


class FakeExecutor:
    """Remembers what it was asked to do."""

    def __init__(self, *devices: str, name: str = "fake") -> None:
        self.name = name
        self.devices = devices or ("cpu",)
        self.started: list[tuple[int, int, str]] = []
        self.stopped: list[str] = []
        self.killed: list[str] = []
        self.ended: dict[str, Ended] = {}
        self.refuses = False

    def start(self, root: Path, run_id: int, attempt: int, device: str) -> str:
        if self.refuses:
            raise RunError("No worker could be started (the test says so).")
        self.started.append((run_id, attempt, device))
        return handle(run_id, attempt)

    def poll(self, handle: str) -> Ended | None:
        return self.ended.get(handle)

    def stop(self, handle: str) -> None:
        self.stopped.append(handle)
        self.ended[handle] = Ended(False, "Its worker left.")

    def kill(self, handle: str) -> None:
        self.killed.append(handle)
        self.ended[handle] = Ended(False, "Its worker was killed.")


def handle(run_id: int, attempt: int = 1) -> str:
    return f"worker {run_id}.{attempt}"
