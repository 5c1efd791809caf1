"""Which batch normalizations a network has, and a copy of it that may be played with."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.batchnorm import Mode
from cnnviz.errors import SettingError, ShapeError
from cnnviz.settings import shown
from cnnviz.training.pictures import DeviceImages, Normalization

ACTIVATIONS: Final = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU)
MAX_PICTURES: Final = 512
"""In one batch that is looked at."""


@dataclass(frozen=True, slots=True)
class NormLayer:
    """One batch normalization and what stands around it."""

    name: str
    channels: int
    convolution: str | None
    """The one whose output it normalizes, if there is one."""
    between: tuple[str, ...]
    """Layers between the two, such as a pooling."""
    activation: str | None
    """The activation function right after it."""
    activation_kind: str
    """ReLU, GELU; empty if there is none."""


def find_norms(network: nn.Module) -> tuple[NormLayer, ...]:
    """The batch normalizations of a network that is a chain of layers, in order.

    SettingError for a network that is none: what stands before a layer is then not known.
    """
    layers = list(_chain("", network))
    found = []
    for place, (name, module) in enumerate(layers):
        if not isinstance(module, nn.BatchNorm2d):
            continue
        convolution, between = _convolution_before(layers[:place])
        after = layers[place + 1] if place + 1 < len(layers) else None
        active = after is not None and isinstance(after[1], ACTIVATIONS)
        found.append(
            NormLayer(
                name=name,
                channels=module.num_features,
                convolution=convolution,
                between=between,
                activation=after[0] if active and after else None,
                activation_kind=type(after[1]).__name__ if active and after else "",
            )
        )
    return tuple(found)


def find_norm(network: nn.Module, name: str) -> NormLayer:
    """The normalization of that name; SettingError that names the choices for any other."""
    norms = find_norms(network)
    for norm in norms:
        if norm.name == name:
            return norm
    choices = ", ".join(norm.name for norm in norms)
    raise SettingError(
        f"layer is {shown(name)}: "
        + (f"use one of {choices}" if choices else "this network has no batch normalization")
    )


def private_copy(network: nn.Module, mode: Mode = "eval") -> nn.Module:
    """The same weights in layers of its own, with running statistics of its own; no hooks.

    Whatever is done to its modes, hooks and statistics leaves the network as it was, though others
    use it at the same time. Only the weights are shared: do not change them. Dropout is off in both
    modes: what is to be seen is batch normalization alone.
    """
    weights: dict[int, object] = {id(weight): weight for weight in network.parameters()}
    mine: nn.Module = copy.deepcopy(network, weights)
    mine.eval()
    for module in mine.modules():
        module._forward_hooks.clear()  # of somebody who looks at the network just now
        module._forward_pre_hooks.clear()
        if isinstance(module, nn.BatchNorm2d):
            module.training = mode == "train"
    return mine


def normalized_batch(
    network: nn.Module, images: npt.NDArray[np.uint8], normalization: Normalization
) -> torch.Tensor:
    """Pictures uint8 (N, H, W, C) as the network takes them, (N, C, H, W), on its device."""
    if images.dtype != np.uint8 or images.ndim != 4 or not 0 < len(images) <= MAX_PICTURES:
        raise ShapeError(
            f"images are {images.dtype} {images.shape}: use uint8 (N, H, W, C), 1 to "
            f"{MAX_PICTURES} of them"
        )
    if len(normalization.mean) != images.shape[3]:
        raise ShapeError(
            f"images have {images.shape[3]} channels, the normalization has "
            f"{len(normalization.mean)}: use those of one data set"
        )
    parameter = next(network.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    labels = np.zeros(len(images), np.int64)
    on_device = DeviceImages(images, labels, normalization, device)
    return on_device.batch(torch.arange(len(images)))


def run(network: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Logits (N, classes), without gradients; ShapeError if a batch of one cannot be normalized."""
    try:
        with torch.no_grad():
            logits: torch.Tensor = network(batch)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ShapeError(
            "in training a batch of one picture has a single value in some channel, and nothing "
            "would be left of it: use two pictures or more"
        ) from None
    return logits


def _chain(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers of a chain in the order of use, by name."""
    if isinstance(module, nn.Sequential):
        for child_name, child in module.named_children():
            yield from _chain(f"{name}.{child_name}".removeprefix("."), child)
    elif name and not list(module.children()):
        yield name, module
    else:
        raise SettingError(
            f"{name or type(module).__name__} is no chain of layers (nn.Sequential): use a network "
            "that is"
        )


def _convolution_before(
    layers: list[tuple[str, nn.Module]],
) -> tuple[str | None, tuple[str, ...]]:
    """The nearest convolution, and the layers after it; None if a function comes between."""
    between: list[str] = []
    for name, module in reversed(layers):
        if isinstance(module, nn.Conv2d):
            return name, tuple(reversed(between))
        if not isinstance(module, nn.MaxPool2d | nn.AvgPool2d | nn.Identity):
            break
        between.append(name)
    return None, ()
