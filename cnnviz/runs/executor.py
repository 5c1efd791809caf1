"""The seam between the queue and computers: who carries out a run.

The queue decides which run is next and what became of those that ended. An executor starts, asks
and kills; it knows nothing of order, owners or the length of the queue. `LocalExecutor` in
`cnnviz.runs.local` is processes on this machine; one for a cluster would hand in a job that
iterates the same training, and relay what it tells into the same store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker that is no longer there."""

    crashed: bool
    """By a fault of its own; else it left as it should, or was ended from outside."""
    message: str
    """A sentence for people, for a run whose worker could not say itself how it ended."""


class Executor(Protocol):
    """Carries out runs. A handle is text: it is kept in the store and outlives the server."""

    @property
    def name(self) -> str:
        """Kept with each run; a handle is only ever given to the executor of that name."""
        ...

    @property
    def devices(self) -> tuple[str, ...]:
        """The slots, by name; each takes one run at a time."""
        ...

    def start(self, root: Path, run_id: int, attempt: int, device: str) -> str:
        """Starts a worker for a run of the store in `root`; its handle. RunError if it cannot."""
        ...

    def poll(self, handle: str) -> Ended | None:
        """How a worker ended; None while it lives. Also of one that an earlier server started."""
        ...

    def stop(self, handle: str) -> None:
        """Asks it to keep its state, to mark its run as interrupted, and to leave."""
        ...

    def kill(self, handle: str) -> None:
        """Ends it at once."""
        ...
