"""The table of all layers, and one of them with its arithmetic. Needs torch."""

from __future__ import annotations

from html import escape

import streamlit as st

from cnnviz.architecture.layer_table import LayerRow, LayerTable, layer_table
from cnnviz.architecture.networks import build_without_numbers
from cnnviz.architecture.table_words import arithmetic, bytes_text, convolution_links, shape_text


@st.cache_resource(show_spinner="Tracing the network …", max_entries=64)
def table_of(network: str, input_shape: tuple[int, int, int]) -> LayerTable:
    """Traced once for all who look at it."""
    return layer_table(build_without_numbers(network), input_shape)


def arithmetic_html(table: LayerTable, row: LayerRow) -> str:
    """How each of its numbers follows."""
    lines = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{escape(how)}</td></tr>'
        for what, how in arithmetic(table, row)
    )
    return f'<table class="cnnviz-arithmetic" aria-label="{escape(row.name)}">{lines}</table>'


def show_links(row: LayerRow) -> None:
    """Where the convolution page shows its window."""
    with st.container(key="layer-links", gap=None):
        for words, query in convolution_links(row):
            st.page_link("pages/convolution.py", label=words, query_params=dict(query))


def layers_html(table: LayerTable, chosen: str) -> str:
    """All of them; numbers that are nothing are left out."""
    rows = []
    for row in table.rows:
        field = "–" if row.field is None else " × ".join(map(str, row.field.size))
        jump = "–" if row.jump is None else _pair(row.jump)
        before = "–" if row.effective_padding is None else _pair(row.effective_padding)
        reason = f' title="{escape(row.reason)}"' if row.reason else ""
        mark = ' class="chosen" aria-current="true"' if row.name == chosen else ""
        rows.append(
            f'<tr{mark}><th scope="row">{escape(row.name)} <small>{escape(row.kind)}</small></th>'
            f"<td>{shape_text(row.output)}</td>"
            f'<td class="words"><small>{escape(row.size_formula)}</small></td>'
            f"<td>{_count(row.parameters)}</td>"
            f'<td class="words"><small>{escape(row.parameter_formula)}</small></td>'
            f"<td>{_count(row.macs)}</td><td>{bytes_text(row.memory)}</td>"
            f"<td{reason}>{field}</td><td>{jump}</td><td>{before}</td></tr>"
        )
    heads = (
        "layer",
        "output",
        "how it follows",
        "parameters",
        "how many",
        "multiply-acc.",
        "memory",
        "field",
        "jump",
        "eff. pad",
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        '<div class="cnnviz-layers" tabindex="0" role="region" aria-label="All layers"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody><tfoot><tr>"
        f'<th scope="row">all</th><th></th><th></th><th>{table.parameters:,}</th><th></th>'
        f"<th>{table.macs:,}</th><th>{bytes_text(table.memory)}</th><th></th><th></th><th></th>"
        "</tr></tfoot></table></div>"
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else f"{value[0]} × {value[1]}"
