"""How a viewer wants the curves: kept in the session, and in the URL where it is not the usual."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import streamlit as st

from cnnviz.figures.curves import AXES, SMOOTHING
from cnnviz.query import QueryReader
from cnnviz.ui.training.live_curves import CurveSettings
from cnnviz.ui.url_state import PageState

_KEPT: Final = "training.curves"
_SMOOTHING: Final = {str(steps): steps for steps in SMOOTHING}


def read_settings(state: PageState) -> CurveSettings:
    """The settings that the link asks for, or those chosen here, or the usual ones."""
    if state.has_news_for(_KEPT):
        read = QueryReader(state.query)
        usual = CurveSettings()
        st.session_state[_KEPT] = CurveSettings(
            axis=read.choice("axis", AXES, usual.axis),
            smoothing_steps=_SMOOTHING[
                read.choice("smooth", tuple(_SMOOTHING), str(usual.smoothing_steps))
            ],
            logarithmic=read.switch("log", usual.logarithmic),
            more=read.switch("more", usual.more),
        )
        state.keep_notes(read.notes)
    settings: CurveSettings = st.session_state.setdefault(_KEPT, CurveSettings())
    return settings


def settings_query(settings: CurveSettings) -> dict[str, str]:
    """What of the settings goes into the URL: all that is not the usual."""
    usual = CurveSettings()
    query: dict[str, str] = {}
    if settings.axis != usual.axis:
        query["axis"] = settings.axis
    if settings.smoothing_steps != usual.smoothing_steps:
        query["smooth"] = str(settings.smoothing_steps)
    if settings.logarithmic:
        query["log"] = "1"
    if settings.more:
        query["more"] = "1"
    return query


def show_settings(settings: CurveSettings) -> None:
    """The controls; what they are set to holds from the next run of the page on."""
    with st.container(
        horizontal=True, key="curve-settings", vertical_alignment="bottom", gap="medium"
    ):
        st.segmented_control(
            "Along the curve",
            AXES,
            required=True,
            format_func=str.capitalize,
            **_bound("axis", settings.axis),
        )
        st.select_slider(
            "Smoothing",
            SMOOTHING,
            format_func=lambda steps: f"{steps} steps" if steps else "none",
            help="Of the training curve: a running mean, always within the values told.",
            width=220,
            **_bound("smoothing_steps", settings.smoothing_steps),
        )
        st.toggle("Logarithmic loss", **_bound("logarithmic", settings.logarithmic))
        st.toggle(
            "Learning rate, gradient and speed",
            help="Three more curves: learning rate, gradient norm, images per second.",
            **_bound("more", settings.more),
        )


def _bound(field: str, value: object) -> dict[str, Any]:
    """A control's name, and what keeps its value under a name that outlives it."""
    key = f"{_KEPT}.{field}"
    st.session_state[key] = value
    return {"key": key, "on_change": _take, "args": (field,)}


def _take(field: str) -> None:
    changed: dict[str, Any] = {field: st.session_state[f"{_KEPT}.{field}"]}
    st.session_state[_KEPT] = replace(st.session_state[_KEPT], **changed)
