"""Data sets from a server: what is unpacked, what is refused; nothing half-made is left."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnnviz.data import fetch as fetching
from cnnviz.data.canonical import split_digest
from cnnviz.data.catalogue import CIFAR10, MNIST
from cnnviz.data.download import RemoteFile
from cnnviz.data.fetch import CIFAR10_ARCHIVE, CIFAR10_MEMBERS, MNIST_FILES, MNIST_MIRRORS, fetch
from cnnviz.data.sources.torchvision_layout import MD5
from cnnviz.errors import CorruptDataError, DataError, SettingError
from tests.data import layouts
from tests.data.conftest import Load
from tests.data.layouts import invent
from tests.data.web_server import Web, serve

TRAIN, TEST = invent(CIFAR10, 50), invent(CIFAR10, 20, 1)
DIGITS = {"train": invent(MNIST, 50), "test": invent(MNIST, 20, 1)}


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as web:
        yield web


def known_as(content: bytes, name: str, web: Web) -> RemoteFile:
    web.files[name] = content
    md5 = hashlib.md5(content).hexdigest()
    return RemoteFile(name, (web.url + name,), len(content), md5)


def pack(folder: Path, *others: tarfile.TarInfo, without: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for other in others:
            packed.addfile(other, io.BytesIO(b"x" * other.size))
        for file in sorted(folder.iterdir()):
            if file.name != without:
                packed.add(file, f"cifar-10-batches-py/{file.name}")
    return buffer.getvalue()


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of invented batches; their checksums are the ones that are asked for."""
    folder = layouts.write_pickles(tmp_path / "origin", TRAIN, TEST)
    sums = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    monkeypatch.setattr(fetching, "CIFAR10_MEMBERS", sums)
    return folder


@pytest.fixture
def cifar10(
    web: Web, batches: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bytes | None], None]:
    """Puts an archive on the server: all batches unless it is given."""

    def publish(content: bytes | None = None) -> None:
        archive = known_as(content or pack(batches), "cifar-10-python.tar.gz", web)
        monkeypatch.setattr(fetching, "CIFAR10_ARCHIVE", archive)

    return publish


@pytest.fixture
def mnist(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RemoteFile, ...]:
    """Puts four packed files on the server."""
    remotes = tuple(
        known_as(file.read_bytes(), file.name, web)
        for split, digits in DIGITS.items()
        for file in layouts.write_idx(tmp_path / "origin", split, digits, packed=True)
    )
    monkeypatch.setattr(fetching, "MNIST_FILES", remotes)
    return remotes


def everything(cache: Path) -> set[str]:
    if not cache.exists():
        return set()
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}


def test_cifar10(
    cifar10: Callable[[bytes | None], None], batches: Path, cache: Path, load: Load, web: Web
) -> None:
    readme = tarfile.TarInfo("cifar-10-batches-py/readme.html")
    cifar10(pack(batches, readme))
    told: list[float] = []
    folder = fetch("cifar10", progress=lambda _, share: told.append(share))
    assert folder == cache / "cifar-10-batches-py"
    assert everything(cache) == {
        f"cifar-10-batches-py/{name}" for name in (*CIFAR10_MEMBERS, "fetched.json")
    }
    assert told == sorted(told)
    assert told[-1] == 1
    assert load("cifar10", "train").digest == split_digest(*TRAIN)
    assert load("cifar10", "test").source == "torchvision"
    fetch("cifar10")
    assert len(web.asked) == 1  # it is there


def test_mnist(mnist: tuple[RemoteFile, ...], cache: Path, load: Load, web: Web) -> None:
    told: list[float] = []
    folder = fetch("mnist", progress=lambda _, share: told.append(share))
    assert folder == cache / "MNIST"
    assert everything(cache) == {
        "MNIST/fetched.json",
        *(f"MNIST/raw/{remote.name}" for remote in mnist),
    }
    assert told == sorted(told)
    for split, digits in DIGITS.items():
        assert load("mnist", split).digest == split_digest(*digits)


def test_a_break_leaves_no_data_set_and_is_gone_on_from(
    mnist: tuple[RemoteFile, ...], cache: Path, web: Web, load: Load
) -> None:
    web.cut_after = [10**9, 10**9, 100, 0, 0]  # the third file
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz could not be fetched"):
        fetch("mnist", pause_s=0)
    assert not (cache / "MNIST").exists()
    assert load("mnist", "test").source == "starter"
    asked = len(web.asked)
    fetch("mnist")
    assert [path for path, _ in web.asked[asked:]] == [
        "/t10k-images-idx3-ubyte.gz",
        "/t10k-labels-idx1-ubyte.gz",
    ]
    assert web.asked[asked][1] == "bytes=100-"
    assert load("mnist", "test").source == "torchvision"


