"""The filters of a convolution, and the pictures that a channel answers to most."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st

from cnnviz.activations.inside_settings import InsideSettings
from cnnviz.activations.kernels import convolutions_of, kernels_of
from cnnviz.activations.patches import KEPT, Search, cut_patch, find_strongest, spread
from cnnviz.figures.map_sheets import filter_uri, map_uri
from cnnviz.figures.snapshots import picture_uri
from cnnviz.training.pictures import Normalization
from cnnviz.ui.kept_settings import KeptSettings

if TYPE_CHECKING:
    from cnnviz.ui.architecture.inside_view import Inside

SEARCHED: Final = 2_000
"""Pictures, evenly spread over the classes; all where there are fewer."""
_SHOWN: Final = 12
_one_at_a_time = threading.Lock()
"""Searches take all cores, and a class that asks at once wants the same."""
_STYLE: Final = """
.cnnviz-tiles { display: flex; flex-wrap: wrap; gap: 0.7rem; }
.cnnviz-tiles figure { margin: 0; }
.cnnviz-tiles img {
    display: block; image-rendering: pixelated; border: 1px solid var(--cnnviz-border);
}
.cnnviz-tiles figcaption { color: var(--cnnviz-muted); font-size: 0.85rem; }
"""


def show_filters(kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    """All filters of the first convolution as pictures; of a later one those of one channel."""
    names = convolutions_of(inside.network)
    if not names:
        st.info("This network has no convolution.")
        return
    layer = _choose_layer(kept, names, "Convolution")
    kernels = kernels_of(inside.network, layer)
    reach = float(np.abs(kernels.weights).max()) or 1.0
    filters, planes, height, width = kernels.weights.shape
    if kernels.is_first:
        st.markdown(
            f"**{filters} filters of {planes} × {height} × {width}**, one for each map of {layer}."
        )
        tiles = [
            (
                filter_uri(weights, reach) if planes == 3 else map_uri(weights[0], reach),
                f"filter {k}",
            )
            for k, weights in enumerate(kernels.weights)
        ]
        _show_tiles(tiles, side=72)
        st.caption(
            "As colours: grey stands for 0, and a filter answers most to what looks like it."
            if planes == 3
            else f"Orange is above 0, blue below; full colour at {reach:.3g}."
        )
        return
    channel = _choose_channel(kept, filters, "Filter")
    st.markdown(
        f"**Filter {channel} of {layer}**: {planes} planes of {height} × {width}, one for each map "
        "that it reads. Their sums over all places and maps, and the bias, make one number."
    )
    own = kernels.weights[channel]
    order = np.argsort(-np.abs(own).sum((1, 2)), kind="stable")
    tiles = [(map_uri(own[k], reach), f"map {k}") for k in order[:48]]
    _show_tiles(tiles, side=54)
    more = "" if planes <= 48 else f" The 48 of {planes} with the most weight."
    st.caption(f"Orange is above 0, blue below; full colour at {reach:.3g} in all filters.{more}")


def show_patches(kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    """What a channel answers to most, once somebody asks: thousands of pictures run."""
    layers = [layer for layer in inside.passage.layers[1:] if not layer.is_flat]
    layer = _choose_layer(kept, [each.name for each in layers], "Layer")
    channel = _choose_channel(kept, inside.passage.layer(layer).channels, "Channel")
    split = inside.split
    places = spread(len(split), SEARCHED)
    key = f"{inside.card.weights_sha256}/{split.digest}"
    known: dict[str, Search] = _searches()
    if key not in known:
        place = st.empty()
        asked = place.button(
            f"Search {len(places):,} pictures for what this channel answers to",
            type="primary",
            key="architectures.inside.search",
        )
        if not asked:
            st.caption("All channels of all layers are searched at once; it takes some seconds.")
            return

        def tell(words: str, share: float) -> None:
            place.progress(min(1.0, share), words)

        try:
            tell("Searching the pictures", 0.0)
            with _one_at_a_time:
                if key not in known:  # else somebody else's search found it meanwhile
                    known[key] = find_strongest(
                        inside.network,
                        split.images[places],
                        Normalization(inside.card.mean, inside.card.std),
                        progress=tell,
                    )
                    while len(known) > 8:
                        known.pop(next(iter(known)))
        finally:
            place.empty()
    strongest = known[key].layers[layer]
    field = inside.passage.layer(layer).field
    names = split.class_names
    tiles = []
    for rank in range(min(_SHOWN, strongest.values.shape[1])):
        value = float(strongest.values[channel, rank])
        index = int(places[strongest.pictures[channel, rank]])
        row, column = (int(k) for k in strongest.units[channel, rank])
        patch = cut_patch(split.images[index], field, row, column)
        tiles.append((picture_uri(patch.pixels), f"{names[int(split.labels[index])]}, {value:.3g}"))
    tall, wide = field.size
    st.markdown(
        f"**Channel {channel} of {layer}**: its {len(tiles)} strongest units in {len(places):,} "
        f"pictures, one of each picture, and the {tall} × {wide} pixels that they see."
    )
    _show_tiles(tiles, side=96)
    st.caption(
        "Beyond the picture's edge it is black. With each: the class and the unit's number, of the "
        f"{KEPT} kept the greatest first."
    )


@st.cache_resource(show_spinner=False)
def _searches() -> dict[str, Search]:
    """By network and pictures, for all sessions."""
    return {}


def _choose_layer(kept: KeptSettings[InsideSettings], names: Sequence[str], title: str) -> str:
    """One of these; the setting's own if it is among them."""
    now = kept.now().layer
    if now not in names:
        kept.change(layer=names[0], channel=0, row=0, column=0)

    def change() -> None:
        layer = st.session_state[f"{kept.prefix}.layer"]
        kept.change(layer=layer, channel=0, row=0, column=0)

    st.selectbox(title, list(names), width=240, **{**kept.setting("layer"), "on_change": change})
    return kept.now().layer


def _choose_channel(kept: KeptSettings[InsideSettings], count: int, title: str) -> int:
    if kept.now().channel >= count:
        kept.change(channel=count - 1)
    st.number_input(title, 0, count - 1, step=1, width=160, **kept.setting("channel"))
    return kept.now().channel


def _show_tiles(tiles: list[tuple[str, str]], *, side: int) -> None:
    """Pictures (data URI, words), each of so many screen pixels."""
    figures = "".join(
        f'<figure><img src="{uri}" alt="{escape(words)}" style="width: {side}px; height: {side}px">'
        f"<figcaption>{escape(words)}</figcaption></figure>"
        for uri, words in tiles
    )
    st.html(f'<style>{_STYLE}</style><div class="cnnviz-tiles">{figures}</div>')
