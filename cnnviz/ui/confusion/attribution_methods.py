"""What each method does, its formula and paper, and what can be set of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from cnnviz.attribution.cards import MethodCard
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.parameters import (
    Choice,
    LayerChoice,
    Number,
    Parameter,
    Switch,
    Value,
    WholeNumber,
)
from cnnviz.confusion.look import LookSettings, with_fitting_stride
from cnnviz.ui.confusion.attribution_controls import look_control
from cnnviz.ui.confusion.attribution_networks import FirstLook
from cnnviz.ui.confusion.kept import PAGE, change, kept_settings

_LONGEST_SLIDER: Final = 300


def show_methods(look: FirstLook, settings: LookSettings) -> None:
    """The chosen methods' cards with their settings, and why others cannot be used here."""
    shown = st.expander(
        "The methods: what they do, and their settings",
        key=f"{PAGE}.methods.open",
        on_change="rerun",
    )
    if not shown.open:
        return
    with shown:
        for method in settings.methods:
            _show_card(METHODS[method], look, settings)
        reasons = [
            f"- **{METHODS[name].title}**: {reason}" for name, reason in look.support.reasons
        ]
        if reasons:
            st.markdown("**Not possible with this network**\n\n" + "\n".join(reasons))


def _show_card(card: MethodCard, look: FirstLook, settings: LookSettings) -> None:
    with st.container(border=True):
        said, controls = st.columns([3, 2], gap="large")
        with said:
            st.markdown(f"**{card.title}.** {' '.join(card.explanation)}")
            st.latex(card.formula)
            st.caption(card.paper)
        with controls:
            if look.support.why_not(card.name):
                st.info(look.support.why_not(card.name))
                return
            if not card.parameters:
                st.caption("There is nothing to set.")
            for parameter in card.parameters:
                _show_parameter(card, parameter, look, settings)


def _show_parameter(
    card: MethodCard, parameter: Parameter, look: FirstLook, settings: LookSettings
) -> None:
    value = settings.value_of(card.name, parameter)
    title, about = parameter.title, parameter.help

    def controlled(shown: Any) -> Mapping[str, Any]:
        return look_control(f"{card.name}.{parameter.name}", shown, set_to)

    def set_to(chosen: Value) -> None:
        before = kept_settings().look
        change(look=with_fitting_stride(before.with_parameter(card.name, parameter.name, chosen)))

    if isinstance(parameter, Switch):
        st.checkbox(title, help=about, **controlled(value))
    elif isinstance(parameter, Choice):
        words = dict(parameter.choices)
        st.selectbox(
            title, list(words), format_func=words.__getitem__, help=about, **controlled(value)
        )
    elif isinstance(parameter, LayerChoice):
        _show_layers(title, about, value, look, set_to, f"{card.name}.{parameter.name}")
    elif isinstance(parameter, Number):
        st.slider(
            title, parameter.least, parameter.most, step=0.01, help=about, **controlled(value)
        )
    elif isinstance(parameter, WholeNumber):
        least, most = parameter.least, parameter.most
        if most - least <= _LONGEST_SLIDER:
            st.slider(title, least, most, help=about, **controlled(value))
        else:
            st.number_input(title, least, most, help=about, **controlled(value))


def _show_layers(
    title: str, about: str, value: Value, look: FirstLook, set_to: Any, name: str
) -> None:
    titles = {layer.name: layer.title for layer in look.support.layers}
    last = look.support.default_layer

    def taken(layer: str) -> None:
        set_to("" if layer == last else layer)

    st.selectbox(
        title,
        list(titles),
        format_func=titles.__getitem__,
        help=about,
        **look_control(name, value if value in titles else last, taken),
    )
