"""Figures: the arrays and the titles that they hold."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.figures import theme
from cnnviz.figures.convolution import value_histogram_figure

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))


@given(st.lists(numbers, min_size=1, max_size=80), st.integers(1, 70))
def test_every_value_is_counted_once_on_its_side_of_zero(values: list[float], bins: int) -> None:
    array = np.array(values)
    bar = value_histogram_figure(array, bins=bins).data[0]
    assert sum(bar.y) == len(values)
    assert len(bar.x) == len(bar.y) == len(bar.marker.color) <= bins + 2
    negative = sum(
        count
        for count, colour in zip(bar.y, bar.marker.color, strict=True)
        if colour == theme.LIGHT.negative
    )
    # A bar that ends at zero is closed there only if it is the last one.
    assert negative in ((array < 0).sum(), (array <= 0).sum())


def test_zero_is_an_edge_and_bars_do_not_cross_it() -> None:
    bar = value_histogram_figure(np.array([-3.0, -1.0, 0.0, 2.0, 7.0]), bins=7).data[0]
    edges = np.asarray(bar.customdata)
    assert 0.0 in edges[:, 0]
    assert not np.any((edges[:, 0] < 0) & (edges[:, 1] > 0))
    np.testing.assert_allclose(np.asarray(bar.width), edges[:, 1] - edges[:, 0])
    np.testing.assert_allclose(np.asarray(bar.x), edges.mean(axis=1))


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ([-1, -1, -1, 1], "ReLU would set 75 % of the values to 0"),
        ([0, 1, 2], "No value is below 0: ReLU changes nothing"),
        ([0, 0], "No value is below 0: ReLU changes nothing"),
        ([-5, -5], "ReLU would set every value to 0"),
        ([-1] + [1] * 999, "ReLU would set 0.10 % of the values to 0"),
        ([1] + [-1] * 999, "ReLU would set 99.90 % of the values to 0"),
    ],
)
def test_the_title_says_what_relu_would_cut(values: list[float], title: str) -> None:
    figure = value_histogram_figure(np.array(values, dtype=np.float64))
    assert figure.layout.title.text == title
    assert figure.layout.xaxis.title.text == "value in the feature map"
    assert sum(figure.data[0].y) == len(values)


def test_an_empty_map_has_no_histogram() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        value_histogram_figure(np.empty((0, 0)))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_marks_stand_out(dark: bool) -> None:
    chosen = theme.colours(dark=dark)
    assert contrast(chosen.text, chosen.background) >= 7
    for mark in (chosen.negative, chosen.positive, chosen.accent, *chosen.series):
        assert contrast(mark, chosen.background) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_the_template_fetches_no_font_and_follows_the_theme(dark: bool) -> None:
    layout = theme.template(dark=dark).layout
    assert layout.font.color == theme.colours(dark=dark).text
    assert not re.search("http|url|Open Sans|Google", layout.font.family)
    bar = value_histogram_figure(np.array([-1.0, 1.0]), dark=dark).data[0]
    assert set(bar.marker.color) == {
        theme.colours(dark=dark).negative,
        theme.colours(dark=dark).positive,
    }
