"""Which data sets lie on this machine, recognised by the shape of their folders.

Only folder listings are read, no file is opened. Searched, in this order: the folder that the
environment variable CNNVIZ_DATA names, `data/` beside app.py, and the user's cache. Recognised:

    cifar-10-batches-py/data_batch_1 ...         CIFAR-10 as torchvision keeps it
    cifar10/{train,test}-00000-of-00001.parquet  CIFAR-10 as Hugging Face keeps it, in any number
                                                 of parts
    MNIST/raw/train-images-idx3-ubyte[.gz] ...   MNIST as torchvision keeps it
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

VARIABLE: Final = "CNNVIZ_DATA"

DatasetName = Literal["CIFAR-10", "MNIST"]
Layout = Literal["torchvision", "parquet"]
Listing = dict[str, int]  # file name -> size in bytes


@dataclass(frozen=True, slots=True)
class DataLocation:
    """One data set in one folder."""

    dataset: DatasetName
    layout: Layout
    folder: Path
    complete: bool
    """Every file of both splits is there and none is empty."""
    bytes: int


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
    unique = {location.folder.absolute(): location for location in reversed(locations)}
    return DataReport(tuple(reversed(unique.values())), tuple(problems))


def user_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder for data in the user's cache; it need not exist."""
    named = environment.get("XDG_CACHE_HOME", "")
    return (Path(named) if named else _expand("~/.cache")) / "cnnviz" / "data"


def _search(root: Path) -> list[DataLocation]:
    return [location for look in _LAYOUTS if (location := look(root)) is not None]


def _torchvision_cifar10(root: Path) -> DataLocation | None:
    folder = root / "cifar-10-batches-py"
    needed = [*(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta"]
    sizes = _listing(folder)
    found = {name: sizes[name] for name in needed if name in sizes}
    complete = len(found) == len(needed) and all(found.values())
    return _location("CIFAR-10", "torchvision", folder, complete, found)


def _parquet_cifar10(root: Path) -> DataLocation | None:
    folder = root / "cifar10"
    sizes = _listing(folder)
    found: Listing = {}
    complete = True
    for split in ("train", "test"):
        parts = {
            int(match["part"]): (name, int(match["count"]))
            for name in sizes
            if (match := re.fullmatch(_PARQUET_PART.format(split=split), name))
        }
        found |= {name: sizes[name] for name, _ in parts.values()}
        counts = {count for _, count in parts.values()}
        complete &= len(counts) == 1 and set(parts) == set(range(max(counts, default=0)))
    return _location("CIFAR-10", "parquet", folder, complete and all(found.values()), found)


def _torchvision_mnist(root: Path) -> DataLocation | None:
    folder = root / "MNIST" / "raw"
    sizes = _listing(folder)
    found: Listing = {}
    complete = True
    for stem in _MNIST_FILES:
        # torchvision keeps the packed file beside the unpacked one; either will do.
        there = {name: sizes[name] for name in (stem, f"{stem}.gz") if name in sizes}
        found |= there
        complete &= any(there.values())
    return _location("MNIST", "torchvision", folder, complete, found)


_PARQUET_PART: Final = r"{split}-(?P<part>\d{{5}})-of-(?P<count>\d{{5}})\.parquet"
_MNIST_FILES: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_LAYOUTS: Final[tuple[Callable[[Path], DataLocation | None], ...]] = (
    _torchvision_cifar10,
    _parquet_cifar10,
    _torchvision_mnist,
)


def _location(
    dataset: DatasetName, layout: Layout, folder: Path, complete: bool, found: Listing
) -> DataLocation | None:
    if not found:
        return None
    return DataLocation(dataset, layout, folder, complete, sum(found.values()))


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
