"""Which network allows which method: looked up in the networks, and tried out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.attribution.explain import explain
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.support import examine
from cnnviz.errors import SettingError
from tests.attribution.networks import (
    A_FEW,
    CAT,
    DOG,
    EVERY,
    FAST,
    LENET,
    SPECS,
    network_named,
    own_forward,
    reasons_of,
    request_quick,
    subject_named,
)
from tests.attribution.untouched import untouched


@EVERY
def test_what_the_registry_s_networks_do_not_allow(name: str) -> None:
    reasons = reasons_of(name)
    if SPECS[name].name == "fast_cnn":
        assert set(reasons) == {"guided_backprop", "guided_grad_cam", "lrp"}
        assert all("GELU" in reason for reason in reasons.values())
    else:
        assert reasons == {}


def test_why_the_fast_network_does_not_allow_guided_backprop() -> None:
    """Captum does not refuse: without a ReLU it hands out the plain gradient."""
    from captum.attr import GuidedBackprop

    network, subject = own_forward(FAST), subject_named(FAST)
    x = subject.tensor().requires_grad_()
    with pytest.warns(UserWarning, match="Setting backward hooks"):
        guided = GuidedBackprop(network).attribute(x, target=CAT)
    (gradient,) = torch.autograd.grad(network(x)[0, CAT], x)
    torch.testing.assert_close(guided, gradient)


def test_why_the_fast_network_does_not_allow_lrp() -> None:
    from captum.attr import LRP

    x = subject_named(FAST).tensor().requires_grad_()
    with pytest.raises(TypeError, match=r"GELU.* has no rule"):
        LRP(own_forward(FAST)).attribute(x, target=CAT)


class Shortcut(nn.Sequential):
    """Adds what no layer shows."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return output + x.mean((1, 2, 3))[:, None]


class Cube(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x**3


def chain(*middle: nn.Module, kind: type[nn.Sequential] = nn.Sequential) -> nn.Sequential:
    torch.manual_seed(0)
    return kind(nn.Conv2d(3, 4, 3), *middle, nn.Flatten(), nn.Linear(4 * 30 * 30, 10))


RULES = {"guided_backprop", "guided_grad_cam", "deeplift", "lrp"}
SAME = nn.ReLU()


@pytest.mark.parametrize(
    ("network", "refused", "words"),
    [
        (chain(nn.ReLU()), set(), ""),
        (chain(nn.ReLU(inplace=True)), set(), ""),
        (chain(nn.Sequential(nn.ReLU(), nn.Identity())), set(), ""),
        (chain(nn.ReLU(), kind=Shortcut), RULES, "computes more than its layers show"),
        (chain(SAME, nn.Conv2d(4, 4, 1), SAME), RULES, "used more than once"),
        (chain(Cube()), RULES, "Cube"),
        (chain(nn.ReLU(), nn.MaxPool2d(3, 1, padding=1)), {"deeplift"}, "do not overlap"),
        (chain(nn.Tanh()), RULES - {"deeplift"}, "Tanh"),
        (chain(), {"guided_backprop", "guided_grad_cam"}, "no ReLU"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(3072, 8), nn.ReLU(), nn.Linear(8, 10)),
            {"grad_cam", "guided_grad_cam"},
            "no layer of this network puts out maps",
        ),
    ],
)
def test_networks_that_a_student_may_build(
    network: nn.Module, refused: set[str], words: str
) -> None:
    subject = subject_named(LENET, network=network)
    support = examine(network, subject.input_shape)
    assert {name for name, _ in support.reasons} == refused
    assert all(words in reason for _, reason in support.reasons)
    for method in METHODS:
        request = request_quick(method, Target(CAT))
        with untouched(network):
            if method in refused:
                with pytest.raises(SettingError):
                    explain(subject, request)
            else:
                explain(subject, request)


def test_a_network_that_works_in_place_gives_the_map_of_one_that_does_not() -> None:
    for method in ("guided_backprop", "deeplift", "lrp", "grad_cam"):
        maps = [
            explain(
                subject_named(LENET, network=chain(nn.ReLU(inplace=flag))),
                request_for(method, Target(DOG, CAT)),
            ).map
            for flag in (False, True)
        ]
        np.testing.assert_array_equal(maps[0], maps[1])


def test_layers_for_grad_cam() -> None:
    support = examine(network_named(LENET), (3, 32, 32))
    assert [layer.name for layer in support.layers] == [
        "conv1",
        "relu1",
        "pool1",
        "conv2",
        "relu2",
        "pool2",
    ]
    assert support.layers[4].title == "relu2: 16 maps of 10 × 10"
    assert support.default_layer == "relu2"
    assert examine(network_named(FAST), (3, 32, 32)).default_layer == "gelu3_2"
    with pytest.raises(SettingError, match="layer is 'fc1': use one of conv1, relu1, pool1, conv2"):
        explain(subject_named(LENET), request_for("grad_cam", Target(0), layer="fc1"))


@A_FEW
def test_grad_cam_of_every_layer(name: str) -> None:
    subject = subject_named(name)
    for layer in examine(subject.network, subject.input_shape).layers:
        request = request_for("grad_cam", Target(DOG), layer=layer.name, enlarge="cells")
        made = explain(subject, request)
        assert made.layer == layer.name
        assert len(np.unique(made.map)) <= layer.height * layer.width
