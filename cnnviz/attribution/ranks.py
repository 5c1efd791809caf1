"""Do two maps put the pixels in the same order? Spearman's rank correlation, by numpy alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnviz.errors import ShapeError

Floats = npt.NDArray[np.floating[Any]]


def similarity_of_magnitudes(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation of the magnitudes of two maps of one shape: −1 to 1.

    The signs are left out because a randomized network may well turn them around while the map
    still shows the same edges (Adebayo et al. 2018, "absolute value"). nan if a map is flat.
    """
    return rank_correlation(np.abs(one), np.abs(other))


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation of two arrays of one shape; equal values share their mean rank.

    nan if all values of an array are equal: then it has no order.
    """
    if one.shape != other.shape or one.size == 0:
        raise ShapeError(f"arrays are {one.shape} and {other.shape}: use two of one shape")
    first, second = (ranks(array) - (array.size + 1) / 2 for array in (one, other))
    spread = math.sqrt(float((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread else math.nan


def ranks(values: Floats) -> npt.NDArray[np.float64]:
    """The rank of each value of an array, 1 for the smallest, flattened; mean ranks for ties."""
    _, places, counts = np.unique(values.reshape(-1), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)  # of each distinct value, the rank of its last copy
    means: npt.NDArray[np.float64] = last - (counts - 1) / 2
    return means[places]
