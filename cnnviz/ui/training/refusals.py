"""What was refused, in its own words: kept by a callback, shown when the page is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.ui.plain_text import plain

_KEPT: Final = "training.refused"


@contextmanager
def kept_refusals() -> Iterator[None]:
    """Keeps the sentence of a CnnvizError raised inside, for `show_refusals`.

    For callbacks: what they write is drawn above the page, far from the button.
    """
    try:
        yield
    except CnnvizError as error:
        keep_refusal(str(error))


def keep_refusal(sentence: str) -> None:
    """Keeps what cannot be, for `show_refusals`."""
    st.session_state[_KEPT] = sentence


def show_refusals() -> None:
    """Shows what was refused since it was last shown, once."""
    refused: str | None = st.session_state.pop(_KEPT, None)
    if refused:
        st.error(plain(refused))
