"""`load_split`: the images of a split, wherever they lie, always the same arrays."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from cnnviz.data.canonical import SourceKind, Split, canonical_order, digest_in_order
from cnnviz.data.catalogue import DatasetInfo, SplitName, find_dataset, find_split
from cnnviz.data.locations import VARIABLE, DataLocation, DataReport, find_data, user_cache
from cnnviz.data.progress import Progress, no_progress
from cnnviz.data.reading import list_files, read_location
from cnnviz.data.sources import starter
from cnnviz.data.store import (
    DamagedStoreError,
    StoreKey,
    list_stores,
    open_store,
    save_store,
    store_key,
)
from cnnviz.errors import CorruptDataError, DataError, SettingError
from cnnviz.settings import shown

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
"""The folder that holds app.py; `data/` in it is searched."""

_READING: Final = 0.8  # of the time that building a store takes
STORE: Final = "store"
"""The folder of the canonical store in the cache."""

_log = logging.getLogger(__name__)


def load_split(
    dataset: str,
    split: str,
    *,
    source: SourceKind | None = None,
    progress: Progress | None = None,
    app_folder: Path = PROJECT,
    environment: Mapping[str, str] = os.environ,
    cache_folder: Path | None = None,
) -> Split:
    """A split in canonical order, from the first place that has all of it.

    Searched: CNNVIZ_DATA, `data/` in `app_folder`, the user's cache (`cache_folder` if given); see
    `cnnviz.data.locations`. The first time, the images are read, put in order and kept in the
    cache's store, which takes seconds; from then on they are memory-mapped. If a place was removed
    after it had been read, the store serves on, provided that it is complete. The starter set
    is the last resort; its `source` is "starter".

    source: take only this kind of source.
    Raises DataError if there is none, and says what would do; CorruptDataError, which names the
    file, if one is found and cannot be trusted. Of a place that lacks files the error says which;
    it is passed over only where another has them all.
    """
    info, name = find_dataset(dataset), find_split(split)
    if source not in (None, "torchvision", "parquet", "folders", "starter"):
        raise SettingError(
            f"source is {shown(source)}: use torchvision, parquet, folders, starter or None"
        )
    tell = progress or no_progress
    cache = cache_folder or user_cache(environment)
    if source == "starter":
        return _starter(info, name)
    report = find_data(app_folder, environment=environment, cache_folder=cache)
    found = [
        location
        for location in report.locations
        if location.dataset == info.name and source in (None, location.layout)
    ]
    for location in found:
        if location.files(name).complete:
            return _open_or_build(location, info, name, cache, tell)
    if (stored := _any_complete_store(info, name, cache, source)) is not None:
        return stored
    if found or report.problems or source is not None or not starter.has_starter(info.name, name):
        raise DataError(_nothing_found(info, name, found, report, source))
    return _starter(info, name)


def store_roots(cache: Path) -> list[Path]:
    """The folders in which stores may lie; the first is the one that is written if it can be."""
    spare = _spare_store(create=False)
    return [cache / STORE] if spare is None else [cache / STORE, spare]


def _open_or_build(
    location: DataLocation, info: DatasetInfo, name: SplitName, cache: Path, tell: Progress
) -> Split:
    try:
        files = list_files(location, name)
        key = store_key(info.name, name, location.layout, location.folder, files)
    except OSError as error:
        raise CorruptDataError(f"{error.filename} cannot be read ({error.strerror})") from None
    store = cache / STORE
    if (split := _open(store, key)) is not None:
        return split
    spare = _spare_store(create=False)
    if spare is not None and (split := _open(spare, key)) is not None:
        return replace(split, notes=(f"Kept in {spare}, since {store} could not be written.",))

    title = f"{info.title} ({name})"
    fresh = read_location(location, name, lambda words, share: tell(words, share * _READING))
    tell(f"Keeping {title} in {store}", _READING)
    why = ""
    for root in _places(store):
        try:
            save_store(root, key, fresh.images, fresh.labels, fresh.order, fresh.digest)
            split = _open(root, key)
        except OSError as error:
            why = why or f"{store} could not be written ({error.strerror or error})"
            continue
        if split is not None:
            tell(f"{title} is ready", 1.0)
            return split if root == store else _noted(split, f"Kept in {root}, since {why}.")
    tell(f"{title} is ready", 1.0)
    images, labels = fresh.images[fresh.order], fresh.labels[fresh.order]
    in_memory = Split(
        info.name, name, images, labels, info.class_names, fresh.digest, location.layout
    )
    return _noted(in_memory, f"Kept in memory, to be read again at the next start, since {why}.")


def _places(store: Path) -> Iterator[Path]:
    yield store
    if (spare := _spare_store(create=True)) is not None:
        yield spare


def _open(root: Path, key: StoreKey) -> Split | None:
    try:
        return open_store(root / key.folder_name)
    except DamagedStoreError as error:
        _log.warning("The store is damaged and is built again: %s", error)
        return None


def _noted(split: Split, note: str) -> Split:
    _log.warning("%s (%s): %s", split.dataset, split.name, note)
    return replace(split, notes=(note,))


def _spare_store(*, create: bool) -> Path | None:
    """A folder of this user's own in the system's temporary one, for a cache that is read-only."""
    user = getattr(os, "getuid", lambda: 0)()
    folder = Path(tempfile.gettempdir()) / f"cnnviz-{user}"
    try:
        if create:
            folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    # Somebody else may have made a folder of that name there, to show us arrays of theirs.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user:
        return None
    return folder / STORE


def _any_complete_store(
    info: DatasetInfo, name: SplitName, cache: Path, source: SourceKind | None
) -> Split | None:
    for folder, manifest in list_stores(cache / STORE):
        if (
            (manifest.dataset, manifest.split) == (info.name, name)
            and manifest.digest == info.digest(name)
            and source in (None, manifest.source)
        ):
            try:
                return open_store(folder)
            except DamagedStoreError:
                continue
    return None


def _starter(info: DatasetInfo, name: SplitName) -> Split:
    if not starter.has_starter(info.name, name):
        raise DataError(f"There is no starter set of {info.title} ({name}). {_what_would_do(info)}")
    images, labels = starter.read_starter(info, name)
    order = canonical_order(images, labels)
    digest = digest_in_order(images, labels, order)
    return Split(
        info.name,
        name,
        images[order],
        labels[order],
        info.class_names,
        digest,
        "starter",
        notes=starter.notes(info.name, name),
    )


def _nothing_found(
    info: DatasetInfo,
    name: SplitName,
    found: list[DataLocation],
    report: DataReport,
    source: SourceKind | None,
) -> str:
    kind = f" as {source}" if source else ""
    sentences = [f"{info.title} ({name}){kind} is not on this machine."]
    for location in found:
        missing = ", ".join(location.files(name).missing)
        sentences.append(f"{location.folder} lacks {missing}.")
    sentences += report.problems
    sentences.append(_what_would_do(info))
    return " ".join(sentences)


def _what_would_do(info: DatasetInfo) -> str:
    return (
        f"`python -m cnnviz data fetch {info.name}` downloads it; or set {VARIABLE} to a folder "
        f"that holds it."
    )
