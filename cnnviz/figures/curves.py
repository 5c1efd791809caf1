"""The curves of a training: the numbers that charts of loss and accuracy draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from cnnviz.figures.series import Values, smooth, thin
from cnnviz.runs.run import Event
from cnnviz.training.records import EpochRecord, StepRecord

Quantity = Literal["loss", "accuracy"]
ToldByStep = Literal["learning_rate", "gradient_norm", "images_per_s"]
"""What a step tells beside loss and accuracy."""
XAxis = Literal["step", "epoch", "seconds"]

AXES: Final[tuple[XAxis, ...]] = get_args(XAxis)

SMOOTHING: Final = (0, 5, 20, 50, 200)
"""Steps over which a training curve may be averaged, as pages offer them."""
_FIELDS: Final = {"step": "step", "epoch": "epoch", "seconds": "elapsed_s"}


@dataclass(frozen=True, slots=True)
class CurveRun:
    """What one run told, in order."""

    name: str
    steps: Sequence[StepRecord]
    epochs: Sequence[EpochRecord]
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points that are to be joined by a line; nan is a gap."""

    x: Values
    y: Values


@dataclass(frozen=True, slots=True, eq=False)
class RunCurves:
    """One quantity of one run, thinned to what can be seen."""

    raw: Curve
    """Of the training images, as it was told."""
    smoothed: Curve
    """The same, smoothed; where nothing is smoothed, equal to `raw`."""
    validation: Curve
    """Of the held-out images, at the end of each epoch; never smoothed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that was done to a run."""

    x: float
    words: str


def run_curves(
    run: CurveRun, quantity: Quantity, axis: XAxis, *, smoothing_steps: float = 0.0
) -> RunCurves:
    """The numbers behind one run's curves."""
    x = _numbers(run.steps, _FIELDS[axis])
    y = _numbers(run.steps, quantity)
    smoothed = smooth(_numbers(run.steps, "step"), y, smoothing_steps)
    validation = _numbers(run.epochs, f"validation_{quantity}")
    return RunCurves(
        _thinned(x, y),
        _thinned(x, smoothed),
        _thinned(_numbers(run.epochs, _FIELDS[axis]), validation),
    )


def run_marks(run: CurveRun, axis: XAxis) -> tuple[Mark, ...]:
    """Where the learning rate or the weight decay was changed, and where the run was paused."""
    marks: dict[float, list[str]] = {}
    decay = run.steps[0].weight_decay if run.steps else None
    for event in run.events:
        words = "paused" if event.kind == "paused" else ""
        if event.kind == "changed":
            words = f"learning rate {event.learning_rate:.3g}"
            if decay is not None and event.weight_decay != decay:
                words += f", weight decay {event.weight_decay:.3g}"
        decay = event.weight_decay
        place = _place(event, run, axis)
        if words and place is not None and words not in marks.setdefault(place, []):
            marks[place].append(words)
    return tuple(Mark(x, ", ".join(words)) for x, words in marks.items())


def told_curve(run: CurveRun, told: ToldByStep, axis: XAxis) -> Curve:
    """What the steps tell beside loss and accuracy."""
    return _thinned(_numbers(run.steps, _FIELDS[axis]), _numbers(run.steps, told))


def greatest(values: Values) -> float:
    """Of the finite ones; 0 if there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0


def _numbers(records: Sequence[StepRecord] | Sequence[EpochRecord], field: str) -> Values:
    values = (getattr(record, field) for record in records)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _thinned(x: Values, y: Values) -> Curve:
    kept = thin(y)
    return Curve(x[kept], np.where(np.isfinite(y[kept]), y[kept], np.nan))


def _place(event: Event, run: CurveRun, axis: XAxis) -> float | None:
    """Where an event stands on the axis; None if it cannot be known yet."""
    if axis == "step":
        return float(event.step)
    if axis == "seconds":
        return event.elapsed_s
    last = run.steps[-1] if run.steps else run.epochs[-1] if run.epochs else None
    return event.step * last.epoch / last.step if last is not None else None
