"""Histograms, channels and dead units of one layer, against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.norms.layer_values import (
    LayerValues,
    compare_channels,
    dead_units,
    histogram,
    shared_edges,
)


def layer_values(shape: tuple[int, ...] = (4, 3, 5, 5)) -> LayerValues:
    generator = np.random.default_rng(0)
    before = generator.normal(3, 2, size=shape).astype(np.float32)
    after = (before - 3) / 2
    channels = shape[1]
    return LayerValues(
        layer="norm1_1",
        activation="relu1_1",
        activation_kind="ReLU",
        mode="train",
        before=before,
        after=after,
        activated=np.maximum(after, 0),
        gamma=np.ones(channels),
        beta=np.zeros(channels),
        running_mean=np.full(channels, 2.0),
        running_variance=np.full(channels, 9.0),
        eps=1e-5,
    )


def test_batch_against_running() -> None:
    layer = layer_values()
    found = compare_channels(layer)
    for channel in range(3):
        numbers = layer.before[:, channel].astype(np.float64)
        assert found.batch_mean[channel] == pytest.approx(numbers.mean())
        assert found.batch_variance[channel] == pytest.approx(numbers.var(ddof=1))
        assert found.mean_shift[channel] == pytest.approx((numbers.mean() - 2) / 3)
        assert found.spread_ratio[channel] == pytest.approx(numbers.std(ddof=1) / 3)


@given(
    st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60),
    st.lists(st.floats(-1, 5, width=32), min_size=1, max_size=60),
    st.integers(1, 40),
)
def test_edges_are_equal_steps_about_as_many_as_asked_for_and_one_is_0(
    one: list[float], other: list[float], bins: int
) -> None:
    edges = shared_edges((np.array(one), np.array(other)), bins)
    steps = np.diff(edges)
    assert (steps > 0).all()
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert edges[0] <= 0 <= edges[-1]
    assert np.abs(edges).min() == 0
    assert len(edges) <= bins + 3
    for values in (np.array(one), np.array(other)):
        found = histogram(values, edges)
        inside = (values >= edges[0]) & (values < edges[-1])
        last = np.append(edges[:-1], np.nextafter(edges[-1], -np.inf))  # np's last bin is closed
        np.testing.assert_array_equal(found.counts, np.histogram(values[inside], last)[0])
        assert found.below == (values < edges[0]).sum()
        assert found.above == (values >= edges[-1]).sum()
        assert found.count == len(values)


def test_a_far_value_does_not_squeeze_the_rest() -> None:
    array = np.append(np.random.default_rng(1).normal(size=5000), 1e6)
    assert 2 < shared_edges((array,))[-1] < 10
    assert shared_edges((np.zeros(5),), 4).tolist() == [-0.5, -0.25, 0, 0.25, 0.5]


def test_dead_units_and_dead_channels() -> None:
    activated = np.zeros((2, 3, 2, 2))
    activated[:, 0] = 1.0  # alive everywhere
    activated[1, 1, 0, 0] = 0.5  # one unit that one picture wakes
    found = dead_units(activated)
    assert found.zeros_by_channel.tolist() == [0, 7 / 8, 1]
    assert found.dead_channels.tolist() == [False, False, True]
    assert found.dead_units == (3 + 4) / 12
    assert found.zeros == pytest.approx((0 + 7 / 8 + 1) / 3)
    assert dead_units(activated[:1]).dead_channels.tolist() == [False, True, True]
