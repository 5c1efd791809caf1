"""Convolutions over small maps, whose weights' gradient is one matrix product on the CPU.

The gradient of a convolution's weights sums, over all images and positions, the products of what
came in with what goes back. oneDNN, which computes it for PyTorch, parallelizes over images and
positions; in bfloat16 a map of 2x2 or 4x4 leaves it so little to do at a time that this gradient
alone takes more than half of a step of VGG-16. Laid out as a matrix with a row for each position
and a column for each weight of a filter (im2col), the same sum is one product of two matrices.
docs/training.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.grad import conv2d_input

from cnnviz.settings import Pair

MOST_CELLS: Final = 16
"""Height times width of the output up to which the matrix product is faster; measured."""


@contextmanager
def small_maps_by_product(network: nn.Module, *, enabled: bool) -> Iterator[None]:
    """While it lasts, the network's convolutions over small maps compute their gradient this way.

    Outputs are the same, gradients but for rounding. The modules are left as they were.
    """
    chosen = [m for m in network.modules() if isinstance(m, nn.Conv2d) and _fits(m)]
    try:
        for module in chosen if enabled else []:
            module.forward = _Forward(module)  # type: ignore[assignment]
        yield
    finally:
        for module in chosen:
            module.__dict__.pop("forward", None)


class _Forward:
    """Stands in for the `forward` of one convolution."""

    def __init__(self, module: nn.Conv2d) -> None:
        self._module = module
        self._padding = _padding(module)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        module = self._module
        (top, left), (height, width) = self._padding, module.kernel_size
        cells = (x.shape[2] + 2 * top - height + 1) * (x.shape[3] + 2 * left - width + 1)
        if cells > MOST_CELLS or not module.weight.requires_grad:
            return nn.Conv2d.forward(module, x)
        output: torch.Tensor = _Convolution.apply(x, module.weight, module.bias, self._padding)
        return output


class _Convolution(torch.autograd.Function):
    """A convolution of stride 1 in bfloat16; see the module's docstring for what is special."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: Pair
    ) -> torch.Tensor:
        x, weight = x.bfloat16(), weight.bfloat16()
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        with torch.autocast("cpu", enabled=False):
            return F.conv2d(x, weight, None if bias is None else bias.bfloat16(), padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = gradients  # (N, O, H', W')
        x, weight = ctx.saved_tensors
        needs_x, _, needs_bias, _ = ctx.needs_input_grad
        x_gradient = None
        if needs_x:
            x_gradient = conv2d_input(  # type: ignore[no-untyped-call]
                x.shape, weight, gradient, padding=ctx.padding
            )
        bias_gradient = gradient.sum((0, 2, 3)) if needs_bias else None
        return x_gradient, _weight_gradient(x, gradient, weight, ctx.padding), bias_gradient, None


def _weight_gradient(
    x: torch.Tensor, gradient: torch.Tensor, weight: torch.Tensor, padding: Pair
) -> torch.Tensor:
    out_channels, channels, height, width = weight.shape
    top, left = padding
    padded = F.pad(x, (left, left, top, top)).permute(0, 2, 3, 1)  # (N, H, W, C)
    windows = padded.unfold(1, height, 1).unfold(2, width, 1)  # (N, H', W', C, kh, kw)
    columns = windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, height * width * channels)
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, out_channels)  # (N H' W', O)
    product = rows.t() @ columns  # (O, kh kw C)
    return product.view(out_channels, height, width, channels).permute(0, 3, 1, 2)


def _fits(module: nn.Conv2d) -> bool:
    return (
        module.stride == (1, 1)
        and module.dilation == (1, 1)
        and module.groups == 1
        and module.padding_mode == "zeros"
        and (module.padding != "same" or all(size % 2 for size in module.kernel_size))
    )


def _padding(module: nn.Conv2d) -> Pair:
    """Rows and columns that are added on either side."""
    if isinstance(module.padding, str):
        height, width = module.kernel_size
        return ((height - 1) // 2, (width - 1) // 2) if module.padding == "same" else (0, 0)
    top, left = module.padding
    return top, left
