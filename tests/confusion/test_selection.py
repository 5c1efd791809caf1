"""Which pictures stand behind a part of the matrix, in what order, and the same in a URL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.confusion.likeness import likeness
from cnnviz.confusion.pictures import Pictures
from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.selection import (
    SORTS,
    VERSUS,
    WHICH,
    Selection,
    fit_selection,
    select,
    selection_sentence,
)
from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import CheckpointError, CnnvizError, DataError, SettingError
from cnnviz.query import QueryReader
from tests.confusion.invented import some_predictions

NAMES = CIFAR10.class_names
CAT, DOG = 3, 5


@pytest.fixture(scope="module")
def first() -> Predictions:
    """About every third picture of a split, so that rows and indices differ."""
    return some_predictions(400, 1, step=3)


@pytest.fixture(scope="module")
def second(first: Predictions) -> Predictions:
    other = some_predictions(400, 2, step=3)
    return some_predictions(400, 2, step=3, labels=first.labels, logits=other.logits)


def pictures_of(predictions: Predictions, keep: int = 1) -> Pictures:
    indices = predictions.indices[::keep]
    random = np.random.default_rng(0)
    return Pictures(indices, random.integers(0, 256, (len(indices), 8, 8, 3)).astype(np.uint8))


def test_every_cell_row_and_column_holds_as_many_as_the_matrix_says(first: Predictions) -> None:
    confusion = first.judgements.confusion
    for true in (None, *range(10)):
        for predicted in (None, *range(10)):
            found = select(Selection(true=true, taken_for=predicted), first)
            rows = slice(None) if true is None else true
            columns = slice(None) if predicted is None else predicted
            assert len(found) == confusion[rows, columns].sum()
            for picture in found.tolist():
                row = first.row_of(picture)
                assert first.indices[row] == picture
                assert true in (None, first.labels[row])
                assert predicted in (None, first.judgements.predictions[row])
    diagonal = select(Selection(which="correct"), first)
    assert len(diagonal) == confusion.trace()


@pytest.mark.parametrize("which", WHICH)
def test_filters(first: Predictions, which: Any) -> None:
    judged = first.judgements
    second_guess = np.array([judged.guesses(row)[1] for row in range(len(first))])
    expected = {
        "all": np.ones(len(first), dtype=bool),
        "correct": judged.predictions == first.labels,
        "wrong": judged.predictions != first.labels,
        "near": second_guess == first.labels,
        "close": judged.margin < 0.25,
    }[which]
    found = select(Selection(which=which, margin_percent=25, sort="index"), first)
    assert len(found) > 0
    assert found.tolist() == first.indices[expected].tolist()


@pytest.mark.parametrize("versus", VERSUS)
def test_a_second_network_s_word(first: Predictions, second: Predictions, versus: Any) -> None:
    ours, theirs = first.judgements, second.judgements
    expected = {
        "any": np.ones(len(first), dtype=bool),
        "disagree": ours.predictions != theirs.predictions,
        "first_only": ours.is_correct & ~theirs.is_correct,
        "second_only": ~ours.is_correct & theirs.is_correct,
        "both_wrong": ~ours.is_correct & ~theirs.is_correct,
    }[versus]
    selection = Selection(versus=versus, sort="index")
    found = select(selection, first, other=second)
    assert len(found) > 0
    assert found.tolist() == first.indices[expected].tolist()
    assert len(select(selection, first)) == len(first)  # alone nothing is left out


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("reverse", [False, True])
def test_orders(first: Predictions, sort: Any, reverse: bool) -> None:
    judged, pictures = first.judgements, pictures_of(first)
    like = int(first.indices[17])
    correlations = {
        "logits": [np.corrcoef(row, first.logits[17])[0, 1] for row in first.logits],
        "pixels": [
            np.corrcoef(image.reshape(-1), pictures.images[17].reshape(-1))[0, 1]
            for image in pictures.images
        ],
    }
    falling = {
        "confidence": judged.confidence,
        "margin": -judged.margin,
        "loss": judged.loss,
        "index": -first.indices,
        **correlations,
    }[sort]
    found = select(Selection(sort=sort, reverse=reverse, like=like), first, pictures=pictures)
    values = np.asarray(falling)[np.searchsorted(first.indices, found)]
    steps = np.diff(values if reverse else -values)
    assert (steps >= -1e-6).all()
    assert sorted(found) == first.indices.tolist()
    if sort in correlations and not reverse:
        assert found[0] == like


def test_ties_stay_in_canonical_order() -> None:
    alike = some_predictions(30, logits=np.zeros((30, 10), dtype=np.float32))
    for reverse in (False, True):
        found = select(Selection(sort="confidence", reverse=reverse), alike)
        assert found.tolist() == list(range(30))


def test_likeness_is_pearson_s_correlation() -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, 256, (2500, 4, 4, 3)).astype(np.uint8)
    found = likeness(rows, rows[1234])
    expected = np.array(np.corrcoef(rows.reshape(2500, -1)))[1234]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.argmax() == 1234
    np.testing.assert_allclose(
        likeness(np.array([[1.0, 2, 3], [3, 2, 1]]), np.array([5, 6, 7])), [1, -1]
    )
    assert likeness(np.full((2, 3), 7), np.array([1, 2, 3])).tolist() == [0, 0]
    assert likeness(np.array([[1, 2, 3]]), np.full(3, 7)).tolist() == [0]
    assert likeness(np.zeros((0, 3)), np.arange(3)).tolist() == []


@pytest.mark.parametrize("reverse", [False, True])
def test_pictures_that_are_not_here_come_last(first: Predictions, reverse: bool) -> None:
    some = pictures_of(first, keep=4)
    like = int(some.indices[5])
    selection = Selection(sort="pixels", like=like, reverse=reverse)
    found = select(selection, first, pictures=some)
    here = some.has(found)
    assert here[: len(some)].all()
    assert not here[len(some) :].any()
    away = int(first.indices[1])
    for pictures in (some, None):
        with pytest.raises(DataError, match=f"Picture {away} is not on this machine"):
            select(replace(selection, like=away), first, pictures=pictures)


def test_what_is_refused(first: Predictions) -> None:
    with pytest.raises(SettingError, match="true is 10: there are 10 classes"):
        select(Selection(true=10), first)
    with pytest.raises(SettingError, match="picture is 1: it is none of the 400"):
        select(Selection(sort="logits", like=1), first)
    with pytest.raises(SettingError, match="picture is 99999: it is none of the 400"):
        select(Selection(sort="logits", like=99_999), first)
    with pytest.raises(CheckpointError, match="were asked about different pictures"):
        select(Selection(versus="disagree"), first, other=some_predictions(400, 1))
    for changes, message in (
        ({"which": "some"}, "which is 'some': use all, correct"),
        ({"versus": "none"}, "versus is 'none': use any"),
        ({"sort": "size"}, "sort is 'size': use confidence"),
        ({"sort": "pixels"}, "sort is pixels: say by `like`"),
        ({"margin_percent": 101}, "margin_percent is 101: use 1 to 100"),
        ({"margin_percent": 0}, "margin_percent is 0: use a whole number from 1 up"),
        ({"true": -1}, "true is -1"),
        ({"like": 1.5}, "like is 1.5"),
    ):
        with pytest.raises(SettingError, match=message):
            Selection(**changes)


SELECTIONS = st.builds(
    lambda like, sort, **others: Selection(
        like=like, sort="loss" if like is None and sort in ("logits", "pixels") else sort, **others
    ),
    true=st.none() | st.integers(0, 9),
    taken_for=st.none() | st.integers(0, 9),
    which=st.sampled_from(WHICH),
    margin_percent=st.integers(1, 100),
    versus=st.sampled_from(VERSUS),
    sort=st.sampled_from(SORTS),
    reverse=st.booleans(),
    like=st.none() | st.integers(0, 60_000),
)


@given(SELECTIONS)
def test_the_url_brings_back_the_same(selection: Selection) -> None:
    query = selection.to_query(NAMES)
    read = QueryReader(query)
    assert Selection.from_reader(read, NAMES) == selection
    assert read.notes == []
    assert all(isinstance(value, str) for value in query.values())


def test_the_url_says_only_what_differs() -> None:
    assert Selection().to_query(NAMES) == {}
    story = Selection(true=CAT, taken_for=DOG, which="near", sort="loss", reverse=True)
    assert story.to_query(NAMES) == {
        "true": "cat",
        "taken": "dog",
        "which": "near",
        "sort": "loss",
        "reverse": "1",
    }


QUERY_NAMES = ("true", "taken", "which", "margin", "versus", "sort", "reverse", "like")


@given(
    st.dictionaries(
        st.sampled_from(QUERY_NAMES),
        st.text(max_size=40)
        | st.sampled_from(["nan", "inf", "-1e400", "1e9", "cat", "CAT ", "pixels", "1", "0.5"]),
    )
)
def test_nonsense_becomes_valid_and_is_told(query: dict[str, str]) -> None:
    read = QueryReader(query)
    selection = Selection.from_reader(read, NAMES)
    again = QueryReader(selection.to_query(NAMES))
    assert Selection.from_reader(again, NAMES) == selection
    assert again.notes == []
    assert all(note.endswith(".") and "=" in note for note in read.notes)


@pytest.mark.parametrize(
    ("query", "selection", "note"),
    [
        ({"true": " Cat "}, Selection(true=CAT), None),
        ({"true": "lion"}, Selection(), "true=lion is now any"),
        ({"margin": "0"}, Selection(margin_percent=1), "margin=0 is now 1"),
        ({"margin": "12.6"}, Selection(margin_percent=13), "margin=12.6 is now 13"),
        ({"sort": "pixels"}, Selection(), "sort=pixels needs like"),
        ({"sort": "pixels", "like": "7"}, Selection(sort="pixels", like=7), None),
        ({"like": "-3"}, Selection(like=0), "like=-3 is now 0"),
        ({"which": "<script>"}, Selection(), "which=<script> is now all"),
    ],
)
def test_what_a_url_becomes(query: dict[str, str], selection: Selection, note: str | None) -> None:
    read = QueryReader(query)
    assert Selection.from_reader(read, NAMES) == selection
    assert len(read.notes) == (note is not None)
    assert note is None or read.notes[0].startswith(note)


def test_a_picture_that_the_network_was_not_asked_about(first: Predictions) -> None:
    asked = Selection(sort="logits", like=10)  # every third picture is there
    fitted, notes = fit_selection(asked, first)
    assert fitted.like == 9
    assert notes == ("like=10 is now 9, the nearest picture that there is.",)
    assert fit_selection(fitted, first) == (fitted, ())
    assert fit_selection(replace(asked, like=10**6), first)[0].like == first.indices[-1]


@given(SELECTIONS)
def test_whatever_fits_can_be_selected(selection: Selection) -> None:
    predictions = some_predictions(60)
    other = some_predictions(60, 3, labels=predictions.labels)
    fitted, _ = fit_selection(selection, predictions)
    found = select(fitted, predictions, other=other, pictures=pictures_of(predictions))
    assert len(set(found.tolist())) == len(found) <= 60
    sentence = selection_sentence(fitted, NAMES)
    assert sentence.endswith(("first", "canonical order", "backwards"))


def test_in_words() -> None:
    assert selection_sentence(Selection(true=CAT, taken_for=DOG), NAMES) == (
        "cat taken for dog, the surest first"
    )
    assert selection_sentence(Selection(true=CAT, taken_for=CAT, sort="loss"), NAMES) == (
        "cat recognised, the greatest loss first"
    )
    assert selection_sentence(Selection(true=CAT, which="wrong", reverse=True), NAMES) == (
        "all of class cat, only those that are wrong, the least sure first"
    )
    assert selection_sentence(Selection(taken_for=DOG, versus="first_only"), NAMES) == (
        "everything taken for dog, that only the first network gets right, the surest first"
    )
    assert selection_sentence(Selection(which="close", margin_percent=5, sort="margin"), NAMES) == (
        "all pictures, only those whose first guess is ahead by less than 5 percentage points, the "
        "closest calls first"
    )


def test_pictures_are_found_by_their_number() -> None:
    images = np.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3).astype(np.uint8)
    some = Pictures(np.array([2, 5, 6, 9]), images)
    np.testing.assert_array_equal(some.images_of(np.array([9, 2, 9])), images[[3, 0, 3]])
    assert some.has(np.array([1, 2, 9, 10])).tolist() == [False, True, True, False]
    with pytest.raises(DataError, match="Picture 10 is not on this machine"):
        some.images_of(np.array([2, 10]))
    with pytest.raises(CnnvizError, match="must ascend"):
        Pictures(np.array([2, 2, 6, 9]), images)
