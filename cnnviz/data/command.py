"""`python -m cnnviz data`: shows, fetches, verifies and removes data sets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from cnnviz.data.canonical import split_digest
from cnnviz.data.catalogue import DATASETS, SPLITS, DatasetInfo, SplitName
from cnnviz.data.datasets import PROJECT, load_split, store_roots
from cnnviz.data.fetch import FOLDERS, fetch, list_downloads, list_unfinished, was_fetched
from cnnviz.data.locations import VARIABLE, DataLocation, DataReport, find_data, user_cache
from cnnviz.data.progress import Progress
from cnnviz.data.reading import read_location
from cnnviz.data.sizes import format_bytes
from cnnviz.data.sources.starter import has_starter, read_starter
from cnnviz.data.store import (
    DamagedStoreError,
    Manifest,
    list_folders,
    list_stores,
    open_store,
    remove_folder,
)
from cnnviz.errors import DataError
from cnnviz.progress_line import ProgressLine

_CHOICES: Final = (*DATASETS, "all")


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `data` and what it can do."""
    parser = commands.add_parser(
        "data",
        help="show, fetch, verify and remove data sets",
        description="Which data sets there are, and what brings them. Searched in this order: "
        f"the folder that {VARIABLE} names, data/ beside app.py, the user's cache.",
    )
    parser.set_defaults(run=_show, dataset="all")
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    for name, run, words in (
        ("show", _show, "what lies on this machine (the same as `data` alone)"),
        ("fetch", _fetch, "download into the user's cache; goes on where it broke off"),
        ("verify", _verify, "read everything again and compare it with what is known"),
        ("remove", _remove, "remove what cnnviz keeps in the user's cache, and nothing else"),
    ):
        action = actions.add_parser(name, help=words, description=words[0].upper() + words[1:])
        action.add_argument(
            "dataset",
            nargs="?",
            choices=_CHOICES,
            default="all",
            metavar="DATASET",
            help=f"{', '.join(DATASETS)} or all, which is the default",
        )
        if name == "remove":
            action.add_argument("--yes", action="store_true", help="do not ask")
        action.set_defaults(run=run)


