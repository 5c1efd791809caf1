"""Folding: by numbers, layer by layer, and whole networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cnnviz.errors import CnnvizError, SettingError, ShapeError
from cnnviz.norms.folded_network import (
    compare_outputs,
    fold_filter,
    fold_layer,
    fold_network,
    measure_speed,
    why_not,
)
from cnnviz.norms.folding import fold, scale_and_shift
from cnnviz.norms.network_norms import find_norms, normalized_batch
from tests.norms.networks import (
    NORMALIZATION,
    a_network,
    assert_untouched,
    everything_of,
    pictures,
)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("groups", "padding", "stride", "dilation"), [(1, 1, 1, 1), (2, 0, 2, 1), (4, "same", 1, 2)]
)
def test_one_layer_against_pytorch(
    groups: int, padding: Any, stride: int, dilation: int, bias: bool, affine: bool
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(
        4, 8, 3, padding=padding, stride=stride, dilation=dilation, groups=groups, bias=bias
    ).double()
    norm = nn.BatchNorm2d(8, eps=1e-3, affine=affine).double()
    x = torch.randn(5, 4, 9, 9, dtype=torch.float64)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    norm(conv(x))
    norm.eval()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    folded = fold(
        conv.weight.detach().numpy(),
        conv.bias.detach().numpy() if conv.bias is not None else None,
        norm.running_mean.numpy(),
        norm.running_var.numpy(),
        norm.weight.detach().numpy() if affine else None,
        norm.bias.detach().numpy() if affine else None,
        eps=norm.eps,
    )
    assert folded.weight.shape == tuple(conv.weight.shape)
    alone = nn.Conv2d(
        4, 8, 3, padding=padding, stride=stride, dilation=dilation, groups=groups
    ).double()
    theirs = fuse_conv_bn_eval(conv.eval(), norm)
    np.testing.assert_allclose(folded.weight, theirs.weight.detach().numpy(), atol=1e-12)
    assert theirs.bias is not None
    np.testing.assert_allclose(folded.bias, theirs.bias.detach().numpy(), atol=1e-12)
    with torch.no_grad():
        alone.weight.copy_(torch.from_numpy(folded.weight))
        assert alone.bias is not None
        alone.bias.copy_(torch.from_numpy(folded.bias))
        expected = norm(conv(x))
        np.testing.assert_allclose(alone(x).numpy(), expected.numpy(), atol=1e-12)


def test_by_hand() -> None:
    scale, shift = scale_and_shift([3.0], [3.0], [4.0], [1.0], eps=1.0)
    assert (scale.item(), shift.item()) == (2.0, -5.0)
    folded = fold([[[[0.5]]]], [1.0], [3.0], [3.0], [4.0], [1.0], eps=1.0)
    assert (folded.weight.item(), folded.bias.item()) == (1.0, -3.0)


@pytest.mark.parametrize("name", ["plain_cnn", "vgg16", "fast_cnn", "lenet5", "improved_lenet"])
def test_whole_networks(name: str) -> None:
    options: dict[str, Any] = {"batch_norm": True} if "lenet" in name else {}
    network = a_network(name, **options)
    before = everything_of(network)
    folded, layers = fold_network(network)
    assert_untouched(network, before)
    norms = find_norms(network)
    assert [layer.norm for layer in layers] == list(norms)  # all of them, in all our networks
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert [name for name, _ in folded.named_children()] == [
        name for name, _ in network.named_children()
    ]
    batch = normalized_batch(network, pictures(6), NORMALIZATION)
    found = compare_outputs(network, folded, batch)
    assert_untouched(network, before)
    assert found.count == 6
    assert found.greatest_logit > 0.01
    assert found.greatest_difference < 1e-4 * max(1.0, found.greatest_logit)
    for layer in layers:
        np.testing.assert_allclose(
            layer.folded.weight,
            layer.old_weight * layer.folded.scale[:, None, None, None],
        )


@pytest.mark.parametrize("affine", [True, False])
def test_a_filter_is_its_part_of_the_layer(affine: bool) -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, affine=False))
    network = a_network() if affine else plain
    for norm in find_norms(network):
        layer = fold_layer(network, norm)
        module: Any = network.get_submodule(norm.name)
        for channel in (0, norm.channels - 1):
            found = fold_filter(network, norm, channel)
            np.testing.assert_allclose(found.new_weight, layer.folded.weight[channel])
            np.testing.assert_allclose(found.old_weight, layer.old_weight[channel])
            assert found.new_bias == pytest.approx(layer.folded.bias[channel])
            assert found.scale == pytest.approx(layer.folded.scale[channel])
            assert (found.old_bias is None) == (layer.old_bias is None)
            gamma = 1.0 if module.weight is None else float(module.weight.detach()[channel])
            expected = (gamma, float(module.running_mean[channel]), module.eps)
            assert (found.gamma, found.mean, found.eps) == expected
        for channel in (-1, norm.channels):
            with pytest.raises(SettingError, match=f"channel is {channel}"):
                fold_filter(network, norm, channel)


def test_in_float64_nothing_but_rounding_is_left() -> None:
    network = a_network().double()
    folded, _ = fold_network(network)
    batch = normalized_batch(network, pictures(4), NORMALIZATION).double()
    found = compare_outputs(network, folded, batch)
    assert found.changed == 0
    assert found.greatest_difference < 1e-12 * max(1.0, found.greatest_logit)


def test_what_cannot_be_folded_stays() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, 3),
        nn.AvgPool2d(3, padding=1),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, 1),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.Flatten(),
    )
    behind_pool, behind_relu, behind_average, forgetful = find_norms(network)
    assert why_not(network, behind_pool) is None
    with torch.no_grad():
        network.get_parameter("2.weight")[1] = -1.0
    assert why_not(network, behind_pool) == (
        "2 turns the sign of some channels after the pooling 1."
    )
    assert why_not(network, behind_relu) == "4 does not stand behind a convolution."
    assert "averages the shift with the zeros" in (why_not(network, behind_average) or "")
    assert "keeps no running statistics" in (why_not(network, forgetful) or "")
    folded, layers = fold_network(network)
    assert layers == ()
    assert sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()) == 4
    with pytest.raises(SettingError, match="4 does not stand behind a convolution"):
        fold_layer(network, behind_relu)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Identity()])
def test_through_a_pooling(pool: nn.Module) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), pool, nn.BatchNorm2d(4), nn.Flatten()).double()
    network(torch.randn(8, 3, 12, 12).double())
    folded, layers = fold_network(network.eval())
    assert len(layers) == 1
    x = torch.randn(2, 3, 12, 12).double()
    assert compare_outputs(network, folded, x).greatest_difference < 1e-12


def test_speed_is_measured_in_turn() -> None:
    network = a_network()
    folded, _ = fold_network(network)
    before = everything_of(network)
    found = measure_speed(
        network, folded, normalized_batch(network, pictures(8), NORMALIZATION), repeats=3
    )
    assert_untouched(network, before)
    assert (found.batch_size, found.repeats) == (8, 3)
    assert found.before_s > 0
    assert found.ratio == found.before_s / found.after_s


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fold(np.ones((2, 1, 3, 3)), None, [0.0], [1.0]), ShapeError, "one filter for"),
        (lambda: fold(np.ones((1, 1, 3, 3)), [1, 2], [0.0], [1.0]), ShapeError, "bias has the"),
        (lambda: scale_and_shift([0.0], [0.0], eps=0), SettingError, "variance . eps is not above"),
        (lambda: scale_and_shift([[0.0]], [1.0]), ShapeError, "use one number a channel"),
        (lambda: scale_and_shift([0.0], [1.0], eps=-1), SettingError, "eps is -1"),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
