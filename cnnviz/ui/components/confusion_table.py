"""The confusion matrix as a table of buttons: every cell, row name and column name can be pressed.

A button is reached and pressed by mouse, by touch and by keyboard, and says in words what it stands
for. One that is pressed is marked at once, without a round trip.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from cnnviz.confusion.matrix import MatrixTable
from cnnviz.confusion.words import cell_sentence, column_sentence, row_sentence
from cnnviz.figures.confusion import cell_colours, cell_texts, unit_text
from cnnviz.figures.shades import BLACK, WHITE, needs_white, rgb
from cnnviz.figures.theme import colours
from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.confusion_table",
    css=read_source("confusion_table.css"),
    js=read_source("confusion_table.js"),
)


def confusion_table(table: MatrixTable, *, key: str, chosen: tuple[int | None, int | None]) -> None:
    """Show a matrix; what is pressed lies in ``st.session_state[key]["pressed"]``.

    chosen: true and predicted class, indices in the data set's order, None for any.

    The report is {"n", "true", "taken_for"}; n grows from one to the next.
    """
    _mount(
        key=key,
        data={**table_content(table), "chosen": list(chosen)},
        on_pressed_change=lambda: None,
    )


def table_content(table: MatrixTable) -> Mapping[str, Any]:
    """What the table shows, in the order shown: texts, sentences, colours of both themes."""
    places = range(len(table.order))
    return {
        "classes": list(table.order),
        "names": list(table.class_names),
        "unit": unit_text(table),
        "is_difference": table.is_difference,
        "texts": cell_texts(table),
        "styles": _styles(table),
        "cells": [[cell_sentence(table, row, column) for column in places] for row in places],
        "rows": [row_sentence(table, row) for row in places],
        "columns": [column_sentence(table, column) for column in places],
    }


def _styles(table: MatrixTable) -> list[list[str]]:
    """The ground and the text of each cell as CSS, which follows the viewer's theme by itself."""
    light, dark = _colours(table, dark=False), _colours(table, dark=True)
    return [
        [
            f"background: light-dark({by_day[0]}, {by_night[0]}); "
            f"color: light-dark({by_day[1]}, {by_night[1]})"
            for by_day, by_night in zip(day, night, strict=True)
        ]
        for day, night in zip(light, dark, strict=True)
    ]


def _colours(table: MatrixTable, *, dark: bool) -> list[list[tuple[str, str]]]:
    """(ground, text) of each cell; a cell without a number has the page's ground."""
    shades = cell_colours(table, dark=dark)  # (classes, classes, 3)
    shades = np.where(np.isnan(shades), rgb(colours(dark=dark).background), shades)
    return [
        [
            (f"#{tones.tobytes().hex()}", WHITE if is_white else BLACK)
            for tones, is_white in zip(*row, strict=True)
        ]
        for row in zip(np.rint(shades).astype(np.uint8), needs_white(shades), strict=True)
    ]
