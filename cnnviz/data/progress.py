"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a sentence about what is being done, and the share that is done, 0 to 1."""


def no_progress(message: str, share: float) -> None:
    """Tells nobody."""
