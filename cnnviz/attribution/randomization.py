"""Does a map depend on what the network has learnt? The same method on a network that forgot it.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim: Sanity Checks for Saliency Maps, NeurIPS 2018,
arXiv:1810.03292. The layers are randomized from the last one on ("cascading randomization"). A map
that stays the same shows the picture's edges, not the network's reasons.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from cnnviz.attribution.explain import explain
from cnnviz.attribution.private_copy import private_copy
from cnnviz.attribution.ranks import similarity_of_magnitudes
from cnnviz.attribution.requests import AttributionRequest
from cnnviz.attribution.results import Attribution, RandomizationCheck
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.turns import Stop, never
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError
from cnnviz.settings import whole_number
from cnnviz.training.seeds import generator_for


def weighted_layers(network: nn.Module) -> tuple[str, ...]:
    """The names of its convolutions and linear layers, the first first."""
    return tuple(
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    )


def randomize(network: nn.Module, layers: int, seed: int) -> tuple[nn.Module, tuple[str, ...]]:
    """A private copy whose last layers are as before training, and their names, the last first.

    layers: how many of `weighted_layers`, with the normalizations that follow them. Weights are
    drawn as He et al. 2015 (arXiv:1502.01852) draw them, with variance 2 / inputs; biases are 0;
    normalizations have mean 0, variance 1, scale 1 and shift 0. The weights depend on the seed and
    the layer's name alone, so that a deeper randomization only adds to a shallower one.
    """
    names = weighted_layers(network)
    whole_number("layers", layers, least=1)
    whole_number("seed", seed, least=0)
    if layers > len(names):
        raise SettingError(f"layers is {layers}: this network has {len(names)} with weights")
    chosen = names[-layers:]
    twin = private_copy(network)
    reached = False
    for name, module in twin.named_modules():
        reached = reached or name == chosen[0]
        if not reached:
            continue
        if isinstance(module, nn.Conv2d | nn.Linear):
            _forget_weights(module, generator_for(seed, f"forget {name}"))
        elif isinstance(module, nn.BatchNorm2d):
            _forget_statistics(module)
    return twin, chosen[::-1]


def check_by_randomization(
    subject: Subject,
    request: AttributionRequest,
    *,
    layers: int = 1,
    seed: int = 0,
    trained: Attribution | None = None,
    progress: Progress = no_progress,
    stop: Stop = never,
) -> RandomizationCheck:
    """The map that was asked for, and that of the network whose last layers are randomized.

    trained: the map, if it is there already; made by the same request. Errors as `explain` has
    them.
    """
    randomized, names = randomize(subject.network, layers, seed)
    if trained is None:
        trained = explain(subject, request, progress=_part(progress, 0, 2), stop=stop)
        progress = _part(progress, 1, 2)
    elif trained.request != request:
        raise SettingError("the map that is there was made by another request: use the same one")
    other = explain(replace(subject, network=randomized), request, progress=progress, stop=stop)
    return RandomizationCheck(
        trained=trained,
        randomized=other,
        layers=names,
        seed=seed,
        similarity=similarity_of_magnitudes(trained.map, other.map),
    )


def cascade(
    subject: Subject,
    request: AttributionRequest,
    *,
    seed: int = 0,
    progress: Progress = no_progress,
    stop: Stop = never,
) -> tuple[RandomizationCheck, ...]:
    """The check with the last layer randomized, with the last two, and so on up to all of them."""
    depth = len(weighted_layers(subject.network))
    trained = explain(subject, request, progress=_part(progress, 0, depth + 1), stop=stop)
    return tuple(
        check_by_randomization(
            subject,
            request,
            layers=layers,
            seed=seed,
            trained=trained,
            progress=_part(progress, layers, depth + 1),
            stop=stop,
        )
        for layers in range(1, depth + 1)
    )


def _forget_weights(layer: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    """New parameters; the old ones, which are shared, are left as they are."""
    inputs = layer.weight[0].numel()
    draws = torch.randn(layer.weight.shape, generator=generator) * math.sqrt(2 / inputs)
    weight = torch.empty_like(layer.weight).copy_(draws)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if layer.bias is not None:
        layer.bias = nn.Parameter(torch.zeros_like(layer.bias), requires_grad=False)


def _forget_statistics(norm: nn.BatchNorm2d) -> None:
    for name, buffer in [*norm.named_buffers(recurse=False)]:
        if name.startswith("running_"):
            fresh = torch.ones_like if name == "running_var" else torch.zeros_like
            setattr(norm, name, fresh(buffer))
    if norm.affine:
        norm.weight = nn.Parameter(torch.ones_like(norm.weight), requires_grad=False)
        norm.bias = nn.Parameter(torch.zeros_like(norm.bias), requires_grad=False)


def _part(progress: Progress, number: int, count: int) -> Progress:
    """Progress of one of several parts of equal length."""

    def tell(words: str, share: float) -> None:
        progress(words, (number + share) / count)

    return tell
