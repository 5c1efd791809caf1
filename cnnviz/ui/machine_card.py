"""The section "This machine" of the home page: device, data, checkpoints, trainings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

from cnnviz.checkpoints.folders import CheckpointFile
from cnnviz.data.locations import VARIABLE, DataReport
from cnnviz.data.sizes import format_bytes
from cnnviz.machine import MachineReport, describe_machine
from cnnviz.runs.run import Run
from cnnviz.ui import warm_up
from cnnviz.ui.page import draw_until_torch

STYLE: Final = """
.st-key-machine-cards {
    display: grid; gap: 1rem 2.5rem; margin-top: 0.5rem;
    grid-template-columns: repeat(4, minmax(0, 1fr));
}
@media (max-width: 1150px) {
    .st-key-machine-cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 640px) { .st-key-machine-cards { grid-template-columns: minmax(0, 1fr); } }
.cnnviz-facts h3 { font-size: 1rem; padding: 0; margin: 0 0 0.25rem; }
.cnnviz-facts p { margin: 0; color: var(--cnnviz-muted); overflow-wrap: anywhere; }
"""


def show(
    data: DataReport, checkpoints: Sequence[CheckpointFile], trainings: Sequence[Run] | str
) -> None:
    """Draws the section; the device is filled in when torch is ready.

    trainings: those that wait or go on, or a sentence on why they are not known.
    """
    st.header("This machine", anchor=False)
    with st.container(key="machine-cards"):
        draw_until_torch(_show_device)
        _facts("Data", describe_data(data))
        _facts("Checkpoints", describe_checkpoints(checkpoints))
        _facts("Trainings", describe_trainings(trainings))


def describe_device(machine: MachineReport, torch_status: str) -> list[str]:
    """Sentences about processor, accelerator and versions; `torch_status` as warm_up has it."""
    cores = "1 core" if machine.usable_cores == 1 else f"{machine.usable_cores} cores"
    memory = f", {format_bytes(machine.memory_bytes)} memory" if machine.memory_bytes else ""
    lines = [f"{machine.processor}, {cores}{memory}."]
    if machine.accelerator:
        lines.append(f"Accelerator: {machine.accelerator}.")
    elif machine.accelerator == "":
        lines.append("No accelerator; the lessons need none.")
    lines.append(f"Python {machine.python_version}, {_torch_words(machine, torch_status)}.")
    return lines


def describe_data(data: DataReport) -> list[str]:
    """One sentence for each data set, or one that says what would bring some."""
    lines = list(data.problems)
    for location in data.locations:
        facts = [
            location.title,
            "class folders" if location.layout == "folders" else location.layout,
        ]
        if not location.complete:
            facts.append("incomplete")
        elif location.bytes is not None:
            facts.append(format_bytes(location.bytes))
        lines.append(f"{', '.join(facts)}: {location.folder}")
    if not data.locations:
        lines.append(
            "No data sets: trainings begin with the starter pictures, and can fetch the rest. Set "
            f"{VARIABLE} to a folder that holds CIFAR-10 or MNIST to see them here."
        )
    return lines


def describe_checkpoints(checkpoints: Sequence[CheckpointFile]) -> list[str]:
    """One sentence for each checkpoint, or one that says that there is none."""
    if not checkpoints:
        return ["No trained networks yet."]
    return [f"{checkpoint.name} ({format_bytes(checkpoint.bytes)})." for checkpoint in checkpoints]


def describe_trainings(trainings: Sequence[Run] | str) -> list[str]:
    """One sentence for each training, or one that says that there is none or why not."""
    if isinstance(trainings, str):
        return [f"Nothing can be trained: {trainings}."]
    if not trainings:
        return ["No training is under way."]
    return [f"{run.name}: {_training_words(run)}." for run in trainings]


def _training_words(run: Run) -> str:
    if run.status == "waiting":
        return f"waiting, number {run.position} in the queue"
    return f"{run.status}, {run.fraction_done:.0%}"


def _show_device() -> None:
    machine = describe_machine(torch_is_ready=warm_up.torch_is_ready())
    _facts("Device", describe_device(machine, warm_up.status()))


def _torch_words(machine: MachineReport, status: str) -> str:
    if machine.torch_version is None:
        return "PyTorch is not installed"
    if status.startswith("failed"):
        return f"PyTorch {machine.torch_version} did not start ({status.removeprefix('failed: ')})"
    words = f"PyTorch {machine.torch_version}"
    return words if status == "ready" else f"{words} (getting ready)"


def _facts(title: str, lines: Sequence[str]) -> None:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    st.html(f'<div class="cnnviz-facts"><h3>{title}</h3>{paragraphs}</div>')
