"""What the one worker of a run writes into the store.

Each start of a run is an attempt with a number. A worker whose number is no longer the run's last,
or whose run was ended or deleted, gets LostRunError from every method and writes nothing: a worker
that everybody took for dead cannot spoil what its successor does.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple

from cnnviz.runs import rows
from cnnviz.runs.run import ACTIVE, Command, Event, Run, RunStatus
from cnnviz.runs.store import RunStore
from cnnviz.runs.transactions import end_run, next_stamp
from cnnviz.training import records
from cnnviz.training.records import EpochRecord, StartRecord, StepRecord


class LostRunError(Exception):
    """The run is no longer this worker's; nobody gets to see this."""


class Attempt:
    """One start of a run, for its worker."""

    def __init__(self, store: RunStore, run_id: int, number: int) -> None:
        self._store = store
        self._id = run_id
        self._number = number

    def run(self) -> Run:
        """The run."""
        with self._store.connections.reading() as connection:
            self._check(connection)
        return self._store.get_run(self._id)

    def say(self, message: str) -> None:
        """Tells people what is being done."""
        with self._changing() as (connection, stamp):
            connection.execute(
                "UPDATE runs SET message = ?, version = ? WHERE id = ?", (message, stamp, self._id)
            )

    def beat(self) -> None:
        """A sign of life."""
        with self._store.connections.writing() as connection:
            self._check(connection)
            connection.execute(
                "UPDATE runs SET heartbeat_s = ? WHERE id = ?", (time.time(), self._id)
            )

    def begin(self, start: StartRecord, epochs_done: int, event: Event) -> None:
        """Training begins at `start.first_step`: takes back what is known of later steps."""
        step = start.first_step
        with self._changing() as (connection, stamp):
            taken_back = [
                connection.execute(
                    f"DELETE FROM {table} WHERE run = ? AND {column} > ?", (self._id, last)
                ).rowcount
                for table, column, last in (
                    ("steps", "step", step),
                    ("epochs", "epoch", epochs_done),
                    ("events", "step", step if step else -1),
                )
            ]
            if any(taken_back):
                connection.execute("UPDATE runs SET rewound = ? WHERE id = ?", (stamp, self._id))
            last_epoch = connection.execute(
                "SELECT record FROM epochs WHERE run = ? ORDER BY epoch DESC LIMIT 1", (self._id,)
            ).fetchone()
            accuracy = json.loads(last_epoch[0])["validation_accuracy"] if last_epoch else None
            connection.execute(
                "UPDATE runs SET start = ?, step = ?, epochs_done = ?, fraction_done = ?, "
                "elapsed_s = ?, validation_accuracy = ?, message = ?, version = ? WHERE id = ?",
                (
                    json.dumps(records.to_json(start)),
                    step,
                    epochs_done,
                    step / start.total_steps,
                    event.elapsed_s,
                    accuracy,
                    f"Trains on {start.device_name}.",
                    stamp,
                    self._id,
                ),
            )
            self._insert_event(connection, stamp, event)

    def add(self, told: Sequence[StepRecord | EpochRecord]) -> None:
        """Keeps records."""
        with self._changing() as (connection, stamp):
            for record in told:
                if isinstance(record, StepRecord):
                    connection.execute(rows.INSERT_STEP, (self._id, stamp, *rows.step_row(record)))
                    connection.execute(
                        "UPDATE runs SET step = ?, fraction_done = ?, elapsed_s = ?, "
                        "remaining_s = ? WHERE id = ?",
                        (
                            record.step,
                            record.fraction_done,
                            record.elapsed_s,
                            record.remaining_s,
                            self._id,
                        ),
                    )
                else:
                    text = json.dumps(records.to_json(record))
                    connection.execute(
                        "INSERT OR REPLACE INTO epochs (run, epoch, stamp, record) "
                        "VALUES (?, ?, ?, ?)",
                        (self._id, record.epoch, stamp, text),
                    )
                    connection.execute(
                        "UPDATE runs SET epochs_done = ?, elapsed_s = ?, validation_accuracy = ? "
                        "WHERE id = ?",
                        (record.epoch, record.elapsed_s, record.validation_accuracy, self._id),
                    )
            connection.execute(
                "UPDATE runs SET heartbeat_s = ?, version = ? WHERE id = ?",
                (time.time(), stamp, self._id),
            )

    def note(self, event: Event, status: RunStatus, message: str) -> None:
        """Keeps an event, and what the run is now."""
        with self._changing() as (connection, stamp):
            self._insert_event(connection, stamp, event)
            connection.execute(
                "UPDATE runs SET status = ?, message = ?, version = ? WHERE id = ?",
                (status, message, stamp, self._id),
            )

    def end(self, status: RunStatus, message: str) -> None:
        """Marks the run as ended."""
        with self._store.connections.writing() as connection:
            self._check(connection)
            end_run(connection, self._id, status, message)

    def commands_after(self, last: int) -> list[tuple[int, Command]]:
        """The commands with a number above `last`, in order, with their numbers. Only reads."""
        with self._store.connections.reading() as connection:
            self._check(connection)
            found = connection.execute(
                "SELECT id, kind, learning_rate, weight_decay, reason FROM commands "
                "WHERE run = ? AND id > ? ORDER BY id",
                (self._id, last),
            ).fetchall()
        return [(row[0], Command(*row[1:])) for row in found]

    def forget_commands(self, last: int) -> None:
        """Removes those up to a number: they were obeyed."""
        with self._store.connections.writing() as connection:
            self._check(connection)
            connection.execute("DELETE FROM commands WHERE run = ? AND id <= ?", (self._id, last))

    @contextmanager
    def _changing(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        with self._store.connections.writing() as connection:
            self._check(connection)
            yield connection, next_stamp(connection)

    def _check(self, connection: sqlite3.Connection) -> None:
        row = connection.execute(
            "SELECT attempt, status FROM runs WHERE id = ?", (self._id,)
        ).fetchone()
        if row is None or row[0] != self._number or row[1] not in ACTIVE:
            raise LostRunError(f"run {self._id}, attempt {self._number}")

    def _insert_event(self, connection: sqlite3.Connection, stamp: int, event: Event) -> None:
        connection.execute(rows.INSERT_EVENT, (self._id, stamp, *astuple(event)))
