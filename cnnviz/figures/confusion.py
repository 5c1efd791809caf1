"""How the cells of a confusion matrix, or of the difference of two, look: colours and numbers.

The matrix itself is a table of buttons, `cnnviz/ui/components/confusion_table.py`. A plotly figure
would be mounted anew by Streamlit whenever a frame or a number in it changes, and keys do not reach
its cells.

The shade grows with the square root of a number, so that small confusions can be seen beside the
diagonal. A difference is blue where the second network has fewer and orange where it has more.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.matrix import MatrixTable
from cnnviz.confusion.words import cell_text
from cnnviz.figures.shades import blend
from cnnviz.figures.theme import colours

Floats = npt.NDArray[np.floating[Any]]


def unit_text(table: MatrixTable) -> str:
    """What the numbers in the cells are, for the title over them."""
    unit = {
        "counts": "pictures",
        "of_true": "% of each true class",
        "of_predicted": "% of all that is taken for it",
    }[table.numbers]
    return f"{unit}, second less first" if table.is_difference else unit


def shade_levels(table: MatrixTable) -> Floats:
    """How strongly each cell is coloured, in the order shown: 0 to 1, -1 to 1 of a difference.

    nan where a cell has no number.
    """
    levels: Floats = np.sign(table.values) * np.sqrt(np.abs(table.values) / table.top)
    return levels


def cell_colours(table: MatrixTable, *, dark: bool = False) -> Floats:
    """The colours (classes, classes, 3), 0 to 255, that plotly gives the cells; nan for none."""
    palette = colours(dark=dark)
    levels = shade_levels(table)
    if not table.is_difference:
        return blend(palette.background, palette.accent, levels)
    more = blend(palette.background, palette.positive, np.maximum(levels, 0))
    fewer = blend(palette.background, palette.negative, np.maximum(-levels, 0))
    return np.where((levels > 0)[..., None], more, fewer)


def cell_texts(table: MatrixTable) -> list[list[str]]:
    """What stands in each cell, in the order shown."""
    return [
        [
            cell_text(float(value), is_share=table.numbers != "counts", signed=table.is_difference)
            for value in row
        ]
        for row in table.values
    ]
