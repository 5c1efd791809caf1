"""The view "At inference": a normalization folded into the convolution before it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.norms.network_settings import FoldSettings, fit_fold_settings, read_fold_settings
from cnnviz.norms.network_snippets import fold_snippet
from cnnviz.ui.batch_norm.inference_network import compared_batch, show_network
from cnnviz.ui.batch_norm.lab_state import LabState, place_below
from cnnviz.ui.batch_norm.networks import (
    NormalizedNetwork,
    is_torch_here,
    network_names,
    network_titles,
    open_network,
    say_which_are_left_out,
)
from cnnviz.ui.components.fold_lab import fold_lab
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

LAB: Final = LabState("batch_norm.inference.lab")


def show(state: PageState) -> None:
    """One filter folded, then the whole network."""
    names = network_names()
    if not names.normalized:
        state.show_notes()
        st.info("No trained network here has batch normalization.")
        return
    kept = KeptSettings(
        "batch_norm", "inference", partial(read_fold_settings, models=names.normalized)
    )
    kept.open(state)
    draw_until_torch(partial(_show, state, kept, names.normalized, names.others))


def _show(
    state: PageState,
    kept: KeptSettings[FoldSettings],
    models: tuple[str, ...],
    others: tuple[str, ...],
) -> None:
    if not is_torch_here():
        return
    found = open_network(kept.now().model)
    if found is None:
        return
    settings, notes = fit_fold_settings(kept.now(), _sizes(found))
    if settings != kept.now():
        kept.change(layer=settings.layer, channel=settings.channel, plane=settings.plane)
        state.keep_notes(notes)
        if notes:
            st.rerun()
    _receive(kept, found)
    _show_choices(kept, found, models)
    one, whole = st.columns([3, 2], gap="large")
    with one:
        _show_filter(kept.now(), found)
    with whole:
        pairs = show_network(found)
    say_which_are_left_out(others)
    kept.write(state)
    _take_away(state, kept.now(), found, pairs)


def _receive(kept: KeptSettings[FoldSettings], found: NormalizedNetwork) -> None:
    """Keep the map that was chosen in the lab."""
    told = LAB.news()
    planes = _sizes(found)[kept.now().layer][1]
    plane = None if told is None else place_below(told, "plane", planes)
    if plane is not None:
        kept.change(plane=plane)
        LAB.agree_on(plane)


def _sizes(found: NormalizedNetwork) -> dict[str, tuple[int, int]]:
    """Normalization -> its channels, and maps that a filter of its convolution reads."""
    weights = found.network.state_dict()
    return {
        norm.name: (
            norm.channels,
            weights[f"{norm.convolution}.weight"].shape[1] if norm.convolution else 1,
        )
        for norm in found.norms
    }


def _show_choices(
    kept: KeptSettings[FoldSettings], found: NormalizedNetwork, models: tuple[str, ...]
) -> None:
    settings = kept.now()
    norms = {norm.name: norm for norm in found.norms}

    def change_model() -> None:
        model = st.session_state[f"{kept.prefix}.model"]
        kept.change(model=model, layer="", channel=0, plane=0)

    def change_layer() -> None:
        layer = st.session_state[f"{kept.prefix}.layer"]
        kept.change(layer=layer, channel=min(settings.channel, norms[layer].channels - 1), plane=0)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Network",
            models,
            format_func=network_titles(models).__getitem__,
            width=260,
            **{**kept.setting("model"), "on_change": change_model},
        )
        st.selectbox(
            "Layer",
            list(norms),
            format_func=lambda name: f"{name}, behind {norms[name].convolution or 'nothing'}",
            width=290,
            **{**kept.setting("layer"), "on_change": change_layer},
        )
        st.number_input(
            f"Filter, 0 to {norms[settings.layer].channels - 1}",
            min_value=0,
            max_value=norms[settings.layer].channels - 1,
            step=1,
            width=180,
            **kept.setting("channel"),
        )


def _show_filter(settings: FoldSettings, found: NormalizedNetwork) -> None:
    from cnnviz.norms.folded_network import fold_filter

    norm = next(norm for norm in found.norms if norm.name == settings.layer)
    st.subheader(f"Filter {settings.channel} of {norm.convolution} takes over", anchor=False)
    try:
        folded = fold_filter(found.network, norm, settings.channel)
    except CnnvizError as error:
        st.info(f"It cannot: {error}")
        return
    identity = f"{found.name}/{settings.layer}/{settings.channel}"
    fold_lab(
        folded,
        identity=identity,
        plane=settings.plane,
        version=LAB.version(identity, settings.plane),
        key=LAB.key,
    )


def _take_away(
    state: PageState, settings: FoldSettings, found: NormalizedNetwork, pairs: Mapping[str, str]
) -> None:
    with st.expander("Take it away: PyTorch code and link"):
        if settings.layer in pairs:
            st.caption("Folds the network, and compares the outputs; to be run beside app.py.")
            st.code(
                fold_snippet(
                    found.folder,
                    found.name,
                    found.card.dataset.name,
                    compared_batch(found).indices.tolist(),
                    pairs=pairs,
                    layer=settings.layer,
                    channel=settings.channel,
                    plane=settings.plane,
                ),
                language="python",
                height=400,
            )
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)
