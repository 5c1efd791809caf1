"""The arithmetic of a layer: how the size of its output follows, and how many parameters it has."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cnnviz.model_text.steps import Step

_CONVOLUTIONS: Final = ("Conv2d",)
_POOLINGS: Final = ("MaxPool2d", "AvgPool2d", "max_pool2d", "avg_pool2d")
_FLAT: Final = ("Flatten", "flatten", "view", "reshape")


def size_formula(step: Step) -> str:
    """⌊(32 + 2·0 − 5) / 1⌋ + 1 = 28; empty for a layer that leaves the size as it is."""
    kind = step.kind.rpartition(".")[2]
    shape = step.inputs[0] if step.inputs else ()
    if kind in _CONVOLUTIONS + _POOLINGS and len(shape) == len(step.output) == 3:
        sizes = [_axis_formula(step, kind, axis) for axis in (0, 1)]
        return sizes[0] if sizes[0] == sizes[1] else f"{sizes[0]};  {sizes[1]}"
    if kind in _FLAT and len(shape) > 1 and step.output == (prod(shape),):
        return f"{'·'.join(map(str, shape))} = {prod(shape):,}"
    if kind == "cat" and len({len(each) for each in step.inputs}) == 1 and len(shape) == 3:
        channels = [each[0] for each in step.inputs]
        if sum(channels) == step.output[0]:
            return f"{' + '.join(map(str, channels))} = {step.output[0]} channels"
    return ""


def parameter_formula(step: Step) -> str:
    """6·(3·5·5 + 1); empty for a layer without parameters."""
    given, count = step.arguments, step.parameters
    if not count:
        return ""
    bias = " + 1" if given.get("bias", True) else ""
    if step.kind == "Conv2d":
        kernel = _pair(given["kernel_size"])
        into = given["in_channels"] // given.get("groups", 1)
        return f"{given['out_channels']}·({into}·{kernel[0]}·{kernel[1]}{bias})"
    if step.kind == "Linear":
        return f"{given['out_features']}·({given['in_features']}{bias})"
    if step.kind in ("BatchNorm1d", "BatchNorm2d", "GroupNorm"):
        return f"2·{count // 2}"
    return ""


def _axis_formula(step: Step, kind: str, axis: int) -> str:
    given = step.arguments
    kernel = _pair(given["kernel_size"])[axis]
    is_pool = kind in _POOLINGS
    stride_given = given.get("stride")
    if stride_given is None:
        stride_given = given["kernel_size"] if is_pool else 1
    stride = _pair(stride_given)[axis]
    dilation = _pair(given.get("dilation", 1))[axis]
    before, after = step.inputs[0][axis + 1], step.output[axis + 1]
    padding = given.get("padding", 0)
    if isinstance(padding, str) and padding == "same":
        return f"{after}, as padding is “same”"
    around = 0 if isinstance(padding, str) else _pair(padding)[axis]
    window = str(kernel) if dilation == 1 else f"({dilation}·({kernel} − 1) + 1)"
    inner = f"{before} + 2·{around} − {window}" if around else f"{before} − {window}"
    floor = ("⌈", "⌉") if given.get("ceil_mode") else ("⌊", "⌋")
    share = f"({inner})" if stride == 1 else f"{floor[0]}({inner}) / {stride}{floor[1]}"
    return f"{share} + 1 = {after}"


def _pair(value: Any) -> tuple[int, int]:
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)
