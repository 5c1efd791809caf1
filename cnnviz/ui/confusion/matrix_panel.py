"""A matrix with its controls; what is clicked in it is selected."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.confusion.matrix import MatrixTable, Numbers, difference_table, matrix_table
from cnnviz.confusion.settings import ClassOrder
from cnnviz.ui.components.confusion_table import confusion_table
from cnnviz.ui.confusion.kept import PAGE, news_from, select_classes, setting
from cnnviz.ui.confusion.library import order_of
from cnnviz.ui.confusion.networks import Shown

MATRIX: Final = f"{PAGE}.table"
"""The name of the component, under which its reports lie in the session."""
_NUMBERS: Final[dict[Numbers, str]] = {
    "counts": "Pictures",
    "of_true": "% of true class",
    "of_predicted": "% of prediction",
}
_ORDERS: Final[dict[ClassOrder, str]] = {"dataset": "By name", "similarity": "By similarity"}


def receive_click(classes: int = 10) -> None:
    """Select what was clicked. Call it before anything is drawn.

    classes: how many there are; what is not among them is no click.
    """
    told = news_from(MATRIX, "pressed")
    if told is None:
        return
    places = [told.get("true"), told.get("taken_for")]
    if all(place is None or (type(place) is int and 0 <= place < classes) for place in places):
        select_classes(*places)


def show_matrix(shown: Shown, *, difference: bool = False) -> MatrixTable:
    """The controls and the matrix; of two networks the second less the first, if `difference`."""
    settings = shown.settings
    st.segmented_control(
        "Numbers",
        list(_NUMBERS),
        format_func=_NUMBERS.__getitem__,
        required=True,
        label_visibility="collapsed",
        wrap=True,  # on a phone the last choice would be cut off
        **setting("numbers", settings.numbers),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Order of the classes",
            list(_ORDERS),
            format_func=_ORDERS.__getitem__,
            required=True,
            label_visibility="collapsed",
            **setting("order", settings.order),
        )
        st.checkbox("Diagonal", **setting("diagonal", settings.diagonal))
    table = _table(shown, difference=difference)
    selection = settings.selection
    confusion_table(table, key=MATRIX, chosen=(selection.true, selection.taken_for))
    return table


def _table(shown: Shown, *, difference: bool) -> MatrixTable:
    settings, names = shown.settings, shown.predictions.class_names
    confusion = shown.predictions.judgements.confusion
    order = order_of(shown.predictions, settings.order)
    numbers, diagonal = settings.numbers, settings.diagonal
    if shown.other is None or not difference:
        return matrix_table(confusion, names, numbers=numbers, diagonal=diagonal, order=order)
    second = shown.other.judgements.confusion
    return difference_table(
        confusion, second, names, numbers=numbers, diagonal=diagonal, order=order
    )
