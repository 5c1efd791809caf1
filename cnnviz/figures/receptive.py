"""Receptive fields: gradients as pictures, the outline of a set of pixels, and size by epoch."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from cnnviz.figures.shades import blend
from cnnviz.figures.theme import colours, template

_HOT: Final = {False: ("#FDFCF9", "#0B6B66"), True: ("#101718", "#5FD3C7")}
"""From none of the gradient to the most of it, by whether the theme is dark."""


def gradient_picture(
    gradient: npt.NDArray[np.float64], most: float, *, dark: bool = False
) -> npt.NDArray[np.uint8]:
    """A gradient (H, W) as colours (H, W, 3), by the root of its share of the whole.

    most: the share that gets the strongest colour; the same for maps that are compared.
    """
    start, end = _HOT[dark]
    shares = gradient_shares(gradient)
    strength = np.sqrt(np.clip(shares / most, 0, 1)) if most > 0 else shares
    return np.rint(blend(start, end, strength)).astype(np.uint8)


def gradient_shares(gradient: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each pixel holds of the whole; all 0 where there is none."""
    total = gradient.sum()
    shares: npt.NDArray[np.float64] = gradient / total if total > 0 else np.zeros_like(gradient)
    return shares


def outline(chosen: npt.NDArray[np.bool_]) -> str:
    """The edges between pixels (H, W) that are chosen and such that are not, as an SVG path."""
    framed = np.pad(chosen, 1)
    parts = [
        f"M{column} {row}h1"
        for row, column in np.argwhere(framed[:-1, 1:-1] != framed[1:, 1:-1]).tolist()
    ]
    parts += [
        f"M{column} {row}v1"
        for row, column in np.argwhere(framed[1:-1, :-1] != framed[1:-1, 1:]).tolist()
    ]
    return "".join(parts)


def sizes_figure(
    epochs: Sequence[int],
    sizes: Sequence[float],
    shares: Sequence[float],
    *,
    limit: float,
    chosen: int,
    dark: bool = False,
) -> go.Figure:
    """The effective size by epoch, the chosen epoch marked; `limit` is what theory allows."""
    palette = colours(dark=dark)
    marked = np.array(epochs) == chosen
    figure = go.Figure(
        go.Scatter(
            x=list(epochs),
            y=list(sizes),
            customdata=list(shares),
            mode="lines+markers",
            line={"color": palette.accent},
            marker={
                "size": np.where(marked, 14, 7).tolist(),
                "color": np.where(marked, palette.positive, palette.accent).tolist(),
            },
            hovertemplate=(
                "epoch %{x}: %{y:.1f} pixels a side; %{customdata:.0%} in the central half"
                "<extra></extra>"
            ),
        )
    )
    dashed: dict[str, Any] = {"color": palette.text, "dash": "dash", "width": 1}
    figure.add_hline(y=limit, line=dashed, annotation_text="theory, within the picture")
    figure.update_layout(
        template=template(dark=dark),
        title={"text": "Effective size by epoch, pixels a side"},
        height=300,
        showlegend=False,
        margin={"t": 45},
    )
    figure.update_xaxes(title={"text": "epoch (0: before training)"})
    figure.update_yaxes(nticks=5)
    return figure
