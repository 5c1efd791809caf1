"""What a network says of single pictures, against PyTorch and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cnnviz.confusion.judgements import Judgements
from cnnviz.errors import NonFiniteError, ShapeError
from tests.confusion.invented import some_logits


def by_hand() -> Judgements:
    # Probabilities 0.7 0.2 0.1, and so on.
    shares = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.1, 0.45, 0.45], [0.25, 0.25, 0.5]])
    return Judgements(np.log(shares), np.array([0, 1, 2, 2]))


def test_by_hand() -> None:
    judged = by_hand()
    assert judged.predictions.tolist() == [0, 0, 1, 2]  # of equal ones the first
    assert judged.is_correct.tolist() == [True, False, False, True]
    np.testing.assert_allclose(judged.confidence, [0.7, 0.7, 0.45, 0.5])
    np.testing.assert_allclose(judged.margin, [0.5, 0.5, 0, 0.25], atol=1e-15)
    np.testing.assert_allclose(judged.loss, -np.log([0.7, 0.2, 0.45, 0.5]))
    assert judged.rank.tolist() == [0, 1, 1, 0]
    assert judged.guesses(2).tolist() == [1, 2, 0]
    assert judged.guesses(3).tolist() == [2, 0, 1]
    assert judged.confusion.tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
    assert (len(judged), judged.classes) == (4, 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_against_pytorch(dtype: type) -> None:
    logits, labels = some_logits(500, 10)
    logits = (logits * 20).astype(dtype)
    judged = Judgements(logits, labels)
    wide = torch.tensor(logits.astype(np.float64))
    shares = wide.softmax(1)
    np.testing.assert_allclose(judged.probabilities, shares, rtol=1e-12)
    loss = torch.nn.functional.cross_entropy(wide, torch.tensor(labels), reduction="none")
    np.testing.assert_allclose(judged.loss, loss, rtol=1e-12, atol=1e-15)
    top = shares.topk(2).values
    np.testing.assert_allclose(judged.confidence, top[:, 0])
    np.testing.assert_allclose(judged.margin, top[:, 0] - top[:, 1], atol=1e-15)


@given(
    arrays.arrays(
        np.float16,
        st.tuples(st.integers(1, 8), st.integers(1, 4)),
        elements=st.sampled_from([-1.0, 0.0, 2.0]),
    ),
    st.data(),
)
def test_ranks_and_ties(logits: np.ndarray, data: st.DataObject) -> None:
    count, classes = logits.shape
    labels = np.array(
        data.draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count))
    )
    judged = Judgements(logits, labels)
    for row in range(count):
        ordered = sorted(range(classes), key=lambda c: (-float(logits[row, c]), c))
        assert judged.guesses(row).tolist() == ordered
        assert judged.rank[row] == ordered.index(labels[row])
        assert judged.predictions[row] == ordered[0]
    assert ((judged.rank == 0) == judged.is_correct).all()
    assert (judged.margin >= 0).all()


def test_one_class_is_certain() -> None:
    judged = Judgements(np.array([[3.0], [-2.0]]), np.array([0, 0]))
    assert judged.confidence.tolist() == judged.margin.tolist() == [1, 1]
    assert judged.loss.tolist() == [0, 0]
    assert not np.signbit(judged.loss).any()
    assert judged.confusion.tolist() == [[2]]


def test_what_cannot_be_judged() -> None:
    for broken in (math.nan, math.inf, -math.inf):
        with pytest.raises(NonFiniteError, match=r"1 of 2 .* is picture 1"):
            Judgements(np.array([[0.0, 1.0], [0.0, broken]]), np.array([0, 1]))
    with pytest.raises(ShapeError, match="labels run from 0 to 2: use 0 to 1"):
        Judgements(np.zeros((2, 2)), np.array([0, 2]))
    with pytest.raises(ShapeError, match="at least one picture"):
        Judgements(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
