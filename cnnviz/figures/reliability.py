"""The reliability diagram: of pictures with so much confidence, how many are right?"""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.confusion.calibration import Reliability
from cnnviz.figures.theme import colours, template


def reliability_figure(result: Reliability, *, dark: bool = False) -> go.Figure:
    """Accuracy of each bin over confidence, with 95 % intervals; below, how many pictures it has.

    On the dashed line a network is right as often as it is sure. A point stands at its bin's mean
    confidence; below the line the network is too sure.
    """
    chosen = colours(dark=dark)
    filled = [each for each in result.bins if each.accuracy.count]
    accuracy = [each.accuracy.share for each in filled]
    lows, highs = zip(*(each.accuracy.interval for each in filled), strict=True)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": chosen.text, "dash": "dash", "width": 1.5},
        name="as sure as right",
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[each.mean_confidence for each in filled],
        y=accuracy,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - share for high, share in zip(highs, accuracy, strict=True)],
            "arrayminus": [share - low for low, share in zip(lows, accuracy, strict=True)],
            "thickness": 1.5,
            "width": 3,
        },
        mode="markers+lines",
        marker={"color": chosen.accent, "size": 9},
        line={"color": chosen.accent, "width": 1.5},
        customdata=[
            [each.low, each.high, each.accuracy.correct, each.accuracy.count] for each in filled
        ],
        hovertemplate=(
            "confidence %{customdata[0]:.1%} to %{customdata[1]:.1%}, %{x:.1%} on average<br>"
            "%{customdata[2]:,} of %{customdata[3]:,} right: %{y:.1%}<extra></extra>"
        ),
        name="this network",
        row=1,
        col=1,
    )
    figure.add_bar(
        x=[(each.low + each.high) / 2 for each in result.bins],
        y=[each.accuracy.count for each in result.bins],
        width=[each.high - each.low for each in result.bins],
        marker={"color": chosen.grid, "line": {"width": 1, "color": chosen.background}},
        hovertemplate="%{y:,} pictures<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    figure.update_xaxes(
        range=[0, 1.01], dtick=0.25, tickformat=".0%", ticklabelstandoff=6, fixedrange=True
    )
    figure.update_xaxes(title={"text": "confidence"}, row=2, col=1)
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", title={"text": "accuracy"}, row=1, col=1)
    figure.update_yaxes(title={"text": "pictures"}, rangemode="tozero", nticks=3, row=2, col=1)
    figure.update_layout(
        template=template(dark=dark),
        margin={"r": 30},
        hovermode="closest",
        dragmode=False,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision="reliability",
        height=460,
    )
    return figure
