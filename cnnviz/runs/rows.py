"""Rows of the store as dataclasses, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from functools import lru_cache
from typing import Any, Final, cast

from cnnviz.runs.run import Event, Run
from cnnviz.training import records
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import EpochRecord, StartRecord, StepRecord

_RUN_COLUMNS: Final = tuple(field.name for field in fields(Run))
_POSITION: Final = (
    "CASE WHEN status = 'waiting' THEN (SELECT count(*) FROM runs AS other "
    "WHERE other.status = 'waiting' AND other.queued <= runs.queued) END"
)
SELECT_RUN: Final = "SELECT {} FROM runs".format(
    ", ".join(_POSITION if name == "position" else name for name in _RUN_COLUMNS)
)
"""The columns that `run_of` takes."""

_STEP_COLUMNS: Final = tuple(field.name for field in fields(StepRecord))
INSERT_STEP: Final = "INSERT OR REPLACE INTO steps (run, stamp, {}) VALUES (?, ?{})".format(
    ", ".join(_STEP_COLUMNS), ", ?" * len(_STEP_COLUMNS)
)
_SELECT_STEPS: Final = "SELECT {} FROM steps WHERE run = ? AND stamp > ? ORDER BY step".format(
    ", ".join(_STEP_COLUMNS)
)
_EVENT_COLUMNS: Final = tuple(field.name for field in fields(Event))
INSERT_EVENT: Final = "INSERT INTO events (run, stamp, {}) VALUES (?, ?{})".format(
    ", ".join(_EVENT_COLUMNS), ", ?" * len(_EVENT_COLUMNS)
)
_SELECT_EVENTS: Final = "SELECT {} FROM events WHERE run = ? AND stamp > ? ORDER BY id".format(
    ", ".join(_EVENT_COLUMNS)
)


def run_of(row: Sequence[Any]) -> Run:
    """The run of a row of SELECT_RUN; SettingError if its configuration is not one."""
    values = dict(zip(_RUN_COLUMNS, row, strict=True))
    values["config"] = _config(values["config"])
    values["start"] = None if values["start"] is None else _start(values["start"])
    return Run(**values)


def step_row(record: StepRecord) -> tuple[Any, ...]:
    """What INSERT_STEP takes after run and stamp. SQLite keeps nan as NULL; infinity too here."""
    return tuple(value if value - value == 0 else None for value in astuple(record))


def steps_since(connection: sqlite3.Connection, run: int, stamp: int) -> tuple[StepRecord, ...]:
    """The step records of a run that are newer than a stamp."""
    nan: Any = float("nan")
    found: Iterable[tuple[Any, ...]] = connection.execute(_SELECT_STEPS, (run, stamp))
    return tuple(
        StepRecord(*(value if value is not None else nan for value in row)) for row in found
    )


def epochs_since(connection: sqlite3.Connection, run: int, stamp: int) -> tuple[EpochRecord, ...]:
    """The epoch records of a run that are newer than a stamp."""
    found = connection.execute(
        "SELECT record FROM epochs WHERE run = ? AND stamp > ? ORDER BY epoch", (run, stamp)
    )
    return tuple(cast(EpochRecord, records.from_json(json.loads(row[0]))) for row in found)


def events_since(connection: sqlite3.Connection, run: int, stamp: int) -> tuple[Event, ...]:
    """The events of a run that are newer than a stamp."""
    return tuple(Event(*row) for row in connection.execute(_SELECT_EVENTS, (run, stamp)))


@lru_cache(maxsize=2048)
def _config(text: str) -> TrainingConfig:
    return TrainingConfig.from_json(json.loads(text))


@lru_cache(maxsize=256)
def _start(text: str) -> StartRecord:
    return cast(StartRecord, records.from_json(json.loads(text)))
