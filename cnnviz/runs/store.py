"""RunStore: every run, what it told, and what it is told. All processes share one file.

What it reads is `RunReader`'s. What it writes is one short transaction for each method, which may
be called from any thread. RunError, with a sentence for people, if a run is not there or the store
cannot be used; DiskFullError if there is no room to write.
"""

from __future__ import annotations

import json
import time

from cnnviz.data.catalogue import find_dataset
from cnnviz.errors import DiskFullError, RunError
from cnnviz.models.registry import find_model
from cnnviz.runs import folders
from cnnviz.runs.limits import Limits
from cnnviz.runs.reader import RunReader
from cnnviz.runs.run import (
    ACTIVE,
    MAX_NOTE,
    RESUMABLE,
    Command,
    Run,
    RunStatus,
    tidy_name,
)
from cnnviz.runs.transactions import (
    check_room,
    end_run,
    find_run,
    insert_command,
    next_stamp,
    no_such_run,
    touch_waiting,
)
from cnnviz.training.config import TrainingConfig


class RunStore(RunReader):
    """The runs in a folder, which is made if need be."""

    # ------------------------------------------------------------------------------ what people do

    def create_run(
        self,
        config: TrainingConfig,
        owner: str,
        *,
        name: str = "",
        note: str = "",
        limits: Limits | None = None,
    ) -> Run:
        """Puts a new run at the end of the queue. RunError if `limits` allow no further one."""
        if not owner:
            raise RunError("a run needs an owner: give a name that is not empty")
        title = f"{find_model(config.model).title} on {find_dataset(config.dataset).title}"
        with self.connections.writing() as connection:
            if limits is not None:
                check_room(connection, owner, limits)
                kept = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
                if kept >= limits.kept_runs:
                    raise RunError(
                        f"{kept} runs are kept, and this server keeps {limits.kept_runs}: "
                        "delete one first"
                    )
            stamp = next_stamp(connection)
            run_id = connection.execute(
                "INSERT INTO runs (owner, name, note, config, status, queued, message, created_s, "
                "version, rewound) VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?)",
                (
                    owner,
                    tidy_name(name) or title,
                    note[:MAX_NOTE],
                    json.dumps(config.to_json()),
                    stamp,
                    "Waits for its turn.",
                    time.time(),
                    stamp,
                    stamp,
                ),
            ).lastrowid
            assert run_id is not None
            touch_waiting(connection, stamp)
            return find_run(connection, run_id)

    def requeue(
        self, run_id: int, *, change: Command | None = None, limits: Limits | None = None
    ) -> Run:
        """Puts a run that ended early at the end of the queue again, to go on from its state.

        change: what it is told before it goes on.
        """
        with self.connections.writing() as connection:
            run = find_run(connection, run_id)
            if not run.can_resume:
                raise RunError(
                    f"{run.name} is {run.status}: only a run that is "
                    f"{' or '.join(RESUMABLE)} can be resumed"
                )
            if limits is not None:
                check_room(connection, run.owner, limits)
            stamp = next_stamp(connection)
            connection.execute("DELETE FROM commands WHERE run = ?", (run_id,))
            connection.execute(
                "UPDATE runs SET status = 'waiting', queued = ?, message = 'Waits to go on.', "
                "ended_s = NULL, version = ? WHERE id = ?",
                (stamp, stamp, run_id),
            )
            if change is not None:
                insert_command(connection, run_id, change)
            touch_waiting(connection, stamp)
            return find_run(connection, run_id)

    def rename(self, run_id: int, name: str) -> None:
        """Gives it another name, of one line."""
        if not (name := tidy_name(name)):
            raise RunError("a run needs a name: give one that is not empty")
        self._set(run_id, "name", name)

    def set_note(self, run_id: int, note: str) -> None:
        """Keeps a note with it, in place of the last."""
        self._set(run_id, "note", note[:MAX_NOTE])

    def delete(self, run_id: int) -> None:
        """Removes a run and its folder for good; RunError while a worker has it."""
        try:
            self._forget(run_id)
        except DiskFullError:  # which is why people delete
            folders.give_up_reserve(self.folder)
            self._forget(run_id)
        folders.discard(self.folder_of(run_id))

    def _forget(self, run_id: int) -> None:
        with self.connections.writing() as connection:
            # Not as a Run: one of another cnnviz, which this one cannot read, can be deleted too.
            row = connection.execute(
                "SELECT name, status FROM runs WHERE id = ?", (run_id,)
            ).fetchone()
            if row is None:
                raise RunError(no_such_run(run_id))
            if row[1] in ACTIVE:
                raise RunError(f"{row[0]} is {row[1]}: stop it first")
            stamp = next_stamp(connection)
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
            touch_waiting(connection, stamp)

    def send(self, run_id: int, command: Command) -> None:
        """Leaves a command for the worker of a run; RunError unless the run is open."""
        with self.connections.writing() as connection:
            run = find_run(connection, run_id)
            if not run.is_open:
                raise RunError(f"{run.name} is {run.status}: it can be told nothing any more")
            if command.kind == "stop" and run.status == "waiting":
                end_run(connection, run_id, "stopped", "Stopped before its turn came.")
                return
            insert_command(connection, run_id, command)

    def stops_pending(self) -> set[int]:
        """The runs that were told to stop and have not obeyed yet."""
        with self.connections.reading() as connection:
            found = connection.execute("SELECT DISTINCT run FROM commands WHERE kind = 'stop'")
            return {row[0] for row in found}

    # ------------------------------------------------------------------------- what the queue does

    def claim_next(self, executor: str, device: str) -> Run | None:
        """Marks the first that waits as running on a device; None if none waits.

        Its `attempt` grows by one: an older worker of the same run can write nothing any more.
        """
        if not self.anyone_waits():
            return None  # without asking for the right to write
        with self.connections.writing() as connection:
            row = connection.execute(
                "SELECT id FROM runs WHERE status = 'waiting' ORDER BY queued LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            try:
                find_run(connection, row[0])
            except RunError as error:  # of another cnnviz; it must not hold up those behind it
                end_run(connection, row[0], "failed", str(error))
                return None
            stamp, now = next_stamp(connection), time.time()
            connection.execute(
                "UPDATE runs SET status = 'running', queued = NULL, message = 'Starts.', "
                "executor = ?, device = ?, handle = NULL, attempt = attempt + 1, started_s = ?, "
                "heartbeat_s = ?, remaining_s = NULL, version = ? WHERE id = ?",
                (executor, device, now, now, stamp, row[0]),
            )
            touch_waiting(connection, stamp)
            return find_run(connection, row[0])

    def set_handle(self, run_id: int, attempt: int, handle: str) -> None:
        """By what the executor finds the worker of an attempt again."""
        with self.connections.writing() as connection:
            connection.execute(
                "UPDATE runs SET handle = ?, version = ? WHERE id = ? AND attempt = ?",
                (handle, next_stamp(connection), run_id, attempt),
            )

    def end(self, run_id: int, attempt: int, status: RunStatus, message: str) -> bool:
        """Marks an attempt as ended, unless it was already or is no longer the last."""
        with self.connections.writing() as connection:
            row = connection.execute(
                f"SELECT 1 FROM runs WHERE id = ? AND attempt = ? AND status IN {ACTIVE}",
                (run_id, attempt),
            ).fetchone()
            if row is None:
                return False
            end_run(connection, run_id, status, message)
            return True

    def set_scheduler(self, words: str | None) -> None:
        """Tells others who schedules."""
        with self.connections.writing() as connection:
            connection.execute("UPDATE store SET scheduler = ?", (words,))

    def tell_waiting(self, message: str) -> None:
        """Tells those that wait why; writes only what is new."""
        if all(run.message == message for run in self.list_runs(statuses=("waiting",))):
            return
        with self.connections.writing() as connection:
            connection.execute(
                "UPDATE runs SET message = ?, version = ? WHERE status = 'waiting'",
                (message, next_stamp(connection)),
            )

    def _set(self, run_id: int, column: str, value: str) -> None:
        with self.connections.writing() as connection:
            find_run(connection, run_id)
            connection.execute(
                f"UPDATE runs SET {column} = ?, version = ? WHERE id = ?",
                (value, next_stamp(connection), run_id),
            )
