"""What is known of a run, and what it tells: plain values, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import EpochRecord, StartRecord, StepRecord

RunStatus = Literal["waiting", "running", "paused", "finished", "failed", "stopped", "interrupted"]
EventKind = Literal["started", "paused", "resumed", "changed"]
CommandKind = Literal["pause", "play", "step", "stop", "change"]

STATUSES: Final[tuple[RunStatus, ...]] = get_args(RunStatus)
ACTIVE: Final[tuple[RunStatus, ...]] = ("running", "paused")
"""A worker has it."""
OPEN: Final[tuple[RunStatus, ...]] = ("waiting", *ACTIVE)
"""Not ended: these count against the length of the queue."""
RESUMABLE: Final[tuple[RunStatus, ...]] = ("stopped", "interrupted", "failed")


MAX_NAME: Final = 80
MAX_NOTE: Final = 2000
"""Characters of a run's name, and of its note."""


def tidy_name(text: str) -> str:
    """A name on one line, of what can be seen, and not too long; empty if nothing is left."""
    seen = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    return seen.strip()[:MAX_NAME]


@dataclass(frozen=True, slots=True)
class Run:
    """One training, as the store has it now. Times are seconds since 1970."""

    id: int
    """Never given to another run, even after this one is deleted."""
    owner: str
    """Whoever queued it, as the page names its viewers."""
    name: str
    note: str
    config: TrainingConfig
    status: RunStatus
    position: int | None
    """Place among those that wait, from 1; None unless it waits."""
    message: str
    """A sentence for people: what is being done, or how and why it ended."""
    executor: str | None
    device: str | None
    """The slot that it was given, such as cpu or cuda:1; `start.device` is what torch says."""
    handle: str | None
    """By what its executor finds it again."""
    attempt: int
    """How often it was started; 0 until it is."""
    created_s: float
    started_s: float | None
    """Of the last attempt."""
    ended_s: float | None
    heartbeat_s: float | None
    """Last sign of life. For people only: a clock that was set says nothing of a process."""
    step: int
    """Steps done."""
    epochs_done: int
    fraction_done: float
    """0 to 1"""
    elapsed_s: float
    """Time spent training."""
    remaining_s: float | None
    """Expected; None until it is known."""
    validation_accuracy: float | None
    """Of the last epoch, 0 to 1."""
    start: StartRecord | None
    """What was decided before the first step of the last attempt."""
    version: int
    """Grows with every change of the run or its records."""

    @property
    def is_active(self) -> bool:
        """Whether a worker has it."""
        return self.status in ACTIVE

    @property
    def is_open(self) -> bool:
        """Whether it waits or a worker has it."""
        return self.status in OPEN

    @property
    def can_resume(self) -> bool:
        """Whether it ended before its last epoch, so that it can go on."""
        return self.status in RESUMABLE


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to a run, and at which step."""

    step: int
    """Steps done when it happened."""
    kind: EventKind
    at_s: float
    """Seconds since 1970."""
    elapsed_s: float
    """Of training, as the records have it."""
    learning_rate: float
    """From here on."""
    weight_decay: float


@dataclass(frozen=True, slots=True)
class Records:
    """What a run told since a version that the reader names."""

    run: Run
    version: int
    """To be named the next time."""
    restarted: bool
    """What the reader holds is to be replaced by this: it is all there is. So it is the first time,
    and after a run was resumed from a state that is older than its last record."""
    steps: tuple[StepRecord, ...]
    epochs: tuple[EpochRecord, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended."""

    status: RunStatus
    message: str


@dataclass(frozen=True, slots=True)
class Command:
    """What a run is told while it goes on."""

    kind: CommandKind
    learning_rate: float | None = None
    """change: that of the next step; the schedule goes on from there in proportion."""
    weight_decay: float | None = None
    """change"""
    reason: str = ""
    """stop: why, as a sentence, if it was not its owner who wanted it."""
