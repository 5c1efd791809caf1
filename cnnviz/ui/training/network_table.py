"""The network of a training, layer by layer: what each puts out, and what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.models.registry import ModelSpec, find_model
from cnnviz.ui import warm_up
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.plain_text import plain

if TYPE_CHECKING:
    from cnnviz.layers import LayerTrace

_TRACING: Final = Lock()

STYLE: Final = """
.cnnviz-layers { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.cnnviz-layers th, .cnnviz-layers td {
    padding: 0.16rem 0.6rem 0.16rem 0; text-align: left; font-weight: 400; font-size: 0.9rem;
    white-space: nowrap;
}
.cnnviz-layers thead th {
    color: var(--cnnviz-muted); border-bottom: 1px solid var(--cnnviz-border);
}
.cnnviz-layers .number { text-align: right; padding-right: 0; }
.cnnviz-layers tr.holds th { font-weight: 650; }
.cnnviz-layers tr.plain { color: var(--cnnviz-muted); }
.cnnviz-layers tfoot th, .cnnviz-layers tfoot td {
    border-top: 1px solid var(--cnnviz-border); font-weight: 650;
}
.cnnviz-layers-box { max-height: 34rem; overflow: auto; }
p.cnnviz-layers-lead { margin: 0 0 0.5rem; color: var(--cnnviz-muted); font-size: 0.9rem; }
@media (max-width: 640px) {
    .cnnviz-layers th, .cnnviz-layers td { font-size: 0.7rem; padding-right: 0.3rem; }
}
"""


def show_network(spec: ModelSpec) -> None:
    """The table; drawn as soon as torch is there."""
    draw_until_torch(partial(_draw, spec))


def _draw(spec: ModelSpec) -> None:
    if warm_up.torch_is_ready():
        try:
            st.html(layers_table(spec, trace_of(spec)))
        except CnnvizError as error:
            st.error(plain(str(error)))
    elif warm_up.torch_is_coming():
        st.caption("The layers are listed as soon as PyTorch is loaded …")
    else:
        st.caption(f"The layers cannot be listed: PyTorch {warm_up.status()}.")


def trace_of(spec: ModelSpec) -> tuple[LayerTrace, ...]:
    """The layers of a network; imports torch. One at a time: a class chooses the same at once."""
    with _TRACING:
        return _traced(spec)


@lru_cache(maxsize=64)
def _traced(spec: ModelSpec) -> tuple[LayerTrace, ...]:
    from cnnviz.checkpoints.weights import build_skeleton
    from cnnviz.layers import trace_layers
    from cnnviz.models.registry import build_model

    if spec.text:  # it may be of any size
        return trace_layers(build_skeleton(spec), spec.input_shape)
    # With real weights, which takes a tenth of a second at most. On the device "meta" none would be
    # made, but what torch imports for that takes more than a second, and all viewers wait.
    return trace_layers(build_model(spec), spec.input_shape)


def layers_table(spec: ModelSpec, layers: Sequence[LayerTrace]) -> str:
    """The layers as a table in HTML."""
    rows = [_row("input", "", spec.input_shape, None)]
    rows += [_row(t.name, t.kind, t.output_shape, t.parameters) for t in layers]
    card = find_model(spec.name)
    macs = sum(trace.macs for trace in layers)
    total = sum(trace.parameters for trace in layers)
    return (
        f'<p class="cnnviz-layers-lead">{escape(card.summary)} {total:,} parameters, {macs:,} '
        f"multiply-accumulates for one picture.</p>"
        f'<div class="cnnviz-layers-box" tabindex="0" role="region" '
        f'aria-label="Layers of {escape(card.title)}"><table class="cnnviz-layers">'
        '<thead><tr><th scope="col">layer</th><th scope="col">kind</th>'
        '<th scope="col">output</th><th scope="col" class="number">parameters</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody>"
        f'<tfoot><tr><th scope="row" colspan="3">all layers</th>'
        f'<td class="number">{total:,}</td></tr></tfoot></table></div>'
    )


def _row(name: str, kind: str, shape: tuple[int, ...], parameters: int | None) -> str:
    holds = "holds" if parameters else "plain"
    count = "" if parameters is None else f"{parameters:,}"
    return (
        f'<tr class="{holds}"><th scope="row">{escape(name)}</th><td>{escape(kind)}</td>'
        f'<td>{" × ".join(map(str, shape))}</td><td class="number">{count}</td></tr>'
    )
