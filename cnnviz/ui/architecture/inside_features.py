"""The feature maps of every layer, and how one number of them came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.activations.inside_settings import InsideSettings
from cnnviz.activations.scales import SCALES, reaches, strongest_channels
from cnnviz.activations.walk import Cell, walk_to
from cnnviz.figures.map_sheets import strip_uri
from cnnviz.ui.architecture.inside_walk import show_scores, show_walk, window_of
from cnnviz.ui.batch_norm.lab_state import LabState, place_below
from cnnviz.ui.components.map_sheets import MapSheet, map_sheets
from cnnviz.ui.kept_settings import KeptSettings

if TYPE_CHECKING:
    from cnnviz.activations.passage import LayerMaps, Passage
    from cnnviz.ui.architecture.inside_view import Inside

SHEETS: Final = LabState("architectures.inside.sheets")
MOST_CHANNELS: Final = 24
"""Of a layer, those that hold the greatest numbers; all of them once the layer is chosen."""
_SCALE_TITLES: Final = {"layer": "for each layer", "network": "one for all layers"}


def show(kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    """Maps on the left, the number on the right."""
    passage = inside.passage
    maps, numbers = st.columns([5, 4], gap="large")
    with maps:
        st.segmented_control(
            "Scale of the colours",
            SCALES,
            format_func=_SCALE_TITLES.__getitem__,
            required=True,
            **kept.setting("scale"),
        )
        _receive(kept, passage)
        settings = kept.now()
        layer = passage.layer(settings.layer)
        wanted = settings.channel if layer.channels > MOST_CHANNELS else 0
        identity = f"{inside.card.weights_sha256}/{hash(inside.picture.pixels.tobytes())}"
        identity = f"{identity}/{settings.scale}/{settings.layer}/{wanted}"
        walk = walk_to(
            passage, Cell(settings.layer, settings.channel, settings.row, settings.column)
        )
        chosen = (settings.layer, settings.channel, settings.row, settings.column)
        map_sheets(
            _sheets(identity, passage, settings),
            identity=identity,
            chosen=dict(zip(("layer", "channel", "row", "column"), chosen, strict=True)),
            window=window_of(walk),
            version=SHEETS.version(identity, chosen),
            key=SHEETS.key,
        )
        st.caption(
            "Orange is above 0, blue below. Click a number of a map, or go there by Tab and the "
            "arrow keys (Home and End: the map before and behind): what it was made of is dashed."
        )
    with numbers:
        show_walk(passage, walk)
        st.markdown("**Class scores and softmax**")
        show_scores(passage, inside.card.dataset.class_names, inside.picture.label)


def _receive(kept: KeptSettings[InsideSettings], passage: Passage) -> None:
    """Keep what was chosen in the maps."""
    told = SHEETS.news()
    if told is None or told.get("layer") not in passage.names[1:]:
        return
    name = str(told["layer"])
    places = [
        place_below(told, axis, count)
        for axis, count in zip(("channel", "row", "column"), passage.layer(name).shape, strict=True)
    ]
    channel, row, column = places
    if channel is None or row is None or column is None:
        return
    kept.change(layer=name, channel=channel, row=row, column=column)
    SHEETS.agree_on((name, channel, row, column))


@st.cache_resource(show_spinner=False, max_entries=128)
def _sheets(identity: str, _passage: Passage, _settings: InsideSettings) -> tuple[MapSheet, ...]:
    """Made once for all who look at them."""
    layers = _passage.layers
    scales = reaches([layer.values for layer in layers], _settings.scale)
    return tuple(
        _sheet(layer, reach, _settings) for layer, reach in zip(layers, scales, strict=True)
    )


def _sheet(layer: LayerMaps, reach: float, settings: InsideSettings) -> MapSheet:
    channels, height, width = layer.shape
    shown = strongest_channels(layer.values, MOST_CHANNELS)
    if layer.name == settings.layer and settings.channel not in shown:
        shown = tuple(sorted({*shown, settings.channel}))
    size = f"{channels} units" if layer.is_flat else f"{channels} × {height} × {width}"
    kind = "" if layer.kind == layer.name else f"{layer.kind}, "
    more = "" if len(shown) == channels else f", the {len(shown)} with the greatest numbers"
    return MapSheet(
        name=layer.name,
        words=f"{kind}{size}{more}; full colour at {reach:.3g}",
        height=height,
        width=width,
        channels=shown,
        strip=strip_uri(layer.values[list(shown)], reach),
    )
