"""The files that a component is made of, as the one text that it takes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


@cache
def read_source(*names: str) -> str:
    """Files of this folder, joined in the order of use: there is no build step."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)
