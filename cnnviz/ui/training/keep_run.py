"""What can be kept of a run: a checkpoint of one epoch, its records, its program."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

import streamlit as st

from cnnviz.checkpoints.archive import checkpoint_zip
from cnnviz.checkpoints.card import CheckpointCard, load_card
from cnnviz.checkpoints.folders import list_checkpoints
from cnnviz.data.progress import Progress
from cnnviz.errors import CnnvizError, DiskFullError, RunError
from cnnviz.runs.folders import free_bytes
from cnnviz.runs.keep import FOLDERS, keep_epoch, proposed_name, refuse_name
from cnnviz.runs.permissions import may_stop
from cnnviz.runs.run import Run
from cnnviz.training.export import epochs_csv, steps_csv
from cnnviz.training.script import training_script
from cnnviz.training.tensorboard import tensorboard_zip
from cnnviz.ui import warm_up
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.saving import Job, Jobs
from cnnviz.ui.training.service import TrainingService
from cnnviz.ui.training.viewer import Viewer
from cnnviz.ui.training.words import percent

_KEPT: Final = "training.keep"
_LOOK_EVERY_S: Final = 0.5
_TORCH_LIMIT_S: Final = 120.0
# Not in Streamlit's cache: were that cleared, two networks could be evaluated at once.
_JOBS: Final = Jobs()


def show_keep(service: TrainingService, viewer: Viewer, run: Run, epoch: int) -> None:
    """Save this epoch of a run as a checkpoint; download what it told, and its program.

    Its owner and the operator may save: what is saved lies on the server, for all to choose.
    """
    st.subheader("Keep", anchor=False)
    saving, taking = st.columns(2, gap="large")
    with saving:
        _show_saving(service, run, epoch, may_stop(run, viewer.owner, viewer.is_operator))
    with taking:
        _show_downloads(service, run)
    _show_program(service, run)


# ------------------------------------------------------------------------------------ checkpoints


def _show_saving(service: TrainingService, run: Run, epoch: int, may_save: bool) -> None:
    st.markdown(f"**Epoch {epoch} as a checkpoint**")
    key = f"{_KEPT}.{run.id}.{epoch}"
    what = (str(service.store.folder), run.id, epoch)
    job = _JOBS.find(what)
    if job is not None and not job.is_done:
        _show_progress(job)
        return
    if saved := _saved(service, run, epoch):
        for card in saved:
            _show_saved(card)
        return
    if epoch == 0:
        st.caption("This is the network before training: there is nothing in it to keep.")
        return
    if not may_save:
        st.caption("This is someone else's run: only they, or whoever runs this server, save it.")
        return
    st.caption(
        "It is evaluated on the test split, which the training never saw; then every page of this "
        "server can choose it. The name is what they call it."
    )
    with st.form(f"{key}.form", border=False):
        name = st.text_input(
            "Name", value=proposed_name(run, epoch), max_chars=100, key=f"{key}.name"
        )
        is_asked = st.form_submit_button(f"Save epoch {epoch}")
    if is_asked:
        try:
            refuse_name(name.strip(), FOLDERS)
        except CnnvizError as error:
            st.error(plain(str(error)))
            return
        _JOBS.ask(what, partial(_save, service, run.id, epoch, name.strip()))
        st.rerun()
    if job is not None and job.refusal is not None:
        st.error(plain(job.refusal))


def _save(
    service: TrainingService, run_id: int, epoch: int, name: str, progress: Progress
) -> CheckpointCard:
    """The work itself, in the thread of the jobs."""
    needed = service.limits.free_disk_mb * 10**6
    FOLDERS[0].mkdir(parents=True, exist_ok=True)
    if free_bytes(FOLDERS[0]) < needed:
        raise DiskFullError(f"less than {needed // 10**6:,} MB are free on the disk: make room")
    progress("Loading PyTorch", 0.0)
    if not warm_up.wait_for_torch(_TORCH_LIMIT_S):
        raise RunError(f"PyTorch is needed to evaluate it and is not there ({warm_up.status()})")
    return keep_epoch(service.store, run_id, epoch, name, folders=FOLDERS, progress=progress)


@st.fragment(run_every=_LOOK_EVERY_S)
def _show_progress(job: Job) -> None:
    if job.is_done:
        st.rerun()
    before = _JOBS.before(job)
    if before:
        others = "one other is" if before == 1 else f"{before} others are"
        st.progress(0.0, f"Waits: {others} saved first, one at a time.")
    else:
        st.progress(min(1.0, max(0.0, job.share)), f"{job.words or 'Begins'} …")
    st.caption("You may leave this page; it is saved all the same.")


def _saved(service: TrainingService, run: Run, epoch: int) -> list[CheckpointCard]:
    """The checkpoints that were made of this epoch of this run."""
    try:
        told = service.live.told(run.id)
        changed = FOLDERS[0].stat().st_mtime_ns
    except (CnnvizError, OSError):
        return []
    start, seconds = told.run.start, {record.epoch: record.elapsed_s for record in told.epochs}
    return [
        card
        for card in _cards(FOLDERS[0], changed)
        if start is not None
        and (card.config, card.epochs, card.train_digest) == (run.config, epoch, start.train_digest)
        # What tells two runs of one configuration apart: they take the same time never.
        and card.train_s == round(seconds.get(epoch, 0.0), 1)
    ]


@st.cache_resource(show_spinner=False, max_entries=1)
def _cards(folder: Path, changed: int) -> list[CheckpointCard]:
    """All cards in a folder that was changed last at that time; what is damaged is left out."""
    cards = []
    for file in list_checkpoints(folder):
        try:
            cards.append(load_card(file.folder, file.name))
        except CnnvizError:
            continue
    return cards


def _show_saved(card: CheckpointCard) -> None:
    with st.container(border=True):
        accuracy = card.single_view.overall
        st.markdown(
            f"Saved as **{card.name}**: {percent(accuracy.share)} of "
            f"{accuracy.count:,} test pictures right."
        )
        st.download_button(
            "Download it (zip)",
            partial(checkpoint_zip, FOLDERS[0], card.name),
            file_name=f"{card.name}.zip",
            mime="application/zip",
            on_click="ignore",
            key=f"{_KEPT}.zip.{card.name}",
        )


# ---------------------------------------------------------------------------- records and program


def _show_downloads(service: TrainingService, run: Run) -> None:
    """Each is made when it is asked for, and not at every run of the page."""
    st.markdown("**What the run told**")
    st.caption("All its numbers, for a spreadsheet, for TensorBoard, or for a program of your own.")

    def steps() -> str:
        return steps_csv(service.live.told(run.id).steps)

    def epochs() -> str:
        return epochs_csv(service.live.told(run.id).epochs, run.config.dataset)

    def events() -> bytes:
        told = service.live.told(run.id)
        began = next((event.at_s for event in told.events), run.created_s)
        return tensorboard_zip(f"run{run.id}", told.steps, told.epochs, started_s=began)

    def program() -> str:
        return _program(service, run)

    files: tuple[tuple[str, Any, str, str], ...] = (
        ("Steps (CSV)", steps, "steps.csv", "text/csv"),
        ("Epochs (CSV)", epochs, "epochs.csv", "text/csv"),
        ("TensorBoard (zip)", events, "tensorboard.zip", "application/zip"),
        ("Program (Python)", program, "program.py", "text/x-python"),
    )
    with st.container(horizontal=True):
        for label, make, name, mime in files:
            st.download_button(
                label,
                make,
                file_name=f"run{run.id}-{name}",
                mime=mime,
                on_click="ignore",
                key=f"{_KEPT}.{run.id}.{name}",
            )


def _show_program(service: TrainingService, run: Run) -> None:
    shown = st.expander(
        "This run as one PyTorch program, without cnnviz",
        key=f"{_KEPT}.program",
        on_change="rerun",
    )
    if not shown.open:
        return
    with shown, st.spinner("Writing the program …"):
        try:
            st.code(_program(service, run), language="python")
        except CnnvizError as error:
            st.error(plain(str(error)))


def _program(service: TrainingService, run: Run) -> str:
    told = service.live.told(run.id)
    changes = tuple(event for event in told.events if event.kind == "changed")
    attempt = told.run.attempt if told.run.start is not None else 0
    return _written((str(service.store.folder), run.id, run.name, attempt, len(changes)), told)


@st.cache_data(show_spinner=False, max_entries=64)
def _written(of: tuple[str, int, str, int, int], _told: Any) -> str:
    """The program of a run; PyTorch tells the shapes of its network."""
    if not warm_up.wait_for_torch(_TORCH_LIMIT_S):
        raise RunError(f"PyTorch is needed to write it and is not there ({warm_up.status()})")
    run = _told.run
    return training_script(run.config, name=run.name, start=run.start, events=_told.events)
