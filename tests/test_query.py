"""Settings read from the text of a URL."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.query import QueryReader, shorten, write_number, write_planes


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("3", 3, None),
        ("3.0", 3, None),
        ("0", 1, "stride=0 is now 1"),
        ("-1", 1, "stride=-1 is now 1"),
        ("1e9", 5, "stride=1e9 is now 5"),
        ("inf", 5, "stride=inf is now 5"),
        ("-inf", 1, "stride=-inf is now 1"),
        ("2.4", 2, "whole numbers from 1 to 5"),
        ("2.5", 3, "whole numbers from 1 to 5"),
        ("4.9", 5, "whole numbers from 1 to 5"),
        ("nan", 2, "stride=nan is not a number: 2 is kept"),
        ("cat", 2, "stride=cat is not a number: 2 is kept"),
        ("", 2, "is not a number"),
        ("9" * 400, 2, "is not a number"),
    ],
)
def test_whole_takes_the_nearest_and_says_so(text: str, value: int, note: str | None) -> None:
    read = QueryReader({"stride": text})
    assert read.whole("stride", 1, 5, 2) == value
    if note is None:
        assert read.notes == []
    else:
        assert len(read.notes) == 1
        assert note in read.notes[0]


def test_what_is_not_given_is_the_default_without_a_note() -> None:
    read = QueryReader({})
    assert read.whole("stride", 1, 5, 2) == 2
    assert read.number("bias", 99, 0.5) == 0.5
    assert read.choice("fill", ("zeros", "reflect"), "zeros") == "zeros"
    assert read.switch("flip") is False
    assert read.planes("image", (1, 2, 2), 99) is None
    assert read.notes == []


def test_number_is_kept_to_four_decimals_within_its_limit() -> None:
    assert QueryReader({"bias": "0.25"}).number("bias", 99, 0) == 0.25
    assert QueryReader({"bias": "0.123456"}).number("bias", 99, 0) == 0.1235
    read = QueryReader({"bias": "1e6"})
    assert read.number("bias", 99, 0) == 99
    assert "is now 99" in read.notes[0]
    assert math.copysign(1, QueryReader({"bias": "-0.00001"}).number("bias", 99, 0)) == 1


def test_number_may_have_another_lower_end() -> None:
    assert QueryReader({"lr": "0.5"}).number("lr", 100, 0.1, low=0) == 0.5
    read = QueryReader({"lr": "-3"})
    assert read.number("lr", 100, 0.1, low=0) == 0
    assert read.notes == ["lr=-3 is now 0 (numbers from 0 to 100)."]


def test_choice_and_switch_name_what_there_is() -> None:
    read = QueryReader({"fill": "cat", "flip": "perhaps", "pool": " MAX "})
    assert read.choice("fill", ("zeros", "reflect"), "zeros") == "zeros"
    assert "there are zeros, reflect" in read.notes[0]
    assert read.switch("flip", default=True) is True
    assert "(1 or 0)" in read.notes[1]
    assert read.choice("pool", ("max", "average"), "average") == "max"


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("on", True), ("0", False), ("No", False)]
)
def test_switch_reads_common_words(text: str, value: bool) -> None:
    assert QueryReader({"flip": text}).switch("flip", default=not value) is value


@pytest.mark.parametrize(
    "text",
    ["1_2~3", "1_2_3~4_5_6", "1_2~3_cat", "1_2~3_nan", "1_2~3_100", "<script>", "", "1" * 5000],
)
def test_planes_that_do_not_fit_are_left_out_with_a_reason(text: str) -> None:
    read = QueryReader({"image": text})
    assert read.planes("image", (1, 2, 2), 99) is None
    assert len(read.notes) == 1
    assert "is left out" in read.notes[0]


numbers = st.floats(-99, 99).map(lambda x: round(x, 4) + 0.0)


@settings(max_examples=100)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.data())
def test_planes_come_back_as_they_were_written(k: int, h: int, w: int, data: st.DataObject) -> None:
    planes = tuple(
        tuple(tuple(data.draw(numbers) for _ in range(w)) for _ in range(h)) for _ in range(k)
    )
    read = QueryReader({"image": write_planes(planes)})
    assert read.planes("image", (k, h, w), 99) == planes
    assert read.notes == []


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_no_text_raises_and_little_of_it_is_repeated(text: str) -> None:
    read = QueryReader(dict.fromkeys(("a", "b", "c", "d", "e"), text))
    assert 1 <= read.whole("a", 1, 5, 2) <= 5
    assert abs(read.number("b", 9, 0)) <= 9
    assert read.choice("c", ("x", "y"), "x") in ("x", "y")
    assert read.switch("d") in (True, False)
    read.planes("e", (1, 1, 1), 9)
    assert all(len(note) < 120 for note in read.notes)
    assert all(note.isprintable() for note in read.notes)


def test_shorten_and_write_number() -> None:
    assert shorten("cat\x00\n") == "cat??"
    assert shorten("x" * 100) == "x" * 24 + "…"
    assert [write_number(x) for x in (1.0, -2, 0.25)] == ["1", "-2", "0.25"]
