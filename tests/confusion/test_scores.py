"""Scores against scikit-learn, their intervals against simulation, and the lesson's table."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score, precision_recall_fscore_support

from cnnviz.confusion.judgements import Judgements
from cnnviz.confusion.scores import (
    LESSON_CIFAR10,
    F1Score,
    LessonTable,
    class_scores,
    f1_interval,
    mean_f1,
)
from cnnviz.errors import SettingError, ShapeError
from cnnviz.evaluation import wilson_interval
from tests.confusion.invented import some_logits


@pytest.mark.parametrize("classes", [1, 2, 3, 10])
@pytest.mark.parametrize("count", [1, 5, 40, 1000])
def test_against_scikit_learn(classes: int, count: int) -> None:
    logits, labels = some_logits(count, classes, seed=7 * count + classes, sureness=1)
    judged = Judgements(np.round(logits), labels)  # with ties; few pictures leave classes empty
    scores = class_scores(judged.confusion, [str(place) for place in range(classes)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it sets shares of nothing to nan, as it is asked to
        precision, recall, f1, support = precision_recall_fscore_support(
            labels, judged.predictions, labels=range(classes), zero_division=np.nan
        )
        macro = f1_score(
            labels, judged.predictions, labels=range(classes), average="macro", zero_division=np.nan
        )
    np.testing.assert_allclose([score.recall.share for score in scores], recall)
    np.testing.assert_allclose([score.precision.share for score in scores], precision)
    np.testing.assert_allclose([score.f1.value for score in scores], f1)
    assert [score.recall.count for score in scores] == support.tolist()
    assert mean_f1(scores) == pytest.approx(macro)


def test_by_hand() -> None:
    cat, dog, frog = class_scores(
        np.array([[6, 3, 0], [2, 3, 0], [0, 0, 0]]), ("cat", "dog", "frog")
    )
    assert cat.class_name == "cat"
    assert (cat.recall.correct, cat.recall.count) == (6, 9)
    assert (cat.precision.correct, cat.precision.count) == (6, 8)
    assert cat.f1 == F1Score(right=6, wrong=5)
    assert cat.f1.value == pytest.approx(12 / 17)
    assert dog.f1.value == pytest.approx(6 / 11)
    assert math.isnan(frog.f1.value)
    assert frog.f1.interval == (0, 1)
    assert mean_f1((cat, dog, frog)) == pytest.approx((12 / 17 + 6 / 11) / 2)
    assert math.isnan(mean_f1((frog,)))
    with pytest.raises(ShapeError, match=r"is \(2, 2\), but there are 3 classes"):
        class_scores(np.zeros((2, 2), dtype=int), ("cat", "dog", "frog"))
    with pytest.raises(SettingError, match="use a whole number from 0 up"):
        F1Score(-1, 2)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_the_interval_s_ends_are_wilson_s_in_f1(right: int, wrong: int) -> None:
    low, high = f1_interval(right, wrong)
    for end, wilsons in zip((low, high), wilson_interval(right, right + wrong), strict=True):
        assert end / (2 - end) == pytest.approx(wilsons)  # F1 back to the share
    assert 0 <= low <= high <= 1
    if right + wrong:
        assert low <= F1Score(right, wrong).value <= high
    assert (low == 0) == (right == 0)
    assert (high == 1) == (wrong == 0)


def delta_interval(right: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The delta method's: F1 = 2 J / (1 + J), so its slope in J is 2 / (1 + J)^2."""
    count = right + wrong
    share = right / count
    reach = 1.96 * np.sqrt(share * (1 - share) / count) * 2 / (1 + share) ** 2
    centre = 2 * share / (1 + share)
    return centre - reach, centre + reach


def test_for_many_pictures_it_is_the_delta_method_s() -> None:
    right, wrong = 6000, 5000
    low, high = delta_interval(np.array(right), np.array(wrong))
    assert f1_interval(right, wrong) == pytest.approx((float(low), float(high)), abs=2e-4)


def coverage(right: np.ndarray, wrong: np.ndarray, truth: float) -> float:
    """The share of simulations whose interval holds the true F1."""
    pairs, counts = np.unique(np.stack([right, wrong], 1), axis=0, return_counts=True)
    hits = [low <= truth <= high for low, high in (f1_interval(*map(int, p)) for p in pairs)]
    return float(counts @ np.array(hits) / counts.sum())


@pytest.mark.parametrize("pictures", [60, 1000, 10_000])
@pytest.mark.parametrize(
    ("recall", "precision"), [(0.8, 0.8), (0.5, 0.9), (0.95, 0.6), (0.98, 0.98)]
)
@pytest.mark.parametrize("drawn", ["together", "class by class"])
def test_it_holds_the_true_f1_in_95_of_100_simulations(
    pictures: int, recall: float, precision: float, drawn: str
) -> None:
    """A tenth of the pictures are of the class, drawn by lot, or exactly so many as in CIFAR-10."""
    random = np.random.default_rng(int(1000 * recall + pictures))
    share, trials = 0.1, 20_000
    hit = share * recall  # probabilities of the cells of a two-by-two table
    miss, false_alarm = share - hit, hit / precision - hit
    truth = 2 * hit / (2 * hit + miss + false_alarm)
    if drawn == "together":
        cells = random.multinomial(
            pictures, [hit, miss, false_alarm, 1 - hit - miss - false_alarm], trials
        )
        right, wrong = cells[:, 0], cells[:, 1] + cells[:, 2]
    else:
        of_class = round(share * pictures)
        right = random.binomial(of_class, recall, trials)
        others = random.binomial(pictures - of_class, false_alarm / (1 - share), trials)
        wrong = of_class - right + others
    found = coverage(right, wrong, truth)
    if drawn == "together":
        # Of few pictures the counts jump, and so does the coverage of Wilson's interval.
        assert found == pytest.approx(0.95, abs=0.03 if pictures == 60 else 0.012)
    else:
        # As many pictures of the class as are meant to be: less is left to chance, so that the
        # interval holds more often, never notably less.
        assert found > 0.94


@given(arrays.arrays(np.int64, (4, 4), elements=st.integers(0, 50)))
def test_pictures_are_counted_once(confusion: np.ndarray) -> None:
    scores = class_scores(confusion, "abcd")
    assert sum(score.recall.count for score in scores) == confusion.sum()
    assert sum(score.precision.count for score in scores) == confusion.sum()
    for score in scores:
        in_all = score.recall.count + score.precision.count - score.recall.correct
        assert score.f1.right + score.f1.wrong == in_all


def test_the_lesson_s_mean_and_its_percents_own_mean() -> None:
    assert LESSON_CIFAR10.percent == (72, 89, 78, 50, 48, 60, 72, 68, 78, 71)
    assert LESSON_CIFAR10.stated_mean_percent == 68.94
    assert LESSON_CIFAR10.own_mean_percent == pytest.approx(68.6)
    assert LESSON_CIFAR10.sentence() == (
        "The lesson states a mean of 68.94 %; its ten percents have one of 68.6 %. Both can be "
        "true: whole percents lose up to one point each where the decimals are cut off."
    )
    assert "no rounding" in LessonTable((70,) * 10, 71.5).sentence()
    assert LessonTable((70,) * 10, 70.0).sentence().endswith("one of 70.00 % too.")
