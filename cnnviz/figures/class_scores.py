"""Accuracy, precision or F1 of each class with its 95 % interval, of one network or two."""

from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from cnnviz.confusion.scores import ClassScores, F1Score, LessonTable, Measure
from cnnviz.errors import ShapeError
from cnnviz.evaluation import Accuracy
from cnnviz.figures.theme import colours, template

TITLES: Final[Mapping[Measure, str]] = {
    "recall": "accuracy (recall)",
    "precision": "precision",
    "f1": "F1",
}
_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up")


def class_scores_figure(
    networks: Mapping[str, Sequence[ClassScores]],
    measure: Measure = "recall",
    *,
    order: Sequence[int] | None = None,
    lesson: LessonTable | None = None,
    dark: bool = False,
) -> go.Figure:
    """A point and an interval for each class and network, the first class on top.

    networks: title -> scores in the data set's order, up to four. order: as `MatrixTable` has it.
    lesson: its accuracies are marked by a line, beside recall only. Networks differ by colour and
    by symbol.
    """
    if not 1 <= len(networks) <= len(_SYMBOLS):
        raise ShapeError(f"{len(networks)} networks are given: use 1 to {len(_SYMBOLS)}")
    chosen = colours(dark=dark)
    names = [score.class_name for score in next(iter(networks.values()))]
    places = list(range(len(names)) if order is None else order)
    figure = go.Figure()
    for number, (title, scores) in enumerate(networks.items()):
        if [score.class_name for score in scores] != names:
            raise ShapeError(f"{title} has other classes than the first network")
        values, lows, highs, sentences = [], [], [], []
        for place in places:
            value, (low, high), sentence = _point(scores[place], measure)
            values.append(value)
            lows.append(value - low)
            highs.append(high - value)
            sentences.append(f"{title}<br>{sentence}" if len(networks) > 1 else sentence)
        # Side by side within the row of a class, the first network above.
        shift = (number - (len(networks) - 1) / 2) * 0.26
        tone = chosen.series[number]
        figure.add_scatter(
            x=values,
            y=[row + shift for row in range(len(places))],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": highs,
                "arrayminus": lows,
                "color": tone,
                "thickness": 2,
                "width": 4,
            },
            mode="markers",
            marker={"symbol": _SYMBOLS[number], "size": 10, "color": tone},
            name=title,
            hovertext=sentences,
            hovertemplate="%{hovertext}<extra></extra>",
        )
    if lesson is not None and measure == "recall":
        figure.add_scatter(
            x=[lesson.percent[place] / 100 for place in places],
            y=list(range(len(places))),
            mode="markers",
            marker={
                "symbol": "line-ns-open",
                "size": 20,
                "color": chosen.text,
                "line": {"width": 2, "color": chosen.text},
            },
            name="the lesson's network",
            hovertemplate="the lesson's network: %{x:.0%}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={
            "range": [0, 1.01],
            "dtick": 0.25,
            "tickformat": ".0%",
            "title": {"text": f"{TITLES[measure]}, with 95 % interval"},
            "fixedrange": True,
        },
        yaxis={
            "range": [len(places) - 0.4, -0.6],
            "tickvals": list(range(len(places))),
            "ticktext": [names[place] for place in places],
            "zeroline": False,
            "fixedrange": True,
        },
        margin={"r": 30},
        dragmode=False,
        hovermode="closest",
        showlegend=len(figure.data) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision="class scores",
        height=130 + 34 * len(places),
    )
    return figure


def _point(scores: ClassScores, measure: Measure) -> tuple[float, tuple[float, float], str]:
    """Value, interval, and a sentence; nan throughout where there are no pictures."""
    found: Accuracy | F1Score = getattr(scores, measure)
    if isinstance(found, F1Score):
        value, counted = found.value, ""
        what = "F1"
    else:
        value = found.share
        counted = f", {found.correct:,} of {found.count:,}"
        what = TITLES[measure]
    if value != value:
        nan = float("nan")
        return nan, (nan, nan), f"{scores.class_name}: no pictures"
    low, high = found.interval
    sentence = (
        f"{scores.class_name}: {what} {value:.1%}{counted}<br>95 % interval {low:.1%} to {high:.1%}"
    )
    return value, (low, high), sentence
