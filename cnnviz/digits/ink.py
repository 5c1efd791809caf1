"""Strokes of a pen to the 28x28 grey levels that a network trained on MNIST takes.

As LeCun et al. 1998 describe the data: the ink is scaled to fit a box of 20x20 pixels with its
proportions kept, its edges become grey levels, and the box is moved by whole pixels until the
ink's centre of mass is in the middle of the 28x28 field.

The browser does the same while a hand draws (cnnviz/ui/components/digit_ink.js).
"""

from __future__ import annotations

import math
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

Point = tuple[int, int]
"""(x, y) in units of the pad, from its upper left corner."""
Stroke = tuple[Point, ...]
Strokes = tuple[Stroke, ...]
Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]

Fit = Literal["mnist", "raw"]
FITS: Final[tuple[Fit, ...]] = get_args(Fit)

PAD: Final = 280
"""Units along a side of the pad: ten for each pixel of the field."""
SIDE: Final = 28
BOX: Final = 20
"""Pixels along a side of the field, and of the box that the ink is scaled to."""
MARGIN: Final = (SIDE - BOX) // 2
_NEARLY: Final = 1e-6
"""Pixels: what is symmetric has its centre between two pixels, and must not move by rounding."""


def render(strokes: Strokes, pen: float, fit: Fit = "mnist") -> Pixels:
    """What the network sees, (28, 28): 0 where there is no ink, 255 in it. Black without strokes.

    pen: the width of a stroke, in units of the pad. fit: "mnist" scales and moves the ink as the
    data set has it; "raw" shrinks the pad as it is.
    """
    if not strokes:
        return np.zeros((SIDE, SIDE), np.uint8)
    scale, left, top = placement(strokes, pen, fit)
    ink = _coverage(strokes, pen, scale, left, top)
    if fit == "mnist":
        height, width = (extent * scale for extent in _box(strokes, pen)[2:])
        down, right = _to_the_middle(ink, height, width)
        ink = _coverage(strokes, pen, scale, left + right, top + down)
    return np.floor(255 * ink + 0.5).astype(np.uint8)


def placement(strokes: Strokes, pen: float, fit: Fit) -> tuple[float, float, float]:
    """Scale, left and top: what a coordinate of the pad is multiplied by, and what is added."""
    if fit == "raw":
        return SIDE / PAD, 0.0, 0.0
    x, y, height, width = _box(strokes, pen)
    scale = BOX / max(height, width)
    return scale, MARGIN - x * scale, MARGIN - y * scale


def line_width(strokes: Strokes, pen: float, fit: Fit) -> float:
    """Pixels across a stroke, as the network sees it; 0 without strokes."""
    return placement(strokes, pen, fit)[0] * pen if strokes else 0.0


def _box(strokes: Strokes, pen: float) -> tuple[float, float, float, float]:
    """Left, top, height and width of the ink, in units of the pad."""
    points = np.array([point for stroke in strokes for point in stroke], dtype=np.float64)
    low, high = points.min(0) - pen / 2, points.max(0) + pen / 2
    return float(low[0]), float(low[1]), float(high[1] - low[1]), float(high[0] - low[0])


def _to_the_middle(ink: Array, height: float, width: float) -> tuple[int, int]:
    """(down, right), in whole pixels; never so far that the box leaves the field.

    In every picture of MNIST the centre of mass lies in the pixel below and to the right of the
    field's very middle: from 14 to 15 pixels from its edges.
    """
    mass = ink.sum()
    if mass == 0:
        return 0, 0
    middles = np.arange(SIDE) + 0.5
    moves = []
    for along, extent in ((ink.sum(1), height), (ink.sum(0), width)):
        wanted = math.ceil(SIDE / 2 - float(along @ middles) / float(mass) - _NEARLY)
        moves.append(max(-MARGIN, min(SIDE - MARGIN - math.ceil(extent), wanted)))
    return moves[0], moves[1]


def _coverage(strokes: Strokes, pen: float, scale: float, left: float, top: float) -> Array:
    """(28, 28), from 0 to 1: how much of each pixel lies in the ink, by its distance to a stroke.

    Right for edges that are straight over the width of a pixel, which is what a pen leaves.
    """
    starts, ends = list[Point](), list[Point]()
    for stroke in strokes:
        starts += stroke[:-1] or stroke  # a dot is a segment without length
        ends += stroke[1:] or stroke
    offset = np.array([left, top])
    a, b = (np.array(points, dtype=np.float64) * scale + offset for points in (starts, ends))
    middles = np.arange(SIDE) + 0.5
    x, y = np.meshgrid(middles, middles)
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)[:, None]  # (784, 1, 2)
    along = b - a  # (segments, 2)
    length = np.maximum((along**2).sum(1), 1e-12)
    share = np.clip(((pixels - a) * along).sum(2) / length, 0, 1)[..., None]
    distance = np.sqrt(((pixels - a - share * along) ** 2).sum(2)).min(1)
    ink: Array = np.clip(pen * scale / 2 - distance + 0.5, 0, 1).reshape(SIDE, SIDE)
    return ink
