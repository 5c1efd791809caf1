"""The maps of every layer as pictures, of which one number can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.map_sheets",
    css=read_source("map_sheets.css"),
    js=read_source("element.js", "reporter.js", "map_sheets.js"),
)


@dataclass(frozen=True, slots=True)
class MapSheet:
    """The maps of one layer that are shown."""

    name: str
    words: str
    """What kind of layer, how large."""
    height: int
    width: int
    channels: tuple[int, ...]
    """By number, in the order of the strip."""
    strip: str
    """The maps one below the other: a data URI of an image."""

    @property
    def zoom(self) -> int:
        """Screen pixels for each number: small maps are shown larger."""
        return max(2, min(18, 84 // max(self.height, self.width)))


@dataclass(frozen=True, slots=True)
class SeenWindow:
    """The part of a layer's maps that a number was made of; rows and columns first to last."""

    layer: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    channels: tuple[int, ...] | None
    """None: all."""


def map_sheets(
    sheets: Sequence[MapSheet],
    *,
    identity: str,
    chosen: Mapping[str, int | str],
    window: SeenWindow | None,
    version: int,
    key: str,
) -> None:
    """Show the maps; what is chosen lies in ``st.session_state[key]["picked"]``.

    identity: of the sheets, which are built anew when it is. chosen: layer, channel, row, column;
    taken when identity or version is new. The report is {"n", "id", "layer", "channel", "row",
    "column"}; n grows.
    """
    data: dict[str, Any] = {
        "id": identity,
        "version": version,
        "chosen": dict(chosen),
        "window": None
        if window is None
        else {
            "layer": window.layer,
            "rows": list(window.rows),
            "columns": list(window.columns),
            "channels": None if window.channels is None else list(window.channels),
        },
        "layers": [
            {
                "name": sheet.name,
                "words": sheet.words,
                "height": sheet.height,
                "width": sheet.width,
                "zoom": sheet.zoom,
                "channels": list(sheet.channels),
                "strip": sheet.strip,
            }
            for sheet in sheets
        ],
    }
    _mount(key=key, data=data, on_picked_change=lambda: None)
