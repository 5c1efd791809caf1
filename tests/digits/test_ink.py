"""What becomes of strokes: the picture against an oracle, and MNIST's rules on real pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cnnviz.data.catalogue import MNIST
from cnnviz.data.sources.starter import read_starter
from cnnviz.digits.examples import DIGITS, EXAMPLES
from cnnviz.digits.ink import BOX, PAD, SIDE, Strokes, line_width, render
from cnnviz.digits.settings import (
    MOST_POINTS,
    OPENING_STROKES,
    DigitSettings,
    digit_query,
    parse_strokes,
    read_digit_settings,
    write_strokes,
)
from cnnviz.errors import SettingError

points = st.tuples(st.integers(0, PAD), st.integers(0, PAD))
drawings = st.lists(st.lists(points, min_size=1, max_size=8).map(tuple), max_size=4).map(tuple)


def _centre(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """(row, column) of the centre of mass, in pixels from the upper left edge."""
    mass = pixels.astype(np.float64)
    middles = np.arange(SIDE) + 0.5
    moments = np.array([mass.sum(1) @ middles, mass.sum(0) @ middles])
    centre: npt.NDArray[np.float64] = moments / mass.sum()
    return centre


def _draw_large(strokes: Strokes, pen: int, zoom: int = 16) -> npt.NDArray[np.float64]:
    """The oracle for a pad that is shrunk as it is: drawn large by Pillow, then averaged."""
    size = SIDE * zoom
    canvas = Image.new("L", (size, size))
    pencil, scale, radius = ImageDraw.Draw(canvas), size / PAD, pen * size / PAD / 2
    for stroke in strokes:
        places = [(x * scale, y * scale) for x, y in stroke]
        pencil.line(places, fill=255, width=round(2 * radius))
        for x, y in places:  # round joints and ends
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    large = np.asarray(canvas, dtype=np.float64).reshape(SIDE, zoom, SIDE, zoom)
    averages: npt.NDArray[np.float64] = large.mean((1, 3))
    return averages


@pytest.mark.parametrize("pen", [16, 24, 40])
def test_a_pad_as_it_is_looks_as_pillow_draws_it(pen: int) -> None:
    for example in EXAMPLES:
        apart = np.abs(render(example.strokes, pen, "raw") - _draw_large(example.strokes, pen))
        assert apart.mean() < 1.5
        assert apart.max() < 90  # corners, where the edge is not straight


@given(drawings)
def test_ink_fills_the_box_and_its_mass_is_in_the_middle(strokes: Strokes) -> None:
    pixels = render(strokes, 24)
    if not strokes:
        assert not pixels.any()
        return
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == BOX
    for middle, places in zip(_centre(pixels), (rows, columns), strict=True):
        is_stopped_at_the_rim = places[0] == 0 or places[-1] >= SIDE - 2
        assert 13.98 <= middle <= 15.02 or is_stopped_at_the_rim


def test_the_pictures_of_mnist_keep_the_same_rules() -> None:
    images, _ = read_starter(MNIST, "test")
    for picture in images[::10, :, :, 0]:
        assert ((_centre(picture) >= 13.9) & (_centre(picture) <= 15.1)).all()
        rows, columns = (np.flatnonzero(picture.any(axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (BOX - 1, BOX)


def test_small_and_shifted_drawings_come_out_the_same() -> None:
    small = tuple(tuple((40 + x // 2, 100 + y // 2) for x, y in stroke) for stroke in DIGITS[7])
    apart = render(small, 12).astype(int) - render(DIGITS[7], 24).astype(int)
    assert np.abs(apart).max() < 40  # their coordinates are rounded
    assert (render(small, 24, "raw") != render(DIGITS[7], 24, "raw")).any()
    # With the same pen, a smaller digit has a thicker stroke once it is scaled up.
    assert line_width(small, 24, "mnist") > 1.5 * line_width(DIGITS[7], 24, "mnist")


# ----------------------------------------------------------------------------------- settings


@given(drawings, st.integers(8, 48), st.sampled_from(["mnist", "raw"]))
def test_a_link_and_the_browser_bring_back_what_was_drawn(
    strokes: Strokes, pen: int, fit: str
) -> None:
    there = ("a-mnist", "b-mnist", "mine")
    settings = DigitSettings(strokes=strokes, pen=pen, fit=fit, networks=("mine",))  # type: ignore[arg-type]
    assert read_digit_settings(digit_query(settings, there), there) == (settings, ())
    assert DigitSettings.from_json(settings.to_json(), settings.networks) == settings


def test_only_what_differs_is_in_the_link() -> None:
    opened, _ = read_digit_settings({}, ("a", "b", "c"))
    assert opened == DigitSettings(networks=("a", "b"))
    assert digit_query(opened, ("a", "b", "c")) == {}
    assert digit_query(replace(opened, strokes=()), ()) == {"strokes": "-", "networks": "a~b"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"strokes": "<b>"}, "strokes=<b> is left out"),
        ({"strokes": "zzzz"}, "strokes=zzzz is left out"),  # outside the pad
        ({"strokes": "0000" * (MOST_POINTS + 1)}, "is left out"),
        ({"strokes": "000"}, "is left out"),
        ({"pen": "1000"}, "pen=1000 is now 48"),
        ({"fit": "cat"}, "fit=cat is now mnist"),
        ({"networks": "a~nobody"}, "networks=a~nobody is now a "),
    ],
)
def test_nonsense_in_a_link_is_said(query: dict[str, str], said: str) -> None:
    settings, notes = read_digit_settings(query, ("a", "b"))
    assert settings.strokes == OPENING_STROKES
    assert said in "".join(notes)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"strokes": [[]], "pen": 24, "fit": "mnist"},
        {"strokes": [[[0, PAD + 1]]], "pen": 24, "fit": "mnist"},
        {"strokes": [[[0.5, 1]]], "pen": 24, "fit": "mnist"},
        {"strokes": [[[1, 2, 3]]], "pen": 24, "fit": "mnist"},
        {"strokes": [[[1, 1]] * (MOST_POINTS + 1)], "pen": 24, "fit": "mnist"},
        {"strokes": [], "pen": True, "fit": "mnist"},
        {"strokes": [], "pen": 24, "fit": "cat"},
        {"strokes": 7, "pen": 24, "fit": "mnist"},
    ],
)
def test_a_browser_can_send_anything(sent: object) -> None:
    with pytest.raises(SettingError):
        DigitSettings.from_json(sent)


def test_examples_keep_within_the_pad_and_the_link() -> None:
    for example in EXAMPLES:
        assert DigitSettings(strokes=example.strokes).strokes == example.strokes
        assert parse_strokes(write_strokes(example.strokes)) == example.strokes