def _show(arguments: argparse.Namespace) -> int:
    report = find_data(PROJECT)
    for problem in report.problems:
        print(problem)
    for info in _chosen(arguments):
        print(f"{info.title} ({info.name})")
        for location in report.locations:
            if location.dataset == info.name:
                print(f"  found    {_describe(location)}")
        for root in store_roots(user_cache()):
            for folder, manifest in list_stores(root):
                if manifest.dataset == info.name:
                    print(f"  store    {_describe_store(info, manifest)}: {folder}")
        for file in list_downloads(info.name, user_cache()):
            if file.suffix == ".part":
                print(f"  begun    {format_bytes(file.stat().st_size)} fetched so far: {file}")
        for split in SPLITS:
            if has_starter(info.name, split):
                count = len(read_starter(info, split)[1])
                print(f"  starter  {split}, {count:,} images, comes with cnnviz")
        if not _whole_sources(info, report) and not _whole_stores(info):
            print(f"  To have all of it: python -m cnnviz data fetch {info.name}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    for info in _chosen(arguments):
        if (there := _here_already(info)) is not None:
            print(f"{info.title} is here already: {there}")
        else:
            with ProgressLine() as line:
                place = fetch(info.name, progress=line.tell)
            print(f"{info.title} is here: {place}")
        for split in SPLITS:
            with ProgressLine() as line:
                loaded = load_split(info.name, split, progress=line.tell)
            verdict = _judge(info, split, len(loaded), loaded.digest)
            print(f"{info.title} ({split}): {verdict}")
            for note in loaded.notes:
                print(f"  {note}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    report = find_data(PROJECT)
    for problem in report.problems:
        print(problem)
    checked = failed = 0
    for info in _chosen(arguments):
        for words, check in _checks(info, report):
            checked += 1
            try:
                with ProgressLine() as line:
                    verdict = check(line.tell)
                print(f"{words}: {verdict}")
            except DataError as error:
                failed += 1
                print(f"{words}: NOT USABLE. {error}", file=sys.stderr)
    if failed:
        raise DataError(f"{failed} of {checked} cannot be used; see above.")
    if not checked:
        print("Nothing to verify: only the starter sets are here, which come with cnnviz.")
    return 0


def _checks(
    info: DatasetInfo, report: DataReport
) -> Iterator[tuple[str, Callable[[Progress], str]]]:
    """What there is of a data set in words, and a function that reads it and returns a verdict."""
    for location in report.locations:
        if location.dataset == info.name:
            for split in SPLITS:
                words = f"{info.title} ({split}), {location.layout} in {location.folder}"
                yield words, partial(_verify_source, location, split)
    for root in store_roots(user_cache()):
        for folder, manifest in list_stores(root):
            if manifest.dataset == info.name:
                words = f"{info.title} ({manifest.split}), store in {folder}"
                yield words, partial(_verify_store, folder, manifest)


def _verify_source(location: DataLocation, split: SplitName, progress: Progress) -> str:
    files = location.files(split)
    if not files.complete:
        raise DataError(f"It lacks {', '.join(files.missing)}.")
    fresh = read_location(location, split, progress)
    return _judge(DATASETS[location.dataset], split, len(fresh.labels), fresh.digest)


def _verify_store(folder: Path, manifest: Manifest, progress: Progress) -> str:
    progress(f"Reading {folder}", 0.0)
    again = "Remove it by `python -m cnnviz data remove`; it is built again when it is needed."
    try:
        split = open_store(folder)
    except DamagedStoreError as error:
        raise DataError(f"{error}. {again}") from None
    if split is None:
        raise DataError("It was removed in the meantime.")
    if split_digest(split.images, split.labels) != manifest.digest:
        raise DataError(f"Its pixels or labels are not those that were written. {again}")
    return _judge(DATASETS[manifest.dataset], manifest.split, len(split), split.digest)


def _remove(arguments: argparse.Namespace) -> int:
    found = [path for info in _chosen(arguments) for path in _ours(info, user_cache())]
    if not found:
        print("There is nothing to remove: cnnviz keeps nothing of that.")
        return 0
    for path in found:
        print(f"{format_bytes(_size(path))}: {path}")
    if not arguments.yes and not _confirmed("Remove these? [y/N] "):
        print("Nothing was removed.")
        return 1
    for path in found:
        try:
            if path.is_dir():
                remove_folder(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"{path} cannot be removed ({error.strerror or error}).") from None
    print("Removed. They come back when they are needed: fetched, or read again.")
    return 0


def _ours(info: DatasetInfo, cache: Path) -> Iterator[Path]:
    """What cnnviz itself made of a data set: stores, what it fetched, what it began to fetch."""
    for root in store_roots(cache):
        yield from list_folders(root, info.name)
    if was_fetched(cache / FOLDERS[info.name]):
        yield cache / FOLDERS[info.name]
    yield from list_downloads(info.name, cache)
    yield from list_unfinished(info.name, cache)


def _chosen(arguments: argparse.Namespace) -> Iterator[DatasetInfo]:
    for info in DATASETS.values():
        if arguments.dataset in (info.name, "all"):
            yield info


def _here_already(info: DatasetInfo) -> Path | None:
    """A place that makes fetching needless; a folder that was fetched is checked by `fetch`."""
    report = find_data(PROJECT)
    ours = user_cache() / FOLDERS[info.name]
    fetched = [place for place in _whole_sources(info, report) if place.is_relative_to(ours)]
    others = [place for place in _whole_sources(info, report) if place not in fetched]
    if not others and not fetched:
        others = _whole_stores(info)
    return others[0] if others else None


def _whole_sources(info: DatasetInfo, report: DataReport) -> list[Path]:
    return [
        location.folder
        for location in report.locations
        if location.dataset == info.name and location.complete
    ]


def _whole_stores(info: DatasetInfo) -> list[Path]:
    """The stores of all splits, if all of them are there."""
    stores = {
        manifest.split: folder
        for root in store_roots(user_cache())
        for folder, manifest in list_stores(root)
        if manifest.dataset == info.name and manifest.digest == info.digest(manifest.split)
    }
    return list(stores.values()) if len(stores) == len(SPLITS) else []


def _describe(location: DataLocation) -> str:
    state = "complete"
    if not location.complete:
        missing = dict.fromkeys(location.train.missing + location.test.missing)
        state = f"lacks {', '.join(missing)}"
    size = "" if location.bytes is None else f", {format_bytes(location.bytes)}"
    return f"{location.layout}, {state}{size}: {location.folder}"


def _describe_store(info: DatasetInfo, manifest: Manifest) -> str:
    complete = manifest.digest == info.digest(manifest.split)
    return (
        f"{manifest.split}, {manifest.shape[0]:,} images{', complete' if complete else ''}, from "
        f"{manifest.source}, {format_bytes(sum(manifest.bytes.values()))}"
    )


def _judge(info: DatasetInfo, split: SplitName, count: int, digest: str) -> str:
    if digest == info.digest(split):
        return f"{count:,} images, the complete split to the last pixel"
    return f"{count:,} images of its own, digest {digest[:16]}... ({info.title} has another)"


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:  # nobody is there to answer
        print()
        return False
