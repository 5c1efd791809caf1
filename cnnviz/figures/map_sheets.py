"""Maps as pictures: orange above 0, blue below, the fainter the nearer to 0.

The ground shows through where a number is near 0, so that one picture serves both themes.
"""

from __future__ import annotations

import base64
import io
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from cnnviz.figures.shades import rgb
from cnnviz.figures.theme import LIGHT

Maps = npt.NDArray[np.floating[Any]]
_PARTLY: Final = 0.75
"""Exponent that lifts small numbers, which would not be seen from the last row."""


def signed_pixels(values: Maps, reach: float) -> npt.NDArray[np.uint8]:
    """Numbers (H, W) as red, green, blue and opacity (H, W, 4); full opacity at `reach`."""
    shares = np.clip(np.abs(values) / reach, 0, 1) ** _PARTLY
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where(values[..., None] >= 0, rgb(LIGHT.positive), rgb(LIGHT.negative))
    pixels[..., 3] = np.round(255 * np.nan_to_num(shares))
    return pixels


def strip_uri(maps: Maps, reach: float) -> str:
    """Maps (C, H, W) one below the other, as a data URI of a PNG."""
    channels, height, width = maps.shape
    return _uri(signed_pixels(maps.reshape(channels * height, width), reach))


def map_uri(values: Maps, reach: float) -> str:
    """One map (H, W)."""
    return _uri(signed_pixels(values, reach))


def filter_uri(weights: Maps, reach: float) -> str:
    """A filter (3, kh, kw) that reads colours, as a colour picture: grey stands for 0."""
    shares = np.clip(0.5 + weights.transpose(1, 2, 0) / (2 * reach), 0, 1)
    return _uri(np.round(255 * shares).astype(np.uint8))


def _uri(pixels: npt.NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
