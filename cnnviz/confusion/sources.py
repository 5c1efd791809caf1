"""Every network whose predictions stand ready: checkpoints, and runs epoch by epoch.

No network is run for them. A checkpoint has its logits of the test pictures beside it; a run has,
in the snapshot of each epoch, its logits of the training pictures that it held out. Listing and
reading them needs neither the pictures nor torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.folders import SHIPPED, CheckpointFile, checkpoint_folders, list_checkpoints
from cnnviz.checkpoints.logits import load_logits
from cnnviz.confusion.held_out import find_held_out, read_held_out_logits
from cnnviz.confusion.predictions import Predictions
from cnnviz.data.catalogue import DatasetInfo, find_dataset
from cnnviz.data.datasets import PROJECT
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import CheckpointError, CnnvizError, NonFiniteError, SettingError
from cnnviz.models.registry import find_model
from cnnviz.runs.reader import RunReader
from cnnviz.runs.run import Run
from cnnviz.settings import shown
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import StartRecord
from cnnviz.training.run_folder import RunFolder

SourceKind = Literal["shipped", "trained", "run"]
RUN: Final = "run~"
"""Begins the key of a run; no checkpoint's name can hold a tilde."""
_RUN_FOLDER: Final = ".run"  # ends the name of a shipped run's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionSource:
    """A network that can be asked what it says, without running it."""

    key: str
    """In a URL: the name of a checkpoint, run~12, or run~NAME for a run that comes with cnnviz."""
    kind: SourceKind
    title: str
    """For people; plain text that may hold what a viewer typed."""
    config: TrainingConfig
    folder: Path
    """Of the checkpoint, or of the run."""
    count: int
    """Pictures."""
    epochs: tuple[int, ...] = ()
    """Of a run: those that it has predictions of."""
    train_digest: str = ""
    """Of a run: the digest of its training split."""
    mean: tuple[float, ...] = ()
    """Of a run: of each channel, as its network is fed; a checkpoint has it in its card."""
    std: tuple[float, ...] = ()

    @property
    def dataset(self) -> DatasetInfo:
        """Whose pictures these are."""
        return find_dataset(self.config.dataset)

    @property
    def is_run(self) -> bool:
        """Whether there is one network for each epoch, judged on held-out training pictures."""
        return self.kind == "run"

    @property
    def has_flip(self) -> bool:
        """Whether it was asked about each picture's mirror image too."""
        return not self.is_run

    def snapshot_file(self, epoch: int) -> Path:
        """Of a run: the network after that many epochs."""
        return RunFolder(self.folder).snapshot(self.nearest_epoch(epoch))

    def nearest_epoch(self, epoch: int | None) -> int:
        """Of a run: the epoch with predictions that is nearest; the last if None."""
        if epoch is None:
            return self.epochs[-1]
        return min(self.epochs, key=lambda there: (abs(there - epoch), there))


@dataclass(frozen=True, slots=True)
class SourceList:
    """What there is: checkpoints by name, then runs, the newest first."""

    sources: tuple[PredictionSource, ...]
    problems: tuple[str, ...] = ()
    """Sentences about files that are damaged; they are left out."""

    def find(self, key: str) -> PredictionSource:
        """The source with that key; SettingError that names the choices if there is none."""
        for source in self.sources:
            if source.key == key:
                return source
        choices = ", ".join(source.key for source in self.sources[:10]) or "none at all"
        raise SettingError(f"the model is {shown(key)}: there are {choices}")


def list_sources(*, project: Path = PROJECT, runs: RunReader | None = None) -> SourceList:
    """All sources on this machine. Only cards, plans and the names of files are read.

    project: the folder that holds app.py. runs: the store, whose runs are left out if None.
    """
    sources, problems = list[PredictionSource](), list[str]()
    for file in list_checkpoints(*checkpoint_folders(project)):
        try:
            sources.append(_checkpoint(file, project / SHIPPED))
        except CnnvizError as error:
            problems.append(str(error))
    if runs is not None:
        folders = ((run, runs.folder_of(run.id)) for run in runs.list_runs())
        found = (_run_of_store(run, folder) for run, folder in folders)
        sources += [source for source in found if source is not None]
    for folder in _shipped_runs(project / SHIPPED):
        try:
            if (source := _shipped_run(folder)) is not None:
                sources.append(source)
        except CnnvizError as error:
            problems.append(str(error))
    return SourceList(tuple(sources), tuple(problems))


