"""Which data sets lie on this machine, recognised by the shape of their folders.

Only folder listings are read, no file is opened. Searched, in this order: the folder that the
environment variable CNNVIZ_DATA names, `data/` beside app.py, and the user's cache. Recognised:

    cifar-10-batches-py/data_batch_1 ...         CIFAR-10 as torchvision keeps it
    MNIST/raw/train-images-idx3-ubyte[.gz] ...   MNIST as torchvision keeps it
    cifar10/{train,test}-00000-of-00001.parquet  as Hugging Face keeps it, in any number of parts;
                                                 also below cifar10/plain_text/
    mnist/{train,test}-00000-of-00001.parquet    the same; also below mnist/mnist/
    cifar10/{train,test}/airplane/ ...           folders of images by class,
    mnist/{train,test}/0/ ...                    their names in upper or lower case
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cnnviz.data.catalogue import DATASETS, SPLITS, DatasetInfo, DatasetName, SplitName

VARIABLE: Final = "CNNVIZ_DATA"

Layout = Literal["torchvision", "parquet", "folders"]
Listing = dict[str, int]  # file name -> size in bytes


@dataclass(frozen=True, slots=True)
class SplitFiles:
    """What there is of one split in a location, and what there should be."""

    files: tuple[Path, ...]
    """In the order in which they are read. For class folders: the folders, in class order."""
    missing: tuple[str, ...]
    """Names that should be there and are not, or are empty."""

    @property
    def complete(self) -> bool:
        """Whether the split can be read."""
        return bool(self.files) and not self.missing


@dataclass(frozen=True, slots=True)
class DataLocation:
    """One data set in one folder."""

    dataset: DatasetName
    layout: Layout
    folder: Path
    train: SplitFiles
    test: SplitFiles
    bytes: int | None
    """Size of its files; None for class folders, whose many files are not looked at one by one."""

    @property
    def title(self) -> str:
        """The name of the data set as people write it."""
        return DATASETS[self.dataset].title

    @property
    def complete(self) -> bool:
        """Every file of both splits is there and none is empty."""
        return self.train.complete and self.test.complete

    def files(self, split: SplitName) -> SplitFiles:
        """What there is of one split."""
        return self.train if split == "train" else self.test


@dataclass(frozen=True, slots=True)
class DataReport:
    """What was found, in the order in which it was searched, and what could not be searched."""

    locations: tuple[DataLocation, ...]
    problems: tuple[str, ...]
    """Sentences for people, such as a CNNVIZ_DATA that is no folder."""


def find_data(
    app_folder: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    cache_folder: Path | None = None,
) -> DataReport:
    """Searches the three places; a place that cannot be read is a problem in words, not an error.

    app_folder: the folder that holds app.py. cache_folder: the user's cache unless given.
    """
    locations: list[DataLocation] = []
    problems: list[str] = []
    named = environment.get(VARIABLE, "").strip()
    if named:
        folder = _expand(named)
        if problem := _why_unreadable(folder):
            problems.append(f"{VARIABLE} names {named}, which {problem}.")
        else:
            locations += _search(folder)
    for folder in (app_folder / "data", cache_folder or user_cache(environment)):
        locations += _search(folder)
    # The same folder may be named twice, by the variable and by its place.
    unique = {
        (location.folder.absolute(), location.layout): location for location in reversed(locations)
    }
    return DataReport(tuple(reversed(unique.values())), tuple(problems))


def user_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder for data in the user's cache; it need not exist."""
    named = environment.get("XDG_CACHE_HOME", "")
    return (Path(named) if named else _expand("~/.cache")) / "cnnviz" / "data"


def _search(root: Path) -> list[DataLocation]:
    return [location for look in _LAYOUTS for location in look(root)]


def _torchvision_cifar10(root: Path) -> Iterator[DataLocation]:
    folder = root / "cifar-10-batches-py"
    sizes = _listing(folder)

    def files(*names: str) -> SplitFiles:
        return SplitFiles(
            tuple(folder / name for name in names if sizes.get(name)),
            tuple(name for name in names if not sizes.get(name)),
        )

    train = files(*(f"data_batch_{part}" for part in range(1, 6)), CIFAR10_META)
    test = files("test_batch", CIFAR10_META)
    if there := {path.name for path in train.files + test.files}:
        total = sum(sizes[name] for name in there)
        yield DataLocation("cifar10", "torchvision", folder, train, test, total)


