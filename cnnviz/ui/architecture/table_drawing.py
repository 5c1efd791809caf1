"""Which tensors of a network are drawn, and which of them was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.ui.components.network_drawing import Block
from cnnviz.ui.confusion.kept import news_from

if TYPE_CHECKING:
    from cnnviz.architecture.layer_table import LayerRow, LayerTable

DRAWING: Final = "architectures.table.drawing"


def picked_name() -> str | None:
    """The layer that was chosen in the drawing since this was last asked."""
    told = news_from(DRAWING, "picked")
    if told is None or told.get("id") != st.session_state.get(f"{DRAWING}.id"):
        return None
    name = told.get("name")
    return name if isinstance(name, str) else None


def blocks_of(table: LayerTable, chosen: str) -> list[Block]:
    """The picture, and each tensor that differs from the one before, or is made by weights.

    chosen: a layer that is drawn in any case.
    """
    channels, height, width = table.input_shape
    words = f"{channels} × {height} × {width}"
    blocks = [Block("picture", words, "picture", channels, height, width, False)]
    for row in table.rows:
        is_new = not row.inputs or row.output != row.inputs[0]
        if is_new or row.macs or row.name == chosen:
            blocks.append(_block(row))
    return blocks


def _block(row: LayerRow) -> Block:
    size = " × ".join(f"{number:,}" for number in row.output)
    kind = row.kind.lower()
    if len(row.output) != 3:
        features = row.output[-1] if row.output else 1
        tokens = row.output[0] if len(row.output) == 2 else 1
        return Block(row.name, size, "flat", features, tokens, 1, True)
    of = "conv" if "conv" in kind else "pool" if "pool" in kind else "other"
    channels, height, width = row.output
    return Block(row.name, size, of, channels, height, width, False)  # type: ignore[arg-type]
