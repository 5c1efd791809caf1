"""RunReader: what pages ask of the store. It only reads, and never makes a worker wait.

Each method is one look at one moment, and may be called from any thread. Times are seconds since
1970. RunError, with a sentence for people, if a run is not there or the store cannot be used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cnnviz.errors import RunError, SettingError
from cnnviz.runs import folders, rows, schema
from cnnviz.runs.connections import BUSY_S, Connections
from cnnviz.runs.run import Records, Run, RunStatus
from cnnviz.runs.transactions import find_run
from cnnviz.training.run_folder import RunFolder

FILE: Final = "runs.sqlite"

_log = logging.getLogger(__name__)


class RunReader:
    """The runs in a folder, which is made if need be."""

    def __init__(self, folder: Path, *, busy_s: float = BUSY_S) -> None:
        """busy_s: how long a transaction waits for that of another process."""
        self.folder = folder.absolute()
        self.file = self.folder / FILE
        self._left_out: set[int] = set()  # runs of which that was said
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self.folder} cannot be made for the runs ({error.strerror or error}): name "
                f"another folder in {folders.VARIABLE}"
            ) from None
        self.connections = Connections(self.file, busy_s=busy_s)
        try:
            with self.connections.lent() as connection:
                schema.prepare(connection, str(self.file))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file. Every run is safe without it."""
        self.connections.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self.close()

    def version(self, run_id: int | None = None) -> int:
        """A number that grows with every change of a run, or of any; the cheapest question.

        0 if there is no such run. Signs of life alone do not count as changes.
        """
        with self.connections.reading() as connection:
            if run_id is None:
                row = connection.execute("SELECT version FROM store").fetchone()
            else:
                row = connection.execute(
                    "SELECT version FROM runs WHERE id = ?", (run_id,)
                ).fetchone()
        return 0 if row is None else int(row[0])

    def list_runs(
        self, *, owner: str | None = None, statuses: Sequence[RunStatus] | None = None
    ) -> list[Run]:
        """The runs, newest first; those of an owner, or of these statuses.

        A run whose configuration another cnnviz wrote and this one does not know is left out.
        """
        where, values = ["1"], list[object]()
        if owner is not None:
            where.append("owner = ?")
            values.append(owner)
        if statuses is not None:
            where.append(f"status IN ({', '.join('?' * len(statuses))})")
            values += statuses
        query = f"{rows.SELECT_RUN} WHERE {' AND '.join(where)} ORDER BY id DESC"
        with self.connections.reading() as connection:
            found = connection.execute(query, values).fetchall()
        runs = []
        for row in found:
            try:
                runs.append(rows.run_of(row))
            except SettingError as error:
                if row[0] not in self._left_out:
                    self._left_out.add(row[0])
                    _log.warning("run %s is left out: %s", row[0], error)
        return runs

    def get_run(self, run_id: int) -> Run:
        """One run; RunError if there is none."""
        with self.connections.reading() as connection:
            return find_run(connection, run_id)

    def waiting(self) -> list[Run]:
        """Those that wait, in the order in which they will be started."""
        return sorted(self.list_runs(statuses=("waiting",)), key=lambda run: run.position or 0)

    def anyone_waits(self) -> bool:
        """Whether a run waits; cheaper than `waiting`."""
        with self.connections.reading() as connection:
            found = connection.execute("SELECT 1 FROM runs WHERE status = 'waiting' LIMIT 1")
            return found.fetchone() is not None

    def records_since(self, run_id: int, version: int = 0) -> Records:
        """What a run told since `version`, which the last answer named; 0 is everything.

        Made for polling: if nothing is new it costs a look-up of one row.
        """
        with self.connections.reading() as connection:
            run = find_run(connection, run_id)
            rewound = connection.execute(
                "SELECT rewound FROM runs WHERE id = ?", (run_id,)
            ).fetchone()[0]
            restarted = version < rewound
            since = 0 if restarted else version
            if run.version <= since:
                return Records(run, run.version, False, (), (), ())
            return Records(
                run,
                run.version,
                restarted,
                rows.steps_since(connection, run_id, since),
                rows.epochs_since(connection, run_id, since),
                rows.events_since(connection, run_id, since),
            )

    def folder_of(self, run_id: int) -> RunFolder:
        """Where its state, snapshots and log lie."""
        return folders.folder_of(self.folder, run_id)

    def scheduler(self) -> str | None:
        """Who schedules, in words; as far as is known, for it may have been killed."""
        with self.connections.reading() as connection:
            row = connection.execute("SELECT scheduler FROM store").fetchone()
        return None if row[0] is None else str(row[0])
