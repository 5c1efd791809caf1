"""The fold lab: a filter before and after, and the arithmetic of the weight that is pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from cnnviz.norms.channel_words import power_text
from cnnviz.ui.components.sources import read_source

if TYPE_CHECKING:
    from cnnviz.norms.folded_network import FilterFold

_mount = st.components.v2.component(
    "cnnviz.fold_lab",
    css=read_source("fold_lab.css"),
    js=read_source("element.js", "formula.js", "cell_grid.js", "reporter.js", "fold_lab.js"),
)


def fold_lab(folded: FilterFold, *, identity: str, plane: int, version: int, key: str) -> None:
    """Show a filter; the map that is chosen lies in ``st.session_state[key]["picked"]``.

    plane: which of the maps that the filter reads; taken when identity or version is new. The
    report is {"n", "id", "plane"}; n grows.
    """
    content = fold_content(folded)
    _mount(
        key=key,
        data=content | {"id": identity, "plane": plane, "version": version},
        on_picked_change=lambda: None,
    )


def fold_content(folded: FilterFold) -> dict[str, Any]:
    """Both filters, and the numbers of the formulas as they are written."""
    return {
        "old": folded.old_weight.tolist(),
        "fresh": folded.new_weight.tolist(),
        "numbers": {
            "gamma": _text(folded.gamma),
            "variance": _text(folded.variance),
            "eps": power_text(folded.eps),
            "scale": _text(folded.scale),
            "bias": _text(folded.old_bias or 0.0),
            "mean_in_brackets": _bracketed(folded.mean),
            "beta_in_brackets": _bracketed(folded.beta),
            "new_bias": _text(folded.new_bias),
        },
    }


def _text(value: float) -> str:
    """Four digits, with a minus sign that is one."""
    return f"{value:.4g}".replace("-", "−")


def _bracketed(value: float) -> str:
    """For the right of a sign."""
    return f"({_text(value)})" if value < 0 else _text(value)
