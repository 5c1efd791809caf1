"""The filters of a network's convolutions, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from cnnviz.activations.passage import chain_of
from cnnviz.errors import SettingError
from cnnviz.settings import shown


@dataclass(frozen=True, slots=True, eq=False)
class Kernels:
    """All filters of one convolution."""

    layer: str
    weights: npt.NDArray[np.float32]
    """(filters, channels, kh, kw)."""
    bias: npt.NDArray[np.float32] | None
    """(filters,)."""

    @property
    def filters(self) -> int:
        """How many there are."""
        return int(self.weights.shape[0])

    @property
    def is_first(self) -> bool:
        """Whether a filter can be seen as a picture: as deep as one, grey or coloured."""
        return self.weights.shape[1] in (1, 3)


def convolutions_of(network: nn.Module) -> tuple[str, ...]:
    """The names of the convolutions of a chain of layers, in order."""
    return tuple(name for name, module in chain_of(network) if isinstance(module, nn.Conv2d))


def kernels_of(network: nn.Module, layer: str) -> Kernels:
    """A copy of a convolution's filters; SettingError for a layer that is none."""
    module = dict(chain_of(network)).get(layer)
    if not isinstance(module, nn.Conv2d):
        choices = ", ".join(convolutions_of(network))
        raise SettingError(f"layer is {shown(layer)}: use one of {choices}")
    bias = None if module.bias is None else module.bias.detach().float().cpu().numpy().copy()
    return Kernels(layer, module.weight.detach().float().cpu().numpy().copy(), bias)
