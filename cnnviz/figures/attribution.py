"""Attribution maps over their picture, and the two checks of them.

Several maps share one signed scale, so that the same colour is the same number: blue speaks
against, orange for. Maps of different methods have different units; `relative` then measures each
by its own largest magnitude.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.attribution.results import DeletionCurve, RandomizationCheck
from cnnviz.errors import SettingError, ShapeError
from cnnviz.figures.snapshots import picture_uri
from cnnviz.figures.theme import colours, template

Map = npt.NDArray[np.floating[Any]]  # (H, W)
Pixels = npt.NDArray[np.uint8]  # (H, W, 1 or 3)

OPACITY: Final = 0.9
_FADE: Final = 0.4
"""How much paler the picture is under maps of full opacity, so that faint colours are seen."""
_PANEL_PX: Final = 300
_LEGEND_PX: Final = 60
_LUMA: Final = (0.299, 0.587, 0.114)


def shared_scale(maps: Sequence[Map]) -> float:
    """The greatest magnitude in several maps; 1 if all are 0."""
    largest = max((float(np.abs(one).max(initial=0)) for one in maps), default=0.0)
    return largest if largest > 0 else 1.0


def maps_figure(
    picture: Pixels,
    maps: Sequence[tuple[str, Map]],
    *,
    ends: tuple[str, str] = ("against", "for"),
    scale: float | None = None,
    relative: bool = False,
    opacity: float = OPACITY,
    columns: int = 3,
    legend: bool = True,
    dark: bool = False,
) -> go.Figure:
    """Maps (H, W), each with a title, over one picture (H, W, C) of shades of grey.

    ends: what blue and orange mean. scale: the number that full orange stands for; the greatest
    magnitude of these maps unless given: give that of all maps that are to be compared. relative:
    each map by its own greatest magnitude instead. opacity: of the maps, 0 shows the picture alone;
    where a map is 0 the picture shines through in any case. legend: whether the scale is drawn.
    The number behind each pixel is in its hover text.
    """
    _check_maps(picture, maps, opacity)
    chosen = colours(dark=dark)
    columns = max(1, min(columns, len(maps)))
    rows = -(-len(maps) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[title for title, _ in maps],
        horizontal_spacing=0.02,
        vertical_spacing=0.14 / rows,
    )
    shades = picture_uri(_shades(picture))
    for index, (title, values) in enumerate(maps):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        figure.add_trace(
            go.Image(source=shades, opacity=1 - _FADE * opacity, hoverinfo="skip"), **place
        )
        own = shared_scale([values]) if relative else 1.0
        figure.add_trace(
            go.Heatmap(
                z=(values / own).astype(np.float64),
                customdata=values.astype(np.float64),
                coloraxis="coloraxis",
                opacity=opacity,
                hovertemplate=(
                    f"row %{{y}}, column %{{x}}<br>%{{customdata:+.4g}}<extra>{title}</extra>"
                ),
            ),
            **place,
        )
    height, width = picture.shape[:2]
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.5, width - 0.5], constrain="domain", **hidden)
    figure.update_yaxes(range=[height - 0.5, -0.5], constrain="domain", **hidden)
    reach = 1.0 if relative else (scale or shared_scale([values for _, values in maps]))
    figure.update_layout(
        template=template(dark=dark),
        coloraxis=_signed_axis(reach, dark=dark),
        dragmode=False,
        margin={"l": 0, "r": 0, "t": 40, "b": _LEGEND_PX if legend else 0},
        height=40 + _LEGEND_PX * legend + rows * (_PANEL_PX * height // width + 30),
    )
    figure.update_annotations(font={"size": 15, "color": chosen.text})
    figure.update_layout(coloraxis_showscale=legend)
    if legend:
        numbers = ("largest", "largest") if relative else (f"−{reach:.3g}", f"+{reach:.3g}")
        for x, side, end, number in zip((0, 1), ("left", "right"), ends, numbers, strict=True):
            figure.add_annotation(
                text=f"{end} ({number})",
                x=x,
                xanchor=side,
                y=0,
                yshift=-26,
                yanchor="top",
                xref="paper",
                yref="paper",
                showarrow=False,
            )
    return figure


def deletion_figure(
    curves: Sequence[tuple[str, DeletionCurve]], what: str, *, dark: bool = False
) -> go.Figure:
    """What is left of a class while pixels go: by each map, and in random orders.

    curves: each with the name of its map, of one picture, target and baseline. what: the name of
    the number that is watched.
    """
    if not curves:
        raise SettingError("there is no curve to draw: give at least one")
    chosen = colours(dark=dark)
    first = curves[0][1]
    figure = go.Figure()
    low, high = first.random_values.min(0), first.random_values.max(0)
    grey = chosen.series[-1]
    figure.add_scatter(
        x=np.concatenate([first.shares, first.shares[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        fill="toself",
        fillcolor=_faint(grey, 0.2),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        name="random orders, from the lowest to the highest",
    )
    figure.add_scatter(
        x=first.shares,
        y=first.random_values.mean(0),
        line={"color": grey, "dash": "dash", "width": 2},
        name=f"at random: area {first.random_areas.mean():.2f}",
        hovertemplate="at random: %{y:.3f}<extra></extra>",
    )
    for index, (title, curve) in enumerate(curves):
        figure.add_scatter(
            x=curve.shares,
            y=curve.values,
            line={"color": chosen.series[index % (len(chosen.series) - 1)], "width": 3},
            name=f"{title}: area {curve.area:.2f}",
            hovertemplate=f"{title}: %{{y:.3f}}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={
            "title": {"text": "pixels removed, the most important first"},
            "tickformat": ".0%",
            "range": [0, 1],
            "fixedrange": True,
        },
        yaxis={"title": {"text": what}, "range": [0, 1], "fixedrange": True},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 10, "r": 10, "t": 40 + 24 * (1 + len(curves)), "b": 10},
        height=340 + 24 * (1 + len(curves)),
    )
    return figure


def cascade_figure(
    cascades: Sequence[tuple[str, Sequence[RandomizationCheck]]], *, dark: bool = False
) -> go.Figure:
    """How alike the maps are while more and more of the last layers are randomized."""
    if not cascades or not all(checks for _, checks in cascades):
        raise SettingError("there is no check to draw: give at least one")
    chosen = colours(dark=dark)
    figure = go.Figure()
    for index, (title, checks) in enumerate(cascades):
        figure.add_scatter(
            x=["none", *(check.layers[-1] for check in checks)],
            y=[1.0, *(check.similarity for check in checks)],
            mode="lines+markers",
            line={"color": chosen.series[index % len(chosen.series)], "width": 3},
            marker={"symbol": index % 6, "size": 9},
            name=title,
            hovertemplate=f"{title}: %{{y:.2f}}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": chosen.text, "width": 1})
    figure.update_layout(
        template=template(dark=dark),
        xaxis={
            "title": {"text": "randomized from the last layer down to"},
            "type": "category",
            "fixedrange": True,
        },
        yaxis={
            "title": {"text": "rank correlation of magnitudes"},
            "range": [-0.3, 1.05],
            "fixedrange": True,
        },
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=360,
        showlegend=len(cascades) > 1,
    )
    return figure


def _check_maps(picture: Pixels, maps: Sequence[tuple[str, Map]], opacity: float) -> None:
    if not maps:
        raise SettingError("there is no map to draw: give at least one")
    for title, values in maps:
        if values.shape != picture.shape[:2]:
            raise ShapeError(
                f"{title} is {values.shape}, the picture {picture.shape[:2]}: use maps of this "
                "picture"
            )
    if not 0 <= opacity <= 1:
        raise SettingError(f"opacity is {opacity}: use a number from 0 to 1")


def _shades(picture: Pixels) -> Pixels:
    """In shades of grey (H, W, 1): colour is for the map."""
    if picture.shape[2] == 1:
        return picture
    shades: Pixels = np.rint(picture @ np.array(_LUMA)).astype(np.uint8)[:, :, None]
    return shades


def _signed_axis(reach: float, *, dark: bool) -> dict[str, Any]:
    """From opaque blue by nothing at all to opaque orange."""
    chosen = colours(dark=dark)
    shades = [
        _faint(chosen.negative, 1.0),
        _faint(chosen.negative, 0.0),
        _faint(chosen.positive, 0.0),
        _faint(chosen.positive, 1.0),
    ]
    return {
        "cmin": -reach,
        "cmax": reach,
        "colorscale": list(zip((0, 0.5, 0.5, 1), shades, strict=True)),
        "colorbar": {
            "orientation": "h",
            "y": 0,
            "yanchor": "top",
            "thickness": 12,
            "len": 1,
            "outlinewidth": 0,
            "tickvals": [0],
            "ticktext": ["0"],
        },
    }


def _faint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
