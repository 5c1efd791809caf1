"""The view "time machine": a run's network as it was after each epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from cnnviz.data.catalogue import find_dataset
from cnnviz.errors import CheckpointError, CnnvizError, DataError
from cnnviz.query import shorten
from cnnviz.training.config import TrainingConfig
from cnnviz.training.held_out_pictures import PICTURES, HeldOut, find_held_out
from cnnviz.training.history import EpochLook, look_at
from cnnviz.ui.components.time_machine import time_machine
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.keep_run import show_keep
from cnnviz.ui.training.past_runs import PastRun, past_runs
from cnnviz.ui.training.refusals import show_refusals
from cnnviz.ui.training.run_choice import CHOSEN, say_if_gone
from cnnviz.ui.training.service import TrainingService, training_service
from cnnviz.ui.training.viewer import Viewer, this_viewer
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view

MACHINE_KEY: Final = "time_machine"
_KEPT: Final = "training.time"
"""Begins the names of what the session keeps: shipped run, epoch, picture, version."""
_LOOK_EVERY_S: Final = 2.0
_MOST_EPOCHS: Final = 100_000


def show(state: PageState) -> None:
    """The run, its epochs, and what can be kept of them; in the URL through the page's `state`."""
    try:
        service = training_service()
        every = service.live.runs()
        runs = past_runs(service.store, every)
    except CnnvizError as error:
        st.error(plain(str(error)))
        return
    viewer = this_viewer(service)
    asked = _read_link(state, runs)
    # Containers, so that the machine keeps its place in the page: one that moves is mounted anew.
    above = st.container()
    past = _choose(runs, {run.id for run in every})
    with above:
        state.show_notes()
        show_refusals()
    if past is None:
        st.info("There is nothing to go back to: no run has begun yet.")
        st.button("Start a training", on_click=go_to_view, args=(state.page, "new"))
        return
    if asked is not None or st.session_state.get(f"{_KEPT}.of") != past.key:
        _set(*(asked or (None, 0)))
        st.session_state[f"{_KEPT}.of"] = past.key
    is_open = past.run is not None and past.run.is_open

    def part() -> None:
        _epochs(service, viewer, past, state, is_open)

    st.fragment(part, run_every=_LOOK_EVERY_S if is_open else None)()


# ---------------------------------------------------------------------------------------- the run


def _read_link(state: PageState, runs: Mapping[str, PastRun]) -> tuple[int | None, int] | None:
    """Keeps the run that a link asks for; the epoch (None: the last) and picture, if there is one.

    None: there is no new link.
    """
    if not state.has_news_for(f"{_KEPT}.version"):
        return None
    asked = state.query.get("run")
    if asked is not None and asked in runs:
        _keep_run(asked)
    elif asked is not None:
        state.keep_notes([f"run={shorten(asked)} is not on this server."])
    epoch = _asked_number(state, "epoch", 0, _MOST_EPOCHS)
    picture = _asked_number(state, "picture", 1, PICTURES)
    return epoch, 0 if picture is None else picture - 1


def _asked_number(state: PageState, name: str, low: int, high: int) -> int | None:
    text = state.query.get(name)
    if text is None:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if is_number and low <= int(text) <= high:
        return int(text)
    state.keep_notes([f"{name}={shorten(text)} is left out (whole numbers from {low} to {high})."])
    return None


def _choose(runs: Mapping[str, PastRun], known: Container[int]) -> PastRun | None:
    """A list to choose a run from, and the run that is chosen; None if there is none.

    known: the numbers of all runs of the store, those that have nothing to go back to included.
    """
    if not runs:
        return None
    shipped, run_then = st.session_state.get(f"{_KEPT}.shipped", (None, None))
    chosen = st.session_state.get(CHOSEN)
    # A run of the store that was chosen since, in another view, is what is wanted now.
    key = shipped if shipped in runs and chosen == run_then else str(chosen)
    if key not in runs:
        key = next(iter(runs))
        if chosen is not None and chosen not in known:
            say_if_gone(chosen)
            st.session_state.pop(CHOSEN)
    st.session_state[f"{_KEPT}.widget"] = key
    st.selectbox(
        "Run",
        list(runs),
        format_func=lambda key: runs[key].title,
        key=f"{_KEPT}.widget",
        on_change=lambda: _keep_run(st.session_state[f"{_KEPT}.widget"]),
    )
    return runs[key]


def _keep_run(key: str) -> None:
    if key.isdecimal():
        st.session_state[CHOSEN] = int(key)
        st.session_state.pop(f"{_KEPT}.shipped", None)
    else:
        st.session_state[f"{_KEPT}.shipped"] = key, st.session_state.get(CHOSEN)


def _set(epoch: int | None, picture: int) -> None:
    """Shows this epoch (None: the last) and picture, whatever the browser shows now."""
    st.session_state[f"{_KEPT}.epoch"] = epoch
    st.session_state[f"{_KEPT}.picture"] = picture
    st.session_state[f"{_KEPT}.version"] = st.session_state.get(f"{_KEPT}.version", 0) + 1


