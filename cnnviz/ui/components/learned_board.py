"""The learned board: what a network has learned by the end of an epoch; its bars move."""

from functools import cache
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@cache
def _source(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


_mount = st.components.v2.component(
    "cnnviz.learned_board",
    css=_source("learned_board.css"),
    js=_source("packed.js", "learned_board.js"),
)


def learned_board(content: bytes, *, key: str) -> None:
    """Show what `cnnviz.ui.training.learned.LearnedSoFar.as_bytes` made."""
    _mount(key=key, data=content)
