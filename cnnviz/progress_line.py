"""Progress of long work on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Self


class ProgressLine:
    """Progress on one line of stderr; where that is no terminal, now and then a line of its own."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._every_s = 0.1 if self._terminal else 10.0
        self._told_at = time.monotonic() if not self._terminal else 0.0
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def say(self, text: str) -> None:
        """Prints a line that stays, on stdout."""
        self._clear()
        print(text, flush=True)

    def _clear(self) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
            self._width = 0

    def tell(self, message: str, share: float) -> None:
        """Shows a sentence and the share that is done; a `cnnviz.data.progress.Progress`."""
        if time.monotonic() - self._told_at < self._every_s:
            return
        self._told_at = time.monotonic()
        text = f"{message} ({share:.0%})"
        if not self._terminal:
            print(text, file=sys.stderr, flush=True)
            return
        text = text[: max(20, shutil.get_terminal_size().columns - 1)]
        print("\r" + text.ljust(self._width), end="", file=sys.stderr, flush=True)
        self._width = len(text)
