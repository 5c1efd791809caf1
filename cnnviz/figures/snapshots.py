"""A network at the end of an epoch: probabilities, pictures and first filters, in numpy."""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.errors import ShapeError

Floats = npt.NDArray[np.floating[Any]]
Picture = npt.NDArray[np.uint8]  # (H, W, 3), or (N, H, W, C) for several

_GREY: Final = 127.5  # what stands for 0


def probabilities_of(logits: Floats) -> npt.NDArray[np.float64]:
    """Softmax of logits (N, classes), by rows; a row that holds nan or infinity becomes nan."""
    wide = logits.astype(np.float64)
    wide[~np.isfinite(wide).all(1)] = np.nan
    powers = np.exp(wide - wide.max(1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return probabilities


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


def verdict(class_names: Sequence[str], probabilities: Floats, label: int) -> str:
    """In words, for the title over a picture: `cat 87 %`, or `cat? dog 63 %` if it is wrong."""
    if np.isnan(probabilities).any():
        return f"{class_names[label]}: no number"
    best = int(probabilities.argmax())
    said = f"{class_names[best]} {_percent(float(probabilities[best]))}"
    return said if best == label else f"{class_names[label]}? {said}"


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
