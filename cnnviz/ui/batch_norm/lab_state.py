"""What a lab in the browser chose, and who set it last."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnnviz.ui.confusion.kept import news_from


@dataclass(frozen=True, slots=True)
class LabState:
    """Of one component, which reports under the name `picked`.

    A lab keeps what the hand has chosen and takes Python's only when `version` is new: a link was
    opened, or another control asked for it.
    """

    key: str
    """Of the component."""

    def news(self) -> Mapping[str, Any] | None:
        """What was chosen since this was last asked, of what is shown now; else None."""
        told = news_from(self.key, "picked")
        if told is None or told.get("id") != st.session_state.get(f"{self.key}.id"):
            return None
        return told

    def agree_on(self, chosen: Hashable) -> None:
        """The browser shows this already."""
        st.session_state[f"{self.key}.known"] = chosen

    def version(self, identity: str, chosen: Hashable) -> int:
        """Counts how often something else than the browser's choice was to be shown.

        identity: of what it chooses from. To be called whenever the lab is drawn.
        """
        st.session_state[f"{self.key}.id"] = identity
        version: int = st.session_state.get(f"{self.key}.version", 0)
        if st.session_state.get(f"{self.key}.known") != chosen:
            version += 1
            self.agree_on(chosen)
            st.session_state[f"{self.key}.version"] = version
        return version


def place_below(told: Mapping[str, Any], name: str, count: int) -> int | None:
    """A whole number from 0 to below `count` that a browser reported; None for anything else."""
    value = told.get(name)
    return value if type(value) is int and 0 <= value < count else None
