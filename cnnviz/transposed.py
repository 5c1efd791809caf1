"""Transposed convolution: an ordinary convolution over the input with zeros put between its cells.

Sources: Dumoulin & Visin 2016, section 4; PyTorch, ConvTranspose2d. Images are float64 arrays
(C, H, W). PyTorch stores these filters input first: (C, K, kh, kw).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cnnviz.errors import ShapeError
from cnnviz.geometry import TransposedConvSpec
from cnnviz.padding import Array, as_image, pad_constant
from cnnviz.settings import Pair, check_cells, pair
from cnnviz.windows import correlate_windows, flip_kernel


def insert_zeros(image: npt.ArrayLike, stride: int | Pair) -> Array:
    """The image with stride - 1 zeros between its cells: (C, H, W) -> (C, (H-1)s+1, (W-1)s+1)."""
    image = as_image(image)
    stride_y, stride_x = pair("stride", stride, least=1)
    channels, height, width = image.shape
    shape = (channels, (height - 1) * stride_y + 1, (width - 1) * stride_x + 1)
    check_cells("the input with zeros between its cells", *shape)
    stuffed = np.zeros(shape)
    stuffed[:, ::stride_y, ::stride_x] = image
    return stuffed


def transposed_convolve(
    image: npt.ArrayLike,
    weight: npt.ArrayLike,
    spec: TransposedConvSpec,
    *,
    bias: npt.ArrayLike | None = None,
) -> Array:
    """What PyTorch's ConvTranspose2d computes: (K, Ho, Wo). The filters are (C, K, kh, kw).

    Each input cell lays the whole filter, times its value, into the output; overlaps add up. Seen
    from an output cell this is a cross-correlation of the zero-stuffed input with the filter
    turned by 180 degrees, with the padding of ``spec.equivalent_conv``.
    """
    image = as_image(image)
    spec.output_size(*image.shape[1:])  # settings without an output are the first thing to say
    weight = np.asarray(weight, dtype=np.float64)
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(
            f"the filters have the shape {weight.shape}: use (channels, filters, height, width)"
        )
    if weight.shape[0] != image.shape[0]:
        raise ShapeError(
            f"the filters are for {weight.shape[0]} channels, but the image has {image.shape[0]}: "
            "their first axis must be as long as the image is deep"
        )
    if weight.shape[2:] != spec.kernel_size:
        raise ShapeError(
            f"the filters are {weight.shape[2]} x {weight.shape[3]}, but kernel_size says "
            f"{spec.kernel_size[0]} x {spec.kernel_size[1]}: make them equal"
        )
    rows, columns = axes = spec.equivalent_conv
    sides = ((rows.pad_before, rows.pad_after), (columns.pad_before, columns.pad_after))
    padded = pad_constant(insert_zeros(image, spec.stride), sides, 0.0)
    turned = flip_kernel(weight).swapaxes(0, 1)  # (K, C, kh, kw)
    return correlate_windows(padded, turned, axes, bias)
