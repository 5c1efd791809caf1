"""The window lab: a component that computes in the browser and reports its state to Python."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

from cnnviz.convolution_lesson import (
    BOUNDS,
    CELL_LIMIT,
    LessonSettings,
    View,
    lesson_image,
    lesson_weight,
    opening_settings,
)
from cnnviz.filters import FILTERS
from cnnviz.ui.components.sources import read_source

_SOURCES = (
    "window_math.js",
    "formula.js",
    "window_words.js",
    "element.js",
    "cell_grid.js",
    "lab_controls.js",
    "player.js",
    "lab_walk.js",
    "lab_panels.js",
    "reporter.js",
    "window_lab.js",
)
"""In the order of use; joined into one module, since a component takes one text."""

_mount = st.components.v2.component(
    "cnnviz.window_lab", css=read_source("window_lab.css"), js=read_source(*_SOURCES)
)


@cache
def _view_data(view: View) -> dict[str, Any]:
    """What the browser must know of a view to follow every slider without asking."""
    bounds = BOUNDS[view]
    low, high = bounds.kernel
    return {
        "bounds": {
            "cell": {"limit": CELL_LIMIT},
            **{
                name: limits
                for name in bounds.__slots__
                if (limits := getattr(bounds, name)) is not None
            },
        },
        "defaults": {
            "settings": opening_settings(view).to_json(),
            "image": lesson_image(view, bounds.size[1]),
            "weight": {k: lesson_weight(view, k) for k in range(low, high + 1)},
        },
        "presets": [
            {"key": named.key, "title": named.title, "kernel": named.kernel} for named in FILTERS
        ],
    }


def window_lab(
    settings: LessonSettings,
    *,
    key: str,
    version: int,
    verdict: Mapping[str, str] | None = None,
    question: Mapping[str, Any] | None = None,
) -> None:
    """Show the lab. What it reports lies in ``st.session_state[key]["report"]``.

    settings: taken when the lab is new or `version` is; otherwise the browser's own state stands.
    verdict: state, text and detail of the judgement, and the id of the state that was judged.
    question: kind ("size" or "cell") and hidden (bool): what an exercise does not show yet.
    """
    _mount(
        key=key,
        data={
            **_view_data(settings.view),
            "settings": settings.to_json(),
            "version": version,
            "verdict": verdict,
            "question": question,
        },
        on_report_change=lambda: None,
    )
