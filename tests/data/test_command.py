"""`python -m cnnviz data`, by its arguments and what it prints."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnnviz import progress_line
from cnnviz.cli import main
from cnnviz.data import command
from cnnviz.data import fetch as fetching
from cnnviz.data.canonical import split_digest
from cnnviz.data.catalogue import CIFAR10, MNIST
from cnnviz.data.datasets import load_split
from cnnviz.data.download import RemoteFile
from tests.data import layouts
from tests.data.layouts import invent
from tests.data.web_server import Web, serve

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `data ...`; exit status, stdout and stderr."""
    monkeypatch.setattr(command, "PROJECT", tmp_path / "app")

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["data", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Web]:
    """A server with MNIST's four files, invented."""
    with serve() as web:
        remotes = []
        for split in ("train", "test"):
            digits = invent(MNIST, 20)
            for file in layouts.write_idx(tmp_path / "origin", split, digits, packed=True):
                content = web.files[file.name] = file.read_bytes()
                md5 = hashlib.md5(content).hexdigest()
                url = web.url + file.name
                remotes.append(RemoteFile(file.name, (url,), len(content), md5))
        monkeypatch.setattr(fetching, "MNIST_FILES", tuple(remotes))
        yield web


def test_show_on_a_machine_without_data(run: Run) -> None:
    expected = """\
CIFAR-10 (cifar10)
  starter  test, 20 images, comes with cnnviz
  To have all of it: python -m cnnviz data fetch cifar10
MNIST (mnist)
  starter  train, 4,000 images, comes with cnnviz
  starter  test, 1,000 images, comes with cnnviz
  To have all of it: python -m cnnviz data fetch mnist
"""
    assert run() == (0, expected, "")
    assert run("show") == (0, expected, "")
    assert run("show", "mnist")[1].splitlines() == expected.splitlines()[3:]


def test_show_what_there_is(run: Run, named: Path, cache: Path) -> None:
    files = layouts.write_parquet(named / "cifar10", "test", invent(CIFAR10, 20))
    layouts.write_class_folders(named / "mnist" / "train", MNIST, invent(MNIST, 20))
    layouts.write_class_folders(named / "mnist" / "test", MNIST, invent(MNIST, 20))
    load_split("cifar10", "test")
    (cache / "downloads").mkdir()
    (cache / "downloads" / "cifar-10-python.tar.gz.part").write_bytes(b"x" * 5000)
    _, out, _ = run("show")
    size = f"{files[0].stat().st_size / 1000:.0f} kB"
    found = f"parquet, lacks train-00000-of-00001.parquet, {size}: {named}/cifar10"
    assert f"  found    {found}\n" in out
    assert f"  store    test, 20 images, from parquet, 62 kB: {cache}/store/cifar10-test-" in out
    assert "  begun    5.0 kB fetched so far: " in out
    assert f"  found    folders, complete: {named}/mnist\n" in out
    assert "fetch cifar10" in out
    assert "fetch mnist" not in out


