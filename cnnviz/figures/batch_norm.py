"""What a normalization does to a layer: values, channels, dead units, and who shares a mean.

Numbers in from `cnnviz.norms`, plotly figures out; train against eval is in `batch_effects`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.figures.theme import colours, template
from cnnviz.norms.layer_values import ChannelComparison, Histogram
from cnnviz.norms.relatives import RelativeSpec, sharing


def bar_shares(histogram: Histogram) -> npt.NDArray[np.float64]:
    """Share of all values in each bin, (B,); values outside count among all."""
    shares: npt.NDArray[np.float64] = histogram.counts / max(1, histogram.count)
    return shares


def highest_bar(histograms: Sequence[Histogram]) -> float:
    """The highest share in a bin, but for exact zeros: a ReLU piles half of all values there."""
    tops = []
    for histogram in histograms:
        shares = bar_shares(histogram)
        zero = int(np.searchsorted(histogram.edges, 0, side="right")) - 1
        if 0 <= zero < len(shares):
            shares = shares.copy()
            shares[zero] = max(0.0, shares[zero] - histogram.zeros)
        tops.append(float(shares.max(initial=0.0)))
    return max(tops) or 1.0


def stages_figure(
    histograms: tuple[Histogram, Histogram, Histogram],
    names: tuple[str, str, str],
    *,
    dark: bool = False,
) -> go.Figure:
    """Values before a normalization, after it and after the activation, one below the other.

    All on the same axes. A bar of exact zeros that is higher than all others is cut off, and its
    share is written beside it.
    """
    chosen = colours(dark=dark)
    titles = [
        f"{name}: mean {_signed(found.mean)}, σ {found.std:.3g}"
        for name, found in zip(names, histograms, strict=True)
    ]
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.12, subplot_titles=titles
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 14})
    top = 1.1 * highest_bar(histograms)
    for row, histogram in enumerate(histograms, start=1):
        edges, shares = histogram.edges, bar_shares(histogram)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=shares,
            width=np.diff(edges),
            marker={
                "color": np.where(edges[1:] <= 0, chosen.negative, chosen.positive).tolist(),
                "line": {"width": 0},
            },
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:.3g} to %{customdata[1]:.3g}: %{y:.2%}<extra></extra>",
            row=row,
            col=1,
        )
        if histogram.zeros > 0:
            figure.add_annotation(
                text=f"exactly 0: {_percent(histogram.zeros)}",
                x=0,
                y=0.92 * top,
                xanchor="right",  # where nothing is left after a ReLU
                xshift=-8,
                showarrow=False,
                row=row,
                col=1,
            )
        figure.update_yaxes(range=[0, top], tickformat=".0%", nticks=4, row=row, col=1)
    figure.update_xaxes(title={"text": "value"}, row=3, col=1)
    figure.update_layout(
        template=template(dark=dark), bargap=0, showlegend=False, height=560, margin={"t": 40}
    )
    return figure


def channels_figure(
    comparison: ChannelComparison, *, selected: int | None = None, dark: bool = False
) -> go.Figure:
    """Each channel's statistics of this batch against the running ones; equal on the diagonal."""
    chosen = colours(dark=dark)
    figure = make_subplots(
        rows=1,
        cols=2,
        horizontal_spacing=0.14,
        subplot_titles=["mean", "standard deviation"],
    )
    pairs = (
        (comparison.running_mean, comparison.batch_mean),
        (np.sqrt(comparison.running_variance), np.sqrt(comparison.batch_variance)),
    )
    for column, (running, batch) in enumerate(pairs, start=1):
        low, high = (float(f([f(running), f(batch)])) for f in (np.min, np.max))
        low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
        figure.add_scatter(
            x=[low, high],
            y=[low, high],
            mode="lines",
            line={"color": chosen.text, "dash": "dot", "width": 1},
            hoverinfo="skip",
            row=1,
            col=column,
        )
        marked = np.arange(len(batch)) == selected
        figure.add_scatter(
            x=running,
            y=batch,
            mode="markers",
            marker={
                "color": np.where(marked, chosen.positive, chosen.accent).tolist(),
                "size": np.where(marked, 15, 9).tolist(),
                "symbol": np.where(marked, "diamond", "circle").tolist(),
            },
            customdata=np.arange(len(batch)),
            hovertemplate=(
                "channel %{customdata}: running %{x:.3g}, this batch %{y:.3g}<extra></extra>"
            ),
            row=1,
            col=column,
        )
        figure.update_xaxes(title={"text": "running"}, range=[low, high], row=1, col=column)
        figure.update_yaxes(range=[low, high], row=1, col=column)
    figure.update_yaxes(title={"text": "this batch"}, row=1, col=1)
    figure.update_layout(template=template(dark=dark), showlegend=False, height=400)
    return figure


# ------------------------------------------------------------------------------ who shares a mean


def sharing_grid(spec: RelativeSpec, shape: tuple[int, int, int, int]) -> npt.NDArray[np.float64]:
    """The tensor (N, C, H, W) laid out: pictures downwards, channels to the right, gaps of nan.

    (N (H + 1) - 1, C (W + 1) - 1); each cell has the number of the mean that it shares.
    """
    count, channels, height, width = shape
    sets = sharing(spec, shape)
    grid = np.full((count * (height + 1) - 1, channels * (width + 1) - 1), np.nan)
    for picture in range(count):
        for channel in range(channels):
            top, left = picture * (height + 1), channel * (width + 1)
            grid[top : top + height, left : left + width] = sets[picture, channel]
    return grid


def sharing_figure(
    spec: RelativeSpec,
    shape: tuple[int, int, int, int],
    *,
    picture: int = 0,
    channel: int = 0,
    dark: bool = False,
) -> go.Figure:
    """Which numbers of a tensor share the mean of one map; the others are faint."""
    chosen = colours(dark=dark)
    count, channels, height, width = shape
    grid = sharing_grid(spec, shape)
    number = int(sharing(spec, shape)[picture, channel, 0, 0])
    shares = np.where(np.isnan(grid), np.nan, (grid == number).astype(np.float64))
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            zmin=0,
            zmax=1,
            colorscale=[[0, chosen.grid], [1, chosen.positive]],
            customdata=grid,
            hovertemplate="shares mean %{customdata:.0f}<extra></extra>",
            hoverongaps=False,
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    ticks: dict[str, Any] = {"showgrid": False, "zeroline": False, "fixedrange": True}
    shared = int((sharing(spec, shape) == number).sum())
    figure.update_layout(
        template=template(dark=dark),
        title={"text": f"{spec.kind}: {shared} numbers share this mean"},
        xaxis={
            **ticks,
            "tickvals": [c * (width + 1) + (width - 1) / 2 for c in range(channels)],
            "ticktext": [str(c) for c in range(channels)],
            "title": {"text": "channel"},
        },
        yaxis={
            **ticks,
            "tickvals": [n * (height + 1) + (height - 1) / 2 for n in range(count)],
            "ticktext": [str(n) for n in range(count)],
            "title": {"text": "picture"},
            "autorange": "reversed",
        },
        height=110 + 18 * len(grid),
    )
    return figure


# ------------------------------------------------------------------------------------------- parts


def _percent(share: float) -> str:
    return f"{share:.0%}" if 0.01 <= share <= 0.99 else f"{share:.2%}"


def _signed(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
