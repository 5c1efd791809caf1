"""The drawings on the training page's cards, from the two runs that come with cnnviz.

Like `preview`, whose rules hold here too. A run that is not there leaves its card without a
drawing: the cards are links first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError
from cnnviz.figures.snapshots import filter_grid, filter_scale
from cnnviz.training.records import EpochRecord
from cnnviz.training.run_folder import RunFolder
from cnnviz.training.snapshot import Snapshot
from cnnviz.ui import drawing

_WITHOUT: Final = RunFolder(PROJECT / SHIPPED / "plain_cnn-cifar10.run")
_WITH: Final = RunFolder(PROJECT / SHIPPED / "plain_cnn-norm-cifar10.run")
_FIRST_LAYER: Final = "conv1_1.weight"
_SNAPSHOTS: Final = (1, 3, 20)


@cache
def curves() -> str:
    """Training and held-out loss of the shipped network, epoch by epoch."""
    epochs = _epochs(_WITH)
    if not epochs:
        return ""
    training = [record.train_loss for record in epochs]
    held_out = [record.validation_loss or 0.0 for record in epochs]
    top = max(*training, *held_out)
    right = epochs[-1].validation_accuracy or 0.0
    return drawing.svg(
        (564, 188),
        [
            *_axes(46, 8, 500, 150),
            _line(training, top, 46, 8, 500, 150, "curve muted"),
            _line(held_out, top, 46, 8, 500, 150, "curve"),
            drawing.text(20, 14, f"{top:.1f}", 16, "muted"),
            drawing.text(20, 158, "0", 16, "muted"),
            drawing.text(296, 178, f"{len(epochs)} epochs", 16, "muted"),
            drawing.text(430, 30, f"{100 * right:.0f} % right", 26, "accent"),
        ],
        f"The loss falls over {len(epochs)} epochs",
    )


@cache
def compared() -> str:
    """Held-out accuracy with and without batch normalization."""
    both = [_epochs(_WITH), _epochs(_WITHOUT)]
    if not all(both):
        return ""
    values = [[record.validation_accuracy or 0.0 for record in epochs] for epochs in both]
    low = min(map(min, values))
    top = max(map(max, values))
    shares = [[(value - low) / (top - low) for value in series] for series in values]
    return drawing.svg(
        (310, 178),
        [
            *_axes(10, 8, 290, 140),
            _line(shares[0], 1.0, 10, 8, 290, 140, "curve"),
            _line(shares[1], 1.0, 10, 8, 290, 140, "curve other"),
            drawing.text(155, 166, "batch norm: with, without", 17, "muted"),
        ],
        "Accuracy over the epochs, with batch normalization and without",
    )


@cache
def filters() -> str:
    """The first layer's filters after some epochs, on one scale."""
    try:
        weights = [
            Snapshot.load(_WITH.snapshot(epoch)).weights[_FIRST_LAYER][:4] for epoch in _SNAPSHOTS
        ]
    except (CheckpointError, KeyError):
        return ""
    scale = max(map(filter_scale, weights))
    grids = [
        filter_grid(some, scale=scale, columns=1, zoom=10, ground=127)  # neither light nor dark
        for some in weights
    ]
    columns = "".join(f'<img alt="" src="{drawing.png(grid)}">' for grid in grids)
    words = ", ".join(map(str, _SNAPSHOTS[:-1])) + f" and {_SNAPSHOTS[-1]}"
    return (
        f'<div class="cnnviz-preview"><div class="epochs" role="img" '
        f'aria-label="Four filters after {words} epochs">{columns}</div>'
        f'<p class="sum">after {words} epochs</p></div>'
    )


def _epochs(run: RunFolder) -> list[EpochRecord]:
    return [record for record in run.records() if isinstance(record, EpochRecord)]


def _axes(x: float, y: float, width: float, height: float) -> list[str]:
    bottom = y + height
    return [
        f'<line class="rule" x1="{x}" y1="{y}" x2="{x}" y2="{bottom}"></line>',
        f'<line class="rule" x1="{x}" y1="{bottom}" x2="{x + width}" y2="{bottom}"></line>',
    ]


def _line(
    values: Sequence[float],
    top: float,
    x: float,
    y: float,
    width: float,
    height: float,
    style: str,
) -> str:
    """Values from 0 to `top` as a line from the left edge of the box to its right edge."""
    step = width / max(1, len(values) - 1)
    points = " ".join(
        f"{x + index * step:.1f},{y + height * (1 - value / top):.1f}"
        for index, value in enumerate(values)
    )
    return f'<polyline class="{style}" points="{points}"></polyline>'
