"""Durations, shares and places as they are said; text and numbers as they are packed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnviz.ui.training.packing import pack, unpack
from cnnviz.ui.training.words import duration, percent, place_in_queue, short_number


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (-1, "0 s"),
        (None, "–"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_shares_and_numbers() -> None:
    assert [percent(share) for share in (0.0, 0.91249, 1.0, None, math.nan)] == [
        "0.0 %",
        "91.2 %",
        "100.0 %",
        "–",
        "–",
    ]
    assert [short_number(value) for value in (0.042137, 1e-5, None, math.nan)] == [
        "0.0421",
        "1e-05",
        "–",
        "–",
    ]


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (1, "first in the queue"),
        (3, "third in the queue"),
        (8, "eighth in the queue"),
        (9, "number 9 in the queue"),
    ],
)
def test_places(position: int, words: str) -> None:
    assert place_in_queue(position) == words


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "Größe ± 3"])
def test_what_is_packed_comes_out(text: str) -> None:
    arrays = [np.array([1.0, np.nan, -2.5]), np.empty(0), np.array([1e6])]
    content, numbers = unpack(pack({"text": text, "list": [1, None]}, arrays))
    assert content == {"text": text, "list": [1, None]}
    assert numbers.tolist()[::2] == [1.0, -2.5]
    assert np.isnan(numbers[1])
    assert numbers[3] == 1e6
    start = len(pack({"text": text, "list": [1, None]}))
    assert start % 4 == 0  # so that a browser can read the floats where they lie


def test_no_browser_reads_nan_in_a_text() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        pack({"share": math.nan})
