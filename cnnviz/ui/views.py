"""The views of a page, and the control that chooses one.

The chosen view is `view` in the URL's query. It is kept in the session under a name of its own,
which outlives the control: other pages do not show the control, and Streamlit forgets its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from cnnviz.query import QueryReader
from cnnviz.ui.url_state import PageState


@dataclass(frozen=True, slots=True)
class View:
    """One view of a page: what the control calls it, and what draws it."""

    title: str
    show: Callable[[PageState], None]


def choose_view(state: PageState, views: Mapping[str, View]) -> str:
    """The view that the link asks for, or the one chosen here; the first one to begin with.

    views: name in the URL -> view, in the order of the control.
    """
    first = next(iter(views))
    chosen = _chosen(state.page)
    if state.is_new_query:
        read = QueryReader(state.query)
        st.session_state[chosen] = read.choice("view", tuple(views), first)
        state.keep_notes(read.notes)
    kept: str = st.session_state.setdefault(chosen, first)
    st.session_state[f"{chosen}.widget"] = kept
    st.segmented_control(
        "View",
        list(views),
        format_func=lambda name: views[name].title,
        key=f"{chosen}.widget",
        required=True,
        label_visibility="collapsed",
        on_change=_keep_choice,
        args=(chosen,),
    )
    return kept


def go_to_view(page: str, view: str) -> None:
    """Let the next run of the page show this view. For callbacks, before the page is drawn."""
    st.session_state[_chosen(page)] = view


def _chosen(page: str) -> str:
    return f"{page}.view"


def _keep_choice(chosen: str) -> None:
    st.session_state[chosen] = st.session_state[f"{chosen}.widget"]
