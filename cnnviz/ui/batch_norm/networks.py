"""The trained networks that have batch normalization, and what the views ask of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.checkpoints.folders import checkpoint_folders, find_checkpoint
from cnnviz.data.canonical import Split
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.models.registry import find_model
from cnnviz.ui import warm_up
from cnnviz.ui.shipped import shown_split, trained_card, trained_network, trained_networks

if TYPE_CHECKING:
    from torch import nn

    from cnnviz.norms.network_norms import NormLayer


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """By name; which of them have batch normalization stands in their cards."""

    normalized: tuple[str, ...]
    others: tuple[str, ...]


def network_names() -> NetworkNames:
    """Of all trained networks whose card can be read. Needs no torch."""
    normalized, others = list[str](), list[str]()
    for file in trained_networks():
        try:
            has_norms = trained_card(file.name).spec.batch_norm
        except CnnvizError:
            continue
        (normalized if has_norms else others).append(file.name)
    return NetworkNames(tuple(normalized), tuple(others))


@dataclass(frozen=True, slots=True, eq=False)
class NormalizedNetwork:
    """A network that is shown. It is shared: never change it."""

    name: str
    folder: str
    """Where it lies, as seen from app.py."""
    card: CheckpointCard
    network: nn.Module
    norms: tuple[NormLayer, ...]
    split: Split
    """Its test pictures, or the starter set's."""


def open_network(name: str) -> NormalizedNetwork | None:
    """Reads what is shown of it; says why if it cannot. Needs torch."""
    from cnnviz.norms.network_norms import find_norms

    try:
        card = trained_card(name)
        network = trained_network(name)
        folder = find_checkpoint(name, checkpoint_folders(PROJECT)).folder.name
        split = shown_split(card.dataset.name)
        return NormalizedNetwork(name, folder, card, network, find_norms(network), split)
    except CnnvizError as error:
        st.error(str(error))
        return None


def network_titles(names: Sequence[str]) -> dict[str, str]:
    """What people call them: family and data set, with the checkpoint's name where that is not one.

    names: those of checkpoints, which are the keys too.
    """
    cards = [trained_card(name) for name in names]
    titles = [f"{find_model(card.spec.name).title} on {card.dataset.title}" for card in cards]
    return {
        name: title if titles.count(title) == 1 else f"{title}: {name}"
        for name, title in zip(names, titles, strict=True)
    }


def say_which_are_left_out(others: Sequence[str]) -> None:
    """Why a network is not among the choices."""
    if others:
        st.caption(f"Not among the networks, having no batch normalization: {', '.join(others)}.")


def say_where_from(split: Split) -> None:
    """That only the starter pictures are here, where it is so."""
    if split.source == "starter":
        st.info(
            f"The test pictures are not on this machine, so these are the {len(split):,} that come "
            "with cnnviz."
        )


def is_torch_here() -> bool:
    """Whether torch may be used; says so if it may not."""
    if warm_up.torch_is_ready():
        return True
    if warm_up.torch_is_coming():
        st.caption("PyTorch is loading: the network is shown in a moment …")
    else:
        st.error(f"PyTorch is not available here: {warm_up.status()}.")
    return False
