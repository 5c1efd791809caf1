"""The learned board: what a network has learned by the end of an epoch; its bars move."""

import streamlit as st

from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.learned_board",
    css=read_source("learned_board.css"),
    js=read_source("packed.js", "learned_board.js"),
)


def learned_board(content: bytes, *, key: str) -> None:
    """Show what `cnnviz.ui.training.learned.LearnedSoFar.as_bytes` made."""
    _mount(key=key, data=content)
