"""One number of a layer's maps, written out: the window it was made of, its products, its sum."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np
import streamlit as st

from cnnviz.activations.inside_words import (
    agreement_sentence,
    number,
    place_words,
    softmax_rows,
    softmax_sentence,
    walk_sentence,
)
from cnnviz.activations.passage import Passage
from cnnviz.activations.walk import Array, Part, Walk
from cnnviz.ui.components.map_sheets import SeenWindow

MOST_PARTS: Final = 3
"""Maps whose products are written out one by one; of the others only the sum is."""
STYLE: Final = """
.cnnviz-walk { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem; align-items: flex-start; }
.cnnviz-walk figure { margin: 0; min-width: 0; max-width: 100%; overflow-x: auto; }
.cnnviz-walk figcaption { color: var(--cnnviz-muted); font-size: 0.9rem; }
.cnnviz-walk .row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; }
.cnnviz-walk table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; }
.cnnviz-walk td {
    border: 1px solid var(--cnnviz-border); padding: 0.1rem 0.2rem; text-align: right;
    font-size: 0.75rem; min-width: 2.1rem; color: var(--cnnviz-text);
}
.cnnviz-walk td.first { outline: 2px solid var(--cnnviz-accent); font-weight: 700; }
.cnnviz-softmax { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
.cnnviz-softmax :is(th, td) {
    border: 0; border-bottom: 1px solid var(--cnnviz-border); padding: 0.15rem 0.5rem;
    text-align: right; color: var(--cnnviz-text);
}
.cnnviz-softmax :is(th:first-child) { text-align: left; }
@media (max-width: 640px) {
    .cnnviz-softmax :is(th, td) { padding: 0.15rem 0.2rem; font-size: 0.85rem; }
}
.cnnviz-softmax tr.true th:first-child::after { content: " (true)"; color: var(--cnnviz-muted); }
"""


def window_of(walk: Walk) -> SeenWindow | None:
    """What the maps of the layer before are marked with; None where it has no places there."""
    part = walk.parts[0]
    if part.channel is None or not part.rows or not part.columns:
        return None
    channels = None if walk.how == "sum" else (part.channel,)
    return SeenWindow(
        walk.source, (part.rows[0], part.rows[-1]), (part.columns[0], part.columns[-1]), channels
    )


def show_walk(passage: Passage, walk: Walk) -> None:
    """The number, its sentence, and the products of the maps that count most."""
    layer = passage.layer(walk.cell.layer)
    st.markdown(f"**{place_words(walk, layer).capitalize()}**")
    st.markdown(walk_sentence(walk))
    st.caption(agreement_sentence(walk))
    if walk.how in ("place", "point"):
        return
    order = sorted(walk.parts, key=lambda part: -abs(part.total))
    figures = "".join(_part_html(part, walk) for part in order[:MOST_PARTS])
    st.html(f'<style>{STYLE}</style><div class="cnnviz-walk">{figures}</div>')
    others = order[MOST_PARTS:]
    if others:
        rest = sum(part.total for part in others)
        st.caption(
            f"The {MOST_PARTS} maps with the most to say; the other {len(others)} add "
            f"{number(rest)}."
        )


def _part_html(part: Part, walk: Walk) -> str:
    title = (
        f"All units of {escape(walk.source)}"
        if part.channel is None
        else f"Map {part.channel} of {escape(walk.source)}"
    )
    grids = [_grid(part.values, is_max=walk.how == "max")]
    if part.weights is not None:
        grids += ["·", _grid(part.weights), "=", _grid(part.products)]
        title += f": the products add up to {number(part.total)}"
    row = "".join(grid if grid.startswith("<") else f"<span>{grid}</span>" for grid in grids)
    return f'<figure><figcaption>{title}</figcaption><div class="row">{row}</div></figure>'


def _grid(values: Array, *, is_max: bool = False) -> str:
    most = np.nanmax(values) if is_max else None
    rows = []
    for line in values:
        cells = "".join(
            f"<td{' class=first' if is_max and value == most else ''}>"
            f"{'' if np.isnan(value) else _short(float(value))}</td>"
            for value in line
        )
        rows.append(f"<tr>{cells}</tr>")
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _short(value: float) -> str:
    """Two decimals: a grid must fit its column. The sums are of the whole numbers."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0: none is −0.00


def show_scores(passage: Passage, class_names: tuple[str, ...], label: int | None) -> None:
    """The class scores and their softmax, written out."""
    rows = []
    true = None if label is None else class_names[label]
    for name, score, power, share in softmax_rows(passage.logits, class_names):
        mark = ' class="true"' if name == true else ""
        rows.append(
            f'<tr{mark}><th scope="row">{escape(name)}</th><td>{score}</td><td>{power}</td>'
            f"<td>{share}</td></tr>"
        )
    st.html(
        f'<style>{STYLE}</style><table class="cnnviz-softmax" aria-label="Softmax"><thead><tr>'
        "<th>class</th><th>score z</th><th>e^(z − max)</th><th>share</th></tr></thead><tbody>"
        f"{''.join(rows)}</tbody></table>"
    )
    st.caption(softmax_sentence(passage.logits).replace("**", ""))
