"""Figures of the confusion page and the matrix's colours: their arrays, and what can be read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from cnnviz.confusion.calibration import reliability
from cnnviz.confusion.judgements import Judgements
from cnnviz.confusion.matrix import NUMBERS, MatrixTable, difference_table, matrix_table
from cnnviz.confusion.scores import LESSON_CIFAR10, class_scores
from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import ShapeError
from cnnviz.figures.class_scores import class_scores_figure
from cnnviz.figures.confusion import cell_colours, cell_texts, shade_levels, unit_text
from cnnviz.figures.reliability import reliability_figure
from cnnviz.figures.shades import BLACK, WHITE, blend, contrast, needs_white, rgb
from cnnviz.figures.theme import colours
from tests.confusion.invented import some_logits

NAMES = CIFAR10.class_names
ORDER = (5, 3, 9, 0, 1, 8, 7, 6, 4, 2)
THEMES = pytest.mark.parametrize("dark", [False, True])


def judged(seed: int, count: int = 3000) -> Judgements:
    logits, labels = some_logits(count, 10, 0)
    return Judgements(some_logits(count, 10, seed)[0] + logits, labels)


def tables() -> list[MatrixTable]:
    first, second = judged(1).confusion, judged(2).confusion
    found = []
    for numbers in NUMBERS:
        for diagonal in (True, False):
            options: dict[str, Any] = {"numbers": numbers, "diagonal": diagonal, "order": ORDER}
            found.append(matrix_table(first, NAMES, **options))
            found.append(difference_table(first, second, NAMES, **options))
    return found


TABLES = pytest.mark.parametrize("table", tables())


@TABLES
@THEMES
def test_shades_and_numbers_of_the_cells(table: MatrixTable, dark: bool) -> None:
    levels, shown = shade_levels(table), cell_colours(table, dark=dark)
    np.testing.assert_allclose(
        np.sign(levels) * levels**2 * table.top, table.values, atol=1e-9 * table.top
    )
    assert np.nanmax(np.abs(levels)) <= 1
    palette = colours(dark=dark)
    full = palette.positive if table.is_difference else palette.accent
    for row, column in np.argwhere(~np.isnan(levels)):
        end = full if levels[row, column] >= 0 else palette.negative
        expected = blend(palette.background, end, np.abs(levels[row, column]))
        np.testing.assert_allclose(shown[row, column], expected)
    np.testing.assert_array_equal(np.isnan(shown).all(-1), np.isnan(levels))
    np.testing.assert_array_equal(np.array(cell_texts(table)) == "", np.isnan(levels))
    assert ("%" in unit_text(table)) == (table.numbers != "counts")
    assert ("second less first" in unit_text(table)) == table.is_difference


def test_any_colour_has_a_text_that_can_be_read() -> None:
    steps = np.linspace(0, 255, 18)
    every = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    texts = np.where(needs_white(every)[:, None], rgb(WHITE), rgb(BLACK))
    assert contrast(every, texts).min() >= 4.5
    assert contrast(rgb(WHITE), rgb(BLACK)) == pytest.approx(21)
    np.testing.assert_allclose(blend("#000000", "#FF8000", np.array([0.5])), [[127.5, 64, 0]])


@THEMES
def test_more_is_darker_or_lighter_throughout(dark: bool) -> None:
    """A scale that is read by lightness alone, as by those who see no colours."""
    palette = colours(dark=dark)
    shares = np.linspace(0, 1, 30)
    for end in (palette.accent, palette.positive, palette.negative):
        ratios = contrast(blend(palette.background, end, shares), rgb(palette.background))
        assert (np.diff(ratios) > 0).all()
        assert ratios[-1] > 4


@THEMES
@pytest.mark.parametrize("binning", ["equal_width", "equal_mass"])
def test_a_reliability_diagram(dark: bool, binning: Any) -> None:
    both = judged(1)
    result = reliability(both.confidence, both.is_correct, bins=10, binning=binning)
    line, points, bars = reliability_figure(result, dark=dark).data
    assert list(line.x) == list(line.y) == [0, 1]
    filled = [each for each in result.bins if each.accuracy.count]
    np.testing.assert_array_equal(points.x, [each.mean_confidence for each in filled])
    np.testing.assert_array_equal(points.y, [each.accuracy.share for each in filled])
    ends = np.array([each.accuracy.interval for each in filled])
    np.testing.assert_allclose(points.y + np.array(points.error_y.array), ends[:, 1])
    np.testing.assert_allclose(points.y - np.array(points.error_y.arrayminus), ends[:, 0])
    assert sum(bars.y) == 3000
    assert sum(bars.width) == pytest.approx(result.bins[-1].high)


@THEMES
@pytest.mark.parametrize("measure", ["recall", "precision", "f1"])
def test_scores_with_their_intervals(dark: bool, measure: Any) -> None:
    networks = {name: class_scores(judged(seed).confusion, NAMES) for seed, name in enumerate("ab")}
    figure = class_scores_figure(networks, measure, order=ORDER, lesson=LESSON_CIFAR10, dark=dark)
    assert len(figure.data) == (3 if measure == "recall" else 2)
    for trace, (name, scores) in zip(figure.data, networks.items(), strict=False):
        assert trace.name == name
        for row, place in enumerate(ORDER):
            found = getattr(scores[place], measure)
            value = found.value if measure == "f1" else found.share
            assert trace.x[row] == value
            low, high = found.interval
            assert trace.x[row] - trace.error_x.arrayminus[row] == pytest.approx(low)
            assert trace.x[row] + trace.error_x.array[row] == pytest.approx(high)
            assert abs(trace.y[row] - row) < 0.5
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
    assert list(figure.layout.yaxis.ticktext) == [NAMES[place] for place in ORDER]
    if measure == "recall":
        assert [round(100 * x) for x in figure.data[2].x] == [
            LESSON_CIFAR10.percent[place] for place in ORDER
        ]


def test_scores_of_nothing_and_of_other_classes() -> None:
    nothing = class_scores(np.array([[0, 0], [0, 3]]), ("cat", "dog"))
    figure = class_scores_figure({"a": nothing})
    assert np.isnan(figure.data[0].x[0])
    assert figure.data[0].hovertext[0] == "cat: no pictures"
    assert not figure.layout.showlegend
    json.loads(figure.to_json())
    with pytest.raises(ShapeError, match="b has other classes"):
        class_scores_figure(
            {"a": nothing, "b": class_scores(np.eye(2, dtype=int), ("cat", "frog"))}
        )
    with pytest.raises(ShapeError, match="0 networks are given: use 1 to 4"):
        class_scores_figure({})
