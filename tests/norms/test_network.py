"""Looking into a network: what is caught, and that nothing of it changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.batchnorm import Mode, NormSettings, RunningStatistics, batch_norm, feed
from cnnviz.errors import CnnvizError, SettingError, ShapeError
from cnnviz.norms.batch_series import batch_series
from cnnviz.norms.capture import capture
from cnnviz.norms.layer_values import compare_channels
from cnnviz.norms.network_norms import find_norms, normalized_batch, private_copy, run
from tests.norms.networks import (
    NORMALIZATION,
    a_network,
    assert_untouched,
    everything_of,
    pictures,
)


@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("plain_cnn", 6, ("norm1_1", 16, "conv1_1", (), "relu1_1", "ReLU")),
        ("vgg16", 13, ("norm1_1", 64, "conv1_1", (), "relu1_1", "ReLU")),
        ("fast_cnn", 6, ("norm1_1", 64, "conv1_1", ("pool1",), "gelu1_1", "GELU")),
    ],
)
def test_norms_and_their_neighbours(name: str, count: int, first: tuple[Any, ...]) -> None:
    network = a_network(name) if name == "plain_cnn" else _unrun(name)
    norms = find_norms(network)
    assert len(norms) == count
    one = norms[0]
    assert (
        one.name,
        one.channels,
        one.convolution,
        one.between,
        one.activation,
        one.activation_kind,
    ) == first
    assert all(norm.activation and norm.convolution for norm in norms)


def _unrun(name: str) -> nn.Module:
    from cnnviz.models.registry import build_model, spec_for

    with torch.random.fork_rng(devices=[]):
        return build_model(spec_for(name, "cifar10"))


def test_chains_within_chains_and_lonely_norms() -> None:
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)),
        nn.ReLU(),
        nn.BatchNorm2d(2),
    )
    one, other = find_norms(network)
    assert (one.name, one.convolution, one.activation) == ("0.1", "0.0", "1")
    assert (other.name, other.convolution, other.activation) == ("2", None, None)

    class Branch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(2)

    with pytest.raises(SettingError, match=r"1 is no chain of layers \(nn.Sequential\)"):
        find_norms(nn.Sequential(nn.Conv2d(1, 2, 3), Branch()))
    with pytest.raises(SettingError, match="Branch is no chain"):
        find_norms(Branch())


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("layer", ["norm1_1", "norm3_2"])
def test_what_is_caught_is_what_the_layer_does(mode: Mode, layer: str) -> None:
    network = a_network()
    before = everything_of(network)
    found = capture(network, pictures(7), NORMALIZATION, layer, mode=mode)
    assert_untouched(network, before)
    module = network.get_submodule(layer)
    assert isinstance(module, nn.BatchNorm2d)
    assert found.before.shape == found.after.shape == found.activated.shape
    assert len(found.before) == 7
    # By the numpy layer, from what went in.
    running = RunningStatistics(found.running_mean, found.running_variance)
    by_hand = batch_norm(
        found.before,
        found.gamma,
        found.beta,
        mode=mode,
        settings=NormSettings(eps=found.eps),
        running=running,
    )
    np.testing.assert_allclose(found.after, by_hand.output, atol=2e-5)
    np.testing.assert_array_equal(found.activated, np.maximum(found.after, 0))
    np.testing.assert_array_equal(found.running_mean, module.running_mean.numpy())  # type: ignore[union-attr]
    if mode == "train":
        normalized = (found.after - found.beta[:, None, None]) / found.gamma[:, None, None]
        np.testing.assert_allclose(normalized.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    # By the network's first convolution itself.
    if layer == "norm1_1":
        with torch.no_grad():
            batch = normalized_batch(network, pictures(7), NORMALIZATION)
            conv = network.get_submodule("conv1_1")(batch).numpy()
        np.testing.assert_allclose(found.before, conv, atol=1e-6)
        shift = compare_channels(found).mean_shift
        assert shift.shape == (16,)


def test_hooks_and_modes_of_others_are_left_alone() -> None:
    network = a_network()
    told: list[str] = []
    module = network.get_submodule("norm1_1")
    handle = module.register_forward_hook(lambda *_: told.append("theirs"))
    module.train()  # as somebody else may have it just now
    before = everything_of(network)
    capture(network, pictures(3), NORMALIZATION, "norm1_1", mode="eval")
    assert told == []  # our copy does not call them
    assert_untouched(network, before)
    handle.remove()


def test_the_network_is_left_alone_after_an_error() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Linear(5, 2))
    before = everything_of(network)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        capture(network, pictures(2), NORMALIZATION, "1")
    assert_untouched(network, before)


def test_a_private_copy_shares_weights_alone() -> None:
    network = a_network(dropout=0.5)
    network.train()
    mine = private_copy(network, "train")
    for name, weight in network.named_parameters():
        assert mine.get_parameter(name) is weight
    for name, buffer in network.named_buffers():
        assert mine.get_buffer(name).data_ptr() != buffer.data_ptr()
    norms = [m.training for m in mine.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(norms)
    assert not mine.get_submodule("dropout1").training
    assert network.get_submodule("dropout1").training
    images = normalized_batch(network, pictures(4), NORMALIZATION)
    assert torch.equal(run(mine, images), run(mine, images))


@pytest.mark.parametrize("momentum", [0.1, 0.4, None])
@pytest.mark.parametrize("layer", ["norm1_1", "norm2_2"])
def test_a_series_fed_is_what_the_network_would_remember(
    layer: str, momentum: float | None
) -> None:
    network = a_network()
    before = everything_of(network)
    images = pictures(26)
    series = batch_series(network, images, NORMALIZATION, layer, batch_size=8)
    assert_untouched(network, before)
    assert len(series) == 3  # two images are left over
    side = {"norm1_1": 32, "norm2_2": 16}[layer]
    assert [batch.count for batch in series] == [8 * side * side] * 3

    theirs = a_network().train()
    module = theirs.get_submodule(layer)
    assert isinstance(module, nn.BatchNorm2d)
    module.reset_running_stats()
    module.momentum = momentum
    for start in (0, 8, 16):
        run(theirs, normalized_batch(theirs, images[start : start + 8], NORMALIZATION))
    start_at = RunningStatistics.fresh(module.num_features)
    running = feed(series, NormSettings(momentum=momentum), start_at)[-1]
    np.testing.assert_allclose(running.mean, module.running_mean.numpy(), atol=1e-5)  # type: ignore[union-attr]
    np.testing.assert_allclose(running.variance, module.running_var.numpy(), rtol=1e-4)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda n: capture(n, pictures(2), NORMALIZATION, "conv1_1"),
            SettingError,
            "layer is 'conv1_1': use one of norm1_1, norm1_2",
        ),
        (lambda n: capture(n, pictures(0), NORMALIZATION, "norm1_1"), ShapeError, "1 to 512"),
        (
            lambda n: capture(n, pictures(2)[..., :1], NORMALIZATION, "norm1_1"),
            ShapeError,
            "images have 1 channels, the normalization has 3",
        ),
        (
            lambda n: batch_series(n, pictures(3), NORMALIZATION, "norm1_1", batch_size=4),
            ShapeError,
            "there are 3 images, less than a batch of 4",
        ),
        (
            lambda n: batch_series(n, pictures(3), NORMALIZATION, "norm1_1", batch_size=0),
            SettingError,
            "batch size is 0",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call(a_network())


def test_a_network_without_normalization_says_so() -> None:
    with pytest.raises(SettingError, match="this network has no batch normalization"):
        capture(a_network(batch_norm=False), pictures(2), NORMALIZATION, "norm1_1")
    bare = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2, track_running_stats=False))
    with pytest.raises(SettingError, match="1 has no activation function after it"):
        capture(bare, pictures(2), NORMALIZATION, "1")
    with pytest.raises(SettingError, match="1 keeps no running statistics"):
        capture(nn.Sequential(*bare, nn.ReLU()), pictures(2), NORMALIZATION, "1")
