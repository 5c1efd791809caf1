"""Fixtures for all tests: the app, started once, and a port that is free."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest

# Before any test starts the warm-up's thread: two threads that import torch at once break it.
import torch  # noqa: F401

# The same examples every time, and no time limit for one: the machine may be busy.
hypothesis.settings.register_profile("cnnviz", deadline=None, derandomize=True)
hypothesis.settings.load_profile("cnnviz")

PROJECT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 60.0


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder that holds app.py."""
    return PROJECT


@pytest.fixture(scope="session")
def find_free_port() -> Callable[[], int]:
    """A function that names a port that nobody listens on at the moment."""

    def find() -> int:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return int(listener.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def run_app(
    find_free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[str]]:
    """A function that starts the app on a port of its own, and stops it in the end.

    Its trainings are kept in a temporary folder. What it is given by name are variables of the
    environment, in place of this process's.
    """

    @contextmanager
    def run(**environment: str) -> Iterator[str]:
        port = find_free_port()
        folder = tmp_path_factory.mktemp("app")
        log = folder / "server.log"
        options = {"port": str(port), "address": "127.0.0.1", "headless": "true"}
        arguments = [part for key, value in options.items() for part in (f"--server.{key}", value)]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", *arguments],
                cwd=PROJECT,
                env=os.environ | {"CNNVIZ_RUNS": str(folder / "runs")} | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_until_up(url, server, log)
                yield url
            finally:
                _stop(server)

    return run


@pytest.fixture(scope="session")
def app_url(run_app: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """The address of the running app, without a slash at its end."""
    with run_app() as url:
        yield url


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"the app did not start:\n{log.read_text(errors='replace')}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        if server.poll() is None:
            os.killpg(server.pid, number)
        try:
            server.wait(10)
            return
        except subprocess.TimeoutExpired:
            continue
