"""The data sets from the network: torchvision's layout, from the addresses that torchvision uses.

    <cache>/downloads/                archives and what has come of them so far
    <cache>/cifar-10-batches-py/      CIFAR-10, unpacked
    <cache>/MNIST/raw/                MNIST, packed as it comes

A folder is made under another name and renamed when all of it is there and its checksums are
right. `fetched.json` in it says that it was fetched here: only such a folder is ever removed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cnnviz.data.catalogue import DatasetName, find_dataset
from cnnviz.data.download import TIMEOUT_S, RemoteFile, download
from cnnviz.data.locations import CIFAR10_META, user_cache
from cnnviz.data.progress import Progress, no_progress
from cnnviz.data.sources.torchvision_layout import MD5
from cnnviz.errors import CorruptDataError, DataError

MARK: Final = "fetched.json"
DOWNLOADS: Final = "downloads"

CIFAR10_ARCHIVE: Final = RemoteFile(
    # torchvision.datasets.CIFAR10
    "cifar-10-python.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
    170_498_071,
    "c58f30108f718f92721af3b95e74349a",
)
CIFAR10_MEMBERS: Final = {**MD5, CIFAR10_META: "5ff9c542aee3614f3951f8cda6e48888"}
_MAKING: Final = ".fetching-"
_MEMBER_BYTES: Final = 64 * 2**20

# torchvision.datasets.MNIST
MNIST_MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
MNIST_FILES: Final = tuple(
    RemoteFile(name, tuple(mirror + name for mirror in MNIST_MIRRORS), size, md5)
    for name, size, md5 in (
        ("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    )
)

FOLDERS: Final[dict[DatasetName, str]] = {"cifar10": "cifar-10-batches-py", "mnist": "MNIST"}


def fetch(
    dataset: str,
    *,
    cache_folder: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    progress: Progress = no_progress,
    timeout_s: float = TIMEOUT_S,
    pause_s: float = 1.0,
) -> Path:
    """Fetches a data set into the user's cache and returns its folder there.

    Nothing is fetched if an earlier fetch is there and whole; one that is damaged is replaced.
    Raises DataError that says what went wrong and what would do; then nothing that looks like a
    data set is left behind, only what has come so far, from which the next call goes on.
    """
    name = find_dataset(dataset).name
    cache = cache_folder or user_cache(environment)
    place = cache / FOLDERS[name]
    remotes = (CIFAR10_ARCHIVE,) if name == "cifar10" else MNIST_FILES
    if place.exists():
        if _is_whole(name, place):
            return place
        if not was_fetched(place):
            raise DataError(
                f"{place} is in the way: it is no whole {find_dataset(dataset).title}, and was not "
                "fetched by cnnviz. Remove it or move it elsewhere, and run it again."
            )
    total = sum(remote.bytes for remote in remotes)
    files: list[Path] = []
    before = 0
    for remote in remotes:

        def told(
            message: str, share: float, before: int = before, size: int = remote.bytes
        ) -> None:
            progress(message, (before + share * size) / total)

        files.append(
            download(remote, cache / DOWNLOADS, told, timeout_s=timeout_s, pause_s=pause_s)
        )
        before += remote.bytes
    progress(f"Unpacking to {place}", 1.0)
    try:
        _settle(name, files, cache, place)
    except OSError as error:
        raise DataError(
            f"{place} cannot be written ({error.strerror or error}). Make room, or name another "
            "cache folder with XDG_CACHE_HOME, and run it again."
        ) from None
    remove_downloads(name, cache)
    return place


def was_fetched(place: Path) -> bool:
    """Whether a folder was made by `fetch`."""
    return (place / MARK).is_file()


def remove_downloads(dataset: DatasetName, cache: Path) -> None:
    """Removes the archives of a data set, and what has come of them so far."""
    for file in list_downloads(dataset, cache):
        file.unlink(missing_ok=True)


def list_downloads(dataset: DatasetName, cache: Path) -> list[Path]:
    """The archives of a data set in the cache, whole or in part, with what belongs to them."""
    remotes = (CIFAR10_ARCHIVE,) if dataset == "cifar10" else MNIST_FILES
    names = [remote.name + end for remote in remotes for end in ("", ".part", ".part.json")]
    return [file for name in names if (file := cache / DOWNLOADS / name).exists()]


def list_unfinished(dataset: DatasetName, cache: Path) -> list[Path]:
    """What processes left behind that were killed while they unpacked."""
    return sorted(cache.glob(f"{_MAKING}{dataset}-*"))


def _settle(name: DatasetName, files: list[Path], cache: Path, place: Path) -> None:
    """Puts the files under their final name, all at once."""
    making = Path(tempfile.mkdtemp(prefix=f"{_MAKING}{name}-", dir=cache))
    try:
        fresh = making / place.name
        if name == "cifar10":
            fresh.mkdir()
            _unpack(files[0], fresh)
        else:
            (fresh / "raw").mkdir(parents=True)
            for file in files:
                shutil.copyfile(file, fresh / "raw" / file.name)
        (fresh / MARK).write_text(
            json.dumps({"by": "python -m cnnviz data fetch", "dataset": name}), encoding="utf-8"
        )
        if place.exists():
            if _is_whole(name, place):  # another process was faster
                return
            place.rename(making / "damaged")
        fresh.rename(place)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _unpack(archive: Path, folder: Path) -> None:
    """Writes the files that CIFAR-10 consists of, and no other, under names that are ours.

    Nothing in the archive says where anything is written, so that it cannot leave the folder; a
    link or a device among the names is refused.
    """
    wanted = dict(CIFAR10_MEMBERS)
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                name = member.name.removeprefix("cifar-10-batches-py/")
                if name not in wanted:
                    continue
                content = packed.extractfile(member) if member.isreg() else None
                if content is None or member.size > _MEMBER_BYTES:
                    raise CorruptDataError(f"{archive}: {member.name} is not the file it should be")
                data = content.read()
                if hashlib.md5(data).hexdigest() != wanted.pop(name):
                    raise CorruptDataError(f"{archive}: the MD5 of {member.name} is wrong")
                (folder / name).write_bytes(data)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptDataError(f"{archive} cannot be unpacked ({error})") from None
    if wanted:
        raise CorruptDataError(f"{archive} lacks {', '.join(sorted(wanted))}")


def _is_whole(name: DatasetName, place: Path) -> bool:
    if name == "cifar10":
        sums = {place / file: md5 for file, md5 in CIFAR10_MEMBERS.items()}
    else:
        sums = {place / "raw" / remote.name: remote.md5 for remote in MNIST_FILES}
    return all(
        file.is_file() and hashlib.md5(file.read_bytes()).hexdigest() == md5
        for file, md5 in sums.items()
    )
