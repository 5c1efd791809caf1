"""The view "By hand": a small batch through batch normalization, step by step."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import streamlit as st

from cnnviz.norms.by_hand import OPENING, HandSettings, from_query, to_query
from cnnviz.norms.by_hand_judge import judge
from cnnviz.norms.snippets import batch_norm_snippet
from cnnviz.ui.components.batch_lab import batch_lab
from cnnviz.ui.lab_reports import receive_report
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

_KEPT: Final = "batch_norm.hand"
_LAB: Final = "batch_lab.hand"


def show(state: PageState) -> None:
    """The lab, its verdict, and what can be taken away; kept in the URL through `state`."""
    if state.has_news_for(_KEPT):
        settings, notes = from_query(state.query)
        st.session_state[_KEPT] = settings
        st.session_state[f"{_KEPT}.version"] = _version() + 1
        state.keep_notes(notes)
    state.show_notes()
    # The browser's report redraws this much and no more; PyTorch joins the verdict when it can.
    draw_until_torch(partial(_lab, state))


def _version() -> int:
    """Counts how often a link, rather than the browser, has set the state."""
    version: int = st.session_state.get(f"{_KEPT}.version", 0)
    return version


def _lab(state: PageState) -> None:
    report: Any = st.session_state.get(_LAB, {}).get("report")
    verdict = None
    if report:
        verdict = receive_report(
            report,
            _version(),
            read=HandSettings.from_json,
            judge=judge,
            answer="answer",
            keep=_keep,
        )
    settings: HandSettings = st.session_state.get(_KEPT, OPENING)
    state.write(to_query(settings))
    batch_lab(settings, key=_LAB, version=_version(), verdict=verdict)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Reproduces what is on the screen, with PyTorch alone.")
        st.code(_snippet(settings), language="python")
        st.caption("Opens this page in this state, edited cells included.")
        st.code(state.link(), language=None, wrap_lines=True)


def _keep(settings: HandSettings) -> None:
    st.session_state[_KEPT] = settings


def _snippet(settings: HandSettings) -> str:
    return batch_norm_snippet(
        settings.batch,
        settings.gamma,
        settings.beta,
        mode=settings.mode,
        settings=settings.norm_settings,
        running=settings.running,
    )
