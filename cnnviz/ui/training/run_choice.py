"""The run that a view is about: `run` in the URL's query, else the one chosen last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from cnnviz.runs.run import Run
from cnnviz.ui.training.refusals import keep_refusal
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view

PAGE: Final = "training"
CHOSEN: Final = f"{PAGE}.run"
"""Under this name the session keeps the number of the run."""


def choose_run(state: PageState, runs: Sequence[Run]) -> Run | None:
    """A list to choose a run from, and the run that is chosen; None if there is none.

    runs: newest first. What the link asks for wins, then the last choice, then the newest run.
    """
    known = {run.id: run for run in runs}
    if state.is_new_query and (asked := state.query.get("run")) is not None:
        if asked.isascii() and asked.isdecimal() and len(asked) < 10 and int(asked) in known:
            st.session_state[CHOSEN] = int(asked)
        else:
            state.keep_notes([f"run: there is no run {asked[:24]} on this server"])
    if not known:
        return None
    kept = st.session_state.get(CHOSEN)
    if kept not in known:
        say_if_gone(kept)
        kept = st.session_state[CHOSEN] = runs[0].id
    st.session_state[f"{CHOSEN}.widget"] = kept
    st.selectbox(
        "Run",
        list(known),
        format_func=lambda number: run_title(known[number]),
        key=f"{CHOSEN}.widget",
        on_change=_keep_choice,
    )
    return known[kept]


def say_if_gone(run_id: int | None) -> None:
    """Keeps a sentence for `show_refusals` if that run, which was chosen, is there no more."""
    if run_id is not None:
        keep_refusal(f"Run {run_id} is gone: it was deleted.")


def go_to_run(run_id: int, view: str) -> None:
    """Let the next run of the page show this training in this view. For callbacks."""
    st.session_state[CHOSEN] = run_id
    go_to_view(PAGE, view)


def run_title(run: Run) -> str:
    """A line that tells a run from others."""
    return f"{run.id} · {run.name} · {run.status}"


def _keep_choice() -> None:
    st.session_state[CHOSEN] = st.session_state[f"{CHOSEN}.widget"]
