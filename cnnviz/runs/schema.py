"""The tables of the store, and their version.

Every transaction that changes something takes the next number of `store.version` and stamps the run
and the rows that it writes with it. A reader that knows a run up to a stamp asks for what is newer.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from cnnviz.errors import RunError

SCHEMA: Final = 1
"""Changes when the tables do."""
APPLICATION: Final = 0x636E6E76  # "cnnv"
_WAL_WITHIN_S: Final = 10.0

_TABLES: Final = """
CREATE TABLE store (
    version INTEGER NOT NULL,
    scheduler TEXT                   -- who schedules, in words
);
INSERT INTO store VALUES (0, NULL);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    config TEXT NOT NULL,            -- JSON of TrainingConfig
    status TEXT NOT NULL,
    queued INTEGER,                  -- those that wait, in this order
    message TEXT NOT NULL DEFAULT '',
    executor TEXT,
    device TEXT,
    handle TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    created_s REAL NOT NULL,
    started_s REAL,
    ended_s REAL,
    heartbeat_s REAL,
    step INTEGER NOT NULL DEFAULT 0,
    epochs_done INTEGER NOT NULL DEFAULT 0,
    fraction_done REAL NOT NULL DEFAULT 0,
    elapsed_s REAL NOT NULL DEFAULT 0,
    remaining_s REAL,
    validation_accuracy REAL,
    start TEXT,                      -- JSON of the last attempt's StartRecord
    version INTEGER NOT NULL,        -- stamp of the last change
    rewound INTEGER NOT NULL         -- stamp since which no record was taken back
);
CREATE INDEX runs_by_status ON runs (status, queued);

CREATE TABLE steps (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    step INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    epoch REAL, loss REAL, accuracy REAL, learning_rate REAL, weight_decay REAL,
    gradient_norm REAL, images_per_s REAL, elapsed_s REAL, remaining_s REAL, fraction_done REAL,
    PRIMARY KEY (run, step)
) WITHOUT ROWID;
CREATE INDEX steps_by_stamp ON steps (run, stamp);

CREATE TABLE epochs (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    record TEXT NOT NULL,            -- JSON of EpochRecord
    PRIMARY KEY (run, epoch)
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    stamp INTEGER NOT NULL,
    step INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at_s REAL NOT NULL,
    elapsed_s REAL NOT NULL,
    learning_rate REAL NOT NULL,
    weight_decay REAL NOT NULL
);
CREATE INDEX events_by_run ON events (run, stamp);

CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    kind TEXT NOT NULL,
    learning_rate REAL,
    weight_decay REAL,
    reason TEXT NOT NULL
);
CREATE INDEX commands_by_run ON commands (run, id);
"""


def prepare(connection: sqlite3.Connection, name: str) -> None:
    """Makes the tables if there are none; RunError if they are of another version.

    name: the store, for messages.
    """
    _switch_to_wal(connection)
    connection.execute("BEGIN IMMEDIATE")  # of two processes that come first, one makes them
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0 and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
            version = SCHEMA
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    finally:
        connection.execute("COMMIT" if connection.in_transaction else "SELECT 1")
    if application != APPLICATION:
        raise RunError(f"{name} is a database of something else: name another folder for runs")
    if version != SCHEMA:
        newer = version > SCHEMA
        raise RunError(
            f"{name} has tables of version {version}, but this cnnviz knows version {SCHEMA}: "
            + ("update cnnviz" if newer else "use an older cnnviz")
            + ", or name another folder in CNNVIZ_RUNS"
        )


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Sets the journal's mode, which is kept in the file.

    Of several processes that do it at once SQLite lets one, and tells the others at once that the
    database is locked, however long they would wait otherwise.
    """
    deadline = time.monotonic() + _WAL_WITHIN_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
