"""The whole network in the view "At inference": equal outputs without normalizations, and time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.machine import processor_name
from cnnviz.norms.channel_words import power_text
from cnnviz.norms.picture_batch import PictureBatch, draw_batch
from cnnviz.ui.batch_norm.networks import NormalizedNetwork, say_where_from

if TYPE_CHECKING:
    import torch

    from cnnviz.norms.folded_network import Agreement, SpeedGain

COMPARED: Final = 64
"""Pictures whose outputs are compared."""
TIMED: Final = 32
"""Pictures in a batch whose time is taken."""
BUDGET_S: Final = 4.0
_MEASURING: Final = threading.Lock()
"""Two measurements at a time would slow each other."""


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """What became of a network whose normalizations are folded."""

    agreement: Agreement
    pairs: Mapping[str, str]
    """Each normalization that is folded, and the convolution that took it over."""
    past_pooling: tuple[str, ...]
    """Folded, though a pooling stands between."""
    reasons: tuple[str, ...]
    """Of those that are not."""
    numbers: int
    """Parameters and running statistics before."""
    numbers_gone: int
    """Scales, shifts, means and variances that are no longer kept, less new biases."""


def compared_batch(found: NormalizedNetwork) -> PictureBatch:
    """The pictures whose outputs are compared."""
    return draw_batch(found.split, COMPARED)


def show_network(found: NormalizedNetwork) -> Mapping[str, str]:
    """What is gone, how far outputs are apart, the time it takes; returns what was folded.

    Normalization -> the convolution that took it over.
    """
    st.subheader("The whole network", anchor=False)
    whole = _whole(f"{found.name}/{found.card.weights_sha256}/{found.split.digest}", found)
    st.markdown(
        f"{len(whole.pairs)} of {len(found.norms)} normalizations are gone, and with them "
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
    return whole.pairs


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
        count = min(TIMED, len(found.split))
        st.caption(f"Batches of {count} pictures through both, in turn, for a few seconds.")
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
    return measure_speed(
        found.network, folded, _input(found, draw_batch(found.split, TIMED)), budget_s=BUDGET_S
    )


@st.cache_resource(show_spinner="Folding the network …", max_entries=16)
def _whole(identity: str, _found: NormalizedNetwork) -> _Whole:
    from cnnviz.norms.folded_network import compare_outputs, fold_network, why_not

    folded, layers = fold_network(_found.network)
    reasons = [why_not(_found.network, norm) for norm in _found.norms]
    return _Whole(
        agreement=compare_outputs(_found.network, folded, _input(_found, compared_batch(_found))),
        pairs={layer.norm.name: layer.convolution for layer in layers},
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


def _input(found: NormalizedNetwork, batch: PictureBatch) -> torch.Tensor:
    from cnnviz.norms.network_norms import normalized_batch
    from cnnviz.training.pictures import Normalization

    normalization = Normalization(found.card.mean, found.card.std)
    return normalized_batch(found.network, batch.images, normalization)
