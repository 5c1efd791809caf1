"""A layer of PyTorch as the settings of a sliding window, if it is one."""

from __future__ import annotations

from torch import nn

from cnnviz.axis import AxisSpec
from cnnviz.errors import SettingError
from cnnviz.geometry import ConvSpec, PoolSpec
from cnnviz.settings import Pair, pair


def conv_spec(module: nn.Conv2d) -> ConvSpec:
    """SettingError for a convolution in groups, or one that pads by anything but zeros."""
    if module.groups != 1 or module.padding_mode != "zeros":
        raise SettingError(
            f"a convolution in {module.groups} groups with padding {module.padding_mode!r} is not "
            "written out here: use one without groups that pads with zeros"
        )
    return conv_window(module)


def conv_window(module: nn.Conv2d) -> ConvSpec:
    """Where its windows lie: neither groups nor what the padding holds change that."""
    padding = module.padding
    if isinstance(padding, str):
        name = "same" if padding == "same" else "valid"
        return ConvSpec(module.kernel_size, module.stride, name, module.dilation)  # type: ignore[arg-type]
    return ConvSpec(module.kernel_size, module.stride, padding, module.dilation)  # type: ignore[arg-type]


def pool_spec(module: nn.Module, height: int, width: int) -> PoolSpec | None:
    """Of a pooling over maps of this size; None for any other layer.

    SettingError for an adaptive one whose windows differ in size.
    """
    if isinstance(module, nn.MaxPool2d):
        return PoolSpec(
            "max",
            pair("kernel_size", module.kernel_size, least=1),
            pair("stride", module.stride, least=1),
            pair("padding", module.padding, least=0),
            pair("dilation", module.dilation, least=1),
            ceil_mode=module.ceil_mode,
        )
    if isinstance(module, nn.AvgPool2d):
        return PoolSpec(
            "average",
            pair("kernel_size", module.kernel_size, least=1),
            pair("stride", module.stride, least=1),
            pair("padding", module.padding, least=0),
            ceil_mode=module.ceil_mode,
            count_include_pad=module.count_include_pad,
        )
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return PoolSpec("average", _even_kernel(module, height, width))
    return None


def window_axes(module: nn.Module, height: int, width: int) -> tuple[AxisSpec, AxisSpec] | None:
    """The window that it slides over maps of this size, height first; None if it slides none."""
    if isinstance(module, nn.Conv2d):
        return conv_window(module).axes
    pooling = pool_spec(module, height, width)
    return None if pooling is None else pooling.axes_for(height, width)


def _even_kernel(module: nn.AdaptiveAvgPool2d, height: int, width: int) -> Pair:
    wanted = module.output_size
    rows, columns = wanted if isinstance(wanted, tuple) else (wanted, wanted)
    rows, columns = rows or height, columns or width
    if height % rows or width % columns:
        raise SettingError(
            f"an adaptive pooling from {height} x {width} to {rows} x {columns} has windows of "
            "different sizes: use sizes that divide each other"
        )
    return height // rows, width // columns
