"""Waiting for what happens in other threads and processes, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

LIMIT_S: Final = 180.0
"""Only what never happens takes as long; two busy cores may well take a tenth of it."""
_LOOK_EVERY_S: Final = 0.02


def wait_for(what: str, look: Callable[[], T | None], *, limit_s: float = LIMIT_S) -> T:
    """What `look` finds, as soon as that is not nothing, False or 0."""
    # Counted in looks and not by a clock: while the machine is suspended nothing can happen.
    for _ in range(int(limit_s / _LOOK_EVERY_S)):
        if found := look():
            return found
        time.sleep(_LOOK_EVERY_S)
    pytest.fail(f"waited for {limit_s:.0f} s and in vain: {what}")
