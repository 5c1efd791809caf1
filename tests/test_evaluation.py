"""Numbers from predictions, against published values, hand counts and PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.errors import CnnvizError, NonFiniteError, SettingError, ShapeError
from cnnviz.evaluation import (
    Accuracy,
    AccuracyTable,
    TwoViews,
    confusion_matrix,
    count_changed,
    evaluate,
    wilson_interval,
)

Z = 1.959963984540054  # of 95 %


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", Statistics in
        # Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_s_interval_as_published(correct: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(correct, count) == pytest.approx((low, high), abs=5e-5)


@given(count=st.integers(1, 100_000), share=st.floats(0, 1))
def test_the_ends_solve_wilson_s_equation(count: int, share: float) -> None:
    """The ends are the true shares p whose score test is just at the bound."""
    correct = round(share * count)
    low, high = wilson_interval(correct, count)
    for end in (low, high):
        if 0 < end < 1:
            score = (correct / count - end) / math.sqrt(end * (1 - end) / count)
            assert abs(score) == pytest.approx(Z, rel=1e-4)
    assert 0 <= low <= correct / count <= high <= 1
    assert (low == 0) == (correct == 0)
    assert (high == 1) == (correct == count)
    assert wilson_interval(count - correct, count) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_the_interval_grows_and_shrinks_as_it_should() -> None:
    lows, highs = zip(*(wilson_interval(correct, 50) for correct in range(51)), strict=True)
    assert list(lows) == sorted(set(lows))
    assert list(highs) == sorted(set(highs))
    widths = [np.ptp(wilson_interval(7 * n, 10 * n)) for n in (1, 10, 100, 1000)]
    assert widths == sorted(widths, reverse=True)
    assert np.ptp(wilson_interval(7, 10, 0.5)) < np.ptp(wilson_interval(7, 10, 0.99))
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 2), "correct is 3 of 2: use a number from 0 to 2"),
        ((-1, 2), "correct is -1: use a whole number from 0 up"),
        ((1, -2), "count is -2: use a whole number from 0 up"),
        ((1.5, 2), "correct is 1.5: use a whole number"),
        ((1, 2, 1.0), "confidence is 1.0: use a number between 0 and 1"),
        ((1, 2, 0), "confidence is 0: use"),
    ],
)
def test_what_has_no_interval(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        wilson_interval(*arguments)


def test_accuracy() -> None:
    assert Accuracy(7, 10).share == 0.7
    assert Accuracy(7, 10).interval == wilson_interval(7, 10)
    assert math.isnan(Accuracy(0, 0).share)
    with pytest.raises(SettingError, match="correct is 8 of 7"):
        Accuracy(8, 7)
    assert AccuracyTable((Accuracy(1, 2), Accuracy(0, 0), Accuracy(3, 5))).overall == Accuracy(4, 7)


def test_a_confusion_matrix_counted_by_hand() -> None:
    labels, predictions = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 2, 1, 2, 2, 0])
    assert confusion_matrix(labels, predictions, 4).tolist() == [
        [1, 0, 1, 0],
        [0, 1, 0, 0],
        [1, 0, 2, 0],
        [0, 0, 0, 0],
    ]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=50))
def test_a_confusion_matrix_counts_every_pair(pairs: list[tuple[int, int]]) -> None:
    labels = np.array([true for true, _ in pairs], dtype=np.int64)
    predictions = np.array([predicted for _, predicted in pairs], dtype=np.uint8)
    matrix = confusion_matrix(labels, predictions, 5)
    assert all(matrix[t, p] == pairs.count((t, p)) for t in range(5) for p in range(5))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_evaluation_against_pytorch(dtype: type) -> None:
    random = np.random.default_rng(1)
    logits: Any = (random.normal(size=(300, 10)) * 30).astype(dtype)
    labels = random.integers(0, 9, 300)  # no picture of the last class
    result = evaluate(logits, labels)
    wide = torch.tensor(logits.astype(np.float64))
    loss = torch.nn.functional.cross_entropy(wide, torch.tensor(labels)).item()
    assert result.cross_entropy == pytest.approx(loss, rel=1e-12)
    right = wide.argmax(1).numpy() == labels
    assert result.table.overall == Accuracy(int(right.sum()), 300)
    assert result.table.per_class == tuple(
        Accuracy(int(right[labels == label].sum()), int((labels == label).sum()))
        for label in range(10)
    )
    assert result.confusion.sum() == 300


def test_of_equal_logits_the_first_counts_and_large_ones_do_not_overflow() -> None:
    logits = np.array([[5e4, 5e4, 0], [0, 6e4, 6e4]], np.float16)
    result = evaluate(logits, np.array([0, 2]))
    assert result.table.overall == Accuracy(1, 2)
    assert result.cross_entropy == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (np.zeros(3), [0], ShapeError, r"logits are float64 \(3,\): use floating-point"),
        (np.zeros((0, 3)), [], ShapeError, r"\(0, 3\).*at least one picture"),
        (np.zeros((2, 0)), [0, 0], ShapeError, r"logits are float64 \(2, 0\)"),
        (np.zeros((2, 3), int), [0, 0], ShapeError, "logits are int64"),
        (np.zeros((2, 3)), [0], ShapeError, r"labels are \(1,\), predictions \(2,\)"),
        (np.zeros((2, 3)), [[0, 0]], ShapeError, r"labels are \(1, 2\)"),
        (np.zeros((2, 3)), [0.0, 1.0], ShapeError, "labels are float64: use whole numbers"),
        (np.zeros((2, 3)), [0, 3], ShapeError, "labels run from 0 to 3: use 0 to 2"),
        (np.zeros((2, 3)), [-1, 0], ShapeError, "labels run from -1 to 0: use 0 to 2"),
        (np.array([[0, 1], [0, np.nan]]), [0, 0], NonFiniteError, "1 of 2 .* is picture 1"),
        (np.array([[np.inf, 1], [0, -np.inf]]), [0, 0], NonFiniteError, "2 of 2 .* is picture 0"),
    ],
)
def test_what_cannot_be_evaluated(
    logits: Any, labels: Any, error: type[CnnvizError], message: str
) -> None:
    with pytest.raises(error, match=message):
        evaluate(logits, np.array(labels))


def test_two_views() -> None:
    views = TwoViews(np.array([[1.0, 4.0]]), np.array([[2.0, -8.0]]))
    assert views.averaged.tolist() == [[1.5, -2.0]]
    assert views.averaged.dtype == np.float32
    half = TwoViews(np.array([[1e5, 2049.0]]), np.array([[0.0, 1.0]])).in_half_precision()
    assert half.logits.dtype == np.float16
    assert half.logits.tolist() == [[math.inf, 2048.0]]
    with pytest.raises(ShapeError, match=r"\(1, 2\), those of the mirrored pictures \(2, 2\)"):
        TwoViews(np.zeros((1, 2)), np.zeros((2, 2)))


def test_the_average_of_halves_is_exact_to_float32() -> None:
    random = np.random.default_rng(2)
    first, second = (random.normal(size=(2, 1000, 10)) * 10).astype(np.float16)
    wide = (first.astype(np.float64) + second.astype(np.float64)) / 2
    np.testing.assert_array_equal(TwoViews(first, second).averaged, wide.astype(np.float32))


def test_what_is_decided_otherwise() -> None:
    before = TwoViews(np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), np.zeros((3, 2)))
    after = TwoViews(
        np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.5]]), np.array([[0, 0], [1.5, 0], [0, 2]])
    )
    changed = count_changed(before, after)
    assert (changed.single_view, changed.with_flip, changed.count) == (1, 1, 3)
    assert changed.most == 1
