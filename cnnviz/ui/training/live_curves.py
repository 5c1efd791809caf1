"""What the live board shows of a run: its numbers in words, and its curves.

It is packed once for all viewers with the same settings. nan is a gap in a curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cnnviz.figures.curves import (
    Curve,
    CurveRun,
    Quantity,
    ToldByStep,
    XAxis,
    greatest,
    run_curves,
    run_marks,
    told_curve,
)
from cnnviz.figures.series import Values, log_range, reach
from cnnviz.runs.run import Run
from cnnviz.ui.training.live_records import Told
from cnnviz.ui.training.packing import pack
from cnnviz.ui.training.words import duration, percent, short_number

_MORE: Final[tuple[tuple[ToldByStep, str, bool], ...]] = (
    ("learning_rate", "Learning rate", False),
    ("gradient_norm", "Gradient norm", True),
    ("images_per_s", "Images per second", False),
)


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """What a viewer wants to see of the curves."""

    axis: XAxis = "step"
    smoothing_steps: int = 0
    logarithmic: bool = False
    """The loss."""
    more: bool = False
    """Learning rate, gradient norm and images per second, too."""


def board_bytes(told: Told, settings: CurveSettings) -> bytes:
    """What the live board takes: the numbers in words, and the curves."""
    arrays: list[Values] = []
    run = CurveRun(told.run.name, told.steps, told.epochs, told.events)
    panels = [_loss_or_accuracy(run, name, settings, arrays) for name in ("loss", "accuracy")]
    if settings.more:
        panels += [_single(run, *row, settings.axis, arrays) for row in _MORE]
    ends = [array[-1] for array in arrays[::2] if len(array)]  # x and y take turns
    content = {
        "run": told.run.id,
        "version": told.version,
        "said": told.run.message if told.run.is_active else "",
        "numbers": numbers_in_words(told),
        "fraction": round(told.run.fraction_done, 4),
        "progress": progress_in_words(told.run),
        "axis": settings.axis,
        "x_end": reach(max(ends, default=0.0)),
        "marks": [{"x": mark.x, "words": mark.words} for mark in run_marks(run, settings.axis)],
        "panels": panels,
    }
    return pack(content, arrays)


def numbers_in_words(told: Told) -> list[tuple[str, str]]:
    """The few numbers beside the curves, with their names."""
    run = told.run
    last = told.steps[-1] if told.steps else None
    numbers = [("Right, training", percent(last.accuracy if last else None))]
    if run.config.validation_count:
        numbers.append(("Right, held out", percent(run.validation_accuracy)))
    if run.is_open:
        numbers.append(("Time left", duration(run.remaining_s)))
    else:
        numbers.append(("Training took", duration(run.elapsed_s)))
    return [
        *numbers,
        ("Images per second", f"{last.images_per_s:,.0f}" if last else "–"),
        ("Learning rate", short_number(last.learning_rate if last else None)),
        ("Weight decay", short_number(last.weight_decay if last else None)),
        ("Gradient norm", short_number(last.gradient_norm if last else None)),
    ]


def progress_in_words(run: Run) -> str:
    """How far a run is: Epoch 3 of 10, step 1,250 of 5,400."""
    epochs = run.config.epochs
    words = f"Epoch {min(run.epochs_done + 1, epochs)} of {epochs}"
    if run.start is not None:
        words += f", step {run.step:,} of {run.start.total_steps:,}"
    return words


def _loss_or_accuracy(
    run: CurveRun, quantity: Quantity, settings: CurveSettings, arrays: list[Values]
) -> dict[str, Any]:
    curves = run_curves(run, quantity, settings.axis, smoothing_steps=settings.smoothing_steps)
    shown = [("training", "training", curves.smoothed), ("held out", "held-out", curves.validation)]
    if settings.smoothing_steps:
        shown.insert(0, ("", "raw", curves.raw))
    values = np.concatenate([curve.y for _, _, curve in shown])
    is_log = quantity == "loss" and settings.logarithmic
    if quantity == "accuracy":
        low, high = 0.0, 1.0
    elif is_log:
        low, high = log_range(values)
    else:
        low, high = 0.0, reach(greatest(values))
    return {
        "name": quantity,
        "title": quantity.capitalize(),
        "unit": "nats" if quantity == "loss" else "",
        "form": "percent" if quantity == "accuracy" else "number",
        "log": is_log,
        "y": [low, high],
        "curves": [_curve(name, kind, curve, arrays) for name, kind, curve in shown],
    }


def _single(
    run: CurveRun,
    told: ToldByStep,
    title: str,
    logarithmic: bool,
    axis: XAxis,
    arrays: list[Values],
) -> dict[str, Any]:
    curve = told_curve(run, told, axis)
    return {
        "name": told,
        "title": title,
        "unit": "",
        "form": "number",
        "log": logarithmic,
        "y": list(log_range(curve.y)) if logarithmic else [0.0, reach(greatest(curve.y))],
        "curves": [_curve(title.lower(), "training", curve, arrays)],
    }


def _curve(name: str, kind: str, curve: Curve, arrays: list[Values]) -> dict[str, Any]:
    """A curve's entry in the text; its points are added to the arrays."""
    start = sum(map(len, arrays))
    arrays += [curve.x, curve.y]
    return {"name": name, "kind": kind, "start": start, "count": len(curve.x)}
