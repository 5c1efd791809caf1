"""A run's name and note, and its end: for whoever started it, and for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from cnnviz.data.sizes import format_bytes
from cnnviz.errors import CnnvizError
from cnnviz.runs.permissions import may_stop
from cnnviz.runs.run import MAX_NAME, MAX_NOTE, Run
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.refusals import kept_refusals
from cnnviz.ui.training.run_choice import go_to_run, run_title
from cnnviz.ui.training.service import TrainingService
from cnnviz.ui.training.viewer import Viewer
from cnnviz.ui.training.words import status_words

_KEPT: Final = "training.manage"
_ASKING: Final = f"{_KEPT}.asking"
"""Under this name the session keeps the number of the run that may be deleted."""


def show_manage(service: TrainingService, viewer: Viewer, runs: Sequence[Run]) -> None:
    """One of these runs: look at it elsewhere, name it, note something, delete it."""
    st.subheader("One of them", anchor=False)
    known = {run.id: run for run in runs}
    number = st.session_state.get(f"{_KEPT}.run")
    if number not in known:
        number = next(iter(known))
    # Set at each run: else the list goes on showing a name that was changed.
    st.session_state[f"{_KEPT}.widget"] = number
    st.selectbox(
        "Run",
        list(known),
        format_func=lambda number: run_title(known[number]),
        key=f"{_KEPT}.widget",
        on_change=_keep_choice,
        label_visibility="collapsed",
    )
    run = known[number]
    if run.message:
        st.caption(plain(run.message))
    with st.container(horizontal=True):
        st.button("Watch", on_click=go_to_run, args=(run.id, "watch"))
        st.button("Time machine", on_click=go_to_run, args=(run.id, "time"))
    if not may_stop(run, viewer.owner, viewer.is_operator):
        st.caption(
            "It is another viewer's: whoever started it, and whoever runs this server, can name "
            "and delete it."
        )
        if run.note:
            st.text(run.note)
        return
    with st.form(f"{_KEPT}.form.{run.id}", border=False):
        name = st.text_input("Name", value=run.name, max_chars=MAX_NAME)
        note = st.text_area("Note", value=run.note, max_chars=MAX_NOTE, height=80)
        if st.form_submit_button("Save name and note"):
            _save(service, run, name, note)
    st.button("Delete this run …", on_click=_ask, args=(run.id,))
    if st.session_state.get(_ASKING) == run.id:
        _ask_before_deleting(service, run)


def _save(service: TrainingService, run: Run, name: str, note: str) -> None:
    try:
        if name != run.name:
            service.store.rename(run.id, name)
        if note != run.note:
            service.store.set_note(run.id, note)
    except CnnvizError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def _keep_choice() -> None:
    st.session_state[f"{_KEPT}.run"] = st.session_state[f"{_KEPT}.widget"]


# ------------------------------------------------------------------------------------- the end


def _ask(run_id: int | None) -> None:
    """Opens the dialog about a run; None closes it."""
    st.session_state[_ASKING] = run_id


@st.dialog("Delete this run?", on_dismiss=lambda: _ask(None))
def _ask_before_deleting(service: TrainingService, run: Run) -> None:
    if st.session_state.get(_ASKING) != run.id:
        st.rerun()  # which closes the dialog
    st.markdown(f"Run {run.id}: **{plain(run.name)}**")
    act, leave = "Delete for good", "Keep it"
    if run.is_active:
        act, leave = "Stop it", "Leave it"
        st.write(
            f"It is being trained ({status_words(run).lower()}): stop it first. When it has ended "
            "it can be deleted, or resumed after all."
        )
    else:
        size = format_bytes(service.store.folder_of(run.id).bytes())
        epochs = "1 epoch" if run.epochs_done == 1 else f"{run.epochs_done} epochs"
        st.write(
            f"Its records, the state to go on from and the snapshots of {epochs} ({size}) are "
            "lost for good. Checkpoints that were saved from it stay."
        )
    with st.container(horizontal=True):
        work = _stop if run.is_active else _delete
        st.button(act, on_click=work, args=(service, run.id), type="primary")
        st.button(leave, on_click=_ask, args=(None,))


def _stop(service: TrainingService, run_id: int) -> None:
    _ask(None)
    with kept_refusals():
        service.queue.stop(run_id)


def _delete(service: TrainingService, run_id: int) -> None:
    _ask(None)
    with kept_refusals():
        service.store.delete(run_id)