def _torchvision_mnist(root: Path) -> Iterator[DataLocation]:
    folder = root / "MNIST" / "raw"
    sizes = _listing(folder)

    def files(*stems: str) -> SplitFiles:
        # torchvision keeps the packed file beside the unpacked one; either will do.
        there = {
            stem: folder / name
            for stem in stems
            for name in (f"{stem}.gz", stem)
            if sizes.get(name)
        }
        return SplitFiles(tuple(there.values()), tuple(stem for stem in stems if stem not in there))

    train = files("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    test = files("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    if train.files or test.files:
        total = sum(sizes[path.name] for path in train.files + test.files)
        yield DataLocation("mnist", "torchvision", folder, train, test, total)


def _parquet(root: Path) -> Iterator[DataLocation]:
    for info in DATASETS.values():
        for folder in (root / info.name, root / info.name / _PARQUET_FOLDERS[info.name]):
            sizes = _listing(folder)
            train, test = (_parquet_parts(folder, sizes, split) for split in SPLITS)
            if train.files or test.files:
                total = sum(sizes[path.name] for path in train.files + test.files)
                yield DataLocation(info.name, "parquet", folder, train, test, total)


def _parquet_parts(folder: Path, sizes: Listing, split: SplitName) -> SplitFiles:
    parts = {name: match for name in sizes if (match := _PARQUET_PART.fullmatch(name))}
    counts = {int(match["count"]) for match in parts.values() if match["split"] == split}
    count = max(counts, default=1)
    if count > _MAX_PARTS:
        return SplitFiles((), (f"{split}-00000-of-{count:05}.parquet ...",))
    names = [f"{split}-{part:05}-of-{count:05}.parquet" for part in range(count)]
    return SplitFiles(
        tuple(folder / name for name in names if sizes.get(name)),
        tuple(name for name in names if not sizes.get(name)),
    )


def _class_folders(root: Path) -> Iterator[DataLocation]:
    for info in DATASETS.values():
        for folder in _folders(root).get(info.name, ()):
            below = _folders(folder)
            train, test = (_folders_of_classes(below.get(split, ()), info) for split in SPLITS)
            if train.files or test.files:
                yield DataLocation(info.name, "folders", folder, train, test, None)


def _folders_of_classes(places: tuple[Path, ...], info: DatasetInfo) -> SplitFiles:
    there = [_folders(place) for place in places]
    found = {name: below[name][0] for name in info.class_names for below in there if name in below}
    missing = tuple(f"folder {name}" for name in info.class_names if name not in found)
    return SplitFiles(tuple(found[name] for name in info.class_names if name in found), missing)


CIFAR10_META: Final = "batches.meta"
_PARQUET_PART: Final = re.compile(
    r"(?P<split>train|test)-(?P<part>\d{5})-of-(?P<count>\d{5})\.parquet", re.ASCII
)
_PARQUET_FOLDERS: Final[dict[DatasetName, str]] = {"cifar10": "plain_text", "mnist": "mnist"}
_MAX_PARTS: Final = 1000
_LAYOUTS: Final[tuple[Callable[[Path], Iterator[DataLocation]], ...]] = (
    _torchvision_cifar10,
    _torchvision_mnist,
    _parquet,
    _class_folders,
)


def _folders(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The folders in a folder by their names in lower case; empty if it cannot be listed."""
    found: dict[str, tuple[Path, ...]] = {}
    try:
        with os.scandir(folder) as entries:
            for name in sorted(entry.name for entry in entries if entry.is_dir()):
                found[name.lower()] = (*found.get(name.lower(), ()), folder / name)
    except (OSError, ValueError):
        return {}
    return found


def _listing(folder: Path) -> Listing:
    """Names and sizes of the files in a folder; empty if it cannot be listed."""
    sizes: Listing = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    sizes[entry.name] = entry.stat().st_size
    except (OSError, ValueError):  # ValueError: a null character in the name
        return {}
    return sizes


def _why_unreadable(folder: Path) -> str | None:
    try:
        with os.scandir(folder):
            return None
    except FileNotFoundError:
        return "does not exist"
    except NotADirectoryError:
        return "is a file; it should be a folder"
    except PermissionError:
        return "this user may not read"
    except (OSError, ValueError) as error:
        return f"cannot be read ({error})"


def _expand(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # a home folder that cannot be found
        return Path(path)
