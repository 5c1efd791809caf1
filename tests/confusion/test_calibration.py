"""Calibration by hand, against scikit-learn, and of networks that are honest by construction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from cnnviz.confusion.calibration import brier_score, calibration, reliability
from cnnviz.confusion.judgements import Judgements
from cnnviz.errors import NonFiniteError, SettingError, ShapeError
from cnnviz.evaluation import Accuracy
from tests.confusion.invented import some_logits


def test_by_hand() -> None:
    confidence = np.array([0.55, 0.6, 0.75, 0.95, 1.0])
    correct = np.array([True, False, True, True, False])
    found = reliability(confidence, correct, bins=5)
    assert [each.accuracy for each in found.bins] == [
        Accuracy(0, 0),
        Accuracy(0, 0),
        Accuracy(1, 2),  # 0.6 is the high end, which belongs to the bin
        Accuracy(1, 1),
        Accuracy(1, 2),
    ]
    assert found.bins[2].mean_confidence == pytest.approx(0.575)
    assert found.bins[2].gap == pytest.approx(0.075)
    assert np.isnan(found.bins[0].gap)
    gaps = [(2, 0.575 - 0.5), (1, 1 - 0.75), (2, 0.975 - 0.5)]
    assert found.expected_error == pytest.approx(sum(n * gap for n, gap in gaps) / 5)
    assert found.greatest_error == pytest.approx(0.475)
    assert found.mean_gap == pytest.approx(confidence.mean() - 0.6)
    assert found.count == 5


@pytest.mark.parametrize("bins", [1, 2, 10, 15])
def test_equal_widths_against_scikit_learn(bins: int) -> None:
    logits, labels = some_logits(2000, 10)
    judged = Judgements(logits, labels)
    found = reliability(judged.confidence, judged.is_correct, bins=bins)
    share, mean = calibration_curve(judged.is_correct, judged.confidence, n_bins=bins)
    filled = [each for each in found.bins if each.accuracy.count]
    np.testing.assert_allclose([each.accuracy.share for each in filled], share)
    np.testing.assert_allclose([each.mean_confidence for each in filled], mean)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.8, 1.0]), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 12),
)
def test_equal_masses_keep_ties_together(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidence, correct = (np.array(column) for column in zip(*pairs, strict=True))
    found = reliability(confidence, correct, bins=bins, binning="equal_mass")
    assert found.count == len(pairs)
    assert 1 <= len(found.bins) <= bins
    for each in found.bins:
        inside = (confidence > each.low) & (confidence <= each.high)
        assert each.accuracy == Accuracy(int(correct[inside].sum()), int(inside.sum()))
        assert each.accuracy.count  # none is empty
        assert each.mean_confidence == pytest.approx(confidence[inside].mean())
    shuffled = np.random.default_rng(0).permutation(len(pairs))
    again = reliability(confidence[shuffled], correct[shuffled], bins=bins, binning="equal_mass")
    assert [each.accuracy for each in again.bins] == [each.accuracy for each in found.bins]
    assert found.expected_error <= found.greatest_error + 1e-12
    assert abs(found.mean_gap) <= found.expected_error + 1e-12


def test_equal_masses_are_equal_where_no_two_are_alike() -> None:
    confidence = np.random.default_rng(0).permutation(np.linspace(0.1, 1, 1000))
    found = reliability(confidence, confidence > 0.5, bins=8, binning="equal_mass")
    assert [each.accuracy.count for each in found.bins] == [125] * 8


def test_an_honest_network_is_calibrated_and_a_boaster_is_not() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(40_000, 10)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (shares.cumsum(1) > random.random((len(shares), 1))).argmax(1)  # drawn by its word
    honest, boaster, shy = (calibration(Judgements(logits * x, labels)) for x in (1.0, 3.0, 0.4))
    for both in (honest.equal_width, honest.equal_mass):
        assert both.expected_error < 0.01
    assert boaster.equal_width.expected_error > 0.15
    assert boaster.equal_width.mean_gap > 0.15
    assert shy.equal_width.mean_gap < -0.15
    assert "is more sure than it is right" in boaster.sentence()
    assert "is less sure than it is right" in shy.sentence()
    # Both scores are proper: nobody does better than by the truth.
    assert honest.brier < min(boaster.brier, shy.brier)
    assert honest.negative_log_likelihood < min(
        boaster.negative_log_likelihood, shy.negative_log_likelihood
    )


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_scores_against_scikit_learn(classes: int) -> None:
    logits, labels = some_logits(500, classes)
    judged = Judgements(logits.astype(np.float64), labels)
    found = calibration(judged)
    assert found.negative_log_likelihood == pytest.approx(
        log_loss(labels, judged.probabilities, labels=range(classes))
    )
    one_hot = np.eye(classes)[labels]
    assert found.brier == pytest.approx(((judged.probabilities - one_hot) ** 2).sum(1).mean())
    if classes == 2:  # scikit-learn counts one of the two classes
        theirs = brier_score_loss(labels, judged.probabilities[:, 1])
        assert brier_score(judged) == pytest.approx(2 * theirs)


def test_one_class_is_always_right() -> None:
    found = calibration(Judgements(np.zeros((4, 1)), np.zeros(4, dtype=np.int64)))
    assert found.equal_width.expected_error == found.equal_mass.greatest_error == 0
    assert found.brier == found.negative_log_likelihood == 0
    assert found.sentence().startswith("Confidence and accuracy differ by 0.0 percentage points")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"bins": 0}, SettingError, "bins is 0: use a whole number from 1 up"),
        ({"bins": 101}, SettingError, "bins is 101: use 1 to 100"),
        (
            {"binning": "by hand"},
            SettingError,
            "binning is 'by hand': use equal_width or equal_mas",
        ),
        ({"confidence": np.array([0.5, np.nan])}, NonFiniteError, "no finite number"),
        ({"confidence": np.array([0.5, 1.5])}, SettingError, "run from 0.5 to 1.5: use 0 to 1"),
        ({"confidence": np.array([0.5])}, ShapeError, r"\(1,\), verdicts \(2,\)"),
        ({"is_correct": np.array([1, 0])}, ShapeError, "verdicts are int64: use True or False"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    given: dict[str, Any] = {
        "confidence": np.array([0.5, 0.9]),
        "is_correct": np.array([True, False]),
    }
    with pytest.raises(error, match=message):
        reliability(**(given | changes))
