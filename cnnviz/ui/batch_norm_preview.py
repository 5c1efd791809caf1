"""The drawings on the cards of the page on batch normalization: its own batch, and recorded runs.

Like `preview`, whose rules hold here too. A record that is not there leaves its card without a
drawing: the cards are links first.
"""

from __future__ import annotations

import math
from functools import cache

from cnnviz.batchnorm import batch_norm
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.norms.bought import held_out
from cnnviz.norms.by_hand import OPENING
from cnnviz.norms.comparison import PAIR, Place, convolutions, drift, read_run
from cnnviz.norms.experiment_records import experiment_file, load_experiment
from cnnviz.ui import drawing

_SCALE = 38
"""Pixels for a standard deviation of 1, in `layers`."""


@cache
def by_hand() -> str:
    """The batch that the lesson opens with, before and after, and the first number written out."""
    result = batch_norm(OPENING.batch, mode="train", settings=OPENING.norm_settings)
    steps = result.steps
    mean, variance = steps.mean.flat[0], steps.statistics.variance[0]
    parts = []
    for number, (before, after) in enumerate(
        zip(OPENING.batch[:, 0], steps.normalized[:, 0].round(2), strict=True)
    ):
        cell = 80 / len(before)
        marked = [(0, 0)] if number == 0 else []
        parts.append(drawing.grid(before, 6 + 86 * number, 54, cell, marked=marked))
        parts.append(drawing.grid(after, 306 + 86 * number, 54, cell, marked=marked, height=0.4))
    parts += [
        drawing.text(135, 32, _moments(mean, math.sqrt(variance)), 18, "muted"),
        drawing.text(435, 32, _moments(0, 1), 18, "muted"),
        drawing.text(282, 94, "→", 28, "muted"),
    ]
    first = drawing.number(OPENING.batch.flat[0])
    taken = drawing.number(round(mean, 2))
    result_text = drawing.number(round(float(steps.normalized.flat[0]), 2))
    return drawing.svg(
        (564, 168),
        parts,
        "A small batch before and after batch normalization",
        below=f"({first} − {taken}) / √({drawing.number(round(variance, 2))} + ε) = "
        f"<b>{result_text}</b>",
    )


@cache
def layers() -> str:
    """Mean and deviation of each layer of a trained network, before normalization and after."""
    try:
        run = read_run(PROJECT / SHIPPED, PAIR[0])
    except CnnvizError:
        return ""
    names = convolutions(run)
    parts = ['<line class="rule" x1="10" y1="74" x2="300" y2="74"></line>']
    places: tuple[tuple[Place, str, int], ...] = (
        ("convolution", "curve other", -8),
        ("activation input", "curve", 8),
    )
    for place, style, aside in places:
        for number, name in enumerate(names):
            told = drift(run, name, place)
            x = 34 + 242 * number / max(1, len(names) - 1) + aside
            ends = (74 - _SCALE * (told.mean[-1] + sign * told.std[-1]) for sign in (1, -1))
            line = " ".join(f"{x:.1f},{y:.1f}" for y in ends)
            parts.append(f'<polyline class="{style}" points="{line}"></polyline>')
    parts.append(drawing.text(155, 166, "mean ± σ: before, after", 17, "muted"))
    return drawing.svg(
        (310, 178), parts, "Mean and deviation of each layer before normalization and after"
    )


@cache
def learning_rates() -> str:
    """Held-out images right over the learning rate, with batch normalization and without."""
    try:
        found = load_experiment(experiment_file(PROJECT, "learning-rates"))
    except CnnvizError:
        return ""
    if found is None or not found.runs:
        return ""
    logs = [math.log(run.config.learning_rate) for run in found.runs]
    low, reach = min(logs), (max(logs) - min(logs)) or 1.0
    parts = ['<line class="rule" x1="10" y1="148" x2="300" y2="148"></line>']
    for variant, style in (("batch norm", "curve"), ("without", "curve other")):
        points = sorted(
            (
                10 + 290 * (math.log(run.config.learning_rate) - low) / reach,
                148 - 140 * held_out(run).share,
            )
            for run in found.runs
            if run.variant == variant
        )
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="{style}" points="{line}"></polyline>')
    best = max(held_out(run).share for run in found.runs)
    parts += [
        drawing.text(155, 166, "learning rate: with, without", 17, "muted"),
        drawing.text(60, 30, f"{100 * best:.0f} %", 24, "accent"),
    ]
    return drawing.svg(
        (310, 178), parts, "Accuracy over the learning rate, with batch normalization and without"
    )


def _moments(mean: float, std: float) -> str:
    return f"mean {drawing.number(round(mean, 2))}, σ {drawing.number(round(std, 2))}"
