"""Deletion curves against a computation by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.attribution.baselines import baseline_for
from cnnviz.attribution.deletion import deletion_curve, order_of, value_of
from cnnviz.attribution.explain import class_probabilities, explain
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.subject import Subject
from cnnviz.errors import SettingError, ShapeError, StoppedError
from cnnviz.training.pictures import Normalization
from tests.attribution.networks import A_FEW, CAT, DOG, LENET, own_forward, subject_named
from tests.attribution.untouched import untouched


def brightness_of_each_pixel() -> Subject:
    """Four pixels; class 0's logit is 1 v0 + 2 v1 + 3 v2 + 4 v3, class 1's is 0."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        network.get_parameter("1.weight").copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
    return Subject(network, Normalization((0.0,), (1.0,)), np.full((2, 2, 1), 255, np.uint8))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize("target", [Target(0), Target(0, 1)])
def test_by_hand(target: Target) -> None:
    subject = brightness_of_each_pixel()
    importance = np.array([[1, 2], [3, 4]], dtype=np.float32)
    curve = deletion_curve(subject, importance, target, baseline="black", steps=4, orders=3)
    assert curve.removed.tolist() == [0, 1, 2, 3, 4]
    # Pixel 3 goes first: 10, then 6, 3, 1, 0 is left. Of two classes the share is the same.
    expected = [sigmoid(value) for value in (10, 6, 3, 1, 0)]
    np.testing.assert_allclose(curve.values, expected, rtol=1e-6)
    np.testing.assert_allclose(curve.probabilities[:, 0], expected, rtol=1e-6)
    area = sum((a + b) / 2 for a, b in pairwise(expected)) / 4
    assert curve.area == pytest.approx(area)
    assert curve.random_values.shape == (3, 5)
    np.testing.assert_allclose(curve.random_values[:, [0, -1]], [[sigmoid(10), 0.5]] * 3, rtol=1e-6)
    assert (curve.random_areas >= curve.area).all()
    assert curve.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (curve.target, curve.baseline) == (target, "black")


@A_FEW
@pytest.mark.parametrize("baseline", ["mean", "blur"])
def test_every_step_is_the_network_s_own_answer(name: str, baseline: Any) -> None:
    subject, network = subject_named(name), own_forward(name)
    importance = np.random.default_rng(0).normal(size=subject.picture.shape[:2])
    with untouched(subject.network):
        curve = deletion_curve(
            subject, importance.astype(np.float32), Target(DOG, CAT), baseline=baseline, steps=5
        )
    nothing, order = baseline_for(subject, baseline), np.argsort(-importance, axis=None)
    for step, gone in enumerate(curve.removed):
        x = subject.tensor()
        rows, columns = np.unravel_index(order[:gone], importance.shape)
        x[:, :, rows, columns] = nothing[:, :, rows, columns]
        with torch.no_grad():
            logits = network(x)[0].double()
        np.testing.assert_allclose(curve.probabilities[step], logits.softmax(0), atol=1e-5)
        share = sigmoid(float(logits[DOG] - logits[CAT]))
        assert curve.values[step] == pytest.approx(share, abs=1e-5)
    np.testing.assert_allclose(curve.probabilities[0], class_probabilities(subject), atol=1e-6)


def test_the_seed_decides_the_random_orders() -> None:
    subject, importance = subject_named(LENET), np.zeros((32, 32), np.float32)
    one, same, other = (
        deletion_curve(subject, importance, Target(CAT), steps=3, orders=2, seed=seed)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.random_values, same.random_values)
    assert not np.array_equal(one.random_values, other.random_values)


def test_equal_pixels_go_in_random_order() -> None:
    importance = np.zeros((4, 5), np.float32)
    importance[1, 2] = 1
    importance[3, 3] = -1
    orders = [order_of(importance, np.random.default_rng(seed)).tolist() for seed in range(4)]
    assert all(order[0] == 7 and order[-1] == 18 for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert all(sorted(order) == list(range(20)) for order in orders)


def test_squares_go_as_a_whole_the_greatest_sum_first() -> None:
    importance = np.zeros((4, 5), np.float32)
    importance[0, 0] = 3  # in a square of sum 3 ...
    importance[2:, 2:4] = 1  # ... and one of sum 4
    order = order_of(importance, np.random.default_rng(0), side=2).tolist()
    assert sorted(order[:4]) == [12, 13, 17, 18]
    assert sorted(order[4:8]) == [0, 1, 5, 6]
    assert sorted(order) == list(range(20))
    flat = order_of(np.zeros((4, 4), np.float32), np.random.default_rng(0), side=2)
    squares = [(pixel // 8, pixel % 4 // 2) for pixel in flat.tolist()]
    assert all(len(set(squares[at : at + 4])) == 1 for at in (0, 4, 8, 12))


def test_a_good_map_beats_chance_and_its_opposite_loses() -> None:
    subject = subject_named(LENET)
    target = Target(DOG, CAT)
    made = explain(subject, request_for("integrated_gradients", target))
    curve = deletion_curve(subject, made.map, target)
    opposite = deletion_curve(subject, -made.map, target)
    assert curve.area < curve.random_areas.min()
    assert opposite.area > curve.random_areas.max()


def test_both_shares_gone_is_a_tie() -> None:
    shares = np.array([[0.0, 0.0, 1.0], [0.2, 0.6, 0.2]])
    np.testing.assert_allclose(value_of(shares, Target(0, 1)), [0.5, 0.25])
    np.testing.assert_allclose(value_of(shares, Target(1)), [0.0, 0.6])


def test_progress_and_stop() -> None:
    subject, importance = subject_named(LENET), np.zeros((32, 32), np.float32)
    told: list[float] = []
    deletion_curve(subject, importance, Target(0), progress=lambda words, share: told.append(share))
    assert told == [number / 6 for number in range(6)]
    with untouched(subject.network), pytest.raises(StoppedError):
        deletion_curve(subject, importance, Target(0), stop=lambda: True)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"importance": np.zeros((28, 28), np.float32)}, ShapeError, r"map is \(28, 28\), the pic"),
        ({"baseline": "pink"}, SettingError, "baseline is 'pink': use mean or black"),
        ({"side": 17}, SettingError, "side is 17: use a whole number from 1 to 16"),
        ({"steps": 0}, SettingError, "steps is 0: use a whole number from 1 up"),
        ({"steps": 257}, SettingError, "steps is 257: use a whole number from 1 to 256"),
        ({"orders": 21}, SettingError, "orders is 21: use a whole number from 1 to 20"),
        ({"target": Target(10)}, SettingError, "class is 10"),
    ],
)
def test_curves_that_cannot_be(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    plain = np.zeros((32, 32), np.float32)
    fields = dict[str, Any](importance=plain, target=Target(0)) | changes
    with pytest.raises(error, match=message):
        deletion_curve(subject_named(LENET), **fields)
