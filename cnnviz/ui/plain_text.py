"""Words that are shown as they are, where Streamlit would take them for Markdown."""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = re.compile(
    r"[\\`*\[\]<>$~|&#]"
    r"|(?<!\w)_|_(?!\w)"  # within a word it is none
    r"|:(?=\S)"  # :red[...], :smile:, https://...
    r"|(?<=www)\."
    r"|^[-+=]"  # a list's or a heading's line
    r"|(?<=^\d)[.)]",
    re.MULTILINE | re.IGNORECASE,
)


def plain(text: str) -> str:
    """Markdown that looks like the text: for what a viewer typed, and for errors that name it."""
    return _MARKS.sub(r"\\\g<0>", text)
