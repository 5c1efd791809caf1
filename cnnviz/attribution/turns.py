"""A few computations at a time; whoever comes next waits in line, and can leave it.

Thirty viewers who ask at once would otherwise fill the memory and slow each other down. A long
computation passes its turn on between two of its parts, so that a short one never waits for all of
it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cnnviz.errors import StoppedError

Stop = Callable[[], bool]
"""Asked now and then; once it says True, the work ends by StoppedError."""

_ASK_EVERY_S: Final = 0.05
_SLICE_S: Final = 0.25
"""How long a turn is held before it is passed on."""


def never() -> bool:
    """Stops nothing."""
    return False


class Turns:
    """A line in which everyone is served in the order of coming, `places` at a time."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, stop: Stop = never) -> Iterator[Turn]:
        """Waits for a turn and gives it back in the end; StoppedError if told to stop meanwhile."""
        turn = Turn(self, stop)
        turn.begin()
        try:
            yield turn
        finally:
            turn.end()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def _enter(self, stop: Stop) -> None:
        me = object()
        with self._changed:
            self._line.append(me)
            try:
                while not (self._free and self._line[0] is me):
                    if stop():
                        raise StoppedError("stopped while it waited for its turn")
                    self._changed.wait(None if stop is never else _ASK_EVERY_S)
                self._free -= 1
            finally:
                self._line.remove(me)
                self._changed.notify_all()

    def _leave(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()


class Turn:
    """One turn: `pass_on` lets those in line go first."""

    def __init__(self, turns: Turns, stop: Stop) -> None:
        self._turns = turns
        self._stop = stop
        self._is_mine = False
        self._since = 0.0
        self.waited_s = 0.0
        """Seconds in line, all together."""

    def begin(self) -> None:
        """Waits until it is this one's turn."""
        start = time.perf_counter()
        try:
            self._turns._enter(self._stop)
            self._is_mine = True
        finally:
            self._since = time.perf_counter()
            self.waited_s += self._since - start

    def end(self) -> None:
        """Gives the turn back, if it is held."""
        if self._is_mine:
            self._is_mine = False
            self._turns._leave()

    def check(self) -> None:
        """StoppedError if told to stop."""
        if self._stop():
            raise StoppedError("stopped before it was done")

    def pass_on(self) -> None:
        """Between two parts of a long work: to the end of the line, if others have waited a while.

        StoppedError if told to stop.
        """
        self.check()
        if self._turns.waiting and time.perf_counter() - self._since > _SLICE_S:
            self.end()
            self.begin()


TURNS: Final = Turns(2)
"""For all attributions of this process: as many at a time as a small machine has cores."""
