"""The view "The table": every layer of a network with its arithmetic, and its tensors drawn."""

from __future__ import annotations

from html import escape
from typing import Final

import streamlit as st

from cnnviz.architecture.networks import OWN, SIDES, TORCHVISION, find_network, torchvision_names
from cnnviz.architecture.table_settings import TableSettings, read_table_settings
from cnnviz.errors import CnnvizError
from cnnviz.ui.architecture.table_drawing import DRAWING, blocks_of, picked_name
from cnnviz.ui.batch_norm.networks import is_torch_here
from cnnviz.ui.components.network_drawing import network_drawing
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

_KEPT: Final = KeptSettings("architectures", "table", read_table_settings)
_STYLE: Final = """
.cnnviz-layers { max-height: 34rem; overflow: auto; border: 1px solid var(--cnnviz-border); }
.cnnviz-layers table {
    border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.85rem;
}
.cnnviz-layers :is(th, td) {
    border: 0; border-bottom: 1px solid var(--cnnviz-border); padding: 0.2rem 0.4rem;
    text-align: right; color: var(--cnnviz-text); white-space: nowrap;
}
.cnnviz-layers thead th { position: sticky; top: 0; background: var(--cnnviz-surface); }
.cnnviz-layers :is(th:first-child, td.words) { text-align: left; }
.cnnviz-layers tr.chosen { outline: 2px solid var(--cnnviz-accent); outline-offset: -2px; }
.cnnviz-layers small { color: var(--cnnviz-muted); font-size: 0.85em; }
.cnnviz-layers tfoot th { background: var(--cnnviz-surface); }
.st-key-layer-links a p { color: var(--cnnviz-accent); text-decoration: underline; }
.cnnviz-arithmetic { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.cnnviz-arithmetic :is(th, td) {
    border: 0; padding: 0.15rem 0.8rem 0.15rem 0; text-align: left; vertical-align: top;
    color: var(--cnnviz-text);
}
.cnnviz-arithmetic th { color: var(--cnnviz-muted); font-weight: 400; white-space: nowrap; }
"""


def show(state: PageState) -> None:
    """Choose a network and a layer; read its arithmetic."""
    _KEPT.open(state)
    draw_until_torch(lambda: _show(state))


def _show(state: PageState) -> None:
    if not is_torch_here():
        return
    from cnnviz.architecture.table_words import totals_sentence
    from cnnviz.ui.architecture.table_parts import (
        arithmetic_html,
        layers_html,
        show_links,
        table_of,
    )

    _show_choices()
    settings = _KEPT.now()
    try:
        shape = settings.input_shape
        table = table_of(settings.network, shape)
    except CnnvizError as error:
        st.error(str(error))
        st.button(
            "Back to LeNet-5",
            key=f"{_KEPT.prefix}.back",
            on_click=_KEPT.change,
            kwargs={"network": TableSettings().network, "side": 0, "layer": ""},
        )
        _KEPT.write(state)
        return
    names = [row.name for row in table.rows]
    picked = picked_name()
    if picked in names and picked is not None:
        _KEPT.change(layer=picked)
    layer = _KEPT.now().layer
    if layer not in names:
        if layer:
            state.keep_notes([f"layer={layer[:60]} is not in this network."])
        first = next((r.name for r in table.rows if r.kind.lower() == "conv2d"), names[0])
        _KEPT.change(layer=first)
        if layer:
            st.rerun()
    chosen = _KEPT.now().layer
    st.html(f"<style>{_STYLE}</style>")
    st.markdown(totals_sentence(table))
    identity = f"{settings.network}/{shape}"
    st.session_state[f"{DRAWING}.id"] = identity
    network_drawing(blocks_of(table, chosen), identity=identity, chosen=chosen, key=DRAWING)
    st.caption(
        "Each block is what a layer puts out: height and width to scale, channels and vectors by "
        "their logarithm. Teal: convolutions, orange: poolings, blue: vectors."
    )
    choice, details = st.columns([2, 5], gap="large")
    with choice:
        st.selectbox(
            "Layer",
            names,
            format_func=lambda name: f"{name}, {table.row(name).kind}",
            **_KEPT.setting("layer"),
        )
        show_links(table.row(chosen))
    with details:
        st.html(arithmetic_html(table, table.row(chosen)))
    st.html(layers_html(table, chosen))
    _KEPT.write(state)
    _take_away(state, settings.network, shape)


def _show_choices() -> None:
    settings = _KEPT.now()
    options = [*OWN, *(f"{TORCHVISION}{name}" for name in torchvision_names())]
    if settings.network not in options:
        options.append(settings.network)

    def title(name: str) -> str:
        return OWN[name][0] if name in OWN else f"torchvision {name.removeprefix(TORCHVISION)}"

    def change_network() -> None:
        network = st.session_state[f"{_KEPT.prefix}.network"]
        _KEPT.change(network=network, side=0, layer="")

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Network",
            options,
            format_func=title,
            width=320,
            help="Type to search among torchvision's classification networks.",
            **{**_KEPT.setting("network"), "on_change": change_network},
        )
        try:
            found = find_network(settings.network)
        except CnnvizError:
            return
        if found.takes_any_size:
            key = f"{_KEPT.prefix}.side"
            st.session_state[key] = settings.side or found.made_for[1]
            st.number_input(
                "Height and width of the picture",
                *SIDES,
                step=1,
                width=240,
                key=key,
                on_change=lambda: _KEPT.change(side=st.session_state[key]),
            )
        else:
            channels, height, width = found.made_for
            st.caption(escape(f"Made for pictures of {channels} × {height} × {width}."))


def _take_away(state: PageState, network: str, shape: tuple[int, int, int]) -> None:
    from cnnviz.architecture.table_words import table_snippet

    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Prints every layer's output and the parameters.")
        st.code(table_snippet(network, shape), language="python")
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)
