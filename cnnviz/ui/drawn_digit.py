"""The digit that was drawn in this session, for every view that takes a picture of one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.digits.ink import Pixels

KEY: Final = "drawn_digit"
"""In the session; it outlives the pad."""


def drawn_digit() -> Pixels | None:
    """uint8 (28, 28), white ink on black as in MNIST; None while nothing is drawn."""
    pixels: Pixels | None = st.session_state.get(KEY)
    return pixels


def keep_drawn_digit(pixels: Pixels) -> None:
    """Let this be the one; a picture without ink is none."""
    if pixels.any():
        st.session_state[KEY] = pixels
    else:
        st.session_state.pop(KEY, None)
