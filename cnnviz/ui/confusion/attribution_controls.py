"""What is explained, by which methods, and how the maps are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.methods import METHODS
from cnnviz.confusion.look import ORDER, LookSettings, Scale
from cnnviz.ui.confusion.attribution_networks import FirstLook
from cnnviz.ui.confusion.kept import change, control, kept_settings

_NOTHING: Final = -1
_SCALES: Final[dict[Scale, str]] = {
    "method": "one for each method",
    "all": "one for all maps",
    "own": "each map its own",
}


def show_controls(look: FirstLook, class_names: Sequence[str], true: int | None) -> LookSettings:
    """The controls; returns the settings that they show."""
    settings = kept_settings().look
    one, other = settings.classes(look.order, true)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Explain",
            range(len(class_names)),
            format_func=class_names.__getitem__,
            width=200,
            **look_control("target", one, lambda place: _explain(place, one, other)),
        )
        st.selectbox(
            "Compared with",
            [_NOTHING, *(place for place in range(len(class_names)) if place != one)],
            format_func=lambda place: "no other class" if place < 0 else class_names[place],
            width=200,
            help="The third map explains the difference of the two classes' scores.",
            **look_control("minus", _NOTHING if other is None else other, _compare),
        )
        st.slider(
            "Opacity of the maps (%)",
            0,
            100,
            step=5,
            width=240,
            **look_control(
                "opacity",
                5 * round(settings.opacity_percent / 5),
                lambda percent: _set(opacity_percent=percent),
            ),
        )
        st.selectbox(
            "Colour scale",
            list(_SCALES),
            format_func=_SCALES.__getitem__,
            width=220,
            help="Numbers of different methods have different units: compare them with each map "
            "on its own scale.",
            **look_control("scale", settings.scale, lambda scale: _set(scale=scale)),
        )
    st.pills(
        "Methods",
        list(ORDER),
        selection_mode="multi",
        format_func=lambda name: _title(look, name),
        **look_control("methods", list(settings.methods), lambda names: _set(methods=tuple(names))),
    )
    return settings


def look_control(name: str, value: Any, take: Callable[[Any], None]) -> Mapping[str, Any]:
    """As `control`, for a setting of the maps."""
    return control(f"look.{name}", value, take)


def _title(look: FirstLook, name: MethodName) -> str:
    title = METHODS[name].title
    return title if look.support.why_not(name) is None else f"{title} (not here)"


def _explain(place: int, one: int, other: int | None) -> None:
    """Another class; the one that is compared with stays, or they change places."""
    settings = kept_settings().look
    if place == other:
        _set(target=place, minus=one)
    elif settings.minus == "auto" and other is not None:
        _set(target=place, minus=other)
    else:
        _set(target=place)


def _compare(place: int) -> None:
    _set(minus="none" if place == _NOTHING else place)


def _set(**changes: Any) -> None:
    change(look=replace(kept_settings().look, **changes))
