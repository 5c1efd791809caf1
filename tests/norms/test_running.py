"""How running statistics come near and forget: the closed form against feeding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.batchnorm import NormSettings, RunningStatistics, Statistics, channel_statistics, feed
from cnnviz.errors import CnnvizError, SettingError, ShapeError
from cnnviz.norms.running import batches_until, course, pooled, share_left

SAME = Statistics(np.array([5.0, -2.0]), np.array([4.0, 0.5]), 50)


@pytest.mark.parametrize("momentum", [0.01, 0.1, 0.4, 1.0, 0.0])
def test_the_distance_shrinks_by_one_less_momentum(momentum: float) -> None:
    start = RunningStatistics(np.array([1.0, 7.0]), np.array([3.0, 3.0]))
    for k, running in enumerate(feed([SAME] * 30, NormSettings(momentum=momentum), start)):
        left = (1 - momentum) ** k
        assert share_left(momentum, k) == pytest.approx(left)
        np.testing.assert_allclose(running.mean - SAME.mean, left * (start.mean - SAME.mean))
        np.testing.assert_allclose(
            running.variance - SAME.unbiased_variance,
            left * (start.variance - SAME.unbiased_variance),
            atol=1e-12,
        )


@pytest.mark.parametrize("before", [0, 1, 7])
def test_the_cumulative_average_forgets_more_slowly_the_longer_it_lasted(before: int) -> None:
    settings = NormSettings(momentum=None)
    old = Statistics(np.zeros(2), np.ones(2), 50)
    start = feed([old] * before, settings, RunningStatistics.fresh(2))[-1]
    for k, running in enumerate(feed([SAME] * 20, settings, start)):
        if before or k:
            left = share_left(None, k, before=before)
            np.testing.assert_allclose(running.mean, (1 - left) * SAME.mean, atol=1e-12)
            assert left == pytest.approx(before / (before + k))


@given(st.one_of(st.none(), st.floats(1e-4, 1.0)), st.floats(1e-4, 0.999), st.integers(0, 500))
def test_batches_until_is_the_first_that_will_do(
    momentum: float | None, share: float, before: int
) -> None:
    batches = batches_until(momentum, share, before=before)
    assert batches is not None
    assert share_left(momentum, batches, before=before) <= share
    assert batches == 1 or share_left(momentum, batches - 1, before=before) > share


def test_some_that_are_known() -> None:
    assert batches_until(0.1) == 29  # 0.9^28 = 0.052, 0.9^29 = 0.047
    assert batches_until(0.4) == 6
    assert batches_until(0.5, 0.5) == 1
    assert batches_until(0.0) is None
    assert batches_until(1.0) == 1
    assert batches_until(None, before=10) == 190
    assert share_left(0.1, 0) == share_left(None, 0) == 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_pooled_is_one_large_batch(sizes: list[int]) -> None:
    generator = np.random.default_rng(sum(sizes))
    batches = [generator.normal(2, 3, size=(size, 3, 2, 2)) for size in sizes]
    together = channel_statistics(np.concatenate(batches))
    found = pooled([channel_statistics(batch) for batch in batches])
    np.testing.assert_allclose(found.mean, together.mean)
    np.testing.assert_allclose(found.variance, together.variance)
    assert found.count == together.count


def test_a_course_with_a_change() -> None:
    generator = np.random.default_rng(0)

    def batches(mean: float, count: int) -> list[Statistics]:
        return [
            channel_statistics(generator.normal(mean, 2, size=(16, 2, 4, 4))) for _ in range(count)
        ]

    old, new = batches(0, 40), batches(3, 30)
    told = course(old, NormSettings(momentum=0.1), then=new)
    assert told.changed_at == 40
    assert told.running_mean.shape == told.true_mean.shape == (71, 2)
    assert told.batch_mean.shape == told.batch_variance.shape == (70, 2)
    np.testing.assert_array_equal(told.running_mean[0], [0, 0])
    np.testing.assert_array_equal(told.running_variance[0], [1, 1])
    np.testing.assert_allclose(told.true_mean[40], pooled(old).mean)
    np.testing.assert_allclose(told.true_mean[41], pooled(new).mean)
    seen = feed([*old, *new], NormSettings(momentum=0.1), RunningStatistics.fresh(2))
    np.testing.assert_array_equal(told.running_mean, np.stack([r.mean for r in seen]))
    # Near before the change, one and a half deviations off after it, near again when forgotten.
    assert told.mean_error[40].max() < 0.1
    assert told.mean_error[41].min() > 1
    forgotten = batches_until(0.1)
    assert forgotten is not None
    assert told.mean_error[40 + forgotten].max() < 0.2


def test_a_course_without_a_change() -> None:
    told = course([SAME, SAME], NormSettings(momentum=None))
    assert told.changed_at is None
    np.testing.assert_allclose(told.running_mean[1:], told.true_mean[1:])
    only_new = course([], NormSettings(), then=[SAME])
    assert only_new.changed_at is None
    assert only_new.true_mean.shape == (2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: share_left(2.0, 1), SettingError, "momentum is 2.0"),
        (lambda: share_left(0.1, -1), SettingError, "batches is -1"),
        (lambda: batches_until(0.1, 1.0), SettingError, "share is 1.0: use a number between"),
        (lambda: pooled([]), ShapeError, "there is no batch"),
        (lambda: course([], NormSettings()), ShapeError, "there is no batch"),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
