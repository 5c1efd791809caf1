"""The numbers of curves before they are drawn: what smoothing and thinning must never do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.figures.series import MOST_POINTS, Values, log_range, reach, smooth, thin

finite = st.floats(-1e6, 1e6)
perhaps_broken = st.one_of(finite, st.sampled_from([math.nan, math.inf, -math.inf]))
reaches = st.floats(0, 1e9)


@st.composite
def told(
    draw: st.DrawFn, numbers: st.SearchStrategy[float] = perhaps_broken
) -> tuple[Values, Values]:
    """Steps, rising, and a value at each."""
    values = draw(st.lists(numbers, min_size=1, max_size=60))
    gaps = draw(st.lists(st.integers(1, 500), min_size=len(values), max_size=len(values)))
    return np.cumsum(gaps).astype(np.float64), np.array(values)


@given(told(), reaches)
def test_smoothing_stays_within_the_values_so_far(data: tuple[Values, Values], over: float) -> None:
    steps, values = data
    smoothed = smooth(steps, values, over)
    is_number = np.isfinite(values)
    assert np.array_equal(np.isfinite(smoothed), is_number)
    assert np.isnan(smoothed[~is_number]).all()
    values, smoothed = values[is_number], smoothed[is_number]
    assert (smoothed >= np.minimum.accumulate(values)).all()
    assert (smoothed <= np.maximum.accumulate(values)).all()
    assert np.array_equal(smoothed[:1], values[:1])


@given(told(finite), reaches)
def test_each_point_lies_between_the_one_before_and_the_new_value(
    data: tuple[Values, Values], over: float
) -> None:
    steps, values = data
    smoothed = smooth(steps, values, over)
    low, high = np.minimum(smoothed[:-1], values[1:]), np.maximum(smoothed[:-1], values[1:])
    assert ((smoothed[1:] >= low) & (smoothed[1:] <= high)).all()
    # Hence it goes up and down no more than the values do.
    assert np.abs(np.diff(smoothed)).sum() <= np.abs(np.diff(values)).sum() * (1 + 1e-9) + 1e-9


@given(told(), reaches, st.integers(1, 60))
def test_what_was_drawn_never_moves(data: tuple[Values, Values], over: float, count: int) -> None:
    steps, values = data
    before = smooth(steps[:count], values[:count], over)
    np.testing.assert_array_equal(smooth(steps, values, over)[:count], before)


@given(told())
def test_no_smoothing_changes_nothing(data: tuple[Values, Values]) -> None:
    steps, values = data
    expected = np.where(np.isfinite(values), values, np.nan)
    np.testing.assert_array_equal(smooth(steps, values, 0), expected)


@given(finite, reaches, st.integers(1, 40))
def test_what_is_constant_stays(value: float, over: float, count: int) -> None:
    steps, values = np.arange(1.0, count + 1), np.full(count, value)
    np.testing.assert_array_equal(smooth(steps, values, over), values)


def test_it_is_the_weighted_mean_that_it_says() -> None:
    generator = np.random.default_rng(0)
    steps, values = np.arange(1.0, 51), generator.normal(size=50)
    for over in (1.0, 7.0, 100.0):
        weights = np.exp(-np.arange(50) / over)
        means = [np.average(values[: n + 1], weights=weights[n::-1]) for n in range(50)]
        np.testing.assert_allclose(smooth(steps, values, over), means)


def test_telling_more_often_for_a_while_counts_for_no_more() -> None:
    """Ten records of one step weigh what one record of ten steps weighs."""
    values = np.array([1.0, 1.0, *[5.0] * 10, 2.0])
    fine = smooth(np.array([10.0, 20.0, *range(21, 31), 40.0]), values, 30)
    coarse = smooth(np.array([10.0, 20.0, 30.0, 40.0]), np.array([1.0, 1.0, 5.0, 2.0]), 30)
    assert fine[-1] == pytest.approx(coarse[-1])


@pytest.mark.parametrize("over", [-1.0, math.nan, math.inf])
def test_smoothing_without_an_end_is_refused(over: float) -> None:
    with pytest.raises(ValueError, match="use a finite number from 0 up"):
        smooth(np.ones(1), np.ones(1), over)


@given(st.lists(perhaps_broken, max_size=400), st.integers(8, 60))
def test_thinning_keeps_ends_extremes_and_gaps(numbers: list[float], most: int) -> None:
    values = np.array(numbers, dtype=np.float64)
    kept = thin(values, most)
    assert len(kept) <= most
    assert (np.diff(kept) > 0).all()
    if len(values) <= most:
        assert len(kept) == len(values)
        return
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    is_number = np.isfinite(values)
    if is_number.any():
        shown = values[kept][np.isfinite(values[kept])]
        assert (shown.min(), shown.max()) == (values[is_number].min(), values[is_number].max())
    if not is_number.all():
        assert not np.isfinite(values[kept]).all()


@pytest.mark.parametrize("count", [1500, 1501, 20_000, 99_999])
def test_a_long_run_is_drawn_with_few_points_and_all_its_spikes(count: int) -> None:
    values = np.sin(np.arange(count) / 500) + np.random.default_rng(0).normal(0, 0.1, count)
    spikes = np.arange(70, count, 997)
    values[spikes] = 50 + np.arange(len(spikes))
    kept = thin(values)
    assert MOST_POINTS / 4 < len(kept) <= MOST_POINTS
    assert np.isin(spikes, kept).all()


def test_a_value_that_is_added_changes_no_more_than_the_end() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    for count in range(9_000, 9_100):
        before, after = thin(values[:count]), thin(values[: count + 1])
        settled = count - 128
        assert np.array_equal(before[before < settled], after[after < settled])


@given(st.floats(1e-30, 1e30))
def test_an_axis_ends_at_a_round_number_above(value: float) -> None:
    end = reach(value)
    assert value * (1 - 1e-9) <= end <= 1.5 * value * (1 + 1e-9)
    assert float(f"{end:.2g}") == pytest.approx(end)
    assert reach(end) == pytest.approx(end)


def test_an_axis_grows_in_steps() -> None:
    ends = [reach(step) for step in range(1, 10_001)]
    assert ends == sorted(ends)
    assert len(set(ends)) < 40


@pytest.mark.parametrize("value", [0.0, -3.0, math.nan, math.inf])
def test_an_axis_of_nothing_ends_at_one(value: float) -> None:
    assert reach(value) == 1.0


@given(st.lists(perhaps_broken, max_size=30))
def test_a_logarithmic_axis_shows_what_it_can(numbers: list[float]) -> None:
    values = np.array(numbers, dtype=np.float64)
    low, high = log_range(values)
    assert high - low >= 0.5
    assert (2 * low, 2 * high) == (round(2 * low), round(2 * high))
    shown = values[np.isfinite(values) & (values > 0)]
    assert all(low <= math.log10(value) <= high for value in shown)
