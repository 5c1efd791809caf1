"""The view "Calibration": does a network know how sure it may be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.confusion.calibration import BINNINGS, calibration
from cnnviz.confusion.predictions import Predictions
from cnnviz.ui.charts import is_dark
from cnnviz.ui.confusion.kept import PAGE, setting
from cnnviz.ui.confusion.networks import open_networks
from cnnviz.ui.url_state import PageState

if TYPE_CHECKING:
    from cnnviz.confusion.calibration import Binning

_BINNINGS: Final[dict[Binning, str]] = {
    "equal_width": "Equal ranges of confidence",
    "equal_mass": "Equally many pictures",
}


def show(state: PageState) -> None:
    """A reliability diagram of each network, and what it amounts to in words and numbers."""
    shown = open_networks(state, "calibration")
    if shown is None:
        return
    st.markdown(
        "Of the pictures of which a network is 80 % sure, 80 % should be right. Each point is a "
        "group of pictures with about the same confidence; below the dashed line the network is "
        "too sure."
    )
    binning = shown.settings.binning
    st.segmented_control(
        "Groups of",
        list(BINNINGS),
        format_func=_BINNINGS.__getitem__,
        required=True,
        **setting("binning", binning),
    )
    columns = st.columns(2, gap="large")
    with columns[0]:
        _show_one(shown.predictions, binning, "first")
    if shown.other is not None:
        with columns[1]:
            _show_one(shown.other, binning, "second")


def _show_one(predictions: Predictions, binning: Binning, name: str) -> None:
    from cnnviz.figures.reliability import reliability_figure

    result = calibration(predictions.judgements)
    diagram = result.equal_width if binning == "equal_width" else result.equal_mass
    st.text(predictions.title)
    st.markdown(f"**{result.sentence()}**")
    st.plotly_chart(
        reliability_figure(diagram, dark=is_dark()),
        theme=None,
        key=f"{PAGE}.reliability.{name}",
        alt=f"Accuracy over confidence. {result.sentence()}",
        config={"displayModeBar": False},
    )
    with st.container(horizontal=True):
        st.metric(
            "Expected calibration error",
            f"{100 * diagram.expected_error:.1f} %",
            help="The mean distance of confidence and accuracy, weighted by pictures.",
        )
        st.metric(
            "Greatest error",
            f"{100 * diagram.greatest_error:.1f} %",
            help="The distance of the group that is farthest off, however few pictures it has.",
        )
        st.metric(
            "Brier score",
            f"{result.brier:.3f}",
            help="Mean squared distance of the probabilities from the truth: 0 is best, 2 worst.",
        )
        st.metric(
            "Cross-entropy",
            f"{result.negative_log_likelihood:.3f}",
            help="The mean loss, in nats.",
        )
