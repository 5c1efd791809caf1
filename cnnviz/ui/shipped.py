"""Trained networks and the pictures for them, read once per server process, for all sessions.

What is handed out is shared: it is never changed, trained or given hooks (`private_copy` makes one
that may be). A file that was written anew is read anew. Nothing here imports torch before a network
is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cnnviz.checkpoints.card import CheckpointCard, load_card
from cnnviz.checkpoints.folders import (
    CheckpointFile,
    card_file,
    checkpoint_folders,
    find_checkpoint,
    list_checkpoints,
    weights_file,
)
from cnnviz.data.availability import find_availability
from cnnviz.data.canonical import Split
from cnnviz.data.datasets import PROJECT, load_split

if TYPE_CHECKING:
    from torch import nn


def trained_networks(project: Path = PROJECT) -> tuple[CheckpointFile, ...]:
    """Those that come with cnnviz and those that were saved here, by name."""
    return list_checkpoints(*checkpoint_folders(project))


def trained_card(name: str, project: Path = PROJECT) -> CheckpointCard:
    """The card of one of them; CheckpointError if there is none, or none that can be read."""
    file = find_checkpoint(name, checkpoint_folders(project))
    return _card(str(file.folder), name, _written_at(card_file(file.folder, name)))


def trained_network(name: str, project: Path = PROJECT) -> nn.Module:
    """The network, in evaluation; CheckpointError as `trained_card`."""
    file = find_checkpoint(name, checkpoint_folders(project))
    stamp = _written_at(weights_file(file.folder, name)), _written_at(card_file(file.folder, name))
    return _network(str(file.folder), name, stamp)


def shown_split(dataset: str) -> Split:
    """The test split, or the starter pictures where it is not on this machine (`source` says so).

    DataError as `load_split` has it.
    """
    return _split(dataset, find_availability(dataset).test or "")


@st.cache_resource(show_spinner=False, max_entries=32)
def _card(folder: str, name: str, written_at: int) -> CheckpointCard:
    return load_card(Path(folder), name)


@st.cache_resource(show_spinner="Reading the network …", max_entries=8)  # the largest takes 60 MB
def _network(folder: str, name: str, written_at: tuple[int, int]) -> nn.Module:
    from cnnviz.checkpoints.store import load_checkpoint

    return load_checkpoint(Path(folder), name)[0]


@st.cache_resource(show_spinner="Reading the pictures …", max_entries=4)
def _split(dataset: str, origin: str) -> Split:
    return load_split(dataset, "test")


def _written_at(file: Path) -> int:
    """In ns; 0 if it cannot be told."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
