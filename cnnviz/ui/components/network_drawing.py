"""A network as a row of blocks, one for each tensor; a block can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import streamlit as st

from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.network_drawing",
    css=read_source("network_drawing.css"),
    js=read_source("element.js", "network_drawing.js"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """The tensor that one layer puts out."""

    name: str
    words: str
    """Its size."""
    kind: Literal["picture", "conv", "pool", "flat", "other"]
    channels: int
    height: int
    width: int
    isFlat: bool
    """Whether it is a vector."""


def network_drawing(blocks: Sequence[Block], *, identity: str, chosen: str, key: str) -> None:
    """Show the blocks; what is chosen lies in ``st.session_state[key]["picked"]``.

    identity: of the blocks, which are built anew when it is. The report is {"n", "id", "name"}; n
    grows.
    """
    data = {"id": identity, "chosen": chosen, "blocks": [asdict(block) for block in blocks]}
    _mount(key=key, data=data, on_picked_change=lambda: None)
