"""The canonical store: a split that was read once, as memory-mapped arrays.

    <cache>/store/cifar10-train-0f3a.../    one folder for each split of each source
        images.npy      uint8 (N, H, W, C), in canonical order
        labels.npy      int64 (N,)
        manifest.json   shape, digest, source, and the sizes of the two files

The folder's name ends in a hash of the source: its kind, its place, and the size and the time of
change of each of its files. Another source, or one that changed, therefore has another folder.

A store is built in a hidden folder beside its place and renamed when it is whole, so that nobody
sees half of one. Of two processes that build the same store one renames first; the other discards
its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.atomic_files import flush_to_disk
from cnnviz.data.canonical import Images, Labels, SourceKind, Split
from cnnviz.data.catalogue import DATASETS, DatasetName, SplitName

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_BUILDING: Final = ".building-"
_DISCARDED: Final = ".discarded-"
_ABANDONED_AFTER_S: Final = 24 * 3600.0
_CHUNK: Final = 1024


FileFacts = tuple[str, int, int]
"""Name, size in bytes and time of change in nanoseconds."""


class DamagedStoreError(Exception):
    """A store that is not whole; it is built again, so nobody gets to see this."""


@dataclass(frozen=True, slots=True)
class StoreKey:
    """Which split of which source a store holds."""

    dataset: DatasetName
    split: SplitName
    source: SourceKind
    place: str
    """The source's folder."""
    fingerprint: str

    @property
    def folder_name(self) -> str:
        """The name of the store's folder."""
        return f"{self.dataset}-{self.split}-{self.fingerprint}"


def store_key(
    dataset: DatasetName,
    split: SplitName,
    source: SourceKind,
    place: Path,
    files: Iterable[FileFacts],
) -> StoreKey:
    """The key of a source that consists of these files now."""
    absolute = str(place.absolute())
    digest = hashlib.sha256(json.dumps([FORMAT, dataset, split, source, absolute]).encode())
    for name, size, time_ns in files:
        digest.update(f"\0{name}\0{size}\0{time_ns}".encode("utf-8", "surrogateescape"))
    return StoreKey(dataset, split, source, absolute, digest.hexdigest()[:16])


