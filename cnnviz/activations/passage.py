"""A picture on its way through a network: what every layer makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.activations.fields import Field
from cnnviz.activations.window_specs import window_axes
from cnnviz.attribution.private_copy import private_copy, without_numbers
from cnnviz.errors import SettingError
from cnnviz.evaluation import log_probabilities
from cnnviz.norms.network_norms import normalized_batch
from cnnviz.settings import shown
from cnnviz.training.pictures import Normalization

Values = npt.NDArray[np.float32]

PICTURE: Final = "picture"
"""The name under which the normalized picture stands before the first layer."""
UNSEEN: Final = (nn.Dropout, nn.Identity)
"""Layers that change nothing in evaluation, and are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerMaps:
    """What one layer puts out for one picture."""

    name: str
    kind: str
    """Its class: Conv2d."""
    values: Values
    """(C, H, W); of a layer without places (features, 1, 1)."""
    field: Field
    """What its units see of the picture."""
    is_flat: bool = False
    """Whether its units have no places: after a flattening."""
    module: nn.Module | None = dataclasses.field(default=None, repr=False)
    """Of a private copy that shares the weights; None for the picture."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        channels, height, width = self.values.shape
        return channels, height, width

    @property
    def channels(self) -> int:
        """Maps, or units."""
        return int(self.values.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A picture, and what every layer makes of it."""

    picture: npt.NDArray[np.uint8]
    """(H, W, C)."""
    layers: tuple[LayerMaps, ...]
    """In the order of use; the first is the normalized picture itself."""
    logits: npt.NDArray[np.float64]
    """(classes,)."""

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Softmax of the logits, (classes,)."""
        shares: npt.NDArray[np.float64] = np.exp(log_probabilities(self.logits[None])[0])
        return shares

    @property
    def names(self) -> tuple[str, ...]:
        """Of all layers."""
        return tuple(layer.name for layer in self.layers)

    def place(self, name: str) -> int:
        """Which of the layers has that name; SettingError that names the choices for any other."""
        if name not in self.names:
            raise SettingError(f"layer is {shown(name)}: use one of {', '.join(self.names)}")
        return self.names.index(name)

    def layer(self, name: str) -> LayerMaps:
        """The layer of that name."""
        return self.layers[self.place(name)]

    def before(self, name: str) -> LayerMaps:
        """The one whose maps it takes; SettingError for the picture, which takes none."""
        place = self.place(name)
        if place == 0:
            raise SettingError("the picture is where it begins: use a layer behind it")
        return self.layers[place - 1]


def pass_through(
    network: nn.Module, picture: npt.NDArray[np.uint8], normalization: Normalization
) -> Passage:
    """Runs a picture (H, W, C) through a copy of the network's layers, in evaluation.

    SettingError for a network that is no chain of layers.
    """
    mine = private_copy(network)
    batch = normalized_batch(mine, picture[None], normalization).contiguous()
    layers = [LayerMaps(PICTURE, "picture", _numbers(batch[0]), Field())]
    with torch.no_grad():
        for name, module, output in run_layers(mine, batch):
            layers.append(_layer(name, module, output, layers[-1]))
            logits = output[0].double().cpu().numpy()
    return Passage(picture, tuple(layers), logits.reshape(-1))


def run_layers(
    network: nn.Module, batch: torch.Tensor
) -> Iterator[tuple[str, nn.Module, torch.Tensor]]:
    """Name, layer and output (N, ...) of each layer, one after the other; N is the batch's.

    SettingError for a network that is no chain. Layers that change nothing are left out.
    """
    for name, module in chain_of(network):
        batch = module(batch)
        yield name, module, batch


def chain_of(network: nn.Module) -> tuple[tuple[str, nn.Module], ...]:
    """The layers in the order of use, by name; SettingError for a network that is no chain."""

    def walk(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
        if isinstance(module, nn.Sequential):
            for child_name, child in module.named_children():
                yield from walk(f"{name}.{child_name}".removeprefix("."), child)
        elif not name or list(module.children()):
            raise SettingError(
                f"{name or type(module).__name__} is no chain of layers (nn.Sequential): use a "
                "network that is"
            )
        elif not isinstance(module, UNSEEN):
            yield name, module

    return tuple(walk("", network))


def fields_of(
    network: nn.Module, input_shape: tuple[int, int, int]
) -> dict[str, tuple[Field, tuple[int, ...]]]:
    """What the units of each layer see, and the layer's shape (C, H, W), or (features,)."""
    mine = without_numbers(network)
    found, before, shape = {}, Field(), tuple(input_shape)
    with torch.no_grad():
        for name, module, output in run_layers(mine, torch.empty(1, *input_shape, device="meta")):
            before = next_field(module, before, shape)
            shape = tuple(output.shape[1:])
            found[name] = before, shape
    return found


def next_field(module: nn.Module, before: Field, shape: tuple[int, ...]) -> Field:
    """What the units of a layer see that takes maps (C, H, W), or (features,), with such fields."""
    if len(shape) < 3:
        return before  # each unit of a flat layer sees everything that was joined before
    if isinstance(module, nn.Flatten | nn.Linear):
        return before.joined(shape[1], shape[2])
    axes = window_axes(module, shape[1], shape[2])
    return before if axes is None else before.through(axes)


def _layer(name: str, module: nn.Module, output: torch.Tensor, before: LayerMaps) -> LayerMaps:
    shape: tuple[int, ...] = before.shape[:1] if before.is_flat else before.shape
    values = _numbers(output[0])
    is_flat = values.ndim == 1
    return LayerMaps(
        name=name,
        kind=type(module).__name__,
        values=values[:, None, None] if is_flat else values,
        field=next_field(module, before.field, shape),
        is_flat=is_flat,
        module=module,
    )


def _numbers(tensor: torch.Tensor) -> Values:
    """A copy: an activation may be computed in place."""
    numbers: Values = np.array(tensor.detach().float().cpu().contiguous().numpy())
    return numbers
