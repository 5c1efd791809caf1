"""A page's state in the URL's query, and in the session for the links that lose the query.

A page writes its query after every report of the browser, and the browser's next request may still
carry the query before that. `PageState` therefore remembers what it wrote: a query of its own that
was replaced a moment ago is an echo and is not read back. One that comes from outside (a link, an
edited address) is read, and so is an older one of its own: the viewer went back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import streamlit as st

REMEMBERED: Final = 200
"""Own queries that are remembered."""

ECHO_S: Final = 3.0
"""For so long after it was replaced, a query that comes again is the browser lagging behind."""


@dataclass(frozen=True, slots=True)
class PageState:
    """The query of one page in one session. Make it with `open_page_state`, once per script run.

    query: what the URL said, as text. is_new_query: it is to be read. is_back: it is one that the
    page itself wrote earlier, and the viewer returned to it.
    """

    page: str
    query: Mapping[str, str]
    is_new_query: bool
    is_back: bool = False

    def has_news_for(self, kept: str) -> bool:
        """Whether a view is to read the query rather than what the session keeps under this name.

        A link that only names the view returns to what was left there.
        """
        is_more_than_view = bool(set(self.query) - {"view"})
        return self.is_new_query and (
            self.is_back or is_more_than_view or kept not in st.session_state
        )

    def write(self, query: Mapping[str, str]) -> None:
        """Put this, and nothing else, into the URL."""
        text = urlencode(query)
        st.session_state[f"{self.page}.link"] = text
        _remember(self.page, text)
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
    is_back = False
    if is_entered:
        is_new = bool(query) or not own
        own.clear()
    else:
        is_back = time.monotonic() - own.get(text, math.inf) > ECHO_S
        is_new = is_back or text not in own
    if is_new or is_entered:
        _remember(page, text)
    if is_new:
        st.session_state.pop(f"{page}.notes", None)
    return PageState(page, query, is_new, is_back)


def _remember(page: str, text: str) -> None:
    """Make this the page's present query; the one before it is replaced from now on."""
    own = _own_queries(page)
    now = time.monotonic()
    for other, replaced_at in own.items():
        if replaced_at == math.inf and other != text:
            own[other] = now
    own.pop(text, None)
    own[text] = math.inf  # not replaced: never older than anything
    while len(own) > REMEMBERED:
        del own[next(iter(own))]


def _own_queries(page: str) -> dict[str, float]:
    """Queries that this page wrote or read, oldest first -> when each was replaced by another."""
    own: dict[str, float] = st.session_state.setdefault(f"{page}.own_queries", {})
    return own
