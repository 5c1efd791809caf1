"""The view "Matrix": the confusion matrix, the pictures behind it, and the chosen one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.confusion.matrix import top_confusions
from cnnviz.confusion.words import top_sentences
from cnnviz.ui.confusion import attribution_view
from cnnviz.ui.confusion.chosen_picture import show_chosen
from cnnviz.ui.confusion.filters import show_filters
from cnnviz.ui.confusion.gallery import receive_pick, show_gallery
from cnnviz.ui.confusion.kept import KEPT, PAGE, select_classes
from cnnviz.ui.confusion.matrix_panel import receive_click, show_matrix
from cnnviz.ui.confusion.networks import Shown, open_networks
from cnnviz.ui.url_state import PageState

WIDTHS: Final = (5, 5, 3)
"""Of the columns for the matrix, the pictures and the chosen one."""
STYLE: Final = """
.st-key-confusion-top { gap: 0; }
.st-key-confusion-top button { min-height: 2rem; padding: 0.15rem 0; }
.st-key-confusion-top button p {
    white-space: normal; text-align: left; color: var(--cnnviz-accent); text-decoration: underline;
}
"""


def show(state: PageState) -> None:
    """The matrix; what is clicked beside it; what is picked of that beside both."""
    receive_what_was_done()
    shown = open_networks(state, "matrix")
    if shown is None:
        return
    attribution_view.begin(shown)
    matrix, pictures, chosen = st.columns(WIDTHS, gap="medium")
    with matrix:
        show_matrix(shown)
    with pictures:
        show_filters(shown, compares=False)
        show_gallery(shown, compares=False)
    with chosen:
        show_chosen(shown, compares=False)
    # Where there is room: what is at the bottom would otherwise begin far below.
    with chosen if shown.settings.picture is None else matrix:
        _show_top_confusions(shown)
    attribution_view.show(shown)


def receive_what_was_done() -> None:
    """Change the settings by what was clicked and picked, before the page is drawn from them."""
    if KEPT in st.session_state:
        receive_click()
        receive_pick()


def _show_top_confusions(shown: Shown) -> None:
    names = shown.predictions.class_names
    pairs = top_confusions(shown.predictions.judgements.confusion)
    sentences = top_sentences(pairs, names)
    st.html(f"<style>{STYLE}</style>")
    st.markdown("**Most frequent confusions**")
    if not pairs:
        st.text(sentences[0])
        return
    with st.container(key="confusion-top"):
        for pair, sentence in zip(pairs, sentences, strict=True):
            st.button(
                sentence.replace(" %", "\N{NO-BREAK SPACE}%"),
                key=f"{PAGE}.top.{pair.true}.{pair.predicted}",
                type="tertiary",
                on_click=select_classes,
                args=(pair.true, pair.predicted),
            )
