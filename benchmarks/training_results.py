"""What was measured of a training: its speed, or what it knew when. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

LoopName = Literal["ours", "tutorial"]
Mark = tuple[int, float]
"""Steps done, and the seconds since the epoch began."""

SETTLING_STEPS: Final = 4
"""Of an epoch that the rate of its steps leaves out: the loader's queue is still filling."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One loop's speed. Only `steps` of the epoch's `steps_per_epoch` were run, or all of them."""

    batch_size: int
    steps: int
    steps_per_epoch: int
    step_s: float
    """Mean time of a step, once the epoch has settled."""
    wall_s: float
    """From the epoch's beginning to its end, or to the last step that was run; ours with records
    and validation in any case."""
    precision: str
    device: str
    """cpu, cuda, mps"""
    device_name: str
    threads: int

    @property
    def images_per_s(self) -> float:
        """Of the steps."""
        return self.batch_size / self.step_s

    @property
    def epoch_s(self) -> float:
        """The whole epoch's wall time; steps that were not run are reckoned as `step_s` each."""
        return self.wall_s + (self.steps_per_epoch - self.steps) * self.step_s

    @property
    def is_whole(self) -> bool:
        """Whether the epoch was run to its end."""
        return self.steps == self.steps_per_epoch


def mean_step_s(marks: Sequence[Mark]) -> float:
    """Seconds a step, from the first mark after which the epoch has settled to the last one.

    An epoch too short to settle is taken from half of its steps on.
    """
    last_step, last_s = marks[-1]
    settled = min(SETTLING_STEPS, last_step // 2)
    first_step, first_s = next(
        (mark for mark in marks[:-1] if mark[0] >= settled),
        marks[0],  # one record for all steps
    )
    return (last_s - first_s) / (last_step - first_step)


@dataclass(frozen=True, slots=True)
class Point:
    """The network at the end of an epoch."""

    epoch: int
    seconds: float
    """Of training until then: set-up, steps and validation; without evaluating the test split."""
    accuracy: float
    """Share of the test split that it gets right, of a single view, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One training: what it knew when."""

    setup_s: float
    """Before the first step: images to the device, the network, the choice of precision."""
    points: tuple[Point, ...]
    trained_s: float
    """Until its end, with the set-up."""
    precision: str
    device: str
    """cpu, cuda, mps"""
    device_name: str
    threads: int

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The curve whose `asdict` this is."""
        points = tuple(Point(**point) for point in content["points"])
        return cls(**{**content, "points": points})


def first_above(points: Sequence[Point], accuracy: float) -> Point | None:
    """The point of least time that is above that accuracy; None if there is none."""
    return min(
        (point for point in points if point.accuracy > accuracy),
        key=lambda point: point.seconds,
        default=None,
    )
