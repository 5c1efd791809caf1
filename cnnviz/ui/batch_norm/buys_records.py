"""The recorded runs of the view "What it buys", read once per server process, for all sessions."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.norms.comparison import PAIR, NormComparison, shipped_comparison
from cnnviz.norms.experiment_records import (
    Experiment,
    ExperimentKind,
    experiment_file,
    load_experiment,
    repeat_command,
)
from cnnviz.training.run_folder import RunFolder
from cnnviz.ui.plain_text import plain


def recorded_comparison() -> NormComparison | None:
    """The two runs; if they are not there, says why, and the commands that record them anew."""
    folder = PROJECT / SHIPPED
    try:
        return _read_comparison(str(folder), tuple(_written_at(folder, name) for name in PAIR))
    except CnnvizError as error:
        _say_missing(plain(str(error)), *train_commands())
        return None


def recorded_experiment(kind: ExperimentKind) -> Experiment | None:
    """As `recorded_comparison`."""
    file = experiment_file(PROJECT, kind)
    found = None
    why = f"{file.parent.name}/{file.name} is not here."
    try:
        if file.exists():
            found = _read_experiment(str(file), file.stat().st_mtime_ns)
    except (CnnvizError, OSError) as error:
        why = plain(str(error))
    if found is None or not found.runs:
        _say_missing(why, repeat_command(kind))
        return None
    return found


@st.cache_resource(show_spinner="Reading the runs …", max_entries=4)
def _read_comparison(folder: str, written_at: tuple[int, ...]) -> NormComparison:
    return shipped_comparison(Path(folder))


@st.cache_resource(show_spinner="Reading the experiment …", max_entries=8)
def _read_experiment(file: str, written_at: int) -> Experiment | None:
    return load_experiment(Path(file))


def _written_at(folder: Path, name: str) -> int:
    records = RunFolder(folder / f"{name}.run").records_file
    return records.stat().st_mtime_ns if records.exists() else 0


def train_commands() -> list[str]:
    """Those that record the two runs anew."""
    return [
        f"python -m cnnviz train --model plain_cnn --dataset cifar10{option} --name {name} "
        f"--out {SHIPPED} --run {SHIPPED}/{name}.run"
        for name, option in zip(PAIR, ("", " --no-batch-norm"), strict=True)
    ]


def _say_missing(why: str, *commands: str) -> None:
    st.info(f"{why} To record it:")
    st.code("\n".join(commands), language="sh", wrap_lines=True)
