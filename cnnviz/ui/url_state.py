"""A page's state in the URL's query, and in the session for the links that lose the query.

A page writes its query after every report of the browser, and the browser's next request may still
carry the query before that. `PageState` therefore remembers what it wrote: a query of its own is
never read back, one that comes from outside (a link, a bookmark, an edited address) always is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import streamlit as st

REMEMBERED: Final = 50
"""Own queries that are remembered; the browser lags behind by one or two."""


@dataclass(frozen=True, slots=True)
class PageState:
    """The query of one page in one session. Make it with `open_page_state`, once per script run.

    query: what the URL said, as text. is_new_query: it came from outside and is to be read.
    """

    page: str
    query: Mapping[str, str]
    is_new_query: bool

    def has_news_for(self, kept: str) -> bool:
        """Whether a view is to read the query rather than what the session keeps under this name.

        A link that only names the view returns to what was left there.
        """
        return self.is_new_query and (
            kept not in st.session_state or bool(set(self.query) - {"view"})
        )

    def write(self, query: Mapping[str, str]) -> None:
        """Put this, and nothing else, into the URL."""
        own = _own_queries(self.page)
        text = urlencode(query)
        st.session_state[f"{self.page}.link"] = text
        if text not in own:
            own.append(text)
        if dict(st.query_params) != dict(query):
            st.query_params.from_dict(dict(query))

    def link(self) -> str:
        """The address that opens what was written last."""
        base = (st.context.url or "").split("?")[0].split("#")[0]
        text = st.session_state.get(f"{self.page}.link", "")
        return f"{base}?{text}" if text else base

    def keep_notes(self, notes: Sequence[str]) -> None:
        """Add sentences about what of the query was changed, to be shown until they are closed."""
        st.session_state.setdefault(f"{self.page}.notes", []).extend(notes)

    def show_notes(self) -> None:
        """Show the sentences that are kept, if any, with a button that closes them."""
        key = f"{self.page}.notes"
        notes: list[str] = st.session_state.get(key, [])
        if not notes:
            return
        with st.container(border=True):
            said, close = st.columns([5, 1], vertical_alignment="center")
            said.markdown("**The link asked for something that is not there.**")
            said.text("\n".join(notes))  # plain text: a link's words are never markup
            close.button(
                "Understood", on_click=st.session_state.pop, args=(key, None), width="stretch"
            )


def open_page_state(page: str, *, is_entered: bool) -> PageState:
    """The state of `page` in this script run.

    is_entered: this run opens the page, coming from another one or from outside. The link of the
    navigation has no query, so that an empty one restores what the session remembers.
    """
    query = dict(st.query_params)
    text = urlencode(query)
    own = _own_queries(page)
    if is_entered:
        is_new = bool(query) or not own
        own.clear()
    else:
        is_new = text not in own
    own.append(text)
    if is_new:
        st.session_state.pop(f"{page}.notes", None)
    return PageState(page, query, is_new)


def _own_queries(page: str) -> deque[str]:
    own: deque[str] = st.session_state.setdefault(f"{page}.own_queries", deque(maxlen=REMEMBERED))
    return own
