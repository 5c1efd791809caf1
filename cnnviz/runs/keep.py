"""An epoch of a run, kept as a checkpoint that the other pages pick up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnviz.checkpoints.folders import (
    card_file,
    check_name,
    checkpoint_folders,
    logits_file,
    weights_file,
)
from cnnviz.data.datasets import PROJECT
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import CheckpointError, RunError
from cnnviz.runs.run import Event, Run
from cnnviz.training.records import StartRecord

if TYPE_CHECKING:
    from torch import nn

    from cnnviz.checkpoints.card import CheckpointCard, Hardware
    from cnnviz.runs.reader import RunReader

FOLDERS: Final = checkpoint_folders(PROJECT)
"""Where checkpoints lie; a run's go into the first."""


def proposed_name(run: Run, epoch: int) -> str:
    """A name for the checkpoint of an epoch that no other run's has."""
    return f"{run.config.model}-{run.config.dataset}-run{run.id}-epoch{epoch}"


def refuse_name(name: str, folders: Sequence[Path] = FOLDERS) -> None:
    """SettingError if no checkpoint can have the name, CheckpointError if one has it."""
    check_name(name)
    for folder in folders:
        files = (weights_file(folder, name), card_file(folder, name), logits_file(folder, name))
        if any(file.exists() for file in files):
            raise CheckpointError(f"there is a checkpoint {name} already: use another name")


def keep_epoch(
    reader: RunReader,
    run_id: int,
    epoch: int,
    name: str,
    *,
    folders: Sequence[Path] = FOLDERS,
    progress: Progress = no_progress,
) -> CheckpointCard:
    """Writes the network of an epoch as a checkpoint into the first folder, and returns its card.

    The weights are those of the run's state where that stands at the end of this epoch; of earlier
    epochs there are snapshots only, in half precision. RunError, CheckpointError, SettingError or
    DataError, each with a sentence for people; OSError if it cannot be written.
    """
    from cnnviz.training.keep import Origin, keep_network
    from cnnviz.training.pictures import Normalization

    refuse_name(name, folders)
    told = reader.records_since(run_id)
    run = told.run
    if run.start is None:
        raise RunError(f"{run.name} has not begun: there is no network to keep yet")
    seconds = {record.epoch: record.elapsed_s for record in told.epochs}
    network, half = _network(reader, run, run.start, epoch)
    origin = Origin(
        normalization=Normalization(run.start.mean, run.start.std),
        train_digest=run.start.train_digest,
        command=_command(run, epoch, name, told.events, half=half),
        epochs=epoch,
        train_s=seconds.get(epoch, 0.0),
        hardware=_hardware(run.start),
    )
    card, _ = keep_network(
        folders[0], name, network, run.config, origin, half=half, progress=progress
    )
    return card


def _network(reader: RunReader, run: Run, start: StartRecord, epoch: int) -> tuple[nn.Module, bool]:
    """The network after that epoch, and whether it is in half precision."""
    from cnnviz.checkpoints.weights import network_of
    from cnnviz.training.snapshot import MODEL, Snapshot
    from cnnviz.training.state import TrainingState

    folder = reader.folder_of(run.id)
    state: Mapping[str, Any] | None = None
    if folder.state.exists():
        kept = TrainingState.load(folder.state)
        if kept.progress.step == epoch * start.steps_per_epoch:
            state = {
                name.removeprefix(MODEL): tensor
                for name, tensor in kept.tensors.items()
                if name.startswith(MODEL)
            }
    half = state is None
    if state is None:
        state = Snapshot.load(folder.snapshot(epoch)).weights
    try:
        network = network_of(run.config.spec, state)
    except CheckpointError as error:
        raise CheckpointError(
            f"epoch {epoch} of {run.name} does not hold its network ({error})"
        ) from None
    return network, half


def _hardware(start: StartRecord) -> Hardware:
    """What the run was trained on, as far as it told; it was this machine."""
    from dataclasses import replace

    import torch

    from cnnviz.checkpoints.store import describe_hardware

    return replace(
        describe_hardware(torch.device("cpu"), start.precision),
        device=start.device,
        device_name=start.device_name,
        threads=start.threads,
    )


def _command(run: Run, epoch: int, name: str, events: Sequence[Event], *, half: bool) -> str:
    """The shell's line that trains it again, and as a comment what a line cannot say."""
    from cnnviz.checkpoints.folders import TRAINED
    from cnnviz.training.command import command_line, default_run_folder
    from cnnviz.training.run_folder import RunPlan

    assert run.start is not None
    plan = RunPlan(run.config, name, TRAINED, half)
    line = command_line(plan, _hardware(run.start), default_run_folder(name))
    remarks = [f"epoch {epoch} of {run.config.epochs}"] if epoch != run.config.epochs else []
    remarks += [
        f"changed by hand after step {event.step}: learning rate {event.learning_rate:g}, "
        f"weight decay {event.weight_decay:g}"
        for event in events
        if event.kind == "changed" and event.step < epoch * run.start.steps_per_epoch
    ]
    return f"{line}  # {'; '.join(remarks)}"[:4000] if remarks else line
