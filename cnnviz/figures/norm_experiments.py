"""What batch normalization buys: drift of layers, loss along the gradient, learning rates.

Loss curves of whole runs are drawn by `cnnviz.figures.training`, their gradient norms by
`cnnviz.figures.norm_curves`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.figures.batch_effects import faint
from cnnviz.figures.series import log_range
from cnnviz.figures.theme import FigureColours, colours, template
from cnnviz.norms.comparison import Drift
from cnnviz.norms.experiment_records import ExperimentRun, Variant

_LEGEND: Final = {"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 0}
_NAMES: Final[dict[Variant, str]] = {
    "without": "without",
    "batch norm": "with batch normalization",
    "noisy batch norm": "with batch normalization and noise",
}


def drift_figure(drifts: Sequence[Sequence[Drift]], *, dark: bool = False) -> go.Figure:
    """Layers side by side over the epochs: mean, and a band of one standard deviation about it.

    All on the same axes.

    drifts: for each layer, that of the run with batch normalization, then of the one without.
    """
    chosen = colours(dark=dark)
    columns = min(3, max(1, len(drifts)))
    rows = max(1, -(-len(drifts) // columns))
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes="all",  # how the layers differ is to be seen too
        subplot_titles=[pair[0].layer for pair in drifts],
        vertical_spacing=0.3 / rows,
        horizontal_spacing=0.08,
    )
    looks = (
        ("with batch normalization", chosen.accent, "solid"),
        ("without", chosen.positive, "dash"),
    )
    for place, pair in enumerate(drifts):
        row, column = divmod(place, columns)
        for told, (name, colour, dash) in zip(pair, looks, strict=True):
            at = {"row": row + 1, "col": column + 1}
            x = told.epochs.tolist()
            figure.add_scatter(
                x=x + x[::-1],
                y=np.concatenate([told.mean + told.std, (told.mean - told.std)[::-1]]),
                mode="lines",
                fill="toself",
                fillcolor=faint(colour),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                legendgroup=name,
                **at,
            )
            figure.add_scatter(
                x=x,
                y=told.mean,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                name=name,
                legendgroup=name,
                showlegend=place == 0,
                customdata=told.std,
                hovertemplate="epoch %{x}: mean %{y:.3g}, standard deviation %{customdata:.3g}"
                "<extra></extra>",
                **at,
            )
        if row == rows - 1:
            figure.update_xaxes(title={"text": "epoch"}, row=row + 1, col=column + 1)
    above = 40 / (220 * rows)  # the layers' names stand between plot and legend
    figure.update_layout(
        template=template(dark=dark),
        legend={**_LEGEND, "y": 1 + above},
        margin={"t": 80},
        height=120 + 220 * rows,
    )
    return figure


def probes_figure(runs: Sequence[ExperimentRun], *, dark: bool = False) -> go.Figure:
    """How far the loss varies along the gradient, and how far the gradient turns, over steps.

    Above, a band from the least to the greatest loss on the way; below, the greatest change of the
    gradient by the way gone. Narrow and low is smooth.
    """
    chosen = colours(dark=dark)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    smoothness = []
    for run in runs:
        colour, dash = _look(run.variant, chosen)
        steps = [probe.step for probe in run.probes]
        ranges = np.array([probe.loss_range for probe in run.probes]).reshape(-1, 2)
        smooth = np.array([probe.smoothness for probe in run.probes])
        smoothness.append(smooth)
        name = _NAMES[run.variant]
        figure.add_scatter(
            x=steps + steps[::-1],
            y=np.concatenate([ranges[:, 1], ranges[::-1, 0]]),
            mode="lines",
            fill="toself",
            fillcolor=faint(colour),
            line={"color": colour, "width": 1, "dash": dash},
            name=name,
            legendgroup=name,
            hoverinfo="skip",
            row=1,
            col=1,
        )
        figure.add_scatter(
            x=steps,
            y=smooth,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            name=name,
            legendgroup=name,
            showlegend=False,
            hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
            row=2,
            col=1,
        )
    figure.update_yaxes(title={"text": "loss (nats)"}, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(
        title={"text": "gradient's change"},
        type="log",
        dtick=1,
        range=log_range(np.concatenate([np.empty(0), *smoothness])),
        row=2,
        col=1,
    )
    figure.update_xaxes(title={"text": "step"}, row=2, col=1)
    figure.update_layout(template=template(dark=dark), legend=_LEGEND, height=560)
    return figure


def learning_rates_figure(runs: Sequence[ExperimentRun], *, dark: bool = False) -> go.Figure:
    """Held-out accuracy in the end over the learning rate; a run that broke off counts as 0."""
    chosen = colours(dark=dark)
    figure = go.Figure()
    for variant in dict.fromkeys(run.variant for run in runs):
        of_it = sorted(
            (run for run in runs if run.variant == variant), key=lambda r: r.config.learning_rate
        )
        colour, dash = _look(variant, chosen)
        figure.add_scatter(
            x=[run.config.learning_rate for run in of_it],
            y=[final_accuracy(run) for run in of_it],
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"size": 10, "symbol": ["x" if run.diverged else "circle" for run in of_it]},
            name=_NAMES[variant],
            customdata=[run.end for run in of_it],
            hovertemplate="learning rate %{x:.3g}: %{y:.1%}<br>%{customdata}<extra></extra>",
        )
    rates = sorted({run.config.learning_rate for run in runs})
    figure.update_layout(
        template=template(dark=dark),
        xaxis={
            "title": {"text": "highest learning rate"},
            "type": "log",
            "tickvals": rates,
            "ticktext": [f"{rate:g}" for rate in rates],
        },
        yaxis={"title": {"text": "held-out images right"}, "range": [0, 1], "tickformat": ".0%"},
        legend=_LEGEND,
        height=420,
    )
    return figure


def noise_figure(
    runs: Sequence[ExperimentRun], layer: str, channel: int = 0, *, dark: bool = False
) -> go.Figure:
    """One channel's inputs of an activation over steps, mean above and standard deviation below."""
    chosen = colours(dark=dark)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for run in runs:
        colour, dash = _look(run.variant, chosen)
        told = run.channel_course(layer, channel)
        for row in (1, 2):
            figure.add_scatter(
                x=told[:, 0],
                y=told[:, row],
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                name=_NAMES[run.variant],
                legendgroup=run.variant,
                showlegend=row == 1,
                hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
                row=row,
                col=1,
            )
    figure.update_yaxes(title={"text": "mean"}, row=1, col=1)
    figure.update_yaxes(title={"text": "standard deviation"}, rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title={"text": "step"}, row=2, col=1)
    figure.update_layout(template=template(dark=dark), legend=_LEGEND, height=520)
    return figure


def final_accuracy(run: ExperimentRun) -> float:
    """Of the held-out images after the last epoch; 0 for a run that broke off, nan if unknown."""
    if run.diverged or not run.epochs:
        return 0.0
    accuracy = run.epochs[-1].validation_accuracy
    return float("nan") if accuracy is None else accuracy


def _look(variant: Variant, chosen: FigureColours) -> tuple[str, str]:
    return {
        "without": (chosen.positive, "dash"),
        "batch norm": (chosen.accent, "solid"),
        "noisy batch norm": (chosen.series[2], "dot"),  # as the third in `training.curves_figure`
    }[variant]
