"""Average against maximum on the same map; and what a small shift of the picture does to layers."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.activations.exchanged_pooling import pool_both_ways, poolings_of
from cnnviz.activations.inside_settings import InsideSettings
from cnnviz.activations.inside_words import pooling_sentence, shift_sentence
from cnnviz.activations.patches import spread
from cnnviz.activations.shifts import DIRECTIONS, Direction, ShiftSeries, measure_shifts
from cnnviz.figures.map_sheets import map_uri
from cnnviz.figures.shifts import shift_figure
from cnnviz.training.pictures import Normalization
from cnnviz.ui.charts import is_dark, show_chart
from cnnviz.ui.kept_settings import KeptSettings

if TYPE_CHECKING:
    from cnnviz.ui.architecture.inside_view import Inside

PICTURES: Final = 40
"""That are moved; fewer where there are not so many."""
_LINES: Final = 6
_STYLE: Final = """
.cnnviz-pooled { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-end; }
.cnnviz-pooled figure { margin: 0; }
.cnnviz-pooled img {
    display: block; image-rendering: pixelated; border: 1px solid var(--cnnviz-border);
}
.cnnviz-pooled figcaption { color: var(--cnnviz-muted); font-size: 0.9rem; }
"""


def show_pooling(kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    """The same map pooled by average and by maximum, and where they differ."""
    names = poolings_of(inside.network)
    if not names:
        st.info("This network pools nothing by average or maximum.")
        return
    now = kept.now()
    if now.layer not in names:
        kept.change(layer=names[0], channel=0, row=0, column=0)
    passage = inside.passage
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Pooling", list(names), width=200, **kept.setting("layer"))
        layer = passage.layer(kept.now().layer)
        if kept.now().channel >= layer.channels:
            kept.change(channel=layer.channels - 1)
        st.number_input("Map", 0, layer.channels - 1, step=1, width=140, **kept.setting("channel"))
    channel = kept.now().channel
    assert layer.module is not None
    both = pool_both_ways(passage.before(layer.name).values, layer.module)
    st.markdown(pooling_sentence(both, channel))
    reach = float(np.abs(both.maps[channel]).max()) or 1.0
    own = {"average": "average", "max": "maximum"}[both.own]
    figures = "".join(
        f'<figure><img src="{map_uri(values[channel], reach)}" alt="{escape(words)}" '
        f'style="width: {side}px; height: {side}px"><figcaption>{escape(words)}'
        f"{' (its own)' if words == own else ''}<br>"
        f"{values.shape[1]} × {values.shape[2]}</figcaption></figure>"
        for words, values, side in (
            ("before", both.maps, 240),
            ("average", both.average, 240),
            ("maximum", both.maximum, 240),
            ("maximum − average", both.difference, 240),
        )
    )
    st.html(f'<style>{_STYLE}</style><div class="cnnviz-pooled">{figures}</div>')
    st.caption(
        f"One scale for all four: full colour at {reach:.3g}. LeNet-5 pools by average, the "
        "improved one by maximum: choose the other network above and compare."
    )


def show_shifts(kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    """Pictures moved by one to four pixels: how far each layer moves, and the answer."""
    st.segmented_control("Moved", DIRECTIONS, required=True, wrap=True, **kept.setting("direction"))
    places = spread(len(inside.split), PICTURES)
    key = f"{inside.card.weights_sha256}/{inside.split.digest}"
    series = _measured(key, kept.now().direction, inside, places)
    layers = _told_layers(series)
    words = shift_sentence(series, layers)
    st.markdown(words)
    in_place, along = st.columns(2, gap="large")
    with in_place:
        st.markdown("**Number by number**")
        figure = shift_figure(series, layers, dark=is_dark())
        show_chart(figure, "architectures.inside.shifts", words)
    with along:
        st.markdown("**After moving the maps back**")
        figure = shift_figure(series, layers, moved_along=True, dark=is_dark())
        show_chart(
            figure,
            "architectures.inside.along",
            "What is left of the change once the maps are moved back as far as the picture was.",
        )
    st.caption(
        "A convolution moves along with its picture; what a stride or a pooling leaves between two "
        "places, and what enters at the edge, is what remains on the right. Full length is 100 %."
    )


def _told_layers(series: ShiftSeries) -> list[int]:
    """Convolutions, poolings and fully connected layers, evenly spread if there are too many."""
    kinds = ("Conv2d", "AvgPool2d", "MaxPool2d", "AdaptiveAvgPool2d", "Linear")
    told = [place for place, kind in enumerate(series.kinds) if kind in kinds]
    return [told[k] for k in spread(len(told), _LINES)]


@st.cache_resource(show_spinner="Moving the pictures …", max_entries=32)
def _measured(
    key: str, direction: Direction, _inside: Inside, _places: npt.NDArray[np.int64]
) -> ShiftSeries:
    """Measured once for all who look at it."""
    return measure_shifts(
        _inside.network,
        _inside.split.images[_places],
        Normalization(_inside.card.mean, _inside.card.std),
        direction,
    )
