"""The sharing lab: four normalizations of one tensor, and whom each number shares a mean with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from cnnviz.batchnorm import Array
from cnnviz.norms.relatives import KINDS
from cnnviz.norms.relatives_lesson import (
    GROUPS,
    NORM_TITLES,
    PAPERS,
    Relative,
    notes_on,
    relate_all,
)
from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.sharing_lab",
    css=read_source("sharing_lab.css"),
    js=read_source("element.js", "reporter.js", "sharing_lab.js"),
)


def sharing_lab(x: Array, *, identity: str, groups: int, cell: int, version: int, key: str) -> None:
    """Show x (N, C, H, W); what is chosen lies in ``st.session_state[key]["picked"]``.

    groups, cell: taken when identity or version is new. The report is {"n", "id", "cell",
    "groups"}; n grows.
    """
    choice = {"id": identity, "groups": groups, "cell": cell, "version": version}
    _mount(key=key, data=sharing_content(x) | choice, on_picked_change=lambda: None)


def sharing_content(x: Array) -> dict[str, Any]:
    """The four, and group normalization for every number of groups."""
    variants = [relate_all(x, groups) for groups in GROUPS]
    notes = [notes_on(variant) for variant in variants]
    return {
        "shape": x.shape,
        "values": x.reshape(-1).tolist(),
        "panels": [_panel(variants[0][kind], notes[0][kind]) for kind in KINDS],
        "choices": GROUPS,
        "variants": [
            _panel(variant["group"], note["group"])
            for variant, note in zip(variants, notes, strict=True)
        ],
    }


def _panel(relative: Relative, note: str) -> Mapping[str, Any]:
    kind = relative.spec.kind
    output = relative.output
    return {
        "title": NORM_TITLES[kind],
        "paper": PAPERS[kind],
        "sets": relative.sets.reshape(-1).tolist(),
        "hues": _hues(relative),
        "means": relative.mean.tolist(),
        "variances": relative.variance.tolist(),
        "count": relative.count,
        "output": None if output is None else output.reshape(-1).tolist(),
        "note": note,
    }


def _hues(relative: Relative) -> list[int]:
    """A number for the colour of each set, by where it begins: neighbours differ."""
    _, channels, height, width = relative.sets.shape
    _, first = np.unique(relative.sets.reshape(-1), return_index=True)
    places = first // (height * width)
    hues: list[int] = (places % channels + 2 * (places // channels)).tolist()
    return hues
