"""What the matrix of buttons is given: texts that can be read on their cells, and sentences."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from cnnviz.confusion.matrix import NUMBERS, MatrixTable, difference_table, matrix_table
from cnnviz.data.catalogue import CIFAR10
from cnnviz.figures.confusion import cell_colours, cell_texts
from cnnviz.figures.shades import contrast, rgb
from cnnviz.figures.theme import colours
from cnnviz.ui.components.confusion_table import table_content

NAMES = CIFAR10.class_names
ORDER = (5, 3, 9, 0, 1, 8, 7, 6, 4, 2)
STYLE = re.compile(
    r"background: light-dark\((#\w{6}), (#\w{6})\); color: light-dark\((#\w{6}), (#\w{6})\)"
)


def tables() -> list[MatrixTable]:
    random = np.random.default_rng(0)
    first = random.multinomial(1000, np.full(10, 0.1), size=10)
    second = random.multinomial(1000, np.full(10, 0.1), size=10)
    second[3, 3] += second[3, 5]
    second[3, 5] = 0
    found = []
    for numbers in NUMBERS:
        for diagonal in (True, False):
            options: dict[str, Any] = {"numbers": numbers, "diagonal": diagonal, "order": ORDER}
            found.append(matrix_table(first, NAMES, **options))
            found.append(difference_table(first, second, NAMES, **options))
    return found


@pytest.mark.parametrize("table", tables())
def test_every_number_can_be_read_in_both_themes(table: MatrixTable) -> None:
    content = table_content(table)
    assert content["texts"] == cell_texts(table)
    assert content["classes"] == list(ORDER)
    assert content["names"] == [NAMES[place] for place in ORDER]
    shades = [cell_colours(table, dark=dark) for dark in (False, True)]
    for row in range(10):
        for column in range(10):
            found = STYLE.fullmatch(content["styles"][row][column])
            assert found is not None
            for dark in (False, True):
                ground, ink = found.group(1 + dark), found.group(3 + dark)
                assert contrast(rgb(ground), rgb(ink)) >= 4.5
                shade = shades[dark][row, column]
                if np.isnan(shade).any():
                    assert content["texts"][row][column] == ""
                    assert ground == colours(dark=dark).background.lower()
                else:
                    np.testing.assert_allclose(rgb(ground), shade, atol=0.5)


def test_what_a_button_says() -> None:
    confusion = np.diag([8] * 10)
    confusion[3, 5] = 2
    content = table_content(matrix_table(confusion, NAMES, order=ORDER))
    cat, dog = ORDER.index(3), ORDER.index(5)
    assert content["cells"][cat][dog] == "cat taken for dog: 2 of 10 pictures (20.0 %)"
    assert content["rows"][cat] == "all of class cat: 8 of 10 pictures (80.0 %) recognised"
    assert content["columns"][dog] == "everything taken for dog: 8 of 10 pictures (80.0 %) rightly"
    assert (content["unit"], content["is_difference"]) == ("pictures", False)
