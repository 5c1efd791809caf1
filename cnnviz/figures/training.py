"""How a training goes: loss and accuracy of one run or several, and what else it tells.

Zoom and hidden curves stay while points arrive: plotly keeps them as long as `uirevision` is the
same, which changes with the quantity and the axis only. Runs differ by colour, dash and symbol.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.curves import (
    CurveRun,
    Mark,
    Quantity,
    RunCurves,
    XAxis,
    greatest,
    run_curves,
    run_marks,
)
from cnnviz.figures.series import log_range, reach
from cnnviz.figures.theme import colours, template

_X_TITLES: Final = {"step": "step", "epoch": "epoch", "seconds": "seconds of training"}
_Y_TITLES: Final = {"loss": "loss (nats)", "accuracy": "accuracy"}
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x", "star")


def curves_figure(
    runs: Sequence[CurveRun],
    quantity: Quantity,
    axis: XAxis,
    *,
    smoothing_steps: float = 0.0,
    logarithmic: bool = False,
    dark: bool = False,
) -> go.Figure:
    """Loss or accuracy of runs, one over the other; the raw curve stands faintly behind.

    smoothing_steps: as in `series.smooth`; for the training curve alone. logarithmic: for a loss.
    """
    figure = go.Figure()
    chosen = colours(dark=dark)
    drawn = [run_curves(run, quantity, axis, smoothing_steps=smoothing_steps) for run in runs]
    for number, (run, curves) in enumerate(zip(runs, drawn, strict=True)):
        look = _look(number, chosen.series)
        title = "" if len(runs) == 1 else f"{run.name}, "
        held_out_colour = chosen.series[1] if len(runs) == 1 else look["color"]
        group = {"legendgroup": f"run {number}", "mode": "lines"}
        if smoothing_steps > 0:
            figure.add_scatter(
                x=curves.raw.x,
                y=curves.raw.y,
                line={"color": look["color"], "width": 1},
                opacity=0.3,
                hoverinfo="skip",
                showlegend=False,
                uid=f"{number} raw",
                **group,
            )
        figure.add_scatter(
            x=curves.smoothed.x,
            y=curves.smoothed.y,
            name=f"{title}training",
            line={**look, "width": 2},
            hovertemplate=_hover(quantity),
            uid=f"{number} training",
            **group,
        )
        figure.add_scatter(
            x=curves.validation.x,
            y=curves.validation.y,
            name=f"{title}held out",
            line={"color": held_out_colour, "dash": look["dash"], "width": 2},
            marker={"color": held_out_colour, "symbol": _SYMBOLS[number % 6], "size": 9},
            cliponaxis=False,  # the newest point may stand at the end of the axis
            hovertemplate=_hover(quantity),
            uid=f"{number} held out",
            **{**group, "mode": "lines+markers"},
        )
        for mark in run_marks(run, axis):
            _add_mark(figure, mark, look["color"])
    figure.update_layout(
        template=template(dark=dark),
        xaxis=_x_axis(drawn, axis),
        yaxis=_y_axis(drawn, quantity, logarithmic=logarithmic),
        uirevision=f"{quantity} {axis} {logarithmic}",
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=420,
    )
    return figure


# ------------------------------------------------------------------------------------------- parts


def _look(number: int, series: tuple[str, ...]) -> dict[str, str]:
    """Colour and dash of a run; the dash moves on when the colours begin again."""
    lap, place = divmod(number, len(series))
    return {"color": series[place], "dash": _DASHES[(place + lap) % len(_DASHES)]}


def _hover(quantity: Quantity) -> str:
    return "%{y:.2%}" if quantity == "accuracy" else "%{y:.4f}"


def _add_mark(figure: go.Figure, mark: Mark, colour: str) -> None:
    line = {"color": colour, "width": 1, "dash": "dot"}
    figure.add_shape(x0=mark.x, x1=mark.x, y0=0, y1=1, yref="paper", line=line)
    figure.add_annotation(
        text=mark.words,
        x=mark.x,
        y=1,
        yref="paper",
        xanchor="left",
        yanchor="top",
        textangle=-90,
        showarrow=False,
        font={"size": 12},
    )


def _x_axis(drawn: Sequence[RunCurves], axis: XAxis) -> dict[str, Any]:
    ends = [greatest(curve.x) for run in drawn for curve in (run.raw, run.validation)]
    end = reach(max(ends, default=0.0))
    return {"title": {"text": _X_TITLES[axis]}, "range": [0, end], "hoverformat": ".6~g"}


def _y_axis(drawn: Sequence[RunCurves], quantity: Quantity, *, logarithmic: bool) -> dict[str, Any]:
    look: dict[str, Any] = {"title": {"text": _Y_TITLES[quantity]}}
    if quantity == "accuracy":
        return {**look, "range": [0, 1], "tickformat": ".0%"}
    values = np.concatenate(
        [np.empty(0), *(curve.y for run in drawn for curve in (run.raw, run.validation))]
    )
    if logarithmic:
        return {**look, "type": "log", "range": list(log_range(values))}
    return {**look, "range": [0, reach(greatest(values))]}
