"""The time of a run, so that what no longer fits is left out instead of making it longer."""

from __future__ import annotations

import time


class Clock:
    """Counts the time of the run; what no longer fits is left out and named in the results."""

    def __init__(self, limit_s: float, left_out: list[str]) -> None:
        """left_out: names are appended to it."""
        self._end = time.monotonic() + limit_s
        self._left_out = left_out

    def has(self, seconds: float, what: str) -> bool:
        """Whether that much time is left for `what`."""
        if time.monotonic() + seconds < self._end:
            return True
        if what not in self._left_out:
            self._left_out.append(what)
        return False
