"""A split by its digest: the very pictures that something was computed on, if they are here."""

from __future__ import annotations

from pathlib import Path

from cnnviz.data.canonical import SourceKind, Split
from cnnviz.data.catalogue import DatasetName, SplitName
from cnnviz.data.datasets import PROJECT, load_split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.data.sources.starter import has_starter
from cnnviz.errors import CorruptDataError, DataError


def find_by_digest(
    dataset: DatasetName,
    split: SplitName,
    digest: str,
    *,
    app_folder: Path = PROJECT,
    progress: Progress = no_progress,
) -> Split | None:
    """The split with that digest, or None; CorruptDataError for one that is damaged.

    Looked at are the split that `load_split` finds first, and the starter set. app_folder: as
    `load_split` takes it.
    """
    sources: list[SourceKind | None] = [None]
    if has_starter(dataset, split):
        sources.append("starter")
    for source in sources:
        try:
            found = load_split(
                dataset, split, source=source, progress=progress, app_folder=app_folder
            )
        except CorruptDataError:
            raise
        except DataError:  # not here
            continue
        if found.digest == digest:
            return found
    return None