# ------------------------------------------------------------------------------------- its epochs


def _epochs(
    service: TrainingService, viewer: Viewer, past: PastRun, state: PageState, was_open: bool
) -> None:
    if past.run is not None:
        try:
            past = past.as_of(service.store.get_run(past.run.id))
        except CnnvizError:  # deleted meanwhile
            st.rerun()
        if past.run is None or past.run.is_open != was_open:
            st.rerun()  # which stops the clock, or starts it
    _receive(past)
    config = past.config
    with st.container(), st.spinner("Reading the epochs …"):
        held_out, lacking = _held_out(
            config.dataset, config.validation_count, past.train_digest, config
        )
        known = 0 if held_out is None else 1 if held_out.pictures is None else 2
        files = {epoch: past.snapshot(epoch) for epoch in past.epochs()}
        stamps = tuple((epoch, _changed(file)) for epoch, file in files.items())
        frames, problems = _frames(past.key, stamps, known, past, held_out)
    epoch: int | None = st.session_state[f"{_KEPT}.epoch"]
    picture: int = st.session_state[f"{_KEPT}.picture"]
    _write_link(state, past, epoch, picture)
    with st.container():
        for problem in problems:
            st.warning(plain(problem))
        if lacking and frames is not None:
            st.info(plain(lacking))
    if frames is None:
        st.info(
            "Nothing is kept of this run yet: come back after its first steps."
            if was_open
            else "There are no epochs to go back to: this run ended before it kept any."
        )
        return
    time_machine(
        frames,
        key=MACHINE_KEY,
        run=past.key,
        frames_id=hashlib.sha256(repr((past.key, stamps, known)).encode()).hexdigest()[:16],
        version=st.session_state[f"{_KEPT}.version"],
        epoch=epoch,
        picture=picture,
    )
    if past.run is None:
        st.caption(f"This run came with cnnviz. Its last epoch is the checkpoint {past.key}.")
        return
    there = frames["epochs"]
    shown = there[-1] if epoch is None else min(there, key=lambda one: abs(one - epoch))
    show_keep(service, viewer, past.run, shown)


def _receive(past: PastRun) -> None:
    """Keeps the epoch and the picture that the browser reports; they may be anything."""
    sent: Any = st.session_state.get(MACHINE_KEY, {}).get("at")
    if not isinstance(sent, Mapping):
        return
    if sent.get("version") != st.session_state[f"{_KEPT}.version"] or sent.get("run") != past.key:
        return  # sent before Python set another epoch, or about another run
    epoch, picture = sent.get("epoch"), sent.get("picture")
    if type(epoch) is int and 0 <= epoch <= _MOST_EPOCHS:
        st.session_state[f"{_KEPT}.epoch"] = epoch
    if type(picture) is int and 0 <= picture < PICTURES:
        st.session_state[f"{_KEPT}.picture"] = picture


def _write_link(state: PageState, past: PastRun, epoch: int | None, picture: int) -> None:
    query = {"view": "time", "run": past.key}
    if epoch is not None:
        query["epoch"] = str(epoch)
    if picture:
        query["picture"] = str(picture + 1)
    state.write(query)


def _changed(file: Path) -> int:
    """When it was written; 0 if it is gone."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


# ---------------------------------------------------- what is computed once for all who look at it


@st.cache_resource(show_spinner=False, ttl=60, max_entries=16)
def _held_out(
    dataset: str, count: int, digest: str | None, _config: TrainingConfig
) -> tuple[HeldOut | None, str]:
    """The held-out images, or None and why not."""
    if digest is None:
        return None, ""
    try:
        return find_held_out(_config, digest), ""
    except DataError as error:
        return None, str(error)


@st.cache_resource(show_spinner=False, max_entries=12)
def _frames(
    key: str,
    stamps: tuple[tuple[int, int], ...],
    known: int,
    _past: PastRun,
    _held: HeldOut | None,
) -> tuple[dict[str, Any] | None, list[str]]:
    """What the time machine draws (None: nothing), and sentences about what cannot be read.

    known: of the held-out images nothing (0), the labels (1), or the pictures too (2).
    """
    from cnnviz.figures.time_machine import time_machine_frames

    info = find_dataset(_past.config.dataset)
    looks, problems = [], []
    for epoch, changed in stamps:
        if changed:
            try:
                looks.append(_look(key, epoch, changed, known, _past, _held))
            except CheckpointError as error:
                problems.append(str(error))
    if not looks:
        return None, problems
    return time_machine_frames(looks, _held, info.class_names), problems


@st.cache_resource(show_spinner=False, max_entries=4000)
def _look(
    key: str,
    epoch: int,
    changed: int,
    known: int,
    _past: PastRun,
    _held: HeldOut | None,
) -> EpochLook:
    """One epoch; kept, for a run that goes on adds one at a time."""
    return look_at(_past.snapshot(epoch), _held, find_dataset(_past.config.dataset).channels)
