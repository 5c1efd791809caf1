"""What a batch does to one picture, and to the statistics that are remembered.

Numbers in from `cnnviz.norms`, plotly figures out.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import plotly.graph_objects as go

from cnnviz.batchnorm import Mode
from cnnviz.figures.theme import colours, template
from cnnviz.norms.batch_effects import Probabilities, SizeSweep
from cnnviz.norms.forgotten_eval import ForgottenEval, Order
from cnnviz.norms.running import Course

Quantity = Literal["mean", "variance"]

ANSWERS: Final = 24
"""That are shown beside each other; older ones make room."""

_LEGEND: Final = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_ORDER_WORDS: Final[dict[Order, str]] = {
    "shuffled": "eval forgotten, pictures shuffled",
    "canonical": "eval forgotten, pictures sorted by class",
}


def answers_figure(
    answers: Sequence[tuple[Mode, float]], class_name: str, *, dark: bool = False
) -> go.Figure:
    """The probability of one class for one picture, batch after batch of other neighbours.

    answers: mode and probability, oldest first. The axes stay as they are while there are up to
    `ANSWERS` of them.
    """
    chosen = colours(dark=dark)
    figure = go.Figure()
    looks: tuple[tuple[Mode, str, str], ...] = (
        ("train", chosen.positive, "circle"),
        ("eval", chosen.accent, "square"),
    )
    for mode, colour, symbol in looks:
        mine = [(number, p) for number, (kind, p) in enumerate(answers, 1) if kind == mode]
        figure.add_scatter(
            x=[number for number, _ in mine],
            y=[p for _, p in mine],
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 11},
            name=mode,
            showlegend=True,
            hovertemplate=f"batch %{{x}}, {mode}: %{{y:.1%}}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={
            "title": {"text": "batches, each with other neighbours"},
            "range": [0.4, max(ANSWERS, len(answers)) + 0.6],
            "dtick": 4,
            "tick0": 0,
        },
        yaxis=_share_axis(f"probability of {class_name}"),
        legend=_LEGEND,
        height=300,
    )
    return figure


def two_modes_figure(
    train: Probabilities,
    evaluation: Probabilities,
    class_names: Sequence[str],
    *,
    dark: bool = False,
) -> go.Figure:
    """The probabilities of all classes for one picture, (classes,) each, in both modes."""
    chosen = colours(dark=dark)
    figure = go.Figure()
    for name, values, colour in (
        ("eval", evaluation, chosen.accent),
        ("train", train, chosen.positive),
    ):
        figure.add_bar(
            x=values,
            y=list(class_names),
            orientation="h",
            name=name,
            marker={"color": colour},
            hovertemplate=f"%{{y}}, {name}: %{{x:.1%}}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        barmode="group",
        bargap=0.25,
        xaxis=_share_axis(""),
        yaxis={"autorange": "reversed", "title": {"text": ""}},
        legend={**_LEGEND, "traceorder": "reversed"},
        height=380,
    )
    return figure


def batch_size_figure(
    sweep: SizeSweep, label: int, class_name: str, *, dark: bool = False
) -> go.Figure:
    """Probability of one class for one picture, over the size of the batch that it stands in."""
    chosen = colours(dark=dark)
    least, mean, greatest = sweep.of_class(label)
    sizes = list(sweep.batch_sizes)
    figure = go.Figure()
    figure.add_scatter(
        x=sizes + sizes[::-1],
        y=np.concatenate([greatest, least[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=faint(chosen.positive),
        line={"width": 0},
        hoverinfo="skip",
        name="from the least to the greatest",
    )
    figure.add_scatter(
        x=sizes,
        y=mean,
        mode="lines+markers",
        line={"color": chosen.positive, "width": 2},
        marker={"size": 9},
        name="train: other neighbours, another answer",
        customdata=np.stack([least, greatest], axis=1),
        hovertemplate=(
            "batch of %{x}, train: %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})"
            "<extra></extra>"
        ),
    )
    figure.add_scatter(
        x=sizes,
        y=sweep.evaluation[:, label],
        mode="lines+markers",
        line={"color": chosen.accent, "width": 2, "dash": "dash"},
        marker={"size": 9, "symbol": "square"},
        name="eval",
        hovertemplate="batch of %{x}, eval: %{y:.1%}<extra></extra>",
    )
    figure.update_layout(
        template=template(dark=dark),
        xaxis=_size_axis(sizes),
        yaxis=_share_axis(f"probability of {class_name}"),
        legend=_LEGEND,
        height=420,
    )
    return figure


def forgotten_eval_figure(measured: ForgottenEval, *, dark: bool = False) -> go.Figure:
    """Accuracy on the test split over batch size, with 95 % intervals, where eval is forgotten."""
    chosen = colours(dark=dark)
    figure = go.Figure()
    sizes = sorted({row.batch_size for row in measured.rows})
    looks = (("shuffled", chosen.positive, "circle"), ("canonical", chosen.negative, "diamond"))
    for order, colour, symbol in looks:
        rows = measured.of_order(order)  # type: ignore[arg-type]
        if not rows:
            continue
        shares = np.array([row.accuracy.share for row in rows])
        intervals = np.array([row.accuracy.interval for row in rows])
        figure.add_scatter(
            x=[row.batch_size for row in rows],
            y=shares,
            error_y={
                "type": "data",
                "array": intervals[:, 1] - shares,
                "arrayminus": shares - intervals[:, 0],
            },
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 9},
            name=_ORDER_WORDS[order],  # type: ignore[index]
            hovertemplate="batches of %{x}: %{y:.2%}<extra></extra>",
        )
    if sizes:
        figure.add_scatter(
            x=[sizes[0], sizes[-1]],
            y=[measured.evaluation.share] * 2,
            mode="lines",
            line={"color": chosen.accent, "width": 2, "dash": "dash"},
            name=f"eval: {measured.evaluation.share:.2%}",
            hovertemplate="eval: %{y:.2%}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis=_size_axis(sizes),
        yaxis={
            "title": {"text": "test pictures right"},
            "range": [0, 1],
            "tickformat": ".0%",
        },
        legend=_LEGEND,
        height=440,
    )
    return figure


def running_figure(
    course: Course,
    channel: int,
    quantity: Quantity = "mean",
    *,
    most: int | None = None,
    span: tuple[float, float] | None = None,
    dark: bool = False,
) -> go.Figure:
    """One channel's running mean or variance over batches, beside the batches' own and the true.

    most: batches for which there is room; span: least and greatest number that will be shown. With
    them the axes stay as they are while batches are fed.
    """
    chosen = colours(dark=dark)
    running, batch, true = {
        "mean": (course.running_mean, course.batch_mean, course.true_mean),
        "variance": (course.running_variance, course.batch_variance, course.true_variance),
    }[quantity]
    rows = np.arange(len(running))  # batches that were taken in
    figure = go.Figure()
    figure.add_scatter(
        x=rows[1:],
        y=batch[:, channel],
        mode="markers",
        marker={"color": chosen.series[5], "size": 6},
        name="each batch",
        hovertemplate="batch %{x}: %{y:.3g}<extra></extra>",
    )
    figure.add_scatter(
        x=np.arange(len(true)),
        y=true[:, channel],
        mode="lines",
        line={"color": chosen.accent, "dash": "dash", "width": 2, "shape": "hvh"},
        name="all batches together",
        hovertemplate="all together: %{y:.3g}<extra></extra>",
    )
    figure.add_scatter(
        x=rows,
        y=running[:, channel],
        mode="lines+markers",
        line={"color": chosen.positive, "width": 3},
        marker={"size": 5},
        name=f"running {quantity}",
        hovertemplate="after batch %{x}: %{y:.3g}<extra></extra>",
    )
    if course.changed_at is not None:
        figure.add_vline(
            x=course.changed_at + 0.5,
            line={"color": chosen.text, "dash": "dot", "width": 1},
            annotation_text="the data change",
            annotation_position="top left",
            annotation_bgcolor=chosen.background,
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={"title": {"text": "batches"}, "range": [-0.5, (most or len(running) - 1) + 0.5]},
        yaxis={"title": {"text": f"{quantity} of channel {channel}"}, "range": _widened(span)},
        legend=_LEGEND,
        height=400,
    )
    return figure


def _widened(span: tuple[float, float] | None) -> list[float] | None:
    """By a twentieth on either side, so that nothing lies on the edge."""
    if span is None:
        return None
    more = 0.05 * (span[1] - span[0]) or 1.0
    return [span[0] - more, span[1] + more]


def faint(colour: str) -> str:
    """A colour of the theme, #RRGGBB, for the ground of a band."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"


def _share_axis(title: str) -> dict[str, Any]:
    """A little beyond 1, so that what lies there is not cut in half."""
    return {"title": {"text": title}, "range": [0, 1.03], "tickformat": ".0%"}


def _size_axis(sizes: Sequence[int]) -> dict[str, Any]:
    return {
        "title": {"text": "pictures in the batch"},
        "type": "log",
        "tickvals": list(sizes),
        "ticktext": [str(size) for size in sizes],
    }
