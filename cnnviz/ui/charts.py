"""A figure on a page, with what it says in words."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st


def is_dark() -> bool:
    """Whether figures are to be drawn for the dark theme."""
    return bool(st.context.theme.type == "dark")


def show_chart(figure: Any, key: str, words: str) -> None:
    """A figure, and the sentence that says the same to those who cannot see it."""
    st.plotly_chart(
        figure,
        theme=None,
        alt=re.sub(r"\*\*", "", words),
        key=key,
        config={"displaylogo": False},
    )
