"""Colours between two colours, and which text can be read on them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
BLACK = "#000000"
WHITE = "#FFFFFF"


def blend(start: str, end: str, shares: Floats) -> Floats:
    """Colours (..., 3), 0 to 255, that lie between two hex strings by shares (...) from 0 to 1.

    Each channel by itself, as plotly's scales of colours do it.
    """
    first, last = rgb(start), rgb(end)
    return first + (last - first) * np.asarray(shares, dtype=np.float64)[..., None]


def rgb(colour: str) -> Floats:
    """A hex string as (3,), 0 to 255."""
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], dtype=np.float64)


def luminance(colours: Floats) -> Floats:
    """Relative luminance (...) of colours (..., 3), 0 to 1, as WCAG 2.2 defines it."""
    parts = np.asarray(colours) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    found: Floats = linear @ np.array([0.2126, 0.7152, 0.0722])
    return found


def contrast(first: Floats, second: Floats) -> Floats:
    """Contrast ratio (...) of two colours (..., 3), 1 to 21, as WCAG 2.2 defines it."""
    light = np.stack(np.broadcast_arrays(luminance(first), luminance(second)))
    ratios: Floats = (light.max(0) + 0.05) / (light.min(0) + 0.05)
    return ratios


def needs_white(colours: Floats) -> npt.NDArray[np.bool_]:
    """Whether white text is read better than black on colours (..., 3).

    The better of the two has a contrast of at least 4.58 on any colour.
    """
    return contrast(colours, rgb(WHITE)) > contrast(colours, rgb(BLACK))
