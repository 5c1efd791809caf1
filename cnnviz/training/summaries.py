"""Weights, activations and running statistics of a network, each in a few numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from cnnviz.training.records import NormSummary, Summary


def summarize(values: torch.Tensor) -> Summary:
    """A tensor of any shape in five numbers."""
    values = values.detach().float()
    std, mean = torch.std_mean(values, correction=0)
    low, high = torch.aminmax(values)
    zeros = (values == 0).float().mean()
    return Summary(*torch.stack([mean, std, low, high, zeros]).tolist())


def summarize_weights(network: nn.Module) -> dict[str, Summary]:
    """Of each parameter, by its name."""
    return {name: summarize(parameter) for name, parameter in network.named_parameters()}


def summarize_batch_norm(network: nn.Module) -> dict[str, NormSummary]:
    """Of the running statistics of each batch normalization, by its name."""
    found = {}
    for name, module in network.named_modules():
        if not isinstance(module, nn.BatchNorm2d):
            continue
        mean, variance = module.running_mean, module.running_var
        if mean is not None and variance is not None:
            spread, centre = torch.std_mean(mean.float(), correction=0)
            numbers = torch.stack([centre, spread, variance.float().mean()]).tolist()
            found[name] = NormSummary(*numbers)
    return found


@torch.no_grad()
def summarize_activations(network: nn.Module, forward: Callable[[], object]) -> dict[str, Summary]:
    """Of what each layer puts out while `forward` runs the network, by the layer's name."""
    found: dict[str, Summary] = {}

    def hook_for(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            found[name] = summarize(output)

        return keep

    leaves = [(name, m) for name, m in network.named_modules() if not list(m.children())]
    handles = [module.register_forward_hook(hook_for(name)) for name, module in leaves]
    try:
        forward()
    finally:
        for handle in handles:
            handle.remove()
    return found
