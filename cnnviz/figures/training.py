"""How a training goes: loss and accuracy of one run or several, and what else it tells.

Zoom and hidden curves stay while points arrive: plotly keeps them as long as `uirevision` is the
same, which changes with the quantity and the axis only. Runs differ by colour, dash and symbol.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.figures.series import Values, log_range, reach, smooth, thin
from cnnviz.figures.theme import colours, template
from cnnviz.runs.run import Event
from cnnviz.training.records import EpochRecord, StepRecord

Quantity = Literal["loss", "accuracy"]
XAxis = Literal["step", "epoch", "seconds"]

_FIELDS: Final = {"step": "step", "epoch": "epoch", "seconds": "elapsed_s"}
_X_TITLES: Final = {"step": "step", "epoch": "epoch", "seconds": "seconds of training"}
_Y_TITLES: Final = {"loss": "loss (nats)", "accuracy": "accuracy"}
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x", "star")


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


def progress_figure(runs: Sequence[CurveRun], axis: XAxis, *, dark: bool = False) -> go.Figure:
    """Learning rate, gradient norm (logarithmic) and images a second, one below the other."""
    rows = (
        ("learning_rate", "learning rate", ".3g"),
        ("gradient_norm", "gradient norm", ".3g"),
        ("images_per_s", "images/s", ",.0f"),
    )
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    series = colours(dark=dark).series
    for row, (field, title, form) in enumerate(rows, start=1):
        found = []
        for number, run in enumerate(runs):
            curve = _thinned(_numbers(run.steps, _FIELDS[axis]), _numbers(run.steps, field))
            found.append(curve.y)
            figure.add_scatter(
                x=curve.x,
                y=curve.y,
                mode="lines",
                name=run.name,
                legendgroup=f"run {number}",
                showlegend=row == 1 and len(runs) > 1,
                line={**_look(number, series), "width": 2},
                hovertemplate=f"%{{y:{form}}}",
                uid=f"{number} {field}",
                row=row,
                col=1,
            )
        values = np.concatenate([np.empty(0), *found])
        figure.update_yaxes(title={"text": title}, row=row, col=1)
        if field == "gradient_norm":
            figure.update_yaxes(type="log", dtick=1, range=log_range(values), row=row, col=1)
        else:
            figure.update_yaxes(range=[0, reach(_greatest(values))], row=row, col=1)
    ends = [_greatest(_numbers(run.steps, _FIELDS[axis])) for run in runs]
    figure.update_xaxes(range=[0, reach(max(ends, default=0.0))])
    figure.update_xaxes(title={"text": _X_TITLES[axis]}, row=3, col=1)
    figure.update_layout(
        template=template(dark=dark),
        uirevision=axis,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=560,
    )
    return figure


# ------------------------------------------------------------------------------------------- parts


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
    ends = [_greatest(curve.x) for run in drawn for curve in (run.raw, run.validation)]
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
    return {**look, "range": [0, reach(_greatest(values))]}


def _greatest(values: Values) -> float:
    """Of the finite ones; 0 if there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0
