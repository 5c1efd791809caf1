"""An attribution map over its picture, and what is left of a class while its pixels go.

Several maps can share one signed scale, so that the same colour is the same number: blue speaks
against, orange for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from cnnviz.attribution.results import DeletionCurve
from cnnviz.errors import SettingError, ShapeError
from cnnviz.figures.snapshots import picture_uri
from cnnviz.figures.theme import colours, template

Map = npt.NDArray[np.floating[Any]]  # (H, W)
Pixels = npt.NDArray[np.uint8]  # (H, W, 1 or 3)

OPACITY: Final = 0.9
_FADE: Final = 0.4
"""How much paler the picture is under maps of full opacity, so that faint colours are seen."""
_PANEL_PX: Final = 300
_LUMA: Final = (0.299, 0.587, 0.114)


def shared_scale(maps: Sequence[Map]) -> float:
    """The greatest magnitude in several maps; 1 if all are 0."""
    largest = max((float(np.abs(one).max(initial=0)) for one in maps), default=0.0)
    return largest if largest > 0 else 1.0


def map_figure(
    picture: Pixels,
    title: str,
    values: Map,
    *,
    scale: float | None = None,
    opacity: float = OPACITY,
    dark: bool = False,
) -> go.Figure:
    """A map (H, W) over its picture (H, W, C), which is drawn in shades of grey.

    scale: the number that full orange stands for; the map's greatest magnitude unless given: give
    that of all maps that are to be compared. opacity: of the map, 0 shows the picture alone; where
    the map is 0 the picture shines through in any case. The number behind each pixel is in its
    hover text.
    """
    _check_map(picture, title, values, opacity)
    height, width = picture.shape[:2]
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    numbers = values.astype(np.float64)
    # All at once: what is added to a figure bit by bit is checked again each time, which takes
    # three times as long, and somebody waits for it.
    return go.Figure(
        data=[
            go.Image(
                source=picture_uri(_shades(picture)), opacity=1 - _FADE * opacity, hoverinfo="skip"
            ),
            go.Heatmap(
                z=numbers,
                coloraxis="coloraxis",
                opacity=opacity,
                hovertemplate=(f"row %{{y}}, column %{{x}}<br>%{{z:+.4g}}<extra>{title}</extra>"),
            ),
        ],
        layout={
            "template": template(dark=dark),
            "xaxis": {"range": [-0.5, width - 0.5], **hidden},
            "yaxis": {"range": [height - 0.5, -0.5], "scaleanchor": "x", **hidden},
            "coloraxis": _signed_axis(scale or shared_scale([values]), dark=dark),
            "title": {"text": title, "font": {"size": 15}, "x": 0.5, "xanchor": "center"},
            "dragmode": False,
            "margin": {"l": 0, "r": 0, "t": 40, "b": 0},
            "height": 70 + _PANEL_PX * height // width,
        },
    )


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


def _check_map(picture: Pixels, title: str, values: Map, opacity: float) -> None:
    if values.shape != picture.shape[:2]:
        raise ShapeError(
            f"{title} is {values.shape}, the picture {picture.shape[:2]}: use a map of this picture"
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
        "showscale": False,
    }


def _faint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
