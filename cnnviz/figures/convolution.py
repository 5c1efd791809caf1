"""Figures of the convolution lesson."""

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from cnnviz.figures.theme import colours, template


def value_histogram_figure(
    values: npt.NDArray[np.float64], *, bins: int = 60, dark: bool = False
) -> go.Figure:
    """How often which value occurs in a feature map, and the share that ReLU would set to 0.

    values: any shape, not empty. Bars are counts. Zero is a bar's edge, so that each bar is wholly
    below zero (blue) or not (orange).
    """
    if values.size == 0:
        raise ValueError("a histogram needs at least one value; this map has none")
    edges = _edges(float(values.min()), float(values.max()), bins)
    counts, _ = np.histogram(values, edges)
    below = edges[1:] <= 0  # (bins,)
    share = float((values < 0).mean())
    chosen = colours(dark=dark)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            marker={
                "color": np.where(below, chosen.negative, chosen.positive).tolist(),
                "line": {"width": 0},
            },
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate=(
                "%{customdata[0]:.4g} to %{customdata[1]:.4g}: %{y} values<extra></extra>"
            ),
        )
    )
    figure.update_layout(
        template=template(dark=dark),
        title={"text": _title(share)},
        xaxis={"title": {"text": "value in the feature map"}},
        yaxis={"title": {"text": "how many"}},
        bargap=0,
        height=300,
        showlegend=False,
    )
    return figure


def _edges(low: float, high: float, bins: int) -> npt.NDArray[np.float64]:
    """About `bins` equal bins that hold low to high, with an edge at 0 if it lies within."""
    if low == high:
        return np.array([low - 0.5, low + 0.5]) if low != 0 else np.array([0.0, 1.0])
    if low >= 0 or high <= 0:
        return np.linspace(low, high, bins + 1)
    width = (high - low) / bins
    # The last bin of numpy is closed and the others half open: no value may fall off either end.
    steps = np.arange(np.floor(low / width), np.ceil(high / width) + 1)
    edges: npt.NDArray[np.float64] = steps * width
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    return edges


def _title(share: float) -> str:
    if share == 0:
        return "No value is below 0: ReLU changes nothing"
    if share == 1:
        return "ReLU would set every value to 0"
    percent = f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else f"{100 * share:.2f} %"
    return f"ReLU would set {percent} of the values to 0"
