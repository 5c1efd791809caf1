"""SQLite as the store uses it: short transactions, and its errors in our words.

A connection is used by one thread at a time and lent out again afterwards: a page's threads are
short-lived, and thirty viewers need no more connections than ask at the same moment. A process that
was forked opens its own and leaves its parent's alone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cnnviz.errors import DiskFullError, RunError

BUSY_S: Final = 10.0
"""How long a transaction waits for another process's."""

_MOST_IDLE: Final = 8
"""So many are kept for the next: each holds up to 2 MB of what it read."""

_FULL: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"})


class Connections:
    """Connections to one database."""

    def __init__(self, file: Path, *, busy_s: float = BUSY_S) -> None:
        self._file = file
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._abandoned: list[sqlite3.Connection] = []  # a forked process must not even close these
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several queries of one moment. Never waits for a writer, and never makes one wait."""
        with self.lent() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _end(connection, "COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, all of it or nothing. DiskFullError or RunError if it cannot be."""
        with self.lent() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                _end(connection, "ROLLBACK")

    def close(self) -> None:
        """Closes them all; one that is lent out at the moment is closed when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """A connection outside of any transaction."""
        try:
            connection = self._take() or self._open()
            try:
                yield connection
            finally:
                self._give_back(connection)
        except sqlite3.Error as error:
            raise _in_our_words(error, self._file) from error

    def _take(self) -> sqlite3.Connection | None:
        with self._lock:
            if self._closed:
                raise RunError(f"{self._file} was closed by this process: open the store again")
            if self._process != os.getpid():
                self._abandoned += self._idle
                self._idle, self._process = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _open(self) -> sqlite3.Connection:
        # check_same_thread: the connection goes from thread to thread, but never serves two.
        connection = sqlite3.connect(
            self._file, timeout=self._busy_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            # With WAL: a killed process loses nothing, a power cut at most the last moments.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _end(connection: sqlite3.Connection, statement: str) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):  # what went wrong is already under way as an exception
            connection.execute(statement)


def _in_our_words(error: sqlite3.Error, file: Path) -> RunError:
    name = getattr(error, "sqlite_errorname", "")
    if name in _FULL:
        return DiskFullError(f"The disk of {file.parent} is full: make room on it")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RunError(f"{file} is in use by another process for long: try again")
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return RunError(
            f"{file} is damaged ({error}): move it away, and a new one is made; or name another "
            "folder in CNNVIZ_RUNS"
        )
    return RunError(f"{file} cannot be used ({error})")
