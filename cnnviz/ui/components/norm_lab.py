"""The norm lab: a layer's channels around its normalization; choosing one redraws its histograms.

All channels are sent at once, so that the browser follows the hand without asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnnviz.figures.channel_bars import bar_shares, shared_top
from cnnviz.norms.channel_table import STAGES, ChannelTable
from cnnviz.norms.channel_words import batch_sentence, channel_sentences, dead_sentence
from cnnviz.ui.components.sources import read_source
from cnnviz.ui.training.packing import pack

_SOURCES = (
    "element.js",
    "packed.js",
    "curve_scale.js",
    "channel_charts.js",
    "reporter.js",
    "norm_lab.js",
)
_mount = st.components.v2.component(
    "cnnviz.norm_lab", css=read_source("norm_lab.css"), js=read_source(*_SOURCES)
)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLayer:
    """A layer as the lab takes it; made once, shown to many."""

    table: ChannelTable
    top: float
    """The height of the histograms' axes, a share."""
    sentences: tuple[tuple[str, str, str], ...]
    """Of each channel, stage by stage."""

    @classmethod
    def of(cls, table: ChannelTable) -> DrawnLayer:
        """All that does not depend on what is chosen."""
        histograms = [table.histograms(channel) for channel in range(table.channels)]
        return cls(
            table,
            shared_top([histogram for stages in histograms for histogram in stages]),
            tuple(channel_sentences(table, channel) for channel in range(table.channels)),
        )


def norm_lab(drawn: DrawnLayer, *, identity: str, channel: int, version: int, key: str) -> None:
    """Show a layer; what is chosen lies in ``st.session_state[key]["picked"]``.

    identity: changes with what the table is of. channel: taken when identity or version is new;
    otherwise the browser's own choice stands. The report is {"n", "id", "channel"}; n grows.
    """
    _mount(
        key=key,
        data=_packed(drawn, identity, channel, version),
        on_picked_change=lambda: None,
    )


def _packed(drawn: DrawnLayer, identity: str, channel: int, version: int) -> bytes:
    table, compared = drawn.table, drawn.table.comparison
    content = {
        "id": identity,
        "version": version,
        "channel": channel,
        "channels": table.channels,
        "bins": len(table.edges) - 1,
        "start": float(table.edges[0]),
        "step": float(table.edges[1] - table.edges[0]),
        "top": drawn.top,
        "activation": table.activation_kind,
        "titles": _titles(table),
        "labels": _labels(table),
        "sentences": drawn.sentences,
        "summary": [batch_sentence(table), dead_sentence(table)],
    }
    shares = [
        bar_shares(table.histograms(channel)[stage])
        for stage in range(len(STAGES))
        for channel in range(table.channels)
    ]
    return pack(
        content,
        [
            *shares,
            table.mean.reshape(-1),
            table.std.reshape(-1),
            compared.batch_mean,
            compared.running_mean,
            np.sqrt(compared.batch_variance),
            np.sqrt(compared.running_variance),
            table.zeros[-1],
        ],
    )


def _titles(table: ChannelTable) -> Sequence[str]:
    by = "this batch's" if table.mode == "train" else "the running"
    return (
        f"1. What goes into {table.layer}",
        f"2. Normalized by {by} statistics, scaled and shifted",
        f"3. After {table.activation_kind}",
    )


def _labels(table: ChannelTable) -> Sequence[str]:
    """What those are told who do not see the charts of all channels."""
    compared = table.comparison
    ratio = compared.spread_ratio
    return (
        f"Mean of each of {table.channels} channels, in this batch against running: "
        f"{np.abs(compared.mean_shift).max():.2g} running σ apart at most",
        f"Standard deviation of each channel, in this batch against running: {ratio.min():.2g} to "
        f"{ratio.max():.2g} times as large",
        f"Share of exact zeros of each channel, {table.zeros[-1].min():.0%} to "
        f"{table.zeros[-1].max():.0%}",
    )
