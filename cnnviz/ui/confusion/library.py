"""Networks, their predictions and their pictures: read once per server process, for all sessions.

What is cached here is shared and never changed. A file that was written anew is read anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cnnviz.checkpoints.folders import checkpoint_folders
from cnnviz.confusion.order import similarity_order
from cnnviz.confusion.pictures import Pictures, find_pictures
from cnnviz.confusion.predictions import Indices, Predictions
from cnnviz.confusion.selection import Selection, select
from cnnviz.confusion.settings import ClassOrder
from cnnviz.confusion.sources import PredictionSource, SourceList, list_sources, load_predictions
from cnnviz.data.availability import find_availability
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.runs.reader import RunReader
from cnnviz.ui.training.service import training_service


@dataclass(frozen=True, slots=True)
class Library:
    """All networks that can be asked."""

    sources: SourceList
    problems: tuple[str, ...]
    """Sentences about what cannot be read; it is left out."""


def open_library(project: Path = PROJECT) -> Library:
    """What there is now: listed again only if a checkpoint, a run or a snapshot was added."""
    folders = tuple(_changed_at(folder) for folder in checkpoint_folders(project))
    try:
        service = training_service()
        runs = tuple(
            (run.id, run.version, _changed_at(service.store.folder_of(run.id).snapshots))
            for run in service.live.runs()
        )
    except CnnvizError as error:
        sources = _list(str(project), "", folders, (), None)
        return Library(sources, (*sources.problems, str(error)))
    sources = _list(str(project), str(service.store.folder), folders, runs, service.store)
    return Library(sources, sources.problems)


def predictions_of(source: PredictionSource, epoch: int | None, *, flip: bool) -> Predictions:
    """What `load_predictions` loads, with the same errors."""
    epoch = source.nearest_epoch(epoch) if source.is_run else None
    if epoch is None:
        files = [source.folder / f"{source.key}{ending}" for ending in (".json", ".npz")]
    else:
        files = [source.snapshot_file(epoch)]
    stamp = tuple(_changed_at(file) for file in files)
    return _load(source.key, str(source.folder), epoch, flip, stamp, source)


def pictures_of(predictions: Predictions) -> Pictures | None:
    """What `find_pictures` finds, with the same errors; asked again once more pictures are here."""
    there = find_availability(predictions.dataset.name)
    origin = there.test if predictions.split == "test" else there.train
    return _find(predictions.digest, predictions.split, origin or "", predictions)


def order_of(predictions: Predictions, order: ClassOrder) -> Sequence[int] | None:
    """The order of the classes as the tables and figures of the core take it."""
    return None if order == "dataset" else similarity_order(predictions.judgements.confusion)


def selected(
    selection: Selection,
    predictions: Predictions,
    other: Predictions | None,
    pictures: Pictures | None,
) -> Indices:
    """What `select` selects, with the same errors."""
    about = identity(predictions), None if other is None else identity(other)
    here = -1 if pictures is None else len(pictures)
    return _select(repr(selection), about, here, selection, predictions, other, pictures)


def identity(predictions: Predictions) -> str:
    """Another text for predictions that differ in any way, even if their network has one name."""
    digest = hashlib.sha256(predictions.digest.encode())
    for numbers in (predictions.indices, predictions.logits):
        digest.update(numbers.tobytes())
    return digest.hexdigest()


@st.cache_resource(show_spinner=False, max_entries=256)
def _select(
    words: str,
    about: tuple[str, str | None],
    here: int,
    _selection: Selection,
    _predictions: Predictions,
    _other: Predictions | None,
    _pictures: Pictures | None,
) -> Indices:
    return select(_selection, _predictions, other=_other, pictures=_pictures)


@st.cache_resource(show_spinner=False, max_entries=4)
def _list(
    project: str,
    store: str,
    folders: tuple[int, ...],
    runs: tuple[tuple[int, int, int], ...],
    _store: RunReader | None,
) -> SourceList:
    return list_sources(project=Path(project), runs=_store)


@st.cache_resource(show_spinner=False, max_entries=24)  # 4 MB each, of ten thousand pictures
def _load(
    key: str,
    folder: str,
    epoch: int | None,
    flip: bool,
    stamp: tuple[int, ...],
    _source: PredictionSource,
) -> Predictions:
    return load_predictions(_source, epoch=epoch, with_flip=flip)


@st.cache_resource(show_spinner="Reading the pictures …", max_entries=8)
def _find(digest: str, split: str, origin: str, _predictions: Predictions) -> Pictures | None:
    return find_pictures(_predictions)


def _changed_at(path: Path) -> int:
    """When a file or a folder's list was changed last, in ns; 0 if it cannot be told."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
