"""What was measured of a training that is watched, and the arithmetic of it. Starts nothing.

Moments (`at_s`) are seconds since 1970, by the one clock of the machine that everything runs on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

Viewers = Literal["nobody", "one tab", "thirty sessions"]
WATCHED: Final[tuple[Viewers, ...]] = ("one tab", "thirty sessions")
LOOK_EVERY_S: Final = 0.1
"""Between two moments at which the age of what is on a screen is taken."""


class Mark(NamedTuple):
    """A step record, and when it was written into the store."""

    at_s: float
    step: int
    elapsed_s: float
    """Of training, as the record has it."""


class Arrival(NamedTuple):
    """A message that brought a session a newer step."""

    at_s: float
    step: int


@dataclass(frozen=True, slots=True)
class Speed:
    """What a training did between two of its step records."""

    images: int
    elapsed_s: float
    """By the records: steps, validations and what else an epoch's end takes; no saving."""
    wall_s: float
    """From the writing of the one to that of the other; exact to a quarter of a second each."""
    epochs: int
    """Whole ones; 0 if there was no whole one, and what lies in between is of steps alone."""

    @property
    def images_per_s(self) -> float:
        """By the records' own time."""
        return self.images / self.elapsed_s


def speed_between(
    marks: Sequence[Mark], began_s: float, ended_s: float, *, batch_size: int, epoch_steps: int
) -> Speed:
    """The speed between two moments, over whole epochs if there is one in between.

    From a record to the last one at the same place of an epoch: a validation more or less would
    change the speed of a few seconds by several per cent. ValueError without two records.
    """
    inside = [mark for mark in marks if began_s <= mark.at_s <= ended_s]
    if len(inside) < 2:
        raise ValueError(
            f"{len(inside)} step records in {ended_s - began_s:.1f} s: measure for longer"
        )
    firsts: dict[int, Mark] = {}
    pairs = [(firsts.setdefault(mark.step % epoch_steps, mark), mark) for mark in inside]
    first, last = max(pairs, key=lambda pair: pair[1].step - pair[0].step)
    if first is last:
        first, last = inside[0], inside[-1]
    steps = last.step - first.step
    return Speed(
        steps * batch_size,
        last.elapsed_s - first.elapsed_s,
        last.at_s - first.at_s,
        steps // epoch_steps if steps % epoch_steps == 0 else 0,
    )


@dataclass(frozen=True, slots=True)
class Phase:
    """A time in which a training was watched by somebody or nobody."""

    viewers: Viewers
    began_s: float
    ended_s: float
    speed: Speed
    cores: Mapping[str, float] | None
    """Cores' worth of processor time, by whom; None where the system does not say."""


class Cost(NamedTuple):
    """A phase with viewers, beside the same training without."""

    without: float
    """Images a second, mean of the undisturbed phases before and after."""
    with_viewers: float

    @property
    def share(self) -> float:
        """By how much of its speed the training was slower; negative if it was faster."""
        return 1 - self.with_viewers / self.without


def costs(phases: Sequence[Phase], viewers: Viewers) -> list[Cost]:
    """What such viewers cost, for each of their phases between two undisturbed ones."""
    found = []
    for before, phase, after in zip(phases, phases[1:], phases[2:], strict=False):
        if phase.viewers == viewers and before.viewers == after.viewers == "nobody":
            without = (before.speed.images_per_s + after.speed.images_per_s) / 2
            found.append(Cost(without, phase.speed.images_per_s))
    return found


def unrest(phases: Sequence[Phase]) -> list[float]:
    """By how much an undisturbed phase differs from the one before it, as a share of that one."""
    speeds = [phase.speed.images_per_s for phase in phases if phase.viewers == "nobody"]
    return [abs(later / earlier - 1) for earlier, later in pairwise(speeds)]


# --------------------------------------------------------------------------------- how old it is


class Written:
    """When each step record was written."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        """marks: in order."""
        self._steps = [mark.step for mark in marks]
        self._times = [mark.at_s for mark in marks]

    def at(self, step: int) -> float | None:
        """When the last record up to that step was written, or the first of all if none was.

        None if there are no records.
        """
        place = max(1, bisect_right(self._steps, step))
        return self._times[place - 1] if self._times else None

    def newest(self, at_s: float) -> float | None:
        """When the record was written that was the newest one at that moment."""
        place = bisect_right(self._times, at_s)
        return self._times[place - 1] if place else None


def rising(arrivals: Iterable[Arrival]) -> tuple[Arrival, ...]:
    """Those that brought something newer than all before them."""
    found: list[Arrival] = []
    for arrival in arrivals:
        if not found or arrival.step > found[-1].step:
            found.append(arrival)
    return tuple(found)


def delays(
    written: Written, arrivals: Sequence[Arrival], began_s: float, ended_s: float
) -> list[float]:
    """Seconds from a record's being written to its arrival, for all that arrived in between."""
    found = []
    for arrival in arrivals:
        if began_s <= arrival.at_s <= ended_s and (at := written.at(arrival.step)) is not None:
            found.append(arrival.at_s - at)
    return found


def ages(written: Written, arrivals: Sequence[Arrival], moments: Sequence[float]) -> list[float]:
    """How long ago the newest point on a session's screen was written, at each moment.

    Of a session that has none yet, how long ago the first record of all was.
    """
    times = [arrival.at_s for arrival in arrivals]
    found = []
    for moment in moments:
        place = bisect_right(times, moment)
        at = written.at(arrivals[place - 1].step if place else 0)
        if at is not None:
            found.append(moment - at)
    return found


def floor_ages(written: Written, moments: Sequence[float]) -> list[float]:
    """The same of one who sees what is written at once: no page can do better."""
    return [moment - at for moment in moments if (at := written.newest(moment)) is not None]


def moments_between(began_s: float, ended_s: float, every_s: float) -> list[float]:
    """From the beginning to the end, evenly."""
    count = int((ended_s - began_s) / every_s)
    return [began_s + index * every_s for index in range(count + 1)]


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of watching: what was written, and what arrived in each session."""

    began_s: float
    ended_s: float
    marks: tuple[Mark, ...]
    sessions: tuple[tuple[Arrival, ...], ...]

    def moments(self) -> list[float]:
        """At which the screens are looked at."""
        return moments_between(self.began_s, self.ended_s, LOOK_EVERY_S)

    def ages(self) -> list[list[float]]:
        """Of the newest point on screen: for each session, at each moment."""
        written, moments = Written(self.marks), self.moments()
        return [ages(written, arrivals, moments) for arrivals in self.sessions]

    def delays(self) -> list[list[float]]:
        """From a record's being written to its arrival: for each session, of each arrival."""
        written = Written(self.marks)
        return [delays(written, arrivals, self.began_s, self.ended_s) for arrivals in self.sessions]

    def floor(self) -> list[float]:
        """Age of the newest record in the store, at each moment."""
        return floor_ages(Written(self.marks), self.moments())


# ---------------------------------------------------------------------------------------- memory


class Memory(NamedTuple):
    """Memory of the server while so many sessions watch."""

    sessions: int
    mb: float


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line through (x, y) by least squares. ValueError if all x are the same."""
    if len({x for x, _ in points}) < 2:
        raise ValueError("a slope needs two different places at least")
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)
