"""A network at the end of an epoch: class by class, picture by picture, its first filters."""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.errors import ShapeError
from cnnviz.figures.theme import colours, template

Floats = npt.NDArray[np.floating[Any]]
Picture = npt.NDArray[np.uint8]  # (H, W, 3), or (N, H, W, C) for several

_COLUMNS: Final = 4  # of the grid of pictures
_GREY: Final = 127.5  # what stands for 0


def probabilities_of(logits: Floats) -> npt.NDArray[np.float64]:
    """Softmax of logits (N, classes), by rows; a row that holds nan or infinity becomes nan."""
    wide = logits.astype(np.float64)
    wide[~np.isfinite(wide).all(1)] = np.nan
    powers = np.exp(wide - wide.max(1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares


def row_shares(confusion: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """Each row of a confusion matrix (true, predicted) as shares of it; nan of an empty row."""
    totals = confusion.sum(1, keepdims=True).astype(np.float64)
    shares = np.full(confusion.shape, np.nan)
    np.divide(confusion, totals, out=shares, where=totals > 0)
    return shares


def filter_scale(weights: Floats) -> float:
    """The greatest magnitude in weights, so that several grids can share one scale; 1 if all 0."""
    finite = np.abs(weights[np.isfinite(weights)].astype(np.float64))
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def filter_grid(
    weights: Floats,
    *,
    scale: float | None = None,
    columns: int | None = None,
    zoom: int = 8,
    gap: int = 4,
    ground: int = 255,
) -> Picture:
    """The filters of a first layer (O, C, kh, kw) side by side, uint8 (H, W, 3).

    All share one signed scale: 0 is middle grey, `scale` is white (or a channel's full light) and
    -`scale` black; beyond it and beside a finite number nothing is told apart. C is 1 (grey) or 3
    (red, green, blue). scale: the weights' own greatest magnitude unless given; give that of all
    epochs to compare them. zoom: pixels of a weight's side, by repetition, without blur.
    """
    if weights.ndim != 4 or weights.shape[1] not in (1, 3) or 0 in weights.shape:
        raise ShapeError(f"filters are {weights.shape}: use (O, C, kh, kw) with C of 1 or 3")
    count, _, height, width = weights.shape
    share = np.nan_to_num(weights.astype(np.float64) / (scale or filter_scale(weights)), nan=0.0)
    tones = np.rint(_GREY + _GREY * np.clip(share, -1, 1)).astype(np.uint8)  # (O, C, kh, kw)
    tiles = np.broadcast_to(tones, (count, 3, height, width)).transpose(0, 2, 3, 1)
    tiles = tiles.repeat(zoom, 1).repeat(zoom, 2)  # (O, kh zoom, kw zoom, 3)
    columns = columns or min(count, max(1, round((2 * count) ** 0.5)))  # about twice as wide
    rows = -(-count // columns)
    tall, wide = height * zoom + gap, width * zoom + gap
    grid = np.full((rows * tall - gap, columns * wide - gap, 3), ground, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * tall, index % columns * wide
        grid[top : top + height * zoom, left : left + width * zoom] = tile
    return grid


def per_class_figure(
    class_names: Sequence[str],
    accuracy: Sequence[float],
    *,
    before: Sequence[float] | None = None,
    dark: bool = False,
) -> go.Figure:
    """Accuracy class by class in the data set's order; a line marks that of the epoch before."""
    chosen = colours(dark=dark)
    names = list(class_names)
    figure = go.Figure(
        go.Bar(
            x=list(accuracy),
            y=names,
            orientation="h",
            marker={"color": chosen.accent},
            name="this epoch",
            text=[_percent(value) for value in accuracy],
            textposition="auto",
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    if before is not None:
        figure.add_scatter(
            x=list(before),
            y=names,
            mode="markers",
            marker={
                "symbol": "line-ns-open",
                "size": 18,
                "color": chosen.text,
                "line": {"width": 3, "color": chosen.text},
            },
            name="the epoch before",
            hovertemplate="%{y}, the epoch before: %{x:.2%}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={"range": [0, 1], "tickformat": ".0%", "title": {"text": "held-out images right"}},
        yaxis={"autorange": "reversed", "type": "category"},  # the first class on top
        uirevision="per class",
        showlegend=before is not None,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        height=120 + 30 * len(names),
    )
    return figure


def probabilities_figure(
    class_names: Sequence[str],
    probabilities: Floats,
    labels: npt.NDArray[np.integer[Any]],
    *,
    pictures: Picture | None = None,
    dark: bool = False,
) -> go.Figure:
    """What a network thinks of a few pictures: a bar for each class, four pictures in a row.

    probabilities: (N, classes). labels: (N,). pictures: (N, H, W, 1 or 3), each drawn over its
    bars. The right class is teal; a wrong one that is thought most likely is orange and hatched.
    """
    chosen = colours(dark=dark)
    count = len(labels)
    rows = -(-count // _COLUMNS)
    titles = [
        verdict(class_names, row, int(label))
        for row, label in zip(probabilities, labels, strict=True)
    ]
    figure = make_subplots(
        rows=rows,
        cols=_COLUMNS,
        subplot_titles=titles,
        horizontal_spacing=0.03,
        vertical_spacing=0.25 / rows,
    )
    for index in range(count):
        row, column = divmod(index, _COLUMNS)
        label, values = int(labels[index]), probabilities[index]
        wrong = -1 if np.isnan(values).any() or values.argmax() == label else int(values.argmax())
        kinds = {label: "right", wrong: "wrong"}
        tones = {"right": chosen.accent, "wrong": chosen.positive, "": chosen.grid}
        figure.add_bar(
            x=list(class_names),
            y=values.astype(np.float64).tolist(),
            marker={
                "color": [tones[kinds.get(i, "")] for i in range(len(values))],
                "pattern": {"shape": ["/" if i == wrong else "" for i in range(len(values))]},
            },
            hovertemplate="%{x}: %{y:.1%}<extra></extra>",
            showlegend=False,
            row=row + 1,
            col=column + 1,
        )
        if pictures is not None:
            axis = "" if index == 0 else str(index + 1)
            figure.add_layout_image(
                source=picture_uri(pictures[index]),
                xref=f"x{axis} domain",
                yref=f"y{axis} domain",
                x=0.5,
                y=1.0,
                sizex=0.45,
                sizey=0.45,
                xanchor="center",
                yanchor="top",
            )
    # With a picture over them the bars keep to the lower half, whatever they are.
    top = 1.0 if pictures is None else 2.0
    figure.update_yaxes(range=[0, top], tickvals=[0, 0.5, 1], showticklabels=False, fixedrange=True)
    figure.update_xaxes(type="category", showticklabels=False, fixedrange=True)
    figure.update_annotations(font={"size": 14})
    figure.update_layout(
        template=template(dark=dark),
        bargap=0.15,
        uirevision="probabilities",
        height=40 + 170 * rows,
    )
    return figure


def verdict(class_names: Sequence[str], probabilities: Floats, label: int) -> str:
    """In words, for the title over a picture: `cat 87 %`, or `cat? dog 63 %` if it is wrong."""
    if np.isnan(probabilities).any():
        return f"{class_names[label]}: no number"
    best = int(probabilities.argmax())
    said = f"{class_names[best]} {_percent(float(probabilities[best]))}"
    return said if best == label else f"{class_names[label]}? {said}"


def confusion_figure(
    confusion: npt.NDArray[np.integer[Any]],
    class_names: Sequence[str],
    *,
    shares: bool = False,
    dark: bool = False,
) -> go.Figure:
    """A confusion matrix (true, predicted) in counts, or in shares of each true class.

    The scale runs to the largest class, or to 100 %, so that it stays while epochs go by.
    """
    chosen = colours(dark=dark)
    names = list(class_names)
    values = row_shares(confusion) if shares else confusion.astype(np.float64)
    form = ".0%" if shares else ",.0f"
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=names,
            y=names,
            zmin=0,
            zmax=1 if shares else max(1, int(confusion.sum(1).max(initial=0))),
            colorscale=[[0, chosen.background], [1, chosen.accent]],
            texttemplate=f"%{{z:{form}}}",
            hovertemplate=f"%{{y}}, taken for %{{x}}: %{{z:{form}}}<extra></extra>",
            xgap=1,
            ygap=1,
            showscale=False,
        )
    )
    figure.update_layout(
        template=template(dark=dark),
        xaxis={"title": {"text": "taken for"}, "type": "category", "showgrid": False},
        yaxis={
            "title": {"text": "is"},
            "type": "category",
            "autorange": "reversed",
            "showgrid": False,
        },
        uirevision="confusion",
        height=520,
    )
    return figure


def picture_uri(picture: Picture) -> str:
    """A picture (H, W, 1 or 3) as a data URI that holds a PNG, without loss."""
    height, width, channels = picture.shape
    rows = np.zeros((height, 1 + width * channels), dtype=np.uint8)  # a 0 first: no filter
    rows[:, 1:] = picture.reshape(height, -1)
    kind = {1: 0, 3: 2}[channels]  # grey, or red, green and blue
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _percent(share: float) -> str:
    return "–" if share != share else f"{100 * share:.0f} %"
