"""What `load_split` would find for a data set, without reading it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cnnviz.data.canonical import SourceKind
from cnnviz.data.catalogue import DatasetInfo, DatasetName, SplitName, find_dataset
from cnnviz.data.datasets import PROJECT, STORE
from cnnviz.data.locations import find_data, user_cache
from cnnviz.data.sources.starter import has_starter, read_starter
from cnnviz.data.store import list_stores


@dataclass(frozen=True, slots=True)
class Availability:
    """Where each split of a data set would come from."""

    dataset: DatasetInfo
    train: SourceKind | None
    """None: this split cannot be loaded."""
    test: SourceKind | None
    problems: tuple[str, ...]
    """Why not, in sentences: a folder that lacks files, a CNNVIZ_DATA that is no folder."""

    @property
    def is_whole(self) -> bool:
        """Whether neither split is missing, nor a starter set."""
        return all(source not in (None, "starter") for source in (self.train, self.test))


def find_availability(
    dataset: str,
    *,
    app_folder: Path = PROJECT,
    environment: Mapping[str, str] = os.environ,
    cache_folder: Path | None = None,
) -> Availability:
    """What there is of a data set in the places that `load_split` searches.

    Only folders are listed, so that a page can ask at every run.
    """
    info = find_dataset(dataset)
    cache_root = cache_folder or user_cache(environment)
    report = find_data(app_folder, environment=environment, cache_folder=cache_root)
    found = [location for location in report.locations if location.dataset == info.name]
    problems = [
        f"{location.folder} lacks {', '.join(missing)}."
        for location in found
        if (missing := (*location.train.missing, *location.test.missing))
    ]
    problems += report.problems

    def source(split: SplitName) -> SourceKind | None:
        for location in found:
            if location.files(split).complete:
                return location.layout
        for _, manifest in list_stores(cache_root / STORE):
            whole = manifest.digest == info.digest(split)
            if (manifest.dataset, manifest.split) == (info.name, split) and whole:
                return manifest.source
        # The starter set stands in for nothing at all, not for what cannot be read.
        may_start = not found and not report.problems and has_starter(info.name, split)
        return "starter" if may_start else None

    return Availability(info, source("train"), source("test"), tuple(problems))


@cache
def starter_count(dataset: DatasetName, split: SplitName) -> int:
    """Images in the starter set of a split; 0 if there is none."""
    if not has_starter(dataset, split):
        return 0
    return len(read_starter(find_dataset(dataset), split)[1])
