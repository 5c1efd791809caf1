"""What a batch does to one picture, and to the statistics that are remembered.

Numbers in from `cnnviz.norms`, plotly figures out.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import plotly.graph_objects as go

from cnnviz.figures.theme import colours, template
from cnnviz.norms.batch_effects import SizeSweep
from cnnviz.norms.forgotten_eval import ForgottenEval, Order
from cnnviz.norms.running import Course

Quantity = Literal["mean", "variance"]

_LEGEND: Final = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_ORDER_WORDS: Final[dict[Order, str]] = {
    "shuffled": "eval forgotten, pictures shuffled",
    "canonical": "eval forgotten, pictures sorted by class",
}


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
        yaxis={
            "title": {"text": f"probability of {class_name}"},
            "range": [0, 1.03],
            "tickformat": ".0%",
        },
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
    course: Course, channel: int, quantity: Quantity = "mean", *, dark: bool = False
) -> go.Figure:
    """One channel's running mean or variance over batches, beside the batches' own and the true."""
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
        x=rows,
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
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={"title": {"text": "batches"}, "rangemode": "tozero"},
        yaxis={"title": {"text": f"{quantity} of channel {channel}"}},
        legend=_LEGEND,
        height=400,
    )
    return figure


def faint(colour: str) -> str:
    """A colour of the theme, #RRGGBB, for the ground of a band."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"


def _size_axis(sizes: Sequence[int]) -> dict[str, Any]:
    return {
        "title": {"text": "pictures in the batch"},
        "type": "log",
        "tickvals": list(sizes),
        "ticktext": [str(size) for size in sizes],
    }