def test_a_damaged_fetch_is_replaced(
    mnist: tuple[RemoteFile, ...], cache: Path, load: Load
) -> None:
    file = fetch("mnist") / "raw" / mnist[0].name
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(CorruptDataError):
        load("mnist", "train")
    fetch("mnist")
    assert load("mnist", "train").digest == split_digest(*DIGITS["train"])
    assert not [name for name in everything(cache) if "fetching" in name]


def test_what_the_user_put_there_is_not_replaced(
    mnist: tuple[RemoteFile, ...], cache: Path, web: Web
) -> None:
    (cache / "MNIST" / "raw").mkdir(parents=True)
    (cache / "MNIST" / "raw" / "mine").write_text("mine")
    with pytest.raises(DataError, match="MNIST is in the way: it is no whole MNIST, and was not"):
        fetch("mnist")
    assert (cache / "MNIST" / "raw" / "mine").read_text() == "mine"
    assert web.asked == []


def member(name: str, **attributes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    ("evil", "why"),
    [
        (member("cifar-10-batches-py/test_batch", type=tarfile.SYMTYPE, linkname="/x"), "not the"),
        (member("cifar-10-batches-py/test_batch", type=tarfile.LNKTYPE, linkname="/x"), "not the"),
        (member("cifar-10-batches-py/test_batch", type=tarfile.FIFOTYPE), "not the file"),
        (member("cifar-10-batches-py/test_batch", type=tarfile.DIRTYPE), "not the file"),
        (member("cifar-10-batches-py/test_batch", size=3), "the MD5 of .*test_batch is wrong"),
        (member("../escaped", size=3), ""),
        (member("/tmp/escaped", size=3), ""),
        (member("cifar-10-batches-py/../../escaped", size=3), ""),
        (member("cifar-10-batches-py/more", type=tarfile.SYMTYPE, linkname="/"), ""),
    ],
)
def test_nothing_but_the_batches_comes_out_of_an_archive(
    cifar10: Callable[[bytes | None], None],
    batches: Path,
    cache: Path,
    tmp_path: Path,
    evil: tarfile.TarInfo,
    why: str,
) -> None:
    cifar10(pack(batches, evil))
    if why:
        with pytest.raises(CorruptDataError, match=why):
            fetch("cifar10")
        assert not (cache / "cifar-10-batches-py").exists()
    else:
        assert {file.name for file in fetch("cifar10").iterdir()} == {
            *CIFAR10_MEMBERS,
            "fetched.json",
        }
    assert not list(tmp_path.rglob("escaped"))
    assert not list(cache.glob(".fetching-*"))


def test_an_archive_that_lacks_a_batch(
    cifar10: Callable[[bytes | None], None], batches: Path, cache: Path
) -> None:
    cifar10(pack(batches, without="data_batch_4"))
    with pytest.raises(CorruptDataError, match="lacks data_batch_4"):
        fetch("cifar10")
    assert not (cache / "cifar-10-batches-py").exists()


@pytest.mark.parametrize(
    "content", [b"no archive", gzip.compress(b"no archive")], ids=["text", "gzip"]
)
def test_an_archive_that_is_none(
    cifar10: Callable[[bytes | None], None], cache: Path, content: bytes
) -> None:
    cifar10(content)
    with pytest.raises(CorruptDataError, match=r"cifar-10-python\.tar\.gz cannot be unpacked"):
        fetch("cifar10")
    assert not (cache / "cifar-10-batches-py").exists()


def test_a_disk_that_is_full(
    mnist: tuple[RemoteFile, ...], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(DataError, match=r"MNIST cannot be written \(No space left"):
            fetch("mnist")
    assert not (cache / "MNIST").exists()
    assert not list(cache.glob(".fetching-*"))


def test_an_unknown_data_set(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="use cifar10 or mnist"):
        fetch("imagenet", cache_folder=tmp_path)


def test_addresses_and_checksums_are_those_of_torchvision() -> None:
    import torchvision.datasets

    cifar10, mnist = torchvision.datasets.CIFAR10, torchvision.datasets.MNIST
    assert CIFAR10_ARCHIVE.urls == (cifar10.url,)
    assert (CIFAR10_ARCHIVE.name, CIFAR10_ARCHIVE.md5) == (
        cifar10.filename,
        cifar10.tgz_md5,
    )
    assert dict(cifar10.train_list + cifar10.test_list) == MD5
    meta = cifar10.meta
    assert {**MD5, meta["filename"]: meta["md5"]} == CIFAR10_MEMBERS
    assert list(MNIST_MIRRORS) == mnist.mirrors
    assert [(remote.name, remote.md5) for remote in MNIST_FILES] == mnist.resources
