"""What may be done to a run while one watches it: play, pause, step, stop, resume, other rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from cnnviz.runs.permissions import may_stop
from cnnviz.runs.run import Run
from cnnviz.ui.training.refusals import kept_refusals
from cnnviz.ui.training.service import TrainingService
from cnnviz.ui.training.viewer import Viewer, show_passphrase_box

_KEY: Final = "training.watch"


def show_controls(service: TrainingService, viewer: Viewer, run: Run) -> None:
    """Buttons for those who may; a sentence for the others."""
    if not may_stop(run, viewer.owner, viewer.is_operator):
        st.caption(
            "This is someone else's run: only they, or whoever runs this server, can stop it."
        )
        show_passphrase_box(service, viewer)
        return
    queue, goes_on, is_paused = service.queue, run.status == "running", run.status == "paused"
    with st.container(horizontal=True, key="run-controls", gap="small"):
        _button("Play", is_paused, queue.play, run, "Goes on after a pause.")
        _button("Pause", goes_on, queue.pause, run, "Holds after the batch that it is at.")
        _button("Step one batch", run.is_active, queue.step, run, "Trains one batch and holds.")
        _button("Stop", run.is_open, queue.stop, run, "Ends it. It can be resumed later.")
        _button("Resume", run.can_resume, queue.resume, run, "Goes on from where it ended.")
        with st.popover("Change rates", disabled=not (run.is_open or run.can_resume)):
            _show_rates(service, run)
    if run.owner != viewer.owner:
        st.caption("This is someone else's run. You may change it because you run this server.")


def _button(
    label: str, makes_sense: bool, do: Callable[[int], object], run: Run, words: str
) -> None:
    """A button that is disabled, and not gone, while it makes no sense."""
    st.button(
        label,
        key=f"{_KEY}.{label}",
        disabled=not makes_sense,
        help=words,
        on_click=_tell,
        args=(do, run.id),
    )


def _show_rates(service: TrainingService, run: Run) -> None:
    """Fields that are empty for what stays as it is: no number that comes meanwhile alters them."""
    titles = {"learning_rate": "Learning rate", "weight_decay": "Weight decay"}
    keys = {name: f"{_KEY}.{name}" for name in titles}
    queue = service.queue
    do: Callable[..., object]
    with st.form(f"{_KEY}.rates", border=False):
        for name, title in titles.items():
            st.number_input(
                title,
                min_value=0.0,
                value=None,
                format="%g",
                placeholder="as it is",
                key=keys[name],
            )
        st.caption("The learning rate goes on from there as its schedule has it, in proportion.")
        if run.can_resume:
            do, label = queue.resume, "Resume with these"
        else:
            do, label = queue.change, "Change"
        st.form_submit_button(label, on_click=_change, args=(do, run.id, keys))


def _tell(do: Callable[[int], object], run_id: int) -> None:
    with kept_refusals():
        do(run_id)


def _change(do: Callable[..., object], run_id: int, keys: dict[str, str]) -> None:
    given = {name: st.session_state[key] for name, key in keys.items()}
    with kept_refusals():
        do(run_id, **given)
        for key in keys.values():
            st.session_state[key] = None
