"""A trained network as a list of layers and one array of numbers: what a browser needs to run it.

cnnviz/ui/components/digit_net.js runs it. A normalization is folded into the convolution before
it, so that the browser need not know of any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.activations.passage import chain_of
from cnnviz.activations.window_specs import conv_spec, pool_spec
from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.errors import SettingError
from cnnviz.models.blocks import Scale
from cnnviz.norms.folded_network import fold_network
from cnnviz.norms.network_norms import find_norms

FUNCTIONS: Final[Mapping[type[nn.Module], str]] = {
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
}
"""Activation functions, by what the browser calls them."""


@dataclass(frozen=True, slots=True, eq=False)
class BrowserNet:
    """A network for pictures of one size."""

    input_shape: tuple[int, int, int]
    """(C, H, W)."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Of each channel, of pixels from 0 to 1: what a picture is normalized by."""
    layers: tuple[Mapping[str, Any], ...]
    """In the order of use; each has its `kind` and what else the browser needs, ready for JSON.
    Where a layer has weights, its numbers are the next ones: weights as PyTorch orders them, then
    biases."""
    numbers: npt.NDArray[np.float32]


def browser_net(network: nn.Module, card: CheckpointCard) -> BrowserNet:
    """SettingError that names the layer if there is one that the browser does not know."""
    if find_norms(network):
        network, _ = fold_network(network)
    shape = card.spec.input_shape
    layers, numbers = list[Mapping[str, Any]](), list[npt.NDArray[np.float32]]()
    batch = torch.zeros(1, *shape)
    for name, module in chain_of(network):
        described, weights = _describe(name, module, tuple(batch.shape[1:]))
        with torch.no_grad():
            batch = module(batch)
        if described is not None:
            layers.append(described)
        numbers += [tensor.detach().float().cpu().numpy().ravel() for tensor in weights]
    return BrowserNet(shape, card.mean, card.std, tuple(layers), np.concatenate(numbers))


def _describe(
    name: str, module: nn.Module, shape: tuple[int, ...]
) -> tuple[dict[str, Any] | None, tuple[torch.Tensor, ...]]:
    """A layer that takes this shape, and its weights; None for one that only renames values."""
    if isinstance(module, nn.Flatten):
        return None, ()
    if type(module) in FUNCTIONS:
        return {"kind": FUNCTIONS[type(module)]}, ()
    if isinstance(module, Scale):
        return {"kind": "scale", "factor": module.factor}, ()
    if isinstance(module, nn.Linear):
        bias = (module.bias,) if module.bias is not None else ()
        described = {"kind": "linear", "outputs": module.out_features, "bias": bool(bias)}
        return described, (module.weight, *bias)
    if isinstance(module, nn.Conv2d):
        spec = conv_spec(module)
        (top, bottom), (left, right) = spec.pad_sides
        biases = (module.bias,) if module.bias is not None else ()
        return {
            "kind": "conv",
            "filters": module.out_channels,
            "kernel": spec.kernel_size,
            "stride": spec.stride,
            "dilation": spec.dilation,
            "before": [top, left],
            "after": [bottom, right],
            "bias": bool(biases),
        }, (module.weight, *biases)
    pooling = pool_spec(module, shape[1], shape[2]) if len(shape) == 3 else None
    if pooling is None or pooling.padding != (0, 0) or pooling.dilation != (1, 1):
        raise SettingError(f"{name} is a layer that is not run in the browser: {module}")
    if pooling.ceil_mode:
        raise SettingError(f"{name} rounds its size up, which is not done in the browser")
    return {
        "kind": f"{pooling.kind}-pool",
        "kernel": pooling.kernel_size,
        "stride": pooling.stride,
    }, ()
