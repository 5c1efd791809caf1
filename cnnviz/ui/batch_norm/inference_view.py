"""The view "At inference": a normalization folded into the convolution before it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.machine import processor_name
from cnnviz.norms.channel_words import power_text
from cnnviz.norms.network_settings import FoldSettings, fit_fold_settings, read_fold_settings
from cnnviz.norms.network_snippets import fold_snippet
from cnnviz.norms.picture_batch import draw_batch
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
from cnnviz.ui.components.fold_lab import fold_lab
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

if TYPE_CHECKING:
    import torch

    from cnnviz.norms.folded_network import Agreement, SpeedGain

LAB: Final = LabState("batch_norm.inference.lab")
COMPARED: Final = 64
"""Pictures whose outputs are compared."""
TIMED: Final = 32
"""Pictures in a batch whose time is taken."""
BUDGET_S: Final = 4.0
_MEASURING: Final = threading.Lock()
"""Two measurements at a time would slow each other."""


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
        _show_network(found)
    say_which_are_left_out(others)
    kept.write(state)
    _take_away(state, kept.now(), found)


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


# ------------------------------------------------------------------------------- the whole network


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """What became of a network whose normalizations are folded."""

    agreement: Agreement
    folded: int
    past_pooling: tuple[str, ...]
    """Folded, though a pooling stands between."""
    reasons: tuple[str, ...]
    """Of those that are not."""
    numbers: int
    """Parameters and running statistics before."""
    numbers_gone: int
    """Scales, shifts, means and variances that are no longer kept, less new biases."""


def _show_network(found: NormalizedNetwork) -> None:
    st.subheader("The whole network", anchor=False)
    whole = _whole(f"{found.name}/{found.card.weights_sha256}/{found.split.digest}", found)
    st.markdown(
        f"{whole.folded} of {len(found.norms)} normalizations are gone, and with them "
        f"{whole.numbers_gone:,} of {whole.numbers:,} numbers that the network keeps."
    )
    if whole.past_pooling:
        st.markdown(
            f"Folded past a pooling: {', '.join(whole.past_pooling)}. No channel's scale is "
            "negative there, so that the greatest value stays the greatest."
        )
    for reason in whole.reasons:
        st.info(f"Not folded: {reason}")
    said = whole.agreement
    st.markdown(
        f"Outputs for {said.count} pictures differ by at most "
        f"**{power_text(said.greatest_difference)}**, where the largest is "
        f"{said.greatest_logit:.3g}: rounding. "
        f"{_changed(said.changed)}"
    )
    say_where_from(found.split)
    st.markdown("**Is it faster?**")
    _show_speed(found)


def _changed(count: int) -> str:
    if count == 0:
        return "No picture is decided otherwise."
    return f"{count} {'picture is' if count == 1 else 'pictures are'} decided otherwise."


def _show_speed(found: NormalizedNetwork) -> None:
    kept = f"batch_norm.inference.speed.{found.name}"
    if st.button("Measure it here", key="batch_norm.inference.measure"):
        with st.spinner("Measuring …"), _MEASURING:
            st.session_state[kept] = _measure(found)
    gain: SpeedGain | None = st.session_state.get(kept)
    if gain is None:
        st.caption(f"Batches of {TIMED} pictures through both, in turn, for a few seconds.")
        return
    import torch

    before, after = st.columns(2)
    before.metric("with the normalizations", f"{1000 * gain.before_s:.3g} ms")
    after.metric("folded", f"{1000 * gain.after_s:.3g} ms")
    threads = torch.get_num_threads()
    st.markdown(
        f"**{gain.ratio:.2f} times as fast** for a batch of {gain.batch_size}: "
        f"{processor_name()}, {threads} {'thread' if threads == 1 else 'threads'}, float32. The "
        f"least of {gain.repeats} runs each: other work on the machine only adds."
    )


def _measure(found: NormalizedNetwork) -> SpeedGain:
    from cnnviz.norms.folded_network import fold_network, measure_speed

    folded, _ = fold_network(found.network)
    return measure_speed(found.network, folded, _batch(found, TIMED), budget_s=BUDGET_S)


@st.cache_resource(show_spinner="Folding the network …", max_entries=16)
def _whole(identity: str, _found: NormalizedNetwork) -> _Whole:
    from cnnviz.norms.folded_network import compare_outputs, fold_network, why_not

    folded, layers = fold_network(_found.network)
    reasons = [why_not(_found.network, norm) for norm in _found.norms]
    return _Whole(
        agreement=compare_outputs(_found.network, folded, _batch(_found, COMPARED)),
        folded=len(layers),
        past_pooling=tuple(layer.norm.name for layer in layers if layer.norm.between),
        reasons=tuple(reason for reason in reasons if reason),
        numbers=_numbers(_found.network),
        numbers_gone=_numbers(_found.network) - _numbers(folded),
    )


def _numbers(network: torch.nn.Module) -> int:
    """Of parameters and running statistics."""
    return sum(
        tensor.numel() for tensor in network.state_dict().values() if tensor.is_floating_point()
    )


def _batch(found: NormalizedNetwork, count: int) -> torch.Tensor:
    from cnnviz.norms.network_norms import normalized_batch
    from cnnviz.training.pictures import Normalization

    images = draw_batch(found.split, count).images
    return normalized_batch(found.network, images, Normalization(found.card.mean, found.card.std))


def _take_away(state: PageState, settings: FoldSettings, found: NormalizedNetwork) -> None:
    norm = next(norm for norm in found.norms if norm.name == settings.layer)
    with st.expander("Take it away: PyTorch code and link"):
        if norm.convolution and not norm.between:
            st.caption("Folds this layer; to be run beside app.py.")
            st.code(
                fold_snippet(
                    found.folder, found.name, layer=norm.name, convolution=norm.convolution
                ),
                language="python",
            )
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)
