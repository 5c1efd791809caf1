"""Putting cells around an image: zeros, mirrored, repeated or wrapped round.

Source: PyTorch, torch.nn.functional.pad and the padding_mode of Conv2d. Images are float64 arrays
of shape (channels, height, width).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from cnnviz.errors import NoOutputError, SettingError, ShapeError
from cnnviz.settings import Pair, check_cells, shown, whole_number

Array = npt.NDArray[np.float64]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
Sides = tuple[Pair, Pair]  # ((top, bottom), (left, right))

PADDING_MODES: tuple[PaddingMode, ...] = ("zeros", "reflect", "replicate", "circular")


def pad(image: npt.ArrayLike, sides: Sides, mode: PaddingMode = "zeros") -> Array:
    """The image (C, H, W) with ``sides`` = ((top, bottom), (left, right)) cells around it.

    zeros      0 0 | 1 2 3 | 0 0     a negative side crops
    reflect    3 2 | 1 2 3 | 2 1     the edge is not repeated, so each side must be < the size
    replicate  1 1 | 1 2 3 | 3 3
    circular   2 3 | 1 2 3 | 1 2     each side must be <= the size

    Raises NoOutputError where PyTorch refuses such sides.
    """
    image = as_image(image)
    sides = _as_sides(sides)
    if mode not in PADDING_MODES:
        raise SettingError(f"padding mode {shown(mode)} is unknown: use one of {PADDING_MODES}")
    _check_sides(image, sides, mode)
    if mode == "zeros":
        return pad_constant(image, sides, 0.0)
    _check_padded(image, sides)
    if mode == "reflect":
        return np.pad(image, ((0, 0), *sides), mode="reflect")
    return np.pad(image, ((0, 0), *sides), mode="edge" if mode == "replicate" else "wrap")


def pad_constant(image: Array, sides: Sides, value: float) -> Array:
    """As ``pad`` with "zeros", but with any value, and a crop may pass the far end of the image."""
    channels, height, width = image.shape
    padded = np.full((channels, *_check_padded(image, sides)), value)
    # Paste what canvas and image share. Cropping first and padding after it would not do: a crop
    # may pass the far end of the image while the other side pads again.
    (top, _), (left, _) = sides
    first_row, end_row = max(0, -top), min(height, padded.shape[1] - top)
    first_column, end_column = max(0, -left), min(width, padded.shape[2] - left)
    if first_row < end_row and first_column < end_column:
        padded[:, first_row + top : end_row + top, first_column + left : end_column + left] = image[
            :, first_row:end_row, first_column:end_column
        ]
    return padded


def as_image(image: npt.ArrayLike, name: str = "the image") -> Array:
    """``image`` as a float64 array (C, H, W) with no empty axis; else ShapeError."""
    array = np.asarray(image, dtype=np.float64)
    if array.ndim != 3 or 0 in array.shape:
        raise ShapeError(
            f"{name} has the shape {array.shape}: use (channels, height, width), none of them 0"
        )
    return array


def _as_sides(sides: Sides) -> Sides:
    (top, bottom), (left, right) = sides
    return (
        (
            whole_number("padding (top)", top, least=None),
            whole_number("padding (bottom)", bottom, least=None),
        ),
        (
            whole_number("padding (left)", left, least=None),
            whole_number("padding (right)", right, least=None),
        ),
    )


def _check_sides(image: Array, sides: Sides, mode: PaddingMode) -> None:
    """Refuse what the mode cannot do with an image of this size, as PyTorch does."""
    for name, size, pair in zip(("height", "width"), image.shape[1:], sides, strict=True):
        if mode == "zeros" and sum(max(0, -side) for side in pair) > size:
            raise NoOutputError(f"a crop of {pair} in {name} passes its {size} cells: crop less")
        if mode != "zeros" and min(pair) < 0:
            raise SettingError(f"{mode} padding of {pair} in {name}: only zeros can crop")
        most = {"reflect": size - 1, "circular": size}.get(mode)
        if most is not None and max(pair) > most:
            raise NoOutputError(
                f"{mode} padding of {max(pair)} in {name} is too much for {size} cells: use at "
                f"most {most}, or the padding mode zeros"
            )


def _check_padded(image: Array, sides: Sides) -> Pair:
    """(height, width) of the padded image; NoOutputError if it is empty or far too large."""
    channels, height, width = image.shape
    (top, bottom), (left, right) = sides
    padded_height, padded_width = top + height + bottom, left + width + right
    if padded_height < 1 or padded_width < 1:
        raise NoOutputError(
            f"a crop of {sides} leaves nothing of an input of {height} x {width}: crop less"
        )
    check_cells("the padded image", channels, padded_height, padded_width)
    return padded_height, padded_width
