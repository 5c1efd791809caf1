"""A network of one's own that shares the weights with another: hooks and modes are private.

Captum puts hooks on a network, and LRP even exchanges weights. On a network that thirty viewers
share each would see the others' hooks; so every computation gets its own modules, which cost
kilobytes, over the same weights, which cost megabytes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn


def private_copy(network: nn.Module, *, own_weights: bool = False) -> nn.Module:
    """A copy in evaluation, without hooks, none of whose weights is to be trained.

    own_weights: with weights that may be changed; otherwise they must not be. Activations that
    work in place do so no longer, since hooks would see their input overwritten.
    """
    return _copy(network, lambda tensor: tensor.detach().clone() if own_weights else tensor.data)


def without_numbers(network: nn.Module) -> nn.Module:
    """A private copy on the device "meta": it has shapes, and takes neither memory nor time."""
    return _copy(network, lambda tensor: torch.empty_like(tensor, device="meta"))


def _copy(network: nn.Module, numbers_of: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    # deepcopy takes these for the network's tensors. `.data` shares a tensor's numbers and nothing
    # else: not its gradient, and not the count of changes by which autograd notices that a tensor
    # which it still needs was written to.
    twins: dict[int, object] = {}
    for tensor in [*network.parameters(), *network.buffers()]:
        numbers = numbers_of(tensor)
        is_parameter = isinstance(tensor, nn.Parameter)
        twins[id(tensor)] = nn.Parameter(numbers, False) if is_parameter else numbers
    twin = copy.deepcopy(network, twins)
    for module in twin.modules():
        for name, hooks in vars(module).items():
            if name.endswith("_hooks") and isinstance(hooks, dict):
                hooks.clear()
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return twin.eval()
