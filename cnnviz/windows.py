"""All windows of an image at once: the vectorised half of the sliding window.

``convolution.window_at`` is the same thing for one window, written to be read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from cnnviz.axis import AxisSpec
from cnnviz.errors import SettingError, ShapeError
from cnnviz.padding import Array
from cnnviz.settings import check_cells, whole_number


def all_windows(padded: Array, rows: AxisSpec, columns: AxisSpec) -> Array:
    """Every window of an image that is padded already: (C, Hp, Wp) -> (C, Ho, Wo, kh, kw).

    A read-only view, nothing is copied: first every place where the extent of a window fits, then
    of these each stride-th, and within each window each dilation-th cell.
    """
    everywhere = sliding_window_view(padded, (rows.extent, columns.extent), axis=(1, 2))
    strided = everywhere[:, :: rows.stride, :: columns.stride]
    return strided[..., :: rows.dilation, :: columns.dilation]


def correlate_windows(
    padded: Array, weight: Array, axes: tuple[AxisSpec, AxisSpec], bias: npt.ArrayLike | None
) -> Array:
    """Cross-correlation of a padded image (C, Hp, Wp) with filters (K, C, kh, kw): (K, Ho, Wo)."""
    windows = all_windows(padded, *axes)  # (C, Ho, Wo, kh, kw)
    filters = weight.shape[0]
    check_cells("the output", filters, *windows.shape[1:3])
    output: Array = np.einsum("chwij,kcij->khw", windows, weight)
    if bias is None:
        return output
    biases = np.asarray(bias, dtype=np.float64)
    if biases.shape != (filters,):
        raise ShapeError(
            f"the bias has the shape {biases.shape}, but there are {filters} filters: give one "
            f"number for each, shape ({filters},)"
        )
    return output + biases[:, np.newaxis, np.newaxis]


def flip_kernel(weight: npt.ArrayLike) -> Array:
    """Each kernel (..., kh, kw) turned by 180 degrees: last row first, last column first."""
    weight = np.asarray(weight, dtype=np.float64)
    if weight.ndim < 2:
        raise ShapeError(f"a kernel of the shape {weight.shape}: use (..., height, width)")
    return weight[..., ::-1, ::-1]


def check_index(name: str, index: int, count: int) -> int:
    """``index`` as an int in 0..count-1; else SettingError (-1 does not mean the last one)."""
    index = whole_number(name, index, least=0)
    if index >= count:
        raise SettingError(f"{name} is {index}: use a number from 0 to {count - 1}")
    return index
