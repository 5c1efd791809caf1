"""A grid of numbers that can be typed into: by mouse or by keyboard, as in a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.number_grid",
    css=read_source("number_grid.css"),
    js=read_source("element.js", "cell_grid.js", "reporter.js", "number_grid.js"),
)


def number_grid(
    cells: Sequence[Sequence[float]], *, name: str, limit: float, identity: str, key: str
) -> None:
    """Show numbers; what is typed lies in ``st.session_state[key]["typed"]``.

    identity: the cells are taken when it is new; otherwise what was typed stands. The report is
    {"n", "cells"}; n grows. Numbers beyond ±limit are refused in the browser.
    """
    _mount(
        key=key,
        data={"cells": cells, "name": name, "limit": limit, "id": identity},
        on_typed_change=lambda: None,
    )
