"""The same numbers by PyTorch: the judge of ``convolution``, ``pooling`` and ``transposed``.

The only module of the core that imports torch; import it late. Takes and gives numpy float64 with
the shapes of ``convolution``; where PyTorch refuses, its own message is in the NoOutputError.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from cnnviz.errors import NoOutputError, ShapeError
from cnnviz.geometry import ConvSpec, PoolSpec, TransposedConvSpec
from cnnviz.padding import Array, PaddingMode, as_image


def conv2d(
    image: npt.ArrayLike,
    weight: npt.ArrayLike,
    spec: ConvSpec,
    *,
    bias: npt.ArrayLike | None = None,
    padding_mode: PaddingMode = "zeros",
) -> Array:
    """``convolution.cross_correlate`` by torch.nn.functional.conv2d."""
    batch, filters = _batch(image), _filters(weight, spec.kernel_size)
    biases = _biases(bias)

    def run() -> torch.Tensor:
        padding = _conv_padding(spec)
        if padding_mode == "zeros" and padding is not None:
            return F.conv2d(batch, filters, biases, spec.stride, padding, spec.dilation)
        # As nn.Conv2d does it for the other modes: pad first, then convolve without padding.
        (top, bottom), (left, right) = spec.pad_sides
        mode = "constant" if padding_mode == "zeros" else padding_mode
        padded = F.pad(batch, (left, right, top, bottom), mode=mode)
        return F.conv2d(padded, filters, biases, spec.stride, 0, spec.dilation)

    return _numbers(run)


def pool2d(image: npt.ArrayLike, spec: PoolSpec) -> Array:
    """``pooling.max_pool`` or ``average_pool`` by max_pool2d or avg_pool2d."""
    batch = _batch(image)
    kernel_size, stride, padding = spec.kernel_size, spec.stride, spec.padding
    if spec.kind == "max":
        return _numbers(
            lambda: F.max_pool2d(
                batch, kernel_size, stride, padding, spec.dilation, ceil_mode=spec.ceil_mode
            )
        )
    return _numbers(
        lambda: F.avg_pool2d(
            batch, kernel_size, stride, padding, spec.ceil_mode, spec.count_include_pad
        )
    )


def conv_transpose2d(
    image: npt.ArrayLike,
    weight: npt.ArrayLike,
    spec: TransposedConvSpec,
    *,
    bias: npt.ArrayLike | None = None,
) -> Array:
    """``transposed.transposed_convolve`` by torch.nn.functional.conv_transpose2d."""
    batch, filters = _batch(image), _filters(weight, spec.kernel_size)
    return _numbers(
        lambda: F.conv_transpose2d(
            batch,
            filters,
            _biases(bias),
            spec.stride,
            spec.padding,
            spec.output_padding,
            groups=1,
            dilation=spec.dilation,
        )
    )


def _conv_padding(spec: ConvSpec) -> tuple[int, int] | str | None:
    """What F.conv2d takes as ``padding``; None where it is easier to pad first."""
    totals = [d * (k - 1) for d, k in zip(spec.dilation, spec.kernel_size, strict=True)]
    if spec.padding == "full":  # PyTorch has no name for it
        return totals[0], totals[1]
    if spec.padding == "same" and spec.stride == (1, 1) and any(total % 2 for total in totals):
        return None  # F.conv2d would warn that it copies the input to pad it unevenly
    return spec.padding


def _batch(image: npt.ArrayLike) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(as_image(image)))[None]  # (1, C, H, W)


def _filters(weight: npt.ArrayLike, kernel_size: tuple[int, int]) -> torch.Tensor:
    array = np.ascontiguousarray(weight, dtype=np.float64)
    if array.ndim != 4 or array.shape[2:] != kernel_size:
        raise ShapeError(
            f"the filters have the shape {array.shape}: use four axes that end in {kernel_size}"
        )
    return torch.from_numpy(array)


def _biases(bias: npt.ArrayLike | None) -> torch.Tensor | None:
    if bias is None:
        return None
    return torch.from_numpy(np.ascontiguousarray(bias, dtype=np.float64))


def _numbers(run: Callable[[], torch.Tensor]) -> Array:
    """The result (K, Ho, Wo) of a batch of one, or NoOutputError with what PyTorch says."""
    try:
        with torch.no_grad():
            output = run()
    except (RuntimeError, ValueError) as error:
        raise NoOutputError(f"PyTorch refuses: {error}") from error
    numbers: Array = output[0].numpy()
    return numbers
