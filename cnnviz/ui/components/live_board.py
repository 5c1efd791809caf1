"""The live board: the numbers and curves of a training, renewed in place while it goes on.

A chart of Streamlit's own is mounted anew with each new figure: it flickers, and its zoom is lost.
A component is told its source with everything that it is told. Therefore the board is drawn once,
and what is renewed each second is a second component of a few lines, the feed.
"""

from typing import Final

import streamlit as st

from cnnviz.ui.components.sources import read_source

_SOURCES: Final = ("packed.js", "curve_scale.js", "curve_panel.js", "live_board.js")
"""In the order of use; joined into one module, since a component takes one text."""

_mount_board = st.components.v2.component(
    "cnnviz.live_board", css=read_source("live_board.css"), js=read_source(*_SOURCES)
)
_mount_feed = st.components.v2.component("cnnviz.live_feed", js=read_source("live_feed.js"))


def live_board(run_id: int, *, key: str) -> None:
    """The board, which shows what `live_feed` tells of this run."""
    _mount_board(key=key, data={"run": run_id})


def live_feed(content: bytes, *, key: str) -> None:
    """Tell the board what `cnnviz.ui.training.live_curves.board_bytes` made; nothing is seen of it.

    Bytes, since they are made once and sent to many: a dictionary would be encoded for each.
    """
    _mount_feed(key=key, data=content)
