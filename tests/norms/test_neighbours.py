"""One picture among others: train against eval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cnnviz.errors import CnnvizError, SettingError, ShapeError
from cnnviz.norms.batch_effects import brighten, draw_neighbours, with_neighbours
from cnnviz.norms.neighbours import judge_batch, sweep_batch_sizes
from cnnviz.norms.network_norms import normalized_batch
from tests.norms.networks import (
    NORMALIZATION,
    a_network,
    assert_untouched,
    everything_of,
    pictures,
)

LABELS = np.repeat(np.arange(10), 8)
POOL = pictures(80, seed=1)


def test_both_modes_are_the_network_s_own() -> None:
    network = a_network()
    before = everything_of(network)
    found = judge_batch(network, pictures(6), NORMALIZATION)
    assert_untouched(network, before)
    theirs = a_network()
    batch = normalized_batch(theirs, pictures(6), NORMALIZATION)
    with torch.no_grad():
        evaluation = theirs.eval()(batch).softmax(1)
        train = theirs.train()(batch).softmax(1)
    np.testing.assert_allclose(found.evaluation, evaluation.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.train, train.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.train.sum(1), 1)


def test_neighbours_change_the_answer_in_training_alone() -> None:
    network = a_network()
    cat = pictures(1, seed=9)[0]
    answers = [
        judge_batch(network, with_neighbours(cat, pictures(5, seed=seed)), NORMALIZATION)
        for seed in (2, 3)
    ]
    assert np.abs(answers[0].train[0] - answers[1].train[0]).max() > 1e-3
    np.testing.assert_allclose(answers[0].evaluation[0], answers[1].evaluation[0], atol=1e-6)


def test_over_batch_sizes() -> None:
    network = a_network()
    before = everything_of(network)
    told: list[float] = []
    arguments: dict[str, Any] = {
        "batch_sizes": (1, 2, 16),
        "draws": 3,
        "progress": lambda words, share: told.append(share),
    }
    found = sweep_batch_sizes(network, POOL[0], POOL, LABELS, NORMALIZATION, **arguments)
    assert_untouched(network, before)
    assert found.train.shape == (3, 3, 10)
    assert found.evaluation.shape == (3, 10)
    np.testing.assert_array_equal(found.train[0, 0], found.train[0, 1])  # nobody beside it
    assert np.abs(found.train[1, 0] - found.train[1, 1]).max() > 1e-4
    np.testing.assert_allclose(found.evaluation, found.evaluation[:1].repeat(3, 0), atol=1e-6)
    least, mean, greatest = found.of_class(3)
    assert (least <= mean + 1e-12).all()  # the mean of equal numbers is rounded
    assert (mean <= greatest + 1e-12).all()
    assert greatest[2] == found.train[2, :, 3].max()
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] < 1
    again = sweep_batch_sizes(network, POOL[0], POOL, LABELS, NORMALIZATION, **arguments)
    np.testing.assert_array_equal(found.train, again.train)
    other = sweep_batch_sizes(network, POOL[0], POOL, LABELS, NORMALIZATION, **arguments, seed=1)
    assert not np.array_equal(found.train[1:], other.train[1:])


def test_the_sweep_is_the_same_as_batch_by_batch() -> None:
    network = a_network()
    found = sweep_batch_sizes(
        network, POOL[0], POOL, LABELS, NORMALIZATION, batch_sizes=(4,), draws=1, only=7, seed=2
    )
    chosen = draw_neighbours(LABELS, 3, seed=(2 * 1000 + 4) * 1000, only=7)
    assert set(LABELS[chosen]) == {7}
    by_hand = judge_batch(network, with_neighbours(POOL[0], POOL[chosen]), NORMALIZATION)
    np.testing.assert_allclose(found.train[0, 0], by_hand.train[0], atol=1e-9)


def test_neighbours_are_drawn_by_lot() -> None:
    chosen = draw_neighbours(LABELS, 79, seed=0, without=5)
    assert sorted(chosen) == [index for index in range(80) if index != 5]
    cats = draw_neighbours(LABELS, 20, seed=0, only=3, without=24)
    assert set(LABELS[cats]) == {3}
    assert 24 not in cats
    counts = np.bincount(cats)[25:32]
    assert set(counts) <= {2, 3}  # again only when all others were drawn
    assert draw_neighbours(LABELS, 0, seed=0).shape == (0,)
    assert not np.array_equal(
        draw_neighbours(LABELS, 9, seed=0), draw_neighbours(LABELS, 9, seed=1)
    )


def test_brighter_and_darker() -> None:
    images = np.array([0, 100, 250], dtype=np.uint8).reshape(1, 1, 3, 1)
    assert brighten(images, 40).ravel().tolist() == [40, 140, 255]
    assert brighten(images, -120).ravel().tolist() == [0, 0, 130]
    assert brighten(images, 0).dtype == np.uint8


def test_alone_where_one_value_would_be_left() -> None:
    """At 32x32 the last maps of VGG-16 are 2x2; a network of 1x1 maps cannot stand alone."""
    from torch import nn

    network = nn.Sequential(
        nn.Conv2d(3, 4, 32), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 10)
    )
    with pytest.raises(ShapeError, match="a batch of one picture has a single value"):
        judge_batch(network, pictures(1), NORMALIZATION)
    assert judge_batch(network, pictures(2), NORMALIZATION).train.shape == (2, 10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: draw_neighbours(LABELS, 3, seed=0, only=12), SettingError, "no other picture"),
        (lambda: draw_neighbours(LABELS, -1, seed=0), SettingError, "count is -1"),
        (lambda: brighten(POOL, 256), SettingError, "levels is 256: use a whole number from -255"),
        (lambda: with_neighbours(POOL[0], POOL[0]), ShapeError, "the picture is"),
        (
            lambda: sweep_batch_sizes(
                a_network(), POOL[0], POOL, LABELS, NORMALIZATION, batch_sizes=(1, 257)
            ),
            SettingError,
            "use one or more, 1 to 256",
        ),
        (
            lambda: sweep_batch_sizes(
                a_network(), POOL[0], POOL, LABELS, NORMALIZATION, batch_sizes=()
            ),
            SettingError,
            "use one or more",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
