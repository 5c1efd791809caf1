"""The view "Two networks": where they differ, and whether one of them is better."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from cnnviz.confusion.comparison import Outcomes, comparison_sentences
from cnnviz.confusion.predictions import Predictions, compare
from cnnviz.confusion.selection import Selection, Versus
from cnnviz.errors import CnnvizError
from cnnviz.ui.confusion import attribution_view
from cnnviz.ui.confusion.chosen_picture import show_chosen
from cnnviz.ui.confusion.filters import show_filters
from cnnviz.ui.confusion.gallery import show_gallery
from cnnviz.ui.confusion.kept import PAGE, change
from cnnviz.ui.confusion.matrix_panel import show_matrix
from cnnviz.ui.confusion.matrix_view import WIDTHS, receive_what_was_done
from cnnviz.ui.confusion.networks import open_networks
from cnnviz.ui.url_state import PageState


def show(state: PageState) -> None:
    """The matrix of differences, the pictures on which they differ, McNemar's test in words."""
    receive_what_was_done()
    shown = open_networks(state, "two")
    if shown is None:
        return
    attribution_view.begin(shown)
    if shown.other is None:
        st.info("Choose a network to compare with.")
        return
    try:
        outcomes = compare(shown.predictions, shown.other).counts
    except CnnvizError as error:
        st.error(str(error))
        return
    _show_outcomes(outcomes)
    matrix, pictures, chosen = st.columns(WIDTHS, gap="medium")
    with matrix:
        show_matrix(shown, difference=True)
        st.caption(
            "Orange: the second network has more; blue: it has less. More on the diagonal is "
            "better, more beside it is worse. A click selects by what the first network says."
        )
        _show_test(outcomes, shown.predictions, shown.other)
    with pictures:
        show_filters(shown, compares=True)
        show_gallery(shown, compares=True)
    with chosen:
        show_chosen(shown, compares=True)
    attribution_view.show(shown)


def _show_outcomes(outcomes: Outcomes) -> None:
    """How many pictures fell to whom, as buttons that select them."""
    both_wrong = outcomes.same_mistake + outcomes.other_mistakes
    counts: dict[Versus, tuple[str, int]] = {
        "first_only": ("Only the first is right", outcomes.first_only),
        "second_only": ("Only the second is right", outcomes.second_only),
        "both_wrong": ("Both are wrong", both_wrong),
        "disagree": (
            "They disagree",
            outcomes.first_only + outcomes.second_only + outcomes.other_mistakes,
        ),
    }
    with st.container(horizontal=True):
        for versus, (words, count) in counts.items():
            st.button(
                f"{words}: {count:,}",
                key=f"{PAGE}.versus.{versus}",
                on_click=_select_versus,
                args=(versus,),
            )


def _select_versus(versus: Versus) -> None:
    change(selection=replace(Selection(), versus=versus), picture=None)


def _show_test(outcomes: Outcomes, first: Predictions, second: Predictions) -> None:
    st.markdown("**Is one of them better?**")
    st.text("\n".join(comparison_sentences(outcomes, first.title, second.title)))
