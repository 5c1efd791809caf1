"""The view "Running statistics": batches are fed one by one, and what is remembered follows."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import streamlit as st

from cnnviz.batchnorm import NormSettings, Statistics
from cnnviz.errors import CnnvizError
from cnnviz.norms.batch_effects import brighten, draw_neighbours
from cnnviz.norms.running import Course, course
from cnnviz.norms.running_settings import (
    BATCHES,
    CHANGE_AT,
    MOMENTA,
    SHIFTS,
    SIZES,
    RunningSettings,
    fit_running_settings,
    read_running_settings,
)
from cnnviz.norms.running_words import (
    distance_sentence,
    pace_sentence,
    running_snippet,
    shift_sentence,
    step_lines,
)
from cnnviz.ui.batch_norm.networks import (
    NormalizedNetwork,
    is_torch_here,
    network_names,
    network_titles,
    open_network,
    say_where_from,
    say_which_are_left_out,
)
from cnnviz.ui.charts import is_dark, show_chart
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

_FEEDS: Final = (("Feed a batch", 1), ("Feed ten", 10))


def show(state: PageState) -> None:
    """Choose a channel and a momentum; feed batches."""
    names = network_names()
    models = names.normalized
    if not models:
        state.show_notes()
        st.info("No trained network here has batch normalization.")
        return
    kept = KeptSettings("batch_norm", "running", partial(read_running_settings, models=models))
    kept.open(state)
    draw_until_torch(partial(_show, state, kept, models, names.others))


def _show(
    state: PageState,
    kept: KeptSettings[RunningSettings],
    models: tuple[str, ...],
    others: tuple[str, ...],
) -> None:
    if not is_torch_here():
        return
    found = open_network(kept.now().model)
    if found is None:
        return
    layers = {norm.name: norm.channels for norm in found.norms}
    layer, channel, notes = fit_running_settings(kept.now(), layers)
    if (layer, channel) != (kept.now().layer, kept.now().channel):
        kept.change(layer=layer, channel=channel)
        state.keep_notes(notes)
        if notes:
            st.rerun()
    _show_choices(kept, layers, models)
    say_where_from(found.split)
    settings = kept.now()
    identity = f"{found.name}/{found.card.weights_sha256}/{found.split.digest}"
    try:
        batches = _measured(identity, layer, settings.size, settings.shift, found)
    except CnnvizError as error:
        st.error(str(error))
        return
    told = course(
        batches[:CHANGE_AT] if settings.shift else batches,
        NormSettings(momentum=settings.momentum),
        then=batches[CHANGE_AT:] if settings.shift else (),
    )
    _show_feeding(kept)
    _show_course(told, batches, kept.now())
    say_which_are_left_out(others)
    kept.write(state)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Feeds the same batches to the layer itself; to be run beside app.py.")
        snippet = running_snippet(found.folder, found.name, found.card.dataset.name, kept.now())
        st.code(snippet, language="python", height=400)
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)


def _show_choices(
    kept: KeptSettings[RunningSettings], layers: dict[str, int], models: tuple[str, ...]
) -> None:
    settings = kept.now()

    def change_model() -> None:
        model = st.session_state[f"{kept.prefix}.model"]
        kept.change(model=model, layer="", channel=0)

    def change_layer() -> None:
        layer = st.session_state[f"{kept.prefix}.layer"]
        kept.change(layer=layer, channel=min(settings.channel, layers[layer] - 1))

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
            list(layers),
            format_func=lambda name: f"{name}, {layers[name]} channels",
            width=250,
            **{**kept.setting("layer"), "on_change": change_layer},
        )
        st.number_input(
            "Channel", 0, layers[settings.layer] - 1, step=1, width=130, **kept.setting("channel")
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.select_slider(
            "Momentum m",
            MOMENTA,
            format_func=lambda m: "None" if m is None else f"{m:g}",
            width=320,
            help="The share of the new batch; None is the mean of all batches so far.",
            **kept.setting("momentum"),
        )
        st.segmented_control(
            "Pictures in a batch", list(SIZES), required=True, **kept.setting("size")
        )
        st.segmented_control(
            f"From batch {CHANGE_AT} on brighter by",
            list(SHIFTS),
            format_func=lambda levels: f"{levels} levels" if levels else "nothing",
            required=True,
            **kept.setting("shift"),
        )


def _show_feeding(kept: KeptSettings[RunningSettings]) -> None:
    fed = kept.now().fed
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider("Batches fed", 0, BATCHES, width=320, **kept.setting("fed"))
        for title, more in _FEEDS:
            st.button(
                title,
                type="primary" if more == 1 else "secondary",
                key=f"{kept.prefix}.feed.{more}",
                on_click=_feed,
                args=(kept, more),
                disabled=fed >= BATCHES,
            )
        st.button(
            "Start anew",
            key=f"{kept.prefix}.anew",
            on_click=kept.change,
            kwargs={"fed": 0},
            disabled=not fed,
        )


def _feed(kept: KeptSettings[RunningSettings], more: int) -> None:
    kept.change(fed=min(BATCHES, kept.now().fed + more))


@st.cache_resource(show_spinner="Measuring batches …", max_entries=48)
def _measured(
    identity: str, layer: str, size: int, shift: int, _found: NormalizedNetwork
) -> tuple[Statistics, ...]:
    """The statistics of all batches that can be fed; run once for all who look at them."""
    from cnnviz.norms.batch_series import batch_series
    from cnnviz.training.pictures import Normalization

    indices = draw_neighbours(_found.split.labels, BATCHES * size, seed=0)
    images = _found.split.images[indices]
    if shift:
        old = CHANGE_AT * size
        images = np.concatenate([images[:old], brighten(images[old:], shift)])
    normalization = Normalization(_found.card.mean, _found.card.std)
    return batch_series(_found.network, images, normalization, layer, batch_size=size)


def _show_course(told: Course, batches: tuple[Statistics, ...], settings: RunningSettings) -> None:
    from cnnviz.figures.batch_effects import Quantity, running_figure

    st.markdown(
        " ".join(
            words
            for words in (
                pace_sentence(settings),
                shift_sentence(told, settings) or distance_sentence(told, settings),
            )
            if words
        )
    )
    quantities: tuple[Quantity, ...] = ("mean", "variance")
    for column, quantity in zip(st.columns(2, gap="large"), quantities, strict=True):
        with column:
            channel = settings.channel
            figure = running_figure(
                told.after(settings.fed),
                channel,
                quantity,
                most=BATCHES,
                span=_span(told, channel, quantity),
                dark=is_dark(),
            )
            running = told.running_mean if quantity == "mean" else told.running_variance
            true = told.true_mean if quantity == "mean" else told.true_variance
            show_chart(
                figure,
                f"batch_norm.running.{quantity}",
                f"After {settings.fed} batches the running {quantity} of channel {channel} is "
                f"{running[settings.fed, channel]:.3g}; of all batches together it is "
                f"{true[settings.fed, channel]:.3g}.",
            )
    lines = step_lines(told, batches, settings)
    if not lines:
        st.caption("Feed a batch: its step is written out here.")
        return
    st.markdown(f"**Batch {settings.fed}**, written out for channel {settings.channel}:")
    for line in lines:
        st.latex(line)
    st.caption(
        "The batch is normalized by its biased variance, divided by n; what is remembered is the "
        "unbiased one, divided by n − 1. n counts pictures times places of a map."
    )


def _span(told: Course, channel: int, quantity: str) -> tuple[float, float]:
    """Of all numbers that may come to be shown, so that the axis holds still."""
    running, batch = (
        (told.running_mean, told.batch_mean)
        if quantity == "mean"
        else (told.running_variance, told.batch_variance)
    )
    values = np.concatenate([running[:, channel], batch[:, channel]])
    return float(values.min()), float(values.max())
