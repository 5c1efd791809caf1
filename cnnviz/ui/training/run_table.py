"""The table of all runs, in which several can be ticked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from cnnviz.data.catalogue import find_dataset
from cnnviz.models.registry import find_model
from cnnviz.runs.run import Run
from cnnviz.ui.training.words import status_words

TABLE_KEY: Final = "training.compare.table"
_SHOWN: Final = f"{TABLE_KEY}.shown"
_ROW_PX: Final = 36
_MOST_ROWS: Final = 8


def tick_runs(runs: Sequence[Run], chosen: Sequence[int]) -> list[int]:
    """The table, with the chosen runs ticked, and the numbers of those that are ticked now.

    In the order in which they were ticked; runs: in the table's order. A row that is ticked is
    known by its place only, so that the order that was shown last is kept with it.
    """
    numbers = [run.id for run in runs]
    reported: Any = st.session_state.get(TABLE_KEY)
    shown: list[int] = st.session_state.get(_SHOWN, numbers)
    ticked = list(chosen)
    if reported is not None:
        rows = reported["selection"]["rows"]
        there = {shown[row] for row in rows if row < len(shown)}
        if there != {number for number in chosen if number in shown}:
            ticked = [number for number in chosen if number in there]
            ticked += [shown[row] for row in rows if row < len(shown) and shown[row] not in ticked]
    ticked = [number for number in ticked if number in set(numbers)]
    places = {number: row for row, number in enumerate(numbers)}
    wanted = sorted(places[number] for number in ticked)
    if reported is None or sorted(reported["selection"]["rows"]) != wanted:
        st.session_state[TABLE_KEY] = {"selection": {"rows": wanted, "columns": [], "cells": []}}
    st.session_state[_SHOWN] = numbers
    st.dataframe(
        _columns(runs),
        hide_index=True,
        height=_ROW_PX * (min(len(runs), _MOST_ROWS) + 1) + 3,
        row_height=_ROW_PX,
        column_config=_config(),
        key=TABLE_KEY,
        on_select="rerun",
        selection_mode="multi-row",
        alt="All runs of this server. Tick those that are to be compared.",
    )
    return ticked


def forget_ticks() -> None:
    """Lets the next table show what it is given, whatever the browser ticked."""
    st.session_state.pop(TABLE_KEY, None)
    st.session_state.pop(_SHOWN, None)


def _columns(runs: Sequence[Run]) -> dict[str, list[Any]]:
    return {
        "Run": [run.id for run in runs],
        "Name": [run.name for run in runs],
        "Network": [find_model(run.config.model).title for run in runs],
        "Dataset": [find_dataset(run.config.dataset).title for run in runs],
        "Status": [status_words(run) for run in runs],
        "Epochs": [f"{run.epochs_done} of {run.config.epochs}" for run in runs],
        "Held out": [_percent(run.validation_accuracy) for run in runs],
        "When": [datetime.fromtimestamp(run.created_s, UTC) for run in runs],
        "Note": [run.note for run in runs],
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _config() -> dict[str, Any]:
    column = st.column_config
    return {
        "Run": column.NumberColumn(format="%d", width=70),
        "Name": column.TextColumn(width="medium"),
        "Epochs": column.TextColumn(help="Done, of those that were planned"),
        "Held out": column.NumberColumn(
            format="%.1f %%", help="Held-out images right after the last epoch"
        ),
        "When": column.DatetimeColumn(
            format="YYYY-MM-DD HH:mm", timezone=st.context.timezone or "UTC", help="Handed in"
        ),
        "Note": column.TextColumn(width="large"),
    }
