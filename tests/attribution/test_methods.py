"""Every method on every network of the registry: shape, numbers, signs, nothing left behind."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.explain import class_probabilities, explain
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.requests import AttributionRequest, Target, request_for
from cnnviz.attribution.results import Attribution
from cnnviz.attribution.support import examine
from cnnviz.errors import SettingError
from cnnviz.training.pictures import Normalization
from tests.attribution.networks import (
    A_FEW,
    CAT,
    DOG,
    EVERY,
    network_named,
    own_forward,
    reasons_of,
    request_quick,
    subject_named,
)
from tests.attribution.untouched import marks_of, untouched

LINEAR = [name for name, card in METHODS.items() if card.is_linear]


@EVERY
def test_every_method_on_every_network(name: str) -> None:
    network, subject, target = network_named(name), subject_named(name), Target(DOG, CAT)
    network.train()  # as one that is being trained: the map is that of evaluation all the same
    support = examine(network, subject.input_shape)
    with torch.no_grad():
        logits = own_forward(name)(subject.tensor())[0]
    score = float(logits[DOG] - logits[CAT])
    with untouched(network):
        for method in METHODS:
            request = request_quick(method, target)
            before = marks_of(network)
            if reason := support.why_not(method):
                with pytest.raises(SettingError, match=re.escape(reason)):
                    explain(subject, request)
            else:
                made = explain(subject, request)
                check(made, request, subject.input_shape)
                assert made.score == pytest.approx(score, abs=1e-4)
            assert marks_of(network) == before, method


def check(made: Attribution, request: AttributionRequest, shape: tuple[int, int, int]) -> None:
    """What every map is, whatever the method."""
    assert made.request == request
    assert made.map.dtype == np.float32
    assert made.map.shape == shape[1:]
    assert np.isfinite(made.map).all()
    assert np.abs(made.map).max() > 0
    assert not made.map.flags.writeable
    assert (made.channels is not None) == request.card.by_channel
    if made.channels is not None:
        assert made.channels.shape == shape
        assert not made.channels.flags.writeable
        np.testing.assert_allclose(made.channels.sum(0), made.map, rtol=1e-5, atol=1e-7)
    assert made.elapsed_s > 0
    assert (made.layer is not None) == ("layer" in dict(request.settings))


@A_FEW
@pytest.mark.parametrize("method", LINEAR)
def test_a_difference_is_the_difference_of_two_maps(name: str, method: MethodName) -> None:
    if method in reasons_of(name):
        pytest.skip("the network does not allow it")
    subject = subject_named(name)
    targets = Target(DOG, CAT), Target(DOG), Target(CAT), Target(CAT, DOG)
    both, dog, cat, turned = (explain(subject, request_quick(method, t)) for t in targets)
    scale = float(np.abs(dog.map).max() + np.abs(cat.map).max())
    np.testing.assert_allclose(both.map, dog.map - cat.map, atol=2e-5 * scale)
    np.testing.assert_allclose(both.map, -turned.map, atol=2e-5 * scale)
    assert both.score == pytest.approx(dog.score - cat.score, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_what_speaks_for_a_class_is_positive(method: MethodName) -> None:
    """Class 0 counts light in 18 columns on the left, class 1 on the right; the left is lit."""
    # By ReLU, since two methods ask for one; the bias opens it.
    layers = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(28 * 28, 2))
    first, last = layers[0], layers[3]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Linear)
    left = torch.zeros(28, 28)
    left[:, :18] = 1
    with torch.no_grad():
        first.weight.fill_(1.0)
        assert first.bias is not None
        first.bias.fill_(0.5)
        last.weight.copy_(torch.stack([left.flatten(), 1 - left.flatten()]))
        last.bias.zero_()
    picture = np.zeros((28, 28, 1), dtype=np.uint8)
    picture[:, :18] = 255
    black_is_zero = Normalization((0.0,), (1.0,))
    subject = subject_named(
        "lenet5-mnist",
        network=layers,
        picture=picture,
        normalization=black_is_zero,
        references=np.zeros((2, 28, 28, 1), np.uint8),
    )
    made = explain(subject, request_for(method, Target(0, 1)))
    left_mean, right_mean = made.map[:, :14].mean(), made.map[:, 22:].mean()
    assert left_mean > 0
    if method == "grad_cam":  # there is one map, and it speaks for class 0 wherever it is bright
        assert left_mean > right_mean > 0
    else:
        # Black pixels on the right: by the gradient they would speak against it, else not at all.
        assert right_mean <= 0
        assert (right_mean < 0) == (method in ("saliency", "smoothgrad"))


@EVERY
def test_probabilities_of_all_classes(name: str) -> None:
    network, subject = network_named(name).train(), subject_named(name)
    with untouched(network):
        shares = class_probabilities(subject)
    with torch.no_grad():
        expected = own_forward(name)(subject.tensor())[0].double().softmax(0)
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    assert shares.sum() == pytest.approx(1)
