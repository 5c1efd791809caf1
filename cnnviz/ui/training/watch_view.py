"""The view "Watch" of the training page: a training while it goes on, and how it ended."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from html import escape
from pathlib import Path
from typing import Final

import streamlit as st

from cnnviz.errors import CnnvizError, RunError
from cnnviz.runs.run import Run
from cnnviz.ui.components.learned_board import learned_board
from cnnviz.ui.components.live_board import live_board, live_feed
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.compare_view import compare_with_ticked
from cnnviz.ui.training.controls import show_controls
from cnnviz.ui.training.curve_choice import read_settings, settings_query, show_settings
from cnnviz.ui.training.learned import LearnedSoFar
from cnnviz.ui.training.live_curves import CurveSettings, board_bytes
from cnnviz.ui.training.refusals import show_refusals
from cnnviz.ui.training.run_choice import PAGE, choose_run, go_to_run
from cnnviz.ui.training.service import TrainingService, training_service
from cnnviz.ui.training.viewer import this_viewer
from cnnviz.ui.training.words import place_in_queue, status_words
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view

EVERY_S: Final = 1.0
"""How often what is on the screen is renewed."""

_LOG_BYTES: Final = 6000
_STYLE: Final = """
.cnnviz-run {
    display: flex; flex-wrap: wrap; gap: 0.2rem 0.9rem; align-items: baseline; margin: 0;
}
.cnnviz-run .state { font-weight: 700; font-size: 1.25rem; }
.cnnviz-run .state::before {
    content: ""; display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.5em;
    border-radius: 50%; background: var(--cnnviz-muted);
}
.cnnviz-run .running::before { background: var(--cnnviz-green); }
.cnnviz-run .paused::before, .cnnviz-run .waiting::before { background: var(--cnnviz-positive); }
.cnnviz-run .failed::before, .cnnviz-run .interrupted::before { background: var(--cnnviz-red); }
.cnnviz-run .finished::before { background: var(--cnnviz-accent); }
.cnnviz-run .said { color: var(--cnnviz-muted); overflow-wrap: anywhere; }
"""


def show(state: PageState) -> None:
    """The chosen run; `run` in the URL names it, and other names there say how it is drawn."""
    try:
        service = training_service()
    except CnnvizError as error:
        st.error(f"Nothing can be trained on this server: {plain(str(error))}")
        return
    viewer = this_viewer(service)
    try:
        runs = service.live.runs()
    except RunError as error:
        st.error(plain(str(error)))
        return
    settings = read_settings(state)
    st.html(f"<style>{_STYLE}</style>")
    # Containers, so that what follows keeps its place in the page: a board that moves is mounted
    # anew, and its zoom is lost.
    above = st.container()
    with st.container():
        choice, words = st.columns([2, 3], vertical_alignment="bottom", gap="large")
        with choice:
            chosen = choose_run(state, runs)
    with above:
        state.show_notes()
        show_refusals()
    if chosen is None:
        state.write({"view": "watch"})
        _show_nothing()
        return
    state.write({"view": "watch", "run": str(chosen.id), **settings_query(settings)})
    try:
        told = service.live.told(chosen.id, at_once=True)
    except RunError as error:  # deleted a moment ago
        st.error(plain(str(error)))
        return
    with words:
        _show_state(told.run)
    with st.container():
        show_controls(service, viewer, told.run)
    with st.container():
        _show_end(service, told.run)
    is_drawn = bool(told.steps) or told.run.is_active
    if is_drawn:
        # The curves first: on a projector they are to stand in sight without scrolling.
        live_board(told.run.id, key="training.live_board")
        with st.container():
            show_settings(settings)
    drawn = _what_matters(told.run)

    def live() -> None:
        try:
            if _what_matters(service.live.told(told.run.id).run) != drawn:
                st.rerun()
            if is_drawn:
                _show_live(service, told.run.id, settings)
        except RunError as error:
            _draw_again_if_gone(service, told.run.id)
            st.error(plain(str(error)))  # until the next look

    # Nothing is asked for again once a run has ended; it is drawn once more when it does.
    st.fragment(live, run_every=EVERY_S if told.run.is_open else None)()


def _show_live(service: TrainingService, run_id: int, settings: CurveSettings) -> None:
    """Numbers, curves, and what was learned: all that is renewed while the run goes on."""
    live = service.live
    live_feed(
        live.made(run_id, ("board", settings), partial(board_bytes, settings=settings)),
        key="training.live_feed",
    )
    learned = live.kept(run_id, "learned", lambda: LearnedSoFar(service.store.folder_of(run_id)))
    # Looking for the pictures may take seconds, for which the curves of the others must not wait.
    # Once a run has ended nothing is asked for again, so that all wait for the last.
    is_open = live.told(run_id).run.is_open
    make = live.made_so_far if is_open else live.made
    if (content := make(run_id, "learned", learned.as_bytes)) is not None:
        learned_board(content, key="training.learned_board")


def _draw_again_if_gone(service: TrainingService, run_id: int) -> None:
    """Draws the whole page again if the run was deleted, or the store opened anew."""
    try:
        is_gone = training_service() is not service or service.store.version(run_id) == 0
    except CnnvizError:
        return
    if is_gone:
        st.rerun()


def _what_matters(run: Run) -> Hashable:
    """What of a run is drawn around the live part."""
    return run.status, run.attempt, run.position, run.name, "" if run.is_active else run.message


# ------------------------------------------------------------------------------------------ parts


def _show_nothing() -> None:
    st.markdown("**No training was started on this server yet.**")
    st.markdown("Choose a network and a data set, press start, and watch it learn here.")
    st.button("New training", type="primary", on_click=go_to_view, args=(PAGE, "new"))


def _show_state(run: Run) -> None:
    words = status_words(run)
    if run.position is not None:
        words += f", {place_in_queue(run.position)}"
    said = "" if run.is_active else f'<span class="said">{escape(run.message)}</span>'
    st.html(
        f'<p class="cnnviz-run"><span class="state {run.status}">{escape(words)}</span>{said}</p>'
    )


def _show_end(service: TrainingService, run: Run) -> None:
    """What may be done with a run that has ended, and why it did if it should not have."""
    if run.is_open:
        return
    if run.epochs_done:
        with st.container(horizontal=True, key="run-next", gap="small"):
            st.button(
                "Time machine",
                help="Its filters, classes and pictures at each epoch; save it as a checkpoint.",
                on_click=go_to_run,
                args=(run.id, "time"),
            )
            st.button(
                "Compare with other runs",
                help="Its curves over those of others, and in what their settings differ.",
                on_click=compare_with_ticked,
                args=(run.id,),
            )
    if run.status in ("failed", "interrupted"):
        log = _end_of(service.store.folder_of(run.id).log)
        if log:
            with st.expander("What its process printed last"):
                st.code(log, language=None)


def _end_of(file: Path) -> str:
    """The last lines of a text file; nothing if there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _LOG_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-40:])
