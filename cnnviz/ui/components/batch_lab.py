"""The batch lab: a component that computes in the browser and reports its state to Python."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

from cnnviz.norms.by_hand import (
    CHANNELS,
    EPS,
    LESSON_BATCH,
    LIMIT,
    PICTURES,
    SIDES,
    HandSettings,
    new_layer,
)
from cnnviz.norms.by_hand_presets import PRESETS
from cnnviz.ui.components.sources import read_source

_SOURCES = (
    "batch_math.js",
    "formula.js",
    "batch_words.js",
    "element.js",
    "cell_grid.js",
    "batch_controls.js",
    "batch_tensors.js",
    "reporter.js",
    "batch_lab.js",
)
"""In the order of use; joined into one module, since a component takes one text."""

_mount = st.components.v2.component(
    "cnnviz.batch_lab",
    css=read_source("window_lab.css", "batch_lab.css"),
    js=read_source(*_SOURCES),
)


@cache
def _lesson_data() -> dict[str, Any]:
    """What the browser must know to follow every control without asking."""
    fresh = new_layer(LESSON_BATCH)
    by_channel = ("gamma", "beta", "running_mean", "running_variance")
    return {
        "bounds": {
            "pictures": PICTURES,
            "channels": CHANNELS,
            "sides": SIDES,
            "eps": EPS,
            "limit": LIMIT,
        },
        "lesson": LESSON_BATCH,
        "fresh": {name: getattr(fresh, name) for name in by_channel},
        "presets": [
            {"key": preset.key, "title": preset.title, "settings": preset.settings.to_json()}
            for preset in PRESETS
        ],
    }


def batch_lab(
    settings: HandSettings,
    *,
    key: str,
    version: int,
    verdict: Mapping[str, str] | None = None,
    question: Mapping[str, Any] | None = None,
) -> None:
    """Show the lab. What it reports lies in ``st.session_state[key]["report"]``.

    settings: taken when the lab is new or `version` is; otherwise the browser's own state stands.
    verdict: state, text and detail of the judgement, and the id of the state that was judged.
    question: {"hidden": bool}: an exercise, and whether its answer is not shown yet.
    """
    _mount(
        key=key,
        data={
            **_lesson_data(),
            "settings": settings.to_json(),
            "version": version,
            "verdict": verdict,
            "question": question,
        },
        on_report_change=lambda: None,
    )
