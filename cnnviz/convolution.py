"""The sliding window itself: windows, products, sums, and which input cells are read.

Everything is numpy float64. An image has the shape (C, H, W), a filter bank (K, C, kh, kw): K
filters, each as deep as the image, give an output of K maps, (K, Ho, Wo).

What deep learning calls convolution is *cross-correlation*: the filter is laid over the image as
it is. The convolution of mathematics turns the filter by 180 degrees first. A filter that is
learned can be learned either way round, so the difference only shows with filters made by hand.

Sources: Dumoulin & Visin 2016, arXiv:1603.07285; the PyTorch documentation of Conv2d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.errors import ShapeError
from cnnviz.geometry import ConvSpec, PoolSpec
from cnnviz.padding import Array, PaddingMode, Sides, as_image, pad
from cnnviz.pooling import PoolWindow, average_pool, max_pool, pool_window_at
from cnnviz.settings import check_cells
from cnnviz.transposed import insert_zeros, transposed_convolve
from cnnviz.windows import check_index, correlate_windows, flip_kernel

__all__ = [
    "Array",
    "Coverage",
    "PaddingMode",
    "PoolWindow",
    "Sides",
    "WindowSum",
    "average_pool",
    "convolve",
    "coverage",
    "cross_correlate",
    "flip_kernel",
    "insert_zeros",
    "max_pool",
    "pad",
    "pool_window_at",
    "transposed_convolve",
    "window_at",
]


@dataclass(frozen=True, slots=True, eq=False)
class WindowSum:
    """One output cell of a convolution, written out.

    ``rows`` and ``columns`` are input positions (outside 0..size-1 in the padding). ``values``,
    ``weights`` and their ``products`` have the shape (C, kh, kw); ``channel_sums`` (C,).
    ``total`` is the sum of the channel sums, plus the bias.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: Array
    weights: Array
    products: Array
    channel_sums: Array
    bias: float
    total: float


def window_at(
    image: npt.ArrayLike,
    weight: npt.ArrayLike,
    spec: ConvSpec,
    row: int,
    column: int,
    *,
    filter_index: int = 0,
    bias: float = 0.0,
    padding_mode: PaddingMode = "zeros",
) -> WindowSum:
    """How the output cell (row, column) of one filter comes about.

    Output cell (y, x) of a filter w over the padded image v, with stride s and dilation d:

        sum over c, i, j of  v[c, y*s + i*d, x*s + j*d] * w[c, i, j],  plus the bias
    """
    image, weight = _check_fit(image, weight, spec)
    out_height, out_width = spec.output_size(*image.shape[1:])
    row = check_index("output row", row, out_height)
    column = check_index("output column", column, out_width)
    filter_index = check_index("filter", filter_index, len(weight))

    # 1. Put the padding around the image.
    padded = pad(image, spec.pad_sides, padding_mode)  # (C, Hp, Wp)

    # 2. Find the window: its corner moves on by the stride, its cells are a dilation apart.
    (stride_y, stride_x), (dilation_y, dilation_x) = spec.stride, spec.dilation
    kernel_height, kernel_width = spec.kernel_size
    padded_rows = [row * stride_y + i * dilation_y for i in range(kernel_height)]
    padded_columns = [column * stride_x + j * dilation_x for j in range(kernel_width)]

    # 3. Cut it out, lay the filter over it, and multiply cell by cell.
    values = padded[:, padded_rows, :][:, :, padded_columns]  # (C, kh, kw)
    weights = weight[filter_index]  # (C, kh, kw)
    products = values * weights

    # 4. Add up: first within each channel, then over the channels, and last the bias.
    channel_sums = products.sum(axis=(1, 2))  # (C,)
    total = float(channel_sums.sum()) + bias

    # The padding before the image shifts the positions: the first real cell is row 0, column 0.
    (top, _), (left, _) = spec.pad_sides
    rows = tuple(padded_row - top for padded_row in padded_rows)
    columns = tuple(padded_column - left for padded_column in padded_columns)
    return WindowSum(rows, columns, values, weights, products, channel_sums, bias, total)


def cross_correlate(
    image: npt.ArrayLike,
    weight: npt.ArrayLike,
    spec: ConvSpec,
    *,
    bias: npt.ArrayLike | None = None,
    padding_mode: PaddingMode = "zeros",
) -> Array:
    """What PyTorch's Conv2d computes: every window of ``window_at`` at once, as (K, Ho, Wo)."""
    image, weight = _check_fit(image, weight, spec)
    padded = pad(image, spec.pad_sides, padding_mode)  # (C, Hp, Wp)
    return correlate_windows(padded, weight, spec.axes, bias)


def convolve(
    image: npt.ArrayLike,
    weight: npt.ArrayLike,
    spec: ConvSpec,
    *,
    bias: npt.ArrayLike | None = None,
    padding_mode: PaddingMode = "zeros",
) -> Array:
    """The convolution of mathematics: ``cross_correlate`` with filters turned by 180 degrees."""
    turned = flip_kernel(weight)
    return cross_correlate(image, turned, spec, bias=bias, padding_mode=padding_mode)


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """How often each cell is read.

    ``reads`` (Hp, Wp) counts, for each cell of the padded input, the windows that read it.
    ``unreached_rows`` and ``unreached_columns`` are padded positions that the floor throws away;
    ``skipped_rows`` and ``skipped_columns`` input positions that stride or dilation jump over.
    """

    reads: npt.NDArray[np.int64]
    unreached_rows: tuple[int, ...]
    unreached_columns: tuple[int, ...]
    skipped_rows: tuple[int, ...]
    skipped_columns: tuple[int, ...]


def coverage(spec: ConvSpec | PoolSpec, height: int, width: int) -> Coverage:
    """How many windows read each cell of the padded input.

    A window reads a cell if it reads both its row and its column, so the count of a cell is the
    product of the two. For a pooling in ceil_mode the padded input includes the overhang.
    """
    spec.output_size(height, width)
    rows, columns = spec.axes if isinstance(spec, ConvSpec) else spec.axes_for(height, width)
    check_cells("the padded input", rows.padded_size(height), columns.padded_size(width))
    return Coverage(
        reads=np.outer(rows.reads(height), columns.reads(width)),  # (Hp, Wp)
        unreached_rows=rows.unreached(height),
        unreached_columns=columns.unreached(width),
        skipped_rows=rows.skipped(height),
        skipped_columns=columns.skipped(width),
    )


def _check_fit(image: npt.ArrayLike, weight: npt.ArrayLike, spec: ConvSpec) -> tuple[Array, Array]:
    """Image (C, H, W) and filters (K, C, kh, kw) as arrays, if they fit each other and ``spec``."""
    image = as_image(image)
    spec.output_size(*image.shape[1:])  # settings without an output are the first thing to say
    weight = np.asarray(weight, dtype=np.float64)
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(
            f"the filters have the shape {weight.shape}: use (filters, channels, height, width)"
        )
    if weight.shape[1] != image.shape[0]:
        raise ShapeError(
            f"each filter has {weight.shape[1]} channels, but the image has {image.shape[0]}: a "
            "filter must be as deep as its input"
        )
    if weight.shape[2:] != spec.kernel_size:
        raise ShapeError(
            f"the filters are {weight.shape[2]} x {weight.shape[3]}, but kernel_size says "
            f"{spec.kernel_size[0]} x {spec.kernel_size[1]}: make them equal"
        )
    return image, weight
