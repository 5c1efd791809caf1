"""PyTorch's own functions for the names of the catalogue.

The tables are written out by the catalogue's names: none of a text's is ever looked up in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.model_text.catalogue import FUNCTIONS, LAYERS

LAYER_CLASSES: Final[Mapping[str, Callable[..., nn.Module]]] = {
    name: getattr(nn, name) for name in LAYERS
}


def _function(name: str) -> Callable[..., torch.Tensor]:
    home = F if name.startswith("torch.nn.functional.") else torch
    found: Callable[..., torch.Tensor] = getattr(home, name.rpartition(".")[2])
    return found


OPERATIONS: Final[Mapping[str, Callable[..., torch.Tensor]]] = {
    name: _function(name) for name in FUNCTIONS
}


def _lengths(shape: Any) -> tuple[int, ...]:
    return tuple(shape) if isinstance(shape, tuple | list) else (shape,)


TENSOR_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "view": lambda input, shape: input.view(_lengths(shape)),
    "reshape": lambda input, shape: input.reshape(_lengths(shape)),
    "flatten": lambda input, **given: input.flatten(**given),
    "size": lambda input, dim=None: tuple(input.shape) if dim is None else input.size(dim),
    "dim": lambda input: input.dim(),
    "relu": lambda input: input.relu(),
    "sigmoid": lambda input: input.sigmoid(),
    "tanh": lambda input: input.tanh(),
    "softmax": lambda input, dim: input.softmax(dim),
    "log_softmax": lambda input, dim: input.log_softmax(dim),
    "mean": lambda input, **given: input.mean(**given),
    "squeeze": lambda input, dim: input.squeeze(dim),
    "unsqueeze": lambda input, dim: input.unsqueeze(dim),
    "add": lambda input, other: input.add(other),
    "mul": lambda input, other: input.mul(other),
    "contiguous": lambda input: input.contiguous(),
}
