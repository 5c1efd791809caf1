"""A lock between processes that the system gives back when its holder ends, however it ends."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from cnnviz.errors import RunError


class ProcessLock:
    """Held by one process, and by one of its threads' objects, at a time.

    It is SQLite's own lock on an empty database: there is one on every system, it works between
    threads too, and no stale file ever has to be judged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._connection is not None

    def acquire(self) -> bool:
        """Takes it if nobody has it; whether it is held now."""
        if self._connection is not None:
            return True
        connection = None
        try:
            connection = sqlite3.connect(
                self._file, timeout=0, isolation_level=None, check_same_thread=False
            )
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                return False
            raise RunError(f"{self._file} cannot be used ({error})") from None
        self._connection = connection
        return True

    def release(self) -> None:
        """Gives it back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
