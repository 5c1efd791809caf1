"""The views of the convolution lesson, and the control that chooses one."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from cnnviz.query import QueryReader
from cnnviz.ui import backwards_view, picture_view, quiz_view, window_view
from cnnviz.ui.url_state import PageState

_CHOSEN = "convolution.view"

_TITLES = {
    "hand": "By hand",
    "picture": "On a picture",
    "colour": "In colour",
    "pooling": "Pooling",
    "transposed": "Transposed",
    "backwards": "Ask it backwards",
    "quiz": "Try it yourself",
}

_VIEWS: Mapping[str, Callable[[PageState], None]] = {
    "hand": partial(window_view.show, "hand"),
    "picture": picture_view.show,
    "colour": partial(window_view.show, "colour"),
    "pooling": partial(window_view.show, "pooling"),
    "transposed": partial(window_view.show, "transposed"),
    "backwards": backwards_view.show,
    "quiz": quiz_view.show,
}


def choose_view(state: PageState) -> str:
    """The view that the link asks for, or the one chosen here."""
    if state.is_new_query:
        read = QueryReader(state.query)
        st.session_state[_CHOSEN] = read.choice("view", tuple(_VIEWS), "hand")
        state.keep_notes(read.notes)
    kept: str = st.session_state.setdefault(_CHOSEN, "hand")
    # The widget follows the kept choice, which outlives it: other pages do not show the widget.
    st.session_state[f"{_CHOSEN}.widget"] = kept
    st.segmented_control(
        "View",
        list(_VIEWS),
        format_func=_TITLES.__getitem__,
        key=f"{_CHOSEN}.widget",
        required=True,
        label_visibility="collapsed",
        on_change=_keep_choice,
    )
    return kept


def _keep_choice() -> None:
    st.session_state[_CHOSEN] = st.session_state[f"{_CHOSEN}.widget"]


def show_view(view: str, state: PageState) -> None:
    """Draw one view."""
    _VIEWS[view](state)
