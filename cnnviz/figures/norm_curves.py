"""Curves of networks with and without batch normalization, on axes that stay where they are."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.curves import CurveRun, Quantity, told_curve
from cnnviz.figures.series import log_range, reach, smooth
from cnnviz.figures.theme import colours, template
from cnnviz.figures.training import curves_figure
from cnnviz.norms.experiment_records import ExperimentRun, Variant

SMOOTHING_STEPS: Final = 20
_NAMES: Final[dict[Variant, str]] = {
    "batch norm": "with",
    "without": "without",
    "noisy batch norm": "with noise",
}
_LEGEND: Final = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def in_order(runs: Sequence[ExperimentRun]) -> list[ExperimentRun]:
    """With batch normalization, without, noisy: as legends and colours have them."""
    order = list(_NAMES)
    return sorted(runs, key=lambda run: order.index(run.variant))


def experiment_curves_figure(
    runs: Sequence[ExperimentRun],
    quantity: Quantity,
    *,
    beside: Sequence[ExperimentRun] = (),
    dark: bool = False,
) -> go.Figure:
    """Loss or accuracy of some runs of an experiment: with batch normalization, without, noisy.

    beside: runs whose losses must find room on the axis too, so that it stays the same when they
    are drawn instead.
    """
    told = [CurveRun(_NAMES[run.variant], run.steps, run.epochs) for run in in_order(runs)]
    figure = curves_figure(told, quantity, "step", smoothing_steps=SMOOTHING_STEPS, dark=dark)
    if quantity == "loss":
        losses = [step.loss for run in (*runs, *beside) for step in run.steps]
        finite = [loss for loss in losses if np.isfinite(loss)]
        figure.update_yaxes(range=[0, reach(max(finite, default=0.0))])
    return figure


def gradient_norms_figure(runs: Sequence[CurveRun], *, dark: bool = False) -> go.Figure:
    """The length of the gradient over the steps, with batch normalization first, then without."""
    chosen = colours(dark=dark)
    figure = go.Figure()
    every = []
    looks = ((chosen.accent, "solid"), (chosen.positive, "dash"))
    for run, (colour, dash) in zip(runs, looks, strict=True):
        told = told_curve(run, "gradient_norm", "step")
        every.append(told.y)
        figure.add_scatter(
            x=told.x,
            y=told.y,
            mode="lines",
            line={"color": colour, "width": 1},
            opacity=0.35,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=run.name,
        )
        figure.add_scatter(
            x=told.x,
            y=smooth(told.x, told.y, SMOOTHING_STEPS),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            name=run.name,
            legendgroup=run.name,
            hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={"title": {"text": "step"}},
        yaxis={
            "title": {"text": "length of the gradient"},
            "type": "log",
            "dtick": "D2",  # 1, 2, 5
            "range": log_range(np.concatenate([np.empty(0), *every])),
        },
        legend=_LEGEND,
        height=440,
    )
    return figure
