"""How far the layers of a network move when its pictures do."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from cnnviz.activations.shifts import ShiftSeries
from cnnviz.figures.theme import colours, template

_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross")


def shift_figure(
    series: ShiftSeries, layers: Sequence[int], *, moved_along: bool = False, dark: bool = False
) -> go.Figure:
    """Change of each layer's numbers, as a share of their length, over the pixels of the shift.

    layers: places in `series.layers`, up to six, one line each. moved_along: after the maps were
    moved back as far as the picture was moved.
    """
    chosen = colours(dark=dark)
    values = series.moved_along if moved_along else series.in_place
    figure = go.Figure()
    for number, place in enumerate(layers):
        figure.add_scatter(
            x=list(range(len(values))),
            y=values[:, place].mean(1),
            mode="lines+markers",
            name=series.layers[place],
            line={"color": chosen.series[number], "width": 2},
            marker={"symbol": _SYMBOLS[number], "size": 9},
            hovertemplate=f"{series.layers[place]}, %{{x}} pixels: %{{y:.1%}}<extra></extra>",
        )
    most = max(series.in_place[:, list(layers)].mean(2).max(), 0.01)
    figure.update_layout(
        template=template(dark=dark),
        xaxis={"title": {"text": f"pixels moved {series.direction}"}, "dtick": 1},
        yaxis={
            "title": {"text": "change of its numbers"},
            "range": [0, 1.05 * float(most)],
            "tickformat": ".0%",
        },
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=380,
    )
    return figure
