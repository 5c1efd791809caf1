"""A download that many wait for: progress, cancelling, errors, and going on."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnnviz.data import fetch as fetching
from cnnviz.data.background import BackgroundFetch, background_fetch, download_bytes
from cnnviz.data.catalogue import MNIST
from cnnviz.data.download import RemoteFile
from cnnviz.data.fetch import MNIST_FILES, fetch
from cnnviz.data.progress import Progress
from cnnviz.errors import DataError, SettingError
from tests.data import layouts
from tests.data.layouts import invent
from tests.data.web_server import Web, serve

LIMIT_S = 60


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as web:
        yield web


@pytest.fixture
def mnist(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RemoteFile, ...]:
    """An invented MNIST on the server."""
    layouts.write_idx(tmp_path / "origin", "train", invent(MNIST, 800), packed=True)
    layouts.write_idx(tmp_path / "origin", "test", invent(MNIST, 20, 1), packed=True)
    remotes = []
    for remote in MNIST_FILES:
        content = next((tmp_path / "origin").rglob(remote.name)).read_bytes()
        web.files[remote.name] = content
        md5 = hashlib.md5(content).hexdigest()
        remotes.append(RemoteFile(remote.name, (web.url + remote.name,), len(content), md5))
    monkeypatch.setattr(fetching, "MNIST_FILES", tuple(remotes))
    return tuple(remotes)


def small_fetch(dataset: str, tell: Progress) -> Path:
    return fetch(dataset, progress=tell, timeout_s=5, pause_s=0)


def wait_until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_fetches_and_says_how_far_it_is(mnist: tuple[RemoteFile, ...], cache: Path) -> None:
    download = BackgroundFetch("mnist", fetch_now=small_fetch)
    assert download.status().state == "idle"
    download.start()
    status = download.wait(LIMIT_S)
    assert (status.state, status.share, status.is_active) == ("done", 1.0, False)
    assert sorted(file.name for file in (cache / "MNIST" / "raw").iterdir()) == sorted(
        remote.name for remote in mnist
    )


def test_whoever_starts_it_again_joins_the_one_that_runs() -> None:
    going, calls = threading.Event(), list[str]()

    def slow(dataset: str, tell: Progress) -> Path:
        calls.append(dataset)
        tell("Fetching a file", 0.25)
        assert going.wait(LIMIT_S)
        return Path()

    download = BackgroundFetch("cifar10", fetch_now=slow)
    threads = [threading.Thread(target=download.start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: download.status().share == 0.25)
    assert download.status().words == "Fetching a file"
    assert download.status().is_active
    going.set()
    assert download.wait(LIMIT_S).state == "done"
    assert calls == ["cifar10"]


def test_it_is_cancelled_and_goes_on_from_there(
    mnist: tuple[RemoteFile, ...], web: Web, cache: Path
) -> None:
    largest = mnist[0]
    web.stall = threading.Event()
    web.cut_after = [1000]  # the server sends so much and falls silent
    download = BackgroundFetch("mnist", fetch_now=small_fetch)
    download.start()
    wait_until(lambda: download.status().share > 0)
    download.cancel()
    assert download.status().state == "stopping"
    web.stall.set()
    assert download.wait(LIMIT_S).state == "cancelled"
    assert not (cache / "MNIST").exists()
    part = cache / "downloads" / f"{largest.name}.part"
    assert 1000 <= part.stat().st_size < largest.bytes
    web.stall = None
    web.asked.clear()
    download.start()
    assert download.wait(LIMIT_S).state == "done"
    assert web.asked[0][1].startswith("bytes=")
    download.cancel()  # too late, and harmless
    assert download.status().state == "done"


def test_starting_while_it_stops_takes_the_cancellation_back() -> None:
    going = threading.Event()

    def slow(dataset: str, tell: Progress) -> Path:
        assert going.wait(LIMIT_S)
        tell("Fetching on", 0.5)
        return Path()

    download = BackgroundFetch("mnist", fetch_now=slow)
    download.start()
    download.cancel()
    download.start()
    going.set()
    assert download.wait(LIMIT_S).state == "done"


def test_without_a_network_it_fails_in_words_and_can_be_tried_again(
    mnist: tuple[RemoteFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    download = BackgroundFetch("mnist", fetch_now=small_fetch)
    with monkeypatch.context() as patch:
        patch.setattr("socket.getaddrinfo", nowhere)
        patch.setattr("socket.create_connection", nowhere)
        download.start()
        status = download.wait(LIMIT_S)
    assert status.state == "failed"
    assert "this machine seems to have no network" in status.words
    download.start()
    assert download.wait(LIMIT_S).state == "done"


@pytest.mark.parametrize(
    ("error", "words"),
    [(DataError("No room."), "No room."), (ValueError("odd"), "ValueError: odd")],
)
def test_any_error_is_kept_and_not_raised(error: Exception, words: str) -> None:
    def fails(dataset: str, tell: Progress) -> Path:
        raise error

    download = BackgroundFetch("mnist", fetch_now=fails)
    download.start()
    status = download.wait(LIMIT_S)
    assert (status.state, status.words) == ("failed", words)


def test_one_for_a_process_and_its_size() -> None:
    assert background_fetch("mnist") is background_fetch("mnist")
    assert background_fetch("mnist") is not background_fetch("cifar10")
    assert download_bytes("cifar10") == 170_498_071
    assert download_bytes("mnist") == sum(remote.bytes for remote in MNIST_FILES)
    with pytest.raises(SettingError, match="use cifar10 or mnist"):
        background_fetch("imagenet")
