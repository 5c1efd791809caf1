"""Streamlit servers that are started for a measurement and always stopped after it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

PROJECT: Final = Path(__file__).resolve().parent.parent
START_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 5.0
ATTEMPTS: Final = 3
POLL_S: Final = 0.005
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ServerError(RuntimeError):
    """A server that did not start; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that takes connections.

    url: without a slash at its end. started_at: seconds since the epoch, just before its start.
    pid: of the process that serves.
    """

    url: str
    started_at: float
    pid: int


@contextmanager
def serve(entry: str, environment: Mapping[str, str] = NOTHING) -> Iterator[Server]:
    """`streamlit run` of a file of the project, in a process group that ends with the block.

    entry: relative to the project's folder, whose `.streamlit/config.toml` holds for all.
    environment: variables in addition to those of this process. Tries again on another port if
    somebody took the free one in between.
    """
    with tempfile.TemporaryFile() as log:
        for attempt in range(1, ATTEMPTS + 1):
            port = _free_port()
            started_at = time.time()
            process = _start(entry, port, log, environment)
            try:
                if _is_up(process, port):
                    yield Server(f"http://127.0.0.1:{port}", started_at, process.pid)
                    return
                if process.poll() is None or attempt == ATTEMPTS:
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-2000:]
                    raise ServerError(f"{entry} did not start on port {port}:\n{said}")
            finally:
                _stop(process)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _start(
    entry: str, port: int, log: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    options = {"port": str(port), "address": "127.0.0.1", "headless": "true"}
    arguments = [part for key, value in options.items() for part in (f"--server.{key}", value)]
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", entry, *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _is_up(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return process.poll() is None
        except OSError:
            time.sleep(POLL_S)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole group: politely, then for certain."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            continue
        if number == signal.SIGKILL:
            return
