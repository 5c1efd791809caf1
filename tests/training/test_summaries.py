"""Summaries against numpy, and hooks that do not stay."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.models.registry import build_model, spec_for
from cnnviz.training.summaries import (
    summarize,
    summarize_activations,
    summarize_batch_norm,
    summarize_weights,
)


def by_numpy(values: torch.Tensor) -> tuple[float, ...]:
    numbers = values.detach().double().numpy()
    zeros = (numbers == 0).mean()
    return numbers.mean(), numbers.std(), numbers.min(), numbers.max(), zeros


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (2, 3, 4, 5)])
def test_five_numbers(shape: tuple[int, ...]) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1)).relu() - 0.1
    values[values < 0] = 0
    assert astuple(summarize(values)) == pytest.approx(by_numpy(values), abs=1e-6)


def test_of_coarse_and_of_trained_numbers() -> None:
    coarse = torch.tensor([1.0, 0.0, -2.0], dtype=torch.bfloat16)
    assert astuple(summarize(coarse)) == pytest.approx(by_numpy(coarse))
    trained = nn.Parameter(torch.ones(3))
    assert summarize(trained).mean == 1


def test_what_is_not_finite_is_told() -> None:
    summary = summarize(torch.tensor([float("nan"), 1.0]))
    assert np.isnan([summary.mean, summary.std]).all()


def test_weights_by_parameter() -> None:
    network = build_model(spec_for("lenet5", "mnist", batch_norm=True))
    found = summarize_weights(network)
    assert list(found) == [name for name, _ in network.named_parameters()]
    for name, parameter in network.named_parameters():
        assert astuple(found[name]) == pytest.approx(by_numpy(parameter), abs=1e-6)


def test_running_statistics() -> None:
    network = build_model(spec_for("plain_cnn", "mnist", batch_norm=True))
    network(torch.randn(8, 1, 28, 28))
    found = summarize_batch_norm(network)
    assert list(found) == [f"norm{stage}_{number}" for stage in (1, 2, 3) for number in (1, 2)]
    for name, summary in found.items():
        mean = network.get_buffer(f"{name}.running_mean").numpy()
        variance = network.get_buffer(f"{name}.running_var").numpy()
        expected = (mean.mean(), mean.std(), variance.mean())
        assert astuple(summary) == pytest.approx(expected, abs=1e-6)
    assert summarize_batch_norm(build_model(spec_for("lenet5", "mnist"))) == {}
    assert summarize_batch_norm(nn.BatchNorm2d(3, track_running_stats=False)) == {}


def test_activations_layer_by_layer() -> None:
    network = build_model(spec_for("improved_lenet", "mnist")).eval()
    images = torch.randn(6, 1, 28, 28)
    found = summarize_activations(network, lambda: network(images))
    values, layers = images, dict(network.named_children())
    assert list(found) == list(layers)
    for name, layer in layers.items():
        with torch.no_grad():
            values = layer(values)
        assert astuple(found[name]) == pytest.approx(by_numpy(values), abs=1e-5)


def test_hooks_are_removed_even_after_an_error() -> None:
    network = build_model(spec_for("lenet5", "mnist"))
    before = {name: len(m._forward_hooks) for name, m in network.named_modules()}

    def fail() -> None:
        network(torch.zeros(1, 1, 28, 28))
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        summarize_activations(network, fail)
    assert {name: len(m._forward_hooks) for name, m in network.named_modules()} == before
    assert set(before.values()) == {0}
