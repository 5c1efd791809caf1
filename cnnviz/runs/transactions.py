"""What several of the store's transactions have in common."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import astuple

from cnnviz.errors import RunError, SettingError
from cnnviz.runs import rows
from cnnviz.runs.limits import Limits
from cnnviz.runs.run import OPEN, Command, Run, RunStatus


def next_stamp(connection: sqlite3.Connection) -> int:
    """The number of this transaction; see `schema`."""
    connection.execute("UPDATE store SET version = version + 1")
    return int(connection.execute("SELECT version FROM store").fetchone()[0])


def end_run(connection: sqlite3.Connection, run_id: int, status: RunStatus, message: str) -> None:
    """Marks a run as ended, within a transaction."""
    stamp = next_stamp(connection)
    connection.execute(
        "UPDATE runs SET status = ?, message = ?, ended_s = ?, queued = NULL, remaining_s = NULL, "
        "version = ? WHERE id = ?",
        (status, message, time.time(), stamp, run_id),
    )
    connection.execute("DELETE FROM commands WHERE run = ?", (run_id,))
    touch_waiting(connection, stamp)


def find_run(connection: sqlite3.Connection, run_id: int) -> Run:
    """The run of that number; RunError if there is none."""
    row = connection.execute(f"{rows.SELECT_RUN} WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunError(no_such_run(run_id))
    try:
        return rows.run_of(row)
    except SettingError as error:
        raise RunError(f"run {run_id} is of another cnnviz ({error}): delete it") from None


def insert_command(connection: sqlite3.Connection, run_id: int, command: Command) -> None:
    """Leaves a command for a run's worker."""
    connection.execute(
        "INSERT INTO commands (run, kind, learning_rate, weight_decay, reason) "
        "VALUES (?, ?, ?, ?, ?)",
        (run_id, *astuple(command)),
    )


def no_such_run(run_id: int) -> str:
    """What is said of a run that is not there."""
    return f"there is no run {run_id}: it may have been deleted"


def touch_waiting(connection: sqlite3.Connection, stamp: int) -> None:
    """Whoever shows one that waits should look again: its place may have changed."""
    connection.execute("UPDATE runs SET version = ? WHERE status = 'waiting'", (stamp,))


def check_room(connection: sqlite3.Connection, owner: str, limits: Limits) -> None:
    """RunError if an owner, or all of them, have as many open runs as is allowed."""
    marks = f"status IN {OPEN}"
    own = connection.execute(
        f"SELECT count(*) FROM runs WHERE {marks} AND owner = ?", (owner,)
    ).fetchone()[0]
    if own >= limits.open_per_owner:
        raise RunError(
            f"you have {own} runs that wait or are trained, and this server allows "
            f"{limits.open_per_owner}: stop one, or wait until one ends"
        )
    every = connection.execute(f"SELECT count(*) FROM runs WHERE {marks}").fetchone()[0]
    if every >= limits.open_runs:
        raise RunError(f"the queue is full, with {every} runs of all viewers: wait until one ends")
