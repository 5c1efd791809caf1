"""Small networks with running statistics of their own, and pictures, for the tests here."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from cnnviz.data.canonical import Split, canonical_order, split_digest
from cnnviz.models.registry import build_model, spec_for
from cnnviz.training.pictures import Normalization

NORMALIZATION = Normalization((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))


def pictures(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(N, 32, 32, 3), each with a brightness of its own, so that batches differ."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 40, size=(count, 32, 32, 3))
    levels = generator.uniform(40, 215, size=(count, 1, 1, 3))
    return np.clip(noise + levels, 0, 255).astype(np.uint8)


def a_network(name: str = "plain_cnn", dataset: str = "cifar10", **options: Any) -> nn.Module:
    """In evaluation; gammas, betas and running statistics are not those of a new layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_model(spec_for(name, dataset, **options))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.3)
        channels = 1 if dataset == "mnist" else 3
        side = 28 if dataset == "mnist" else 32
        network.train()
        with torch.no_grad():
            for _ in range(3):
                network(torch.randn(16, channels, side, side))
    return network.eval()


def a_split(count: int = 40, name: Any = "test") -> Split:
    """Random pictures as a split of CIFAR-10, in canonical order."""
    images = pictures(count, seed=5)
    labels = np.random.default_rng(6).integers(0, 10, count)
    order = canonical_order(images, labels)
    names = tuple(f"class {number}" for number in range(10))
    digest = split_digest(images, labels)
    return Split("cifar10", name, images[order], labels[order], names, digest, "folders")


def everything_of(network: nn.Module) -> tuple[Any, ...]:
    """What must be the same after somebody has looked: weights, statistics, modes, hooks."""
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    hooks = [
        (len(module._forward_hooks), len(module._forward_pre_hooks)) for module in network.modules()
    ]
    wants = [parameter.requires_grad for parameter in network.parameters()]
    gradients = [parameter.grad is None for parameter in network.parameters()]
    return tensors, modes, hooks, wants, gradients


def assert_untouched(network: nn.Module, before: tuple[Any, ...]) -> None:
    """Everything is as it was."""
    tensors, *rest = everything_of(network)
    assert tensors.keys() == before[0].keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, before[0][name]), name
    assert tuple(rest) == before[1:]
