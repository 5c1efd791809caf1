"""The page's settings in the session, and what changes them.

Controls and components change the settings before the page is drawn; the page is drawn from them.
Every control is set to what they say each time, so that none can disagree with another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

import streamlit as st

from cnnviz.confusion.selection import Selection
from cnnviz.confusion.settings import ConfusionSettings

PAGE: Final = "confusion"
KEPT: Final = f"{PAGE}.settings"
"""Under this name the session keeps them; it outlives the controls."""


def kept_settings() -> ConfusionSettings:
    """What the session shows; KeyError before the page has been opened."""
    kept: ConfusionSettings = st.session_state[KEPT]
    return kept


def change(**changes: Any) -> None:
    """Change settings by name, those of the selection too. For callbacks."""
    settings = kept_settings()
    of_selection = {
        name: changes.pop(name)
        for name in [each.name for each in fields(Selection)]
        if name in changes
    }
    if of_selection:
        changes["selection"] = replace(settings.selection, **of_selection)
    st.session_state[KEPT] = replace(settings, **changes)


def select_classes(true: int | None, taken_for: int | None) -> None:
    """Select a cell, a row, a column or everything; all of it, whatever was filtered before."""
    before = kept_settings().selection
    is_likeness = before.sort in ("logits", "pixels")
    change(
        true=true,
        taken_for=taken_for,
        which="all",
        sort="confidence" if is_likeness else before.sort,
        like=None if is_likeness else before.like,
        picture=None,
    )


def control(name: str, value: Any, take: Callable[[Any], None]) -> Mapping[str, Any]:
    """The arguments by which a control shows `value` and hands what is chosen to `take`."""
    key = f"{PAGE}.{name}"
    st.session_state[key] = value

    def taken() -> None:
        take(st.session_state[key])

    return {"key": key, "on_change": taken}


def setting(name: str, value: Any) -> Mapping[str, Any]:
    """The same for a control that changes the setting of that name."""
    return control(name, value, lambda chosen: change(**{name: chosen}))


def news_from(component: str, report: str) -> Mapping[str, Any] | None:
    """What a component has reported since this was last asked; None if nothing, or nonsense.

    A report is a mapping that the browser numbers by `n`; it stays in the session when the page
    runs for another reason.
    """
    told = (st.session_state.get(component) or {}).get(report)
    if not isinstance(told, Mapping) or not isinstance(told.get("n"), int):
        return None
    seen = f"{PAGE}.seen.{component}.{report}"
    if st.session_state.get(seen) == told["n"]:
        return None
    st.session_state[seen] = told["n"]
    return told