def load_predictions(
    source: PredictionSource,
    *,
    epoch: int | None = None,
    with_flip: bool = False,
    app_folder: Path = PROJECT,
    progress: Progress = no_progress,
) -> Predictions:
    """What the network says, from the stored logits.

    epoch: of a run; the last if None, else the nearest that has predictions. with_flip: by the mean
    of the logits of a picture and its mirror image; SettingError for a run, which has none.
    CheckpointError names a file that is damaged or does not fit; DataError if the pictures that a
    run held out cannot be told (they are looked for in `app_folder` and where `load_split` looks).
    """
    if source.is_run:
        if with_flip:
            raise SettingError(
                f"{source.title} was not asked about mirrored pictures: use single views"
            )
        return _load_run(source, source.nearest_epoch(epoch), app_folder, progress)
    return _load_checkpoint(source, with_flip)


def _checkpoint(file: CheckpointFile, shipped: Path) -> PredictionSource:
    card = load_card(file.folder, file.name)
    is_shipped = file.folder == shipped
    model, dataset = find_model(card.spec.name).title, card.dataset.title
    return PredictionSource(
        key=card.name,
        kind="shipped" if is_shipped else "trained",
        title=f"{card.name} ({model} on {dataset}{'' if is_shipped else ', trained here'})",
        config=card.config,
        folder=file.folder,
        count=card.test_count,
    )


def _run_of_store(run: Run, folder: RunFolder) -> PredictionSource | None:
    title = f"Run {run.id}: {run.name}" if run.name else f"Run {run.id}"
    return _run(f"{RUN}{run.id}", title, run.config, run.start, folder)


def _shipped_run(path: Path) -> PredictionSource | None:
    name, folder = path.name.removesuffix(_RUN_FOLDER), RunFolder(path)
    config = folder.plan().config
    try:
        start = next(folder.records(), None)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{folder.records_file} holds no records ({error!r})") from None
    if not isinstance(start, StartRecord):
        return None
    return _run(f"{RUN}{name}", f"{name}, epoch by epoch", config, start, folder)


def _run(
    key: str, title: str, config: TrainingConfig, start: StartRecord | None, folder: RunFolder
) -> PredictionSource | None:
    """None if it has no predictions: nothing is held out, or no epoch is done."""
    if start is None or start.validation_count == 0:
        return None
    # Snapshot 0 is the network before training, which was not asked.
    epochs = tuple(epoch for epoch in folder.snapshot_epochs() if epoch > 0)
    if not epochs:
        return None
    return PredictionSource(
        key=key,
        kind="run",
        title=title,
        config=config,
        folder=folder.path,
        count=start.validation_count,
        epochs=epochs,
        train_digest=start.train_digest,
        mean=start.mean,
        std=start.std,
    )


def _shipped_runs(folder: Path) -> Sequence[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.name.endswith(_RUN_FOLDER))
    except OSError:
        return []


def _load_checkpoint(source: PredictionSource, with_flip: bool) -> Predictions:
    card = load_card(source.folder, source.key)
    views = load_logits(source.folder, card)
    whole = f"all {card.test_count:,} test pictures of {card.dataset.title}"
    some = f"{card.test_count:,} test pictures, which are not the whole test split"
    return Predictions(
        key=f"{source.key}+flip" if with_flip else source.key,
        title=f"{source.title}, with flip" if with_flip else source.title,
        dataset=card.dataset,
        split="test",
        digest=card.test_digest,
        indices=np.arange(card.test_count, dtype=np.int64),
        labels=card.test_labels(),
        logits=views.averaged if with_flip else views.logits,
        note=f"It was asked about {whole if card.is_of_complete_test else some}.",
    )


def _load_run(
    source: PredictionSource, epoch: int, app_folder: Path, progress: Progress
) -> Predictions:
    info = source.dataset
    held_out = find_held_out(
        info, source.train_digest, source.count, app_folder=app_folder, progress=progress
    )
    file = source.snapshot_file(epoch)
    logits = read_held_out_logits(file, (source.count, len(info.class_names)))
    try:
        return Predictions(
            key=f"{source.key}+{epoch}",
            title=f"{source.title}, epoch {epoch}",
            dataset=info,
            split="train",
            digest=source.train_digest,
            indices=held_out.indices,
            labels=held_out.labels,
            logits=logits,
            note=f"It was asked about the {source.count:,} training pictures that it held out.",
        )
    except NonFiniteError as error:
        raise CheckpointError(f"{file}: {error}") from None
