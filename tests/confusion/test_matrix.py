"""The matrix as it is shown, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import confusion_matrix as sklearn_matrix

from cnnviz.confusion.judgements import Judgements
from cnnviz.confusion.matrix import (
    confused_pair,
    difference_table,
    matrix_table,
    shares,
    top_confusions,
)
from cnnviz.confusion.words import (
    cell_sentence,
    cell_text,
    column_sentence,
    interval_text,
    percent_text,
    row_sentence,
    top_sentences,
)
from cnnviz.errors import SettingError, ShapeError
from tests.confusion.invented import some_logits

NAMES = ("cat", "dog", "frog")
BY_HAND = np.array([[6, 3, 1], [2, 3, 0], [0, 0, 0]])
MATRICES = st.integers(1, 6).flatmap(
    lambda n: arrays.arrays(np.int64, (n, n), elements=st.integers(0, 30))
)


@pytest.mark.parametrize("classes", [1, 2, 5, 10])
@pytest.mark.parametrize("count", [1, 7, 300])
@pytest.mark.parametrize("normalize", [None, "true", "pred"])
@pytest.mark.filterwarnings("ignore:A single label was found")  # it is told all labels
def test_against_scikit_learn(classes: int, count: int, normalize: str | None) -> None:
    logits, labels = some_logits(count, classes, seed=count + classes)
    logits = np.round(logits)  # with ties
    judged = Judgements(logits, labels)
    names = [str(place) for place in range(classes)]
    numbers = {None: "counts", "true": "of_true", "pred": "of_predicted"}[normalize]
    found = matrix_table(judged.confusion, names, numbers=numbers).values  # type: ignore[arg-type]
    expected = sklearn_matrix(
        labels, judged.predictions, labels=range(classes), normalize=normalize
    )
    np.testing.assert_allclose(np.nan_to_num(found), expected)  # which has 0 of nothing
    empty = {
        "counts": np.zeros((classes, classes), dtype=bool),
        "of_true": np.broadcast_to(judged.confusion.sum(1)[:, None] == 0, (classes, classes)),
        "of_predicted": np.broadcast_to(judged.confusion.sum(0)[None] == 0, (classes, classes)),
    }[numbers]
    np.testing.assert_array_equal(np.isnan(found), empty)


def test_shares_by_hand() -> None:
    of_true = np.array([[0.6, 0.3, 0.1], [0.4, 0.6, 0], [np.nan] * 3])
    np.testing.assert_allclose(shares(BY_HAND), of_true)
    of_predicted = np.array([[0.75, 0.5, 1], [0.25, 0.5, 0], [0, 0, 0]])
    np.testing.assert_allclose(shares(BY_HAND, "of_predicted"), of_predicted)


def test_the_diagonal_may_be_left_out_and_the_scale_follows() -> None:
    whole = matrix_table(BY_HAND, NAMES)
    assert whole.top == 10  # all cats
    assert not whole.is_difference
    beside = matrix_table(BY_HAND, NAMES, diagonal=False)
    assert beside.top == 3
    assert np.isnan(beside.values.diagonal()).all()
    assert np.nansum(beside.values) == 6
    assert matrix_table(BY_HAND, NAMES, numbers="of_true").top == 1
    assert matrix_table(BY_HAND, NAMES, numbers="of_true", diagonal=False).top == pytest.approx(0.4)
    assert matrix_table(np.diag([1, 2, 3]), NAMES, diagonal=False).top == 1  # nothing beside it
    assert BY_HAND[0, 0] == 6  # the given matrix is left as it is


@given(MATRICES, st.randoms())
def test_an_order_moves_rows_and_columns_alike(confusion: np.ndarray, random: object) -> None:
    count = len(confusion)
    order = list(range(count))
    random.shuffle(order)  # type: ignore[attr-defined]
    names = [f"class {place}" for place in range(count)]
    table = matrix_table(confusion, names, order=order)
    for row in range(count):
        for column in range(count):
            assert table.values[row, column] == confusion[order[row], order[column]]
    assert table.class_names == tuple(names[place] for place in order)
    assert table.order == tuple(order)


def test_a_difference_by_hand() -> None:
    after = np.array([[8, 1, 1], [3, 2, 0], [0, 0, 0]])
    table = difference_table(BY_HAND, after, NAMES)
    assert table.is_difference
    assert table.values.tolist() == [[2, -2, 0], [1, -1, 0], [0, 0, 0]]
    assert table.top == 2
    of_true = difference_table(BY_HAND, after, NAMES, numbers="of_true", order=(1, 0, 2))
    np.testing.assert_allclose(of_true.values[:2, :2], [[-0.2, 0.2], [-0.2, 0.2]])
    assert np.isnan(of_true.values[2]).all()
    assert difference_table(BY_HAND, BY_HAND, NAMES).top == 1
    with pytest.raises(ShapeError, match=r"of 15 pictures and \(3, 3\) of 16"):
        difference_table(BY_HAND, BY_HAND + np.diag([1, 0, 0]), NAMES)


@given(MATRICES)
def test_top_confusions_are_the_most_frequent(confusion: np.ndarray) -> None:
    count = len(confusion)
    pairs = top_confusions(confusion, 4)
    beside = [
        (int(confusion[t, p]), t, p)
        for t in range(count)
        for p in range(count)
        if t != p and confusion[t, p]
    ]
    ranked = sorted(beside, key=lambda each: (-each[0], each[1], each[2]))[:4]
    assert [(pair.count, pair.true, pair.predicted) for pair in pairs] == ranked
    for pair in pairs:
        assert pair == confused_pair(confusion, pair.true, pair.predicted)
        assert pair.of_true == confusion[pair.true].sum()
        assert pair.of_predicted == confusion[:, pair.predicted].sum()


def test_in_words() -> None:
    assert top_sentences(top_confusions(BY_HAND, 2), NAMES) == (
        "Cat taken for dog: 3 of 10 pictures (30.0 %).",
        "Dog taken for cat: 2 of 5 pictures (40.0 %).",
    )
    assert top_sentences((), NAMES) == ("No picture was taken for another class.",)
    table = matrix_table(BY_HAND, NAMES, order=(2, 1, 0))
    assert cell_sentence(table, 1, 2) == "dog taken for cat: 2 of 5 pictures (40.0 %)"
    assert cell_sentence(table, 2, 2) == "cat recognised: 6 of 10 pictures (60.0 %)"
    assert cell_sentence(table, 0, 2) == "frog taken for cat: 0 of 0 pictures"
    assert row_sentence(table, 1) == "all of class dog: 3 of 5 pictures (60.0 %) recognised"
    assert column_sentence(table, 0) == "everything taken for frog: 0 of 1 picture (0.0 %) rightly"
    change = difference_table(BY_HAND, BY_HAND[:, [1, 0, 2]], NAMES)
    assert cell_sentence(change, 0, 1) == (
        "cat taken for dog: 6 of 10 pictures (60.0 %); 3 by the first network: +3"
    )


@pytest.mark.parametrize(
    ("value", "is_share", "signed", "text"),
    [
        (1234.0, False, False, "1,234"),
        (0.0, False, True, "0"),
        (3.0, False, True, "+3"),
        (-3.0, False, True, "−3"),
        (0.123, True, False, "12"),
        (0.0, True, False, "0"),
        (0.004, True, False, "<1"),
        (0.004, True, True, "+<1"),
        (-0.004, True, True, "−<1"),
        (-0.25, True, True, "−25"),
        (1.0, True, False, "100"),
        (float("nan"), True, False, ""),
    ],
)
def test_what_stands_in_a_cell(value: float, is_share: bool, signed: bool, text: str) -> None:
    assert cell_text(value, is_share=is_share, signed=signed) == text


def test_shares_and_intervals_as_text() -> None:
    assert percent_text(0.1034) == "10.3 %"
    assert percent_text(float("nan")) == "–"
    assert interval_text((0.5532, 1.0)) == "55.3 to 100.0 %"
    assert interval_text((float("nan"), 1.0)) == "–"


def test_what_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"is \(3, 3\), but there are 2 classes"):
        matrix_table(BY_HAND, NAMES[:2])
    with pytest.raises(SettingError, match="numbers is 'percent': use counts, of_true"):
        matrix_table(BY_HAND, NAMES, numbers="percent")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"the order is \(0, 0, 1\): use each of 0 to 2 once"):
        matrix_table(BY_HAND, NAMES, order=(0, 0, 1))
