"""A layer or a function of PyTorch as plain arguments, its window, and its multiply-accumulates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final

import torch
from torch import nn

from cnnviz.architecture.formulas import CONVOLUTIONS, LINEAR
from cnnviz.layers import count_macs

_FACTS: Final = (
    "in_channels",
    "out_channels",
    "in_features",
    "out_features",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "ceil_mode",
    "output_size",
    "normalized_shape",
    "dims",
)
"""Attributes of layers that the arithmetic needs."""
_SIGNATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool2d": ("input", "kernel_size", "stride", "padding", "ceil_mode"),
    "adaptive_avg_pool2d": ("input", "output_size"),
    "adaptive_max_pool2d": ("input", "output_size"),
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "linear": ("input", "weight", "bias"),
    "mean": ("input", "dim", "keepdim"),
    "layer_norm": ("input", "normalized_shape"),
    "einsum": ("equation",),
}
_WINDOWED: Final = {
    "max_pool2d": nn.MaxPool2d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
}


def layer_arguments(module: nn.Module) -> dict[str, Any]:
    """What the arithmetic needs of a layer."""
    found = {name: getattr(module, name) for name in _FACTS if hasattr(module, name)}
    if isinstance(module, nn.Conv2d | nn.Linear):
        found["bias"] = module.bias is not None
    return found


def call_arguments(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What the arithmetic needs of a function's call, by the names that the layers have."""
    given = dict(zip(_SIGNATURES.get(name, ()), args, strict=False)) | dict(kwargs)
    weight = given.get("weight")
    if name in CONVOLUTIONS + LINEAR and isinstance(weight, torch.Tensor):
        given["bias"] = given.get("bias") is not None
        if name in LINEAR:
            given["out_features"], given["in_features"] = weight.shape
        else:
            given["out_channels"] = weight.shape[0]
            given["in_channels"] = weight.shape[1] * given.get("groups", 1)
            given["kernel_size"] = tuple(weight.shape[2:])
    if name in ("permute", "transpose"):
        given["order"] = _order(name, args)
    return {key: value for key, value in given.items() if not isinstance(value, torch.Tensor)}


def _order(name: str, args: Sequence[Any]) -> tuple[int, ...]:
    """The dimensions in their new order, the batch included."""
    count = args[0].dim()
    if name == "permute":
        wanted = args[1] if isinstance(args[1], tuple | list) else args[1:]
        return tuple(dim % count for dim in wanted)
    order = list(range(count))
    one, other = args[1] % count, args[2] % count
    order[one], order[other] = order[other], order[one]
    return tuple(order)


def window_layer(name: str, arguments: Mapping[str, Any]) -> nn.Module | None:
    """The layer that slides the same window as a function's call; None if it slides none."""
    if name == "conv2d":
        return _without_weights(arguments)
    layer = _WINDOWED.get(name)
    if layer is None:
        return None
    names = set(_SIGNATURES[name]) - {"input"}
    made: nn.Module = layer(**{key: value for key, value in arguments.items() if key in names})
    return made


def _without_weights(arguments: Mapping[str, Any]) -> nn.Module:
    names = ("stride", "padding", "dilation", "groups")
    return nn.Conv2d(
        arguments["in_channels"],
        arguments["out_channels"],
        arguments["kernel_size"],
        device="meta",
        **{name: arguments[name] for name in names if name in arguments},
    )


def layer_macs(module: nn.Module, inputs: Sequence[torch.Tensor], output: torch.Tensor) -> int:
    """Multiply-accumulates of a layer for one picture, those inside an attention included."""
    if isinstance(module, nn.MultiheadAttention):
        # Query, key and value, each by its matrix; scores; the mixture; the last matrix.
        tokens, width = int(inputs[0].shape[-2]), int(inputs[0].shape[-1])
        return 4 * tokens * width * width + 2 * tokens * tokens * width
    return count_macs(module, output)


def call_macs(
    name: str, arguments: Mapping[str, Any], tensors: Sequence[torch.Tensor], output: torch.Tensor
) -> int:
    """Multiply-accumulates of a function's call for one picture.

    Windows of attention are put into the batch: all of it is of the one picture.
    """
    if name in LINEAR:
        return output.numel() * int(arguments["in_features"])
    if name in CONVOLUTIONS:
        kernel: tuple[int, ...] = arguments["kernel_size"]
        into = int(arguments["in_channels"]) // int(arguments.get("groups", 1))
        return output.numel() * into * prod(kernel)
    if name in ("matmul", "bmm", "mm", "rmatmul"):
        return output.numel() * int(tensors[0].shape[-1])
    if name == "scaled_dot_product_attention":
        query, key, value = tensors[:3]
        pairs = query.shape[:-1].numel() * int(key.shape[-2])
        return pairs * int(query.shape[-1] + value.shape[-1])
    if name == "einsum":
        return _einsum_macs(str(arguments["equation"]), tensors)
    return 0


def _einsum_macs(equation: str, tensors: Sequence[torch.Tensor]) -> int:
    """Every combination of the indices is one product."""
    left = equation.split("->")[0].replace(" ", "").split(",")
    sizes: dict[str, int] = {}
    for names, tensor in zip(left, tensors, strict=True):
        sizes.update(zip(names, tensor.shape, strict=True))
    return prod(sizes.values())
