"""Every network of the registry with small random weights, and pictures for it."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.requests import AttributionRequest, Target, request_for
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.support import examine
from cnnviz.data.catalogue import DATASETS
from cnnviz.models.registry import MODELS, ModelSpec, build_model, spec_for
from cnnviz.training.pictures import Normalization

CAT, DOG = 3, 5


def _specs() -> dict[str, ModelSpec]:
    found = {}
    for name, card in MODELS.items():
        for dataset in card.datasets:
            choices = [False, True] if card.batch_norm_is_optional else [card.batch_norm]
            for batch_norm in choices:
                spec = spec_for(name, dataset, batch_norm=batch_norm, dropout=0.3)
                found[f"{name}-{dataset}{'-norm' if batch_norm else ''}"] = spec
    return found


SPECS = _specs()
LENET, PLAIN, FAST = "lenet5-cifar10", "plain_cnn-cifar10-norm", "fast_cnn-cifar10-norm"
SMALL = [LENET, "improved_lenet-mnist-norm", PLAIN, FAST]
"""One of each kind that is quick: for tests that run the network often."""
EVERY = pytest.mark.parametrize("name", [*SPECS])
A_FEW = pytest.mark.parametrize("name", SMALL)


@lru_cache
def network_named(name: str) -> nn.Module:
    """Shared by all tests, which is what the subject of these tests promises to survive."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = build_model(SPECS[name])
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                # As after some training: neither the identity nor the same for all channels.
                for tensor, low, high in (
                    (module.running_mean, -0.2, 0.2),
                    (module.running_var, 0.5, 1.5),
                    (module.weight, 0.5, 1.5),
                    (module.bias, -0.2, 0.2),
                ):
                    assert tensor is not None
                    tensor.data.uniform_(low, high)
            elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                module.bias.data.uniform_(-0.1, 0.1)
    return network


def subject_named(name: str, **changes: Any) -> Subject:
    spec = SPECS[name]
    dataset = DATASETS["mnist" if spec.channels == 1 else "cifar10"]
    picture = np.random.default_rng(2).integers(0, 256, dataset.image_shape, dtype=np.uint8)
    normalization = Normalization(
        (0.4, 0.5, 0.6)[: spec.channels], (0.2, 0.25, 0.3)[: spec.channels]
    )
    fields: dict[str, Any] = {
        "network": network_named(name),
        "normalization": normalization,
        "picture": picture,
    }
    return Subject(**fields | changes)


def own_forward(name: str) -> nn.Module:
    """A copy in evaluation for a direct computation."""
    return copy.deepcopy(network_named(name)).eval()


QUICK: dict[MethodName, dict[str, Any]] = {
    "integrated_gradients": {"steps": 4},
    "smoothgrad": {"samples": 3},
    "gradient_shap": {"samples": 3},
    "occlusion": {"window": 14, "stride": 9},
}


def request_quick(method: MethodName, target: Target, **settings: Any) -> AttributionRequest:
    return request_for(method, target, **{**QUICK.get(method, {}), **settings})


def reasons_of(name: str) -> dict[MethodName, str]:
    subject = subject_named(name)
    return dict(examine(subject.network, subject.input_shape).reasons)
