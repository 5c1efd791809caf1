"""The view "In a real network": what a normalization does to the channels of a trained layer."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Final

import streamlit as st

from cnnviz.batchnorm import Mode
from cnnviz.errors import CnnvizError
from cnnviz.figures.snapshots import picture_uri
from cnnviz.norms.channel_table import tabulate
from cnnviz.norms.network_settings import (
    MOST_DRAWS,
    PICTURE_COUNTS,
    NetworkSettings,
    fit_network_settings,
    read_network_settings,
)
from cnnviz.norms.network_snippets import capture_snippet
from cnnviz.norms.picture_batch import PictureBatch, class_counts, draw_batch
from cnnviz.ui.batch_norm.lab_state import LabState, place_below
from cnnviz.ui.batch_norm.networks import (
    NormalizedNetwork,
    is_torch_here,
    network_names,
    network_titles,
    open_network,
    say_where_from,
    say_which_are_left_out,
)
from cnnviz.ui.components.norm_lab import DrawnLayer, norm_lab
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

LAB: Final = LabState("batch_norm.network.lab")
_MODES: Final[dict[Mode, str]] = {"train": "this batch (train)", "eval": "running (eval)"}
_ALL: Final = ""


def show(state: PageState) -> None:
    """Choose a network, a layer, a batch; its channels are chosen in the lab."""
    names = network_names()
    if not names.normalized:
        state.show_notes()
        st.info("No trained network here has batch normalization.")
        return
    kept = _kept(names.normalized)
    kept.open(state)
    draw_until_torch(partial(_show, state, kept, names.normalized, names.others))


def _kept(models: tuple[str, ...]) -> KeptSettings[NetworkSettings]:
    return KeptSettings("batch_norm", "network", partial(read_network_settings, models=models))


def _show(
    state: PageState,
    kept: KeptSettings[NetworkSettings],
    models: tuple[str, ...],
    others: tuple[str, ...],
) -> None:
    if not is_torch_here():
        return
    found = open_network(kept.now().model)
    if found is None:
        return
    channels = {norm.name: norm.channels for norm in found.norms}
    settings, notes = fit_network_settings(kept.now(), channels, class_counts(found.split))
    if settings != kept.now():
        kept.change(layer=settings.layer, channel=settings.channel, only=settings.only)
        state.keep_notes(notes)
        if notes:
            st.rerun()
    _receive(kept, channels[settings.layer])
    settings = kept.now()
    batch = draw_batch(found.split, settings.pictures, only=settings.only, draw=settings.draw)
    choices, pictures = st.columns([2, 1], gap="medium")
    with choices:
        _show_choices(kept, found, models)
        say_where_from(found.split)
    with pictures:
        _show_pictures(batch)
    identity = "/".join((found.name, settings.layer, settings.mode, *_identity(settings, batch)))
    try:
        drawn = _drawn(f"{identity}/{found.card.weights_sha256}", found, settings, batch)
    except CnnvizError as error:
        st.error(str(error))
        return
    version = LAB.version(identity, settings.channel)
    norm_lab(drawn, identity=identity, channel=settings.channel, version=version, key=LAB.key)
    say_which_are_left_out(others)
    kept.write(state)
    _take_away(state, found, settings, batch)


def _receive(kept: KeptSettings[NetworkSettings], channels: int) -> None:
    """Keep the channel that was chosen in the lab."""
    told = LAB.news()
    channel = None if told is None else place_below(told, "channel", channels)
    if channel is not None:
        kept.change(channel=channel)
        LAB.agree_on(channel)


# ------------------------------------------------------------------------------- what is looked at


def _show_choices(
    kept: KeptSettings[NetworkSettings], found: NormalizedNetwork, models: tuple[str, ...]
) -> None:
    settings = kept.now()
    norms = {norm.name: norm for norm in found.norms}
    counts = class_counts(found.split)

    def change_model() -> None:
        model = st.session_state[f"{kept.prefix}.model"]
        kept.change(model=model, layer="", channel=0, only=_ALL)

    def change_layer() -> None:
        layer = st.session_state[f"{kept.prefix}.layer"]
        kept.change(layer=layer, channel=min(settings.channel, norms[layer].channels - 1))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Network",
            models,
            format_func=network_titles(models).__getitem__,
            width=240,
            **{**kept.setting("model"), "on_change": change_model},
        )
        st.selectbox(
            "Layer",
            list(norms),
            format_func=lambda name: f"{name}, {norms[name].channels} channels",
            width=250,
            **{**kept.setting("layer"), "on_change": change_layer},
        )
        st.segmented_control(
            "Normalize by the statistics of",
            list(_MODES),
            format_func=_MODES.__getitem__,
            required=True,
            **kept.setting("mode"),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Pictures in the batch", PICTURE_COUNTS, required=True, **kept.setting("pictures")
        )
        st.selectbox(
            "Of",
            [_ALL, *(name for name, count in counts.items() if count)],
            format_func=lambda name: name or "all classes",
            width=160,
            **kept.setting("only"),
        )
        st.button(
            "Other pictures",
            key=f"{kept.prefix}.other",
            on_click=lambda: kept.change(draw=(kept.now().draw + 1) % MOST_DRAWS),
        )


def _show_pictures(batch: PictureBatch) -> None:
    uri, width = _sheet(batch.split.digest, tuple(batch.indices.tolist()), batch)
    words = f"{len(batch.indices)} test pictures: {batch.words}."
    st.html(
        f'<figure style="margin: 0"><img src="{uri}" alt="{escape(words)}" style="display: block; '
        f'width: min(100%, {width}px); image-rendering: pixelated; border-radius: 0.3rem">'
        "</figure>"
    )
    st.caption(words)


@st.cache_resource(show_spinner=False, max_entries=64)
def _sheet(digest: str, indices: tuple[int, ...], _batch: PictureBatch) -> tuple[str, int]:
    """All pictures as one, as a data URI, and how wide it is in pixels."""
    sheet = _batch.sheet()
    return picture_uri(sheet), sheet.shape[1]


@st.cache_resource(show_spinner="Running the network …", max_entries=24)
def _drawn(
    identity: str,
    _found: NormalizedNetwork,
    _settings: NetworkSettings,
    _batch: PictureBatch,
) -> DrawnLayer:
    """The layer, run once for all who look at it."""
    from cnnviz.norms.capture import capture
    from cnnviz.training.pictures import Normalization

    values = capture(
        _found.network,
        _batch.images,
        Normalization(_found.card.mean, _found.card.std),
        _settings.layer,
        mode=_settings.mode,
    )
    return DrawnLayer.of(tabulate(values))


def _identity(settings: NetworkSettings, batch: PictureBatch) -> tuple[str, ...]:
    """Which pictures, as text."""
    return str(len(batch.indices)), settings.only, str(settings.draw), batch.split.digest


def _take_away(
    state: PageState, found: NormalizedNetwork, settings: NetworkSettings, batch: PictureBatch
) -> None:
    activation = next(norm.activation for norm in found.norms if norm.name == settings.layer)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Catches these numbers with forward hooks; to be run beside app.py.")
        st.code(
            capture_snippet(
                found.folder,
                found.name,
                found.card.dataset.name,
                batch.indices.tolist(),
                layer=settings.layer,
                activation=activation or "",
                channel=settings.channel,
                mode=settings.mode,
            ),
            language="python",
            height=400,
        )
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)
