"""Max and average pooling: one number for each window of each channel.

Source: PyTorch, MaxPool2d and AvgPool2d. Images are float64 arrays (channels, height, width); a
channel is never mixed with another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.axis import AxisSpec
from cnnviz.errors import SettingError
from cnnviz.geometry import PoolSpec
from cnnviz.padding import Array, as_image, pad_constant
from cnnviz.settings import check_cells
from cnnviz.windows import all_windows, check_index


@dataclass(frozen=True, slots=True, eq=False)
class PoolWindow:
    """One window of a pooling, written out.

    ``rows`` and ``columns`` are input positions (negative in the padding). ``values``,
    ``is_padding`` and ``is_counted`` have the shape (kh, kw). Padding is -inf for a maximum and 0
    for an average. ``is_counted`` marks the cells that the ``divisor`` of an average counts; a
    maximum has the divisor 1 and counts the real cells.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: Array
    is_padding: npt.NDArray[np.bool_]
    is_counted: npt.NDArray[np.bool_]
    divisor: int
    result: float


def max_pool(image: npt.ArrayLike, spec: PoolSpec) -> Array:
    """The largest value of each window: (C, H, W) -> (C, Ho, Wo).

    Padding is minus infinity, so that it never wins. Where a dilated window has nothing but
    padding the result is minus infinity, as in PyTorch.
    """
    image = as_image(image)
    _check_kind(spec, "max")
    windows = _windows(image, spec, outside=-np.inf)  # (C, Ho, Wo, kh, kw)
    largest: Array = windows.max(axis=(3, 4))
    return largest


def average_pool(image: npt.ArrayLike, spec: PoolSpec) -> Array:
    """The sum of each window over its divisor: (C, H, W) -> (C, Ho, Wo).

    The divisor is the number of cells of the window that lie in the padded input, or, without
    ``count_include_pad``, in the input itself.
    """
    image = as_image(image)
    _check_kind(spec, "average")
    windows = _windows(image, spec, outside=0.0)  # (C, Ho, Wo, kh, kw)
    rows, columns = spec.axes_for(*image.shape[1:])
    row_counts = _counts(rows, spec, 0, image.shape[1])  # (Ho,)
    column_counts = _counts(columns, spec, 1, image.shape[2])  # (Wo,)
    divisors = np.outer(row_counts, column_counts)  # (Ho, Wo)
    averages: Array = windows.sum(axis=(3, 4)) / divisors
    return averages


def pool_window_at(
    image: npt.ArrayLike, spec: PoolSpec, channel: int, row: int, column: int
) -> PoolWindow:
    """The window behind one output cell of one channel, with what its result is made of."""
    image = as_image(image)
    channels, height, width = image.shape
    out_height, out_width = spec.output_size(height, width)
    channel = check_index("channel", channel, channels)
    row = check_index("output row", row, out_height)
    column = check_index("output column", column, out_width)

    check_cells("one window", *spec.kernel_size)
    row_axis, column_axis = spec.axes_for(height, width)
    rows = row_axis.window_positions(row)
    columns = column_axis.window_positions(column)

    outside = -np.inf if spec.kind == "max" else 0.0
    values = np.full((len(rows), len(columns)), outside)  # (kh, kw)
    is_padding = np.ones(values.shape, dtype=np.bool_)
    is_counted = np.zeros(values.shape, dtype=np.bool_)
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            if 0 <= y < height and 0 <= x < width:
                values[i, j] = image[channel, y, x]
                is_padding[i, j] = False
            is_counted[i, j] = _is_counted(spec, 0, y, height) and _is_counted(spec, 1, x, width)

    divisor = 1 if spec.kind == "max" else int(is_counted.sum())
    result = float(values.max() if spec.kind == "max" else values.sum() / divisor)
    return PoolWindow(rows, columns, values, is_padding, is_counted, divisor, result)


def _windows(image: Array, spec: PoolSpec, outside: float) -> Array:
    rows, columns = spec.axes_for(*image.shape[1:])
    spec.output_size(*image.shape[1:])  # refuses before anything is allocated
    sides = ((rows.pad_before, rows.pad_after), (columns.pad_before, columns.pad_after))
    return all_windows(pad_constant(image, sides, outside), rows, columns)


def _counts(axis: AxisSpec, spec: PoolSpec, which: int, size: int) -> npt.NDArray[np.int64]:
    """For each window along one axis of an average, how many of its cells the divisor counts."""
    starts = np.arange(axis.output_size(size)) * axis.stride - axis.pad_before
    padding = spec.padding[which] if spec.count_include_pad else 0
    return np.minimum(starts + axis.kernel_size, size + padding) - np.maximum(starts, -padding)


def _is_counted(spec: PoolSpec, which: int, position: int, size: int) -> bool:
    counts_padding = spec.kind == "average" and spec.count_include_pad
    padding = spec.padding[which] if counts_padding else 0
    return -padding <= position < size + padding


def _check_kind(spec: PoolSpec, kind: str) -> None:
    if spec.kind != kind:
        raise SettingError(f"the settings are for {spec.kind} pooling, not {kind} pooling")
