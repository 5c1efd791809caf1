"""What "Paste your own" shows: a text, and the size of the picture; and how an address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.model_text.examples import EXAMPLES
from cnnviz.model_text.link import pack_text, unpack_text
from cnnviz.model_text.tokens import tidy
from cnnviz.query import QueryReader
from cnnviz.settings import whole_number

_FIRST: Final = "fc"
"""With the mistake that everybody makes once."""


@dataclass(frozen=True, slots=True)
class PasteSettings:
    """A text and the picture that goes through its network."""

    text: str = EXAMPLES[_FIRST].text
    """As it was typed; it may be anything that `tidy` lets through."""
    channels: int = 3
    height: int = 32
    width: int = 32

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", tidy(self.text))
        for name, most in (
            ("channels", bounds.MAX_CHANNELS),
            ("height", bounds.MAX_SIDE),
            ("width", bounds.MAX_SIDE),
        ):
            value = whole_number(name, getattr(self, name), least=1)
            if value > most:
                raise ModelTextError(f"{name} is {value}: use a whole number from 1 to {most}")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    @property
    def example(self) -> str | None:
        """The name of the example that the text is; None for a text of one's own."""
        return next((name for name, each in EXAMPLES.items() if each.text == self.text), None)

    @property
    def fits_a_link(self) -> bool:
        """Whether an address can hold the text."""
        return self.example is not None or pack_text(self.text) is not None

    def to_query(self) -> dict[str, str]:
        """What differs from the default; a text that is too long for an address is left out."""
        query: dict[str, str] = {}
        if self.example is None:
            if packed := pack_text(self.text):
                query["text"] = packed
        elif self.example != _FIRST:
            query["example"] = self.example
        default = type(self)()
        for name, key in _KEYS.items():
            if getattr(self, name) != getattr(default, name):
                query[key] = str(getattr(self, name))
        return query


_KEYS: Final = {"channels": "c", "height": "h", "width": "w"}


def read_paste_settings(query: Mapping[str, str]) -> tuple[PasteSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change."""
    read = QueryReader(query)
    default = PasteSettings()
    text = EXAMPLES[read.choice("example", tuple(EXAMPLES), _FIRST)].text
    if (packed := read.given("text")) is not None:
        try:
            text = unpack_text(packed)
        except ModelTextError as error:
            read.notes.append(f"text: {error}; an example is shown.")
    settings = PasteSettings(
        text=text,
        channels=read.whole("c", 1, bounds.MAX_CHANNELS, default.channels),
        height=read.whole("h", 1, bounds.MAX_SIDE, default.height),
        width=read.whole("w", 1, bounds.MAX_SIDE, default.width),
    )
    return settings, tuple(read.notes)