def test_show_a_wrong_cnnviz_data(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", "/nowhere/at/all")
    assert "CNNVIZ_DATA names /nowhere/at/all, which does not exist." in run()[1]


def test_fetch_and_then_it_is_here(run: Run, web: Web, cache: Path) -> None:
    status, out, _ = run("fetch", "mnist")
    assert status == 0
    assert f"MNIST is here: {cache}/MNIST\n" in out
    digest = split_digest(*invent(MNIST, 20))[:16]
    assert f"MNIST (train): 20 images of its own, digest {digest}... (MNIST has another)" in out
    assert len(web.asked) == 4
    assert run("fetch", "mnist")[:2] == (status, out)
    assert len(web.asked) == 4


def test_fetch_is_needless_where_the_data_lies(run: Run, named: Path, web: Web) -> None:
    for split in ("train", "test"):
        layouts.write_parquet(named / "mnist", split, invent(MNIST, 20))
    status, out, _ = run("fetch", "mnist")
    assert status == 0
    assert f"MNIST is here already: {named}/mnist\n" in out
    assert web.asked == []


def test_fetch_without_a_network(run: Run, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    import socket

    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    status, out, err = run("fetch", "cifar10")
    assert (status, out) == (2, "")
    assert err.startswith("python -m cnnviz: cifar-10-python.tar.gz could not be fetched: www.cs.")
    assert "set CNNVIZ_DATA" in err
    assert list(cache.rglob("*")) == [cache / "downloads"]


def test_verify(run: Run, named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("verify")[1].startswith("Nothing to verify: only the starter sets")
    train, test = invent(MNIST, 30, 1), invent(MNIST, 20, 2)
    layouts.write_parquet(named / "mnist", "train", train)
    layouts.write_parquet(named / "mnist", "test", test)
    load_split("mnist", "test")
    digest = split_digest(*test)
    monkeypatch.setattr("cnnviz.data.catalogue.DatasetInfo.digest", lambda *_: digest)
    status, out, err = run("verify", "mnist")
    assert (status, err) == (0, "")
    first, second, third = out.splitlines()
    assert first.startswith(
        f"MNIST (train), parquet in {named}/mnist: 30 images of its own, digest"
    )
    assert second.endswith("mnist: 20 images, the complete split to the last pixel")
    assert third.startswith("MNIST (test), store in ")
    assert third.endswith(": 20 images, the complete split to the last pixel")


def test_verify_names_what_is_wrong(run: Run, named: Path, cache: Path) -> None:
    file, _ = layouts.write_idx(named, "test", invent(MNIST, 20), packed=True)
    load_split("mnist", "test")
    file.write_bytes(file.read_bytes()[:-5])
    (store,) = (cache / "store").iterdir()
    content = bytearray((store / "images.npy").read_bytes())
    content[-1] ^= 1
    (store / "images.npy").write_bytes(content)
    status, out, err = run("verify")
    assert (status, out) == (2, "")
    first, second, third, last = err.splitlines()
    assert first.endswith("NOT USABLE. It lacks train-images-idx3-ubyte, train-labels-idx1-ubyte.")
    assert f"{file} is damaged or cut short" in second
    assert "Its pixels or labels are not those that were written. Remove it by" in third
    assert last == "python -m cnnviz: 3 of 3 cannot be used; see above."


def test_remove_takes_what_is_ours_and_nothing_else(
    run: Run, web: Web, named: Path, cache: Path
) -> None:
    mine = layouts.write_parquet(named / "cifar10", "test", invent(CIFAR10, 20))
    beside = layouts.write_parquet(cache / "cifar10", "test", invent(CIFAR10, 20))
    load_split("cifar10", "test")
    run("fetch", "mnist")
    (cache / "downloads" / "cifar-10-python.tar.gz.part").write_bytes(b"x")
    (cache / ".fetching-cifar10-x").mkdir()
    (cache / "store" / ".building-cifar10-train-x").mkdir()
    status, out, _ = run("remove", "mnist", "--yes")
    assert status == 0
    assert out.count("/store/mnist-") == 2
    assert f": {cache}/MNIST\n" in out
    assert not (cache / "MNIST").exists()
    assert len(list((cache / "store").iterdir())) == 2
    assert run("remove", "--yes")[0] == 0
    assert {path.name for path in cache.iterdir()} == {"cifar10", "downloads", "store"}
    assert list((cache / "store").iterdir()) == []
    assert list((cache / "downloads").iterdir()) == []
    assert all(file.exists() for file in mine + beside)
    assert run("remove")[:2] == (0, "There is nothing to remove: cnnviz keeps nothing of that.\n")


def test_remove_leaves_a_folder_that_was_not_fetched(run: Run, cache: Path) -> None:
    file, _ = layouts.write_idx(cache, "test", invent(MNIST, 20), packed=True)
    run("remove", "--yes")
    assert file.exists()


@pytest.mark.parametrize(
    ("answer", "gone"), [("y", True), ("YES", True), ("", False), ("n", False)]
)
def test_remove_asks(
    run: Run, named: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, answer: str, gone: bool
) -> None:
    layouts.write_parquet(named / "mnist", "test", invent(MNIST, 20))
    load_split("mnist", "test")
    monkeypatch.setattr("builtins.input", lambda question: answer)
    status, out, _ = run("remove")
    assert (status, "Nothing was removed" in out) == ((0, False) if gone else (1, True))
    assert (list((cache / "store").iterdir()) == []) is gone


def test_remove_where_nobody_can_answer(
    run: Run, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts.write_parquet(named / "mnist", "test", invent(MNIST, 20))
    load_split("mnist", "test")

    def nobody(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert run("remove")[0] == 1


def test_an_unknown_data_set(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("fetch", "imagenet")
    assert ended.value.code == 2
    assert "invalid choice: 'imagenet'" in capsys.readouterr().err


def test_progress_on_a_terminal(
    run: Run, web: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    clock = iter(range(1000, 10**6))  # a second passes between any two looks at it
    monkeypatch.setattr(
        progress_line, "time", SimpleNamespace(monotonic=lambda: float(next(clock)))
    )
    _, _, err = run("fetch", "mnist")
    lines = err.split("\r")
    assert any(line.startswith("Fetching train-images-idx3-ubyte.gz, ") for line in lines)
    assert any(line.startswith("MNIST (test) is ready (100%)") for line in lines)
    assert "\n" not in err
    assert max(map(len, lines)) < 80
