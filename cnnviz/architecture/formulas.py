"""The arithmetic of a layer with its numbers put in: size, parameters, products, memory.

Every formula is text that works out: with "·" as times, "−" as minus and the brackets of floor and
ceiling, its left side gives the number that the layer has. Where there is no such formula, the text
is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Final

from cnnviz.architecture.operation import Operation, Shape

BYTES: Final = 4
"""Of a number in float32."""
CONVOLUTIONS: Final = ("Conv2d", "conv2d")
POOLINGS: Final = ("MaxPool2d", "AvgPool2d", "max_pool2d", "avg_pool2d")
ADAPTIVE: Final = (
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
)
LINEAR: Final = ("Linear", "NonDynamicallyQuantizableLinear", "linear")
_FLAT: Final = ("Flatten", "flatten", "view", "reshape")
_PAIRED: Final = ("BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "LayerNorm2d")
"""Normalizations, which have a scale and a shift for each channel."""


def short_kind(kind: str) -> str:
    """The last part of a name: relu of torch.nn.functional.relu."""
    return kind.rpartition(".")[2]


def size_formula(step: Operation) -> str:
    """⌊(32 + 2·0 − 5) / 1⌋ + 1 = 28; empty for a layer that leaves the size as it is."""
    kind = short_kind(step.kind)
    shape = step.inputs[0] if step.inputs else ()
    if len(shape) == len(step.output) == 3:
        if kind in CONVOLUTIONS + POOLINGS:
            return _both_axes(lambda axis: _window_formula(step, kind, axis))
        if kind in ADAPTIVE:
            return _both_axes(lambda axis: _adaptive_formula(step, axis))
    if kind in _FLAT and len(shape) > 1 and step.output == (prod(shape),):
        return f"{_times(shape)} = {prod(shape):,}"
    if kind == "cat" and len({len(each) for each in step.inputs}) == 1 and len(shape) == 3:
        channels = [each[0] for each in step.inputs]
        if sum(channels) == step.output[0]:
            return f"{' + '.join(map(str, channels))} = {step.output[0]} channels"
    return ""


def parameter_formula(step: Operation) -> str:
    """6·(3·5·5 + 1); empty for a layer without parameters."""
    given, count, kind = step.arguments, step.parameters, short_kind(step.kind)
    if not count:
        return ""
    bias = " + 1" if given.get("bias", True) else ""
    if kind in CONVOLUTIONS:
        return f"{given['out_channels']}·({_window(given)}{bias})"
    if kind in LINEAR:
        return f"{given['out_features']}·({given['in_features']}{bias})"
    if kind in _PAIRED and count % 2 == 0:
        return f"2·{count // 2}"
    return ""


def mac_formula(step: Operation) -> str:
    """6·28·28 · 3·5·5: so many outputs, so many products for each; empty where there are none."""
    kind = short_kind(step.kind)
    if not step.macs:
        return ""
    if kind in CONVOLUTIONS:
        return f"{_times(step.output)} · {_window(step.arguments)}"
    if kind in LINEAR:
        return f"{_times(step.output)} · {step.arguments['in_features']}"
    return ""


def memory_formula(step: Operation) -> str:
    """4·6·28·28: bytes that the output takes in float32."""
    return f"{BYTES}·{_times(step.output)}"


def _both_axes(formula: Any) -> str:
    rows, columns = formula(0), formula(1)
    return rows if rows == columns else f"{rows};  {columns}"


def _window_formula(step: Operation, kind: str, axis: int) -> str:
    given = step.arguments
    kernel = _pair(given["kernel_size"])[axis]
    is_pool = kind in POOLINGS
    stride_given = given.get("stride")
    if stride_given is None:
        stride_given = given["kernel_size"] if is_pool else 1
    stride = _pair(stride_given)[axis]
    dilation = _pair(given.get("dilation", 1))[axis]
    before, after = step.inputs[0][axis + 1], step.output[axis + 1]
    around, padding = _padding(given, axis, kernel, dilation)
    window = str(kernel) if dilation == 1 else f"({dilation}·({kernel} − 1) + 1)"
    inner = f"{before}{around} − {window}"
    is_ceil = bool(given.get("ceil_mode"))
    floor = ("⌈", "⌉") if is_ceil else ("⌊", "⌋")
    share = f"({inner})" if stride == 1 else f"{floor[0]}({inner}) / {stride}{floor[1]}"
    # The last window of ceil_mode is left out if it would begin in the padding.
    left_out = ""
    if is_ceil and -(-(before + padding - dilation * (kernel - 1) - 1) // stride) + 1 > after:
        left_out = " − 1"
    return f"{share} + 1{left_out} = {after}"


def _padding(given: Mapping[str, Any], axis: int, kernel: int, dilation: int) -> tuple[str, int]:
    """As a summand of the formula, and in all."""
    padding = given.get("padding", 0)
    if padding == "same":
        total = dilation * (kernel - 1)
        ends = (total // 2, total - total // 2)
        if ends[0] != ends[1]:
            return f" + {ends[0]} + {ends[1]}", total
        return (f" + 2·{ends[0]}" if total else ""), total
    around = 0 if isinstance(padding, str) else _pair(padding)[axis]
    return (f" + 2·{around}" if around else ""), 2 * around


def _adaptive_formula(step: Operation, axis: int) -> str:
    """As the pooling that it comes to, where all its windows are alike."""
    before, after = step.inputs[0][axis + 1], step.output[axis + 1]
    if before % after:
        return f"{after}, as asked for"
    kernel = before // after
    inner = f"({before} − {kernel})"
    return f"{inner} + 1 = {after}" if kernel == 1 else f"⌊{inner} / {kernel}⌋ + 1 = {after}"


def _window(given: Mapping[str, Any]) -> str:
    """3·5·5: what one unit of a convolution takes in."""
    kernel = _pair(given["kernel_size"])
    return f"{given['in_channels'] // given.get('groups', 1)}·{kernel[0]}·{kernel[1]}"


def _times(shape: Shape) -> str:
    return "·".join(map(str, shape))


def _pair(value: Any) -> tuple[int, int]:
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)
