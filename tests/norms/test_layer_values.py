"""Histograms, channels and dead units of one layer, against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.errors import SettingError
from cnnviz.norms.layer_values import (
    LayerValues,
    compare_channels,
    dead_units,
    histogram,
    shared_edges,
    three_histograms,
)


def values(shape: tuple[int, ...] = (4, 3, 5, 5)) -> LayerValues:
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
    layer = values()
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
def test_every_value_is_in_one_bin_or_told_to_be_outside(
    one: list[float], other: list[float], bins: int
) -> None:
    arrays = (np.array(one), np.array(other))
    edges = shared_edges(arrays, bins)
    assert (np.diff(edges) > 0).all()
    assert edges[0] <= 0 <= edges[-1]
    assert np.abs(edges).min() == 0
    assert len(edges) <= bins + 3
    for array in arrays:
        found = histogram(array, edges)
        assert found.count == len(array)
        assert found.below == (array < edges[0]).sum()
        assert found.above == (array >= edges[-1]).sum()
        for number, count in enumerate(found.counts):
            assert count == ((array >= edges[number]) & (array < edges[number + 1])).sum()


def test_a_far_value_does_not_squeeze_the_rest() -> None:
    array = np.append(np.random.default_rng(1).normal(size=5000), 1e6)
    edges = shared_edges((array,))
    assert edges[-1] < 10
    assert histogram(array, edges).above >= 1


def test_three_on_one_axis() -> None:
    layer = values()
    before, after, activated = three_histograms(layer, 1)
    np.testing.assert_array_equal(before.edges, after.edges)
    np.testing.assert_array_equal(before.edges, activated.edges)
    assert before.count == after.count == activated.count == 4 * 25
    assert before.mean == pytest.approx(layer.before[:, 1].mean(), abs=1e-5)
    assert after.std == pytest.approx(layer.after[:, 1].std(), abs=1e-5)
    assert (before.zeros, after.zeros) == (0, 0)
    assert activated.zeros == (layer.after[:, 1] <= 0).mean()
    at_zero = int(np.flatnonzero(activated.edges == 0)[0])
    assert activated.counts[:at_zero].sum() == 0
    assert activated.counts[at_zero] >= activated.zeros * 100
    together = three_histograms(layer)[0]
    assert together.count == 300
    with pytest.raises(SettingError, match="channel is 3: norm1_1 has channels 0 to 2"):
        three_histograms(layer, 3)
    with pytest.raises(SettingError, match="channel is -1"):
        three_histograms(layer, -1)


def test_constant_values() -> None:
    found = histogram(np.zeros(5), shared_edges((np.zeros(5),), 4))
    assert found.count == found.counts.sum() == 5
    assert found.zeros == 1


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
