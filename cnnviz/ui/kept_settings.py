"""A view's settings in the session and in the URL, and the controls that show and change them.

Settings are a frozen dataclass. Controls change them before the page is drawn, and the page is
drawn from them; every control is set to what they say each time, so that none can disagree with
another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

import streamlit as st

from cnnviz.ui.url_state import PageState


class ViewSettings(Protocol):
    """A frozen dataclass that knows how a URL writes it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def to_query(self) -> dict[str, str]:
        """What differs from the default, without the view's own name."""
        ...


S = TypeVar("S", bound=ViewSettings)


@dataclass(frozen=True)
class KeptSettings(Generic[S]):
    """Those of one view of one page.

    read: the nearest valid settings to what a URL asks for, and a sentence for each change.
    """

    page: str
    view: str
    read: Callable[[Mapping[str, str]], tuple[S, tuple[str, ...]]]

    @property
    def prefix(self) -> str:
        """Begins the keys of the view's controls."""
        return f"{self.page}.{self.view}"

    def open(self, state: PageState) -> S:
        """The settings to draw the view from; says what of a link was changed.

        To be called first, in each script run.
        """
        if state.has_news_for(self._key):
            settings, notes = self.read(state.query)
            st.session_state[self._key] = settings
            state.keep_notes(notes)
        state.show_notes()
        return self.now()

    def now(self) -> S:
        """What is kept; what an empty link opens where nothing is."""
        if self._key not in st.session_state:
            st.session_state[self._key] = self.read({})[0]
        return cast(S, st.session_state[self._key])

    def change(self, **changes: Any) -> None:
        """Change settings by name. For callbacks; a SettingError leaves them as they were."""
        st.session_state[self._key] = replace(cast(Any, self.now()), **changes)

    def setting(self, name: str) -> Mapping[str, Any]:
        """The arguments by which a control shows the setting of that name, and changes it."""
        key = f"{self.prefix}.{name}"
        st.session_state[key] = getattr(self.now(), name)

        def taken() -> None:
            self.change(**{name: st.session_state[key]})

        return {"key": key, "on_change": taken}

    def write(self, state: PageState) -> None:
        """Put the settings into the URL."""
        state.write({"view": self.view} | self.now().to_query())

    @property
    def _key(self) -> str:
        return f"{self.prefix}.settings"
