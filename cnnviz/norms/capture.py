"""The numbers around a normalization, caught while pictures pass through the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.batchnorm import Array, Mode
from cnnviz.errors import SettingError
from cnnviz.norms.layer_values import LayerValues, Values
from cnnviz.norms.network_norms import find_norm, normalized_batch, private_copy, run
from cnnviz.training.pictures import Normalization


def capture(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    normalization: Normalization,
    layer: str,
    *,
    mode: Mode = "train",
) -> LayerValues:
    """What goes into a batch normalization, comes out of it and out of the activation after it.

    images: (N, H, W, C). mode: of all normalizations of the network. The network is not touched: a
    copy of its layers is run. SettingError for a layer that is none, or keeps no statistics.
    """
    norm = find_norm(network, layer)
    if norm.activation is None:
        raise SettingError(f"{layer} has no activation function after it: use another layer")
    mine = private_copy(network, mode)
    module = mine.get_submodule(layer)
    assert isinstance(module, nn.BatchNorm2d)
    if module.running_mean is None or module.running_var is None:
        raise SettingError(f"{layer} keeps no running statistics: use a layer that does")
    # Before the run: in training it changes those of the copy.
    running = _numbers(module.running_mean), _numbers(module.running_var)
    caught: dict[str, Values] = {}

    def note_norm(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        caught["before"], caught["after"] = _maps(inputs[0]), _maps(output)

    def note_activation(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        caught["activated"] = _maps(output)

    handles = [
        module.register_forward_hook(note_norm),
        mine.get_submodule(norm.activation).register_forward_hook(note_activation),
    ]
    try:
        run(mine, normalized_batch(network, images, normalization))
    finally:
        for handle in handles:
            handle.remove()
    ones, zeros = np.ones(norm.channels), np.zeros(norm.channels)
    return LayerValues(
        layer=norm.name,
        activation=norm.activation,
        activation_kind=norm.activation_kind,
        mode=mode,
        before=caught["before"],
        after=caught["after"],
        activated=caught["activated"],
        gamma=ones if module.weight is None else _numbers(module.weight),
        beta=zeros if module.bias is None else _numbers(module.bias),
        running_mean=running[0],
        running_variance=running[1],
        eps=float(module.eps),
    )


def _maps(tensor: torch.Tensor) -> Values:
    """A copy, since an activation may be computed in place, in the order (N, C, H, W)."""
    maps: Values = np.array(tensor.detach().float().cpu().contiguous().numpy())
    return maps


def _numbers(tensor: torch.Tensor) -> Array:
    numbers: Array = tensor.detach().double().cpu().numpy().copy()
    return numbers