def open_store(folder: Path) -> Split | None:
    """The split in a store, memory-mapped; None if there is no store.

    Only the manifest and the sizes of the files are looked at, which takes milliseconds; raises
    DamagedStoreError if they do not fit each other. `data verify` reads the pixels.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    images = _open_array(folder / "images.npy", manifest.bytes["images.npy"], mapped=True)
    labels = _open_array(folder / "labels.npy", manifest.bytes["labels.npy"], mapped=False)
    if images.dtype != np.uint8 or images.shape != manifest.shape:
        raise DamagedStoreError(f"{folder}: images are {images.dtype} {images.shape}")
    if labels.dtype != np.int64 or labels.shape != manifest.shape[:1]:
        raise DamagedStoreError(f"{folder}: labels are {labels.dtype} {labels.shape}")
    return Split(
        manifest.dataset,
        manifest.split,
        images,
        labels,
        DATASETS[manifest.dataset].class_names,
        manifest.digest,
        manifest.source,
    )


def save_store(
    root: Path,
    key: StoreKey,
    images: Images,
    labels: Labels,
    order: npt.NDArray[np.intp],
    digest: str,
) -> Path:
    """Writes images (N, H, W, C) and labels (N,) in that order, and returns the store's folder.

    If another process was faster the folder is that of the other. Raises OSError if the root cannot
    be written; then nothing is left behind.
    """
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    building = Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{key.folder_name}-", dir=root))
    try:
        for name, array in (("images.npy", images), ("labels.npy", labels)):
            _write_array(building / name, array, order)
        manifest = Manifest(
            FORMAT,
            key.dataset,
            key.split,
            key.source,
            key.place,
            images.shape,
            digest,
            {name: (building / name).stat().st_size for name in _ARRAYS},
        )
        with open(building / MANIFEST, "w", encoding="utf-8") as stream:
            json.dump(asdict(manifest), stream, indent=1)
            flush_to_disk(stream)
        place = root / key.folder_name
        _rename(building, place)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _remove_outdated(root, key)
    return place


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store says of itself."""

    format: int
    dataset: DatasetName
    split: SplitName
    source: SourceKind
    place: str
    shape: tuple[int, ...]
    """(N, H, W, C)"""
    digest: str
    bytes: dict[str, int]
    """The size of each of its two files."""


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a store, or None if there is no store; may raise DamagedStoreError."""
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_dir():
            raise DamagedStoreError(f"{folder} has no {MANIFEST}") from None
        return None
    except (OSError, ValueError) as error:
        raise DamagedStoreError(f"{folder / MANIFEST}: {error}") from None
    try:
        manifest = Manifest(**{**content, "shape": tuple(content["shape"])})
        known = (
            manifest.format == FORMAT
            and manifest.dataset in DATASETS
            and manifest.split in get_args(SplitName)
            and manifest.source in get_args(SourceKind)
            and isinstance(manifest.place, str)
            and isinstance(manifest.digest, str)
            and manifest.shape[1:] == DATASETS[manifest.dataset].image_shape
            and all(type(manifest.bytes[name]) is int for name in _ARRAYS)
        )
    except (TypeError, KeyError) as error:
        raise DamagedStoreError(f"{folder / MANIFEST}: {error!r}") from None
    if not known:
        raise DamagedStoreError(f"{folder / MANIFEST} makes no sense")
    return manifest


def list_stores(root: Path) -> Iterator[tuple[Path, Manifest]]:
    """The stores in a cache, by name; those that are damaged are left out."""
    for folder in _entries(root):
        if not folder.name.startswith("."):
            try:
                manifest = read_manifest(folder)
            except DamagedStoreError:
                continue
            if manifest is not None:
                yield folder, manifest


def list_folders(root: Path, dataset: DatasetName) -> list[Path]:
    """Everything in a cache that belongs to a data set: stores, damaged ones, unfinished ones."""
    return [
        folder
        for folder in _entries(root)
        if folder.name.removeprefix(_BUILDING).startswith(f"{dataset}-")
    ]


def remove_folder(folder: Path) -> None:
    """Removes a folder as a whole; a process that has a store open keeps it until it ends."""
    # Renamed first: a folder of which some files are gone should not be seen under its name.
    aside = Path(tempfile.mkdtemp(prefix=_DISCARDED, dir=folder.parent))
    try:
        folder.rename(aside / folder.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _rename(building: Path, place: Path) -> None:
    for _ in range(_ATTEMPTS):
        try:
            building.rename(place)
            return
        except OSError:
            # Somebody was faster, or a damaged store lies there.
            try:
                if open_store(place) is not None:
                    return
            except DamagedStoreError:
                pass
            try:
                remove_folder(place)
            except FileNotFoundError:  # somebody else removed it
                continue
    raise OSError(f"{place} cannot be replaced")


def _remove_outdated(root: Path, key: StoreKey) -> None:
    """Removes the stores of the same source as it was before it changed."""
    for folder, manifest in list_stores(root):
        same = (manifest.dataset, manifest.split, manifest.source, manifest.place)
        if folder.name != key.folder_name and same == (
            key.dataset,
            key.split,
            key.source,
            key.place,
        ):
            with suppress(OSError):
                remove_folder(folder)


def _remove_abandoned(root: Path) -> None:
    """Removes what processes left behind that were killed while they built."""
    for folder in _entries(root):
        if folder.name.startswith((_BUILDING, _DISCARDED)):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER_S:
                    shutil.rmtree(folder, ignore_errors=True)


def _entries(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except OSError:
        return []


def _write_array(file: Path, array: npt.NDArray[np.generic], order: npt.NDArray[np.intp]) -> None:
    with open(file, "wb") as stream:
        header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(order), _CHUNK):
            stream.write(array[order[start : start + _CHUNK]].tobytes())
        flush_to_disk(stream)


def _open_array(file: Path, size: int, *, mapped: bool) -> npt.NDArray[Any]:
    try:
        if file.stat().st_size != size:
            raise DamagedStoreError(f"{file} has {file.stat().st_size} bytes instead of {size}")
        # asarray: a plain array that looks into the file, without memmap's own methods
        return np.asarray(np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DamagedStoreError(f"{file}: {error}") from None


_ARRAYS: Final = ("images.npy", "labels.npy")
_ATTEMPTS: Final = 5
