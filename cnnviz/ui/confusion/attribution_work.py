"""Computations that pages ask for again and again until they are done: each is made only once.

Thirty viewers who want the same map share one computation and, for as long as it is remembered,
one result. A computation goes on while somebody asks for it: who leaves the page asks no more; who
turns to another picture or presses Stop leaves it to the others. `cnnviz.attribution.turns` lets a
few compute at a time.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final

from cnnviz.attribution.turns import Stop
from cnnviz.data.progress import Progress
from cnnviz.errors import CnnvizError, StoppedError
from cnnviz.ui.thread_priority import give_way

Make = Callable[[Progress, Stop], Any]
THREADS: Final = 8
"""More than compute at a time, so that a short computation need not wait for a long one's end."""
MOST_KEPT: Final = 2000
"""Results; a map and its channels take 16 kB."""
MOST_WAITING: Final = 600
NICENESS: Final = 5
"""Of the computing threads: pages are answered, and painted, first."""
PATIENCE_S: Final = 45.0
"""For so long a computation goes on that nobody asks for any more: several times as long as those
at the end of the line are between two questions, on a server that can hardly keep up too."""
_REFUSED_S: Final = 20.0
"""For so long a failure is remembered; then it is tried again."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Work:
    """One computation; its fields are set by the thread that does it."""

    key: Hashable
    number: int = 0
    make: Make | None = field(default=None, repr=False)
    words: str = ""
    """What is being done."""
    share: float = 0.0
    """Of the computation that is done, 0 to 1."""
    has_begun: bool = False
    """Whether it has had its first turn."""
    result: Any = None
    refusal: str | None = None
    """Why it could not be done, in a sentence."""
    is_stopped: bool = False
    is_done: bool = False
    """Whether it has ended, well or badly."""
    ended_s: float = 0.0
    wanted: dict[str, float] = field(default_factory=dict)
    """Viewer -> when he asked last."""

    def tell(self, words: str, share: float) -> None:
        """Its progress."""
        self.has_begun, self.words, self.share = True, words, share


class Desk:
    """Takes what is asked, and remembers what came of it."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        most_kept: int = MOST_KEPT,
        most_waiting: int = MOST_WAITING,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._most_threads = threads
        self._most_kept = most_kept
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._queue: SimpleQueue[Work] = SimpleQueue()
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._open: dict[Hashable, Work] = {}  # that wait or go on, in the order of coming
        self._ended: OrderedDict[Hashable, Work] = OrderedDict()  # asked for last at the end
        self._threads = 0

    def ask(self, key: Hashable, make: Make, viewer: str) -> Work:
        """What became of that key's computation; begins it if there is none. Returns at once.

        make: does it; called in another thread, at most once for all who ask. viewer: who asks.
        """
        with self._changed:
            ended = self._ended.get(key)
            if ended is not None:
                is_stale = ended.refusal is not None and (
                    time.monotonic() - ended.ended_s > _REFUSED_S
                )
                if not is_stale:
                    self._ended.move_to_end(key)
                    return ended
                del self._ended[key]
            work = self._open.get(key)
            if work is None:
                if len(self._open) >= self._most_waiting:
                    return _too_many(key)
                work = self._open[key] = Work(key, next(self._numbers), make)
                self._queue.put(work)
                self._start_thread()
            work.wanted[viewer] = time.monotonic()
            return work

    def result(self, key: Hashable) -> Any:
        """What came of a computation, if it is remembered and went well; else None."""
        with self._changed:
            ended = self._ended.get(key)
            return None if ended is None else ended.result

    def leave(self, key: Hashable, viewer: str) -> None:
        """This viewer no longer wants it; it is stopped if nobody else does."""
        with self._changed:
            if (work := self._open.get(key)) is not None:
                work.wanted.pop(viewer, None)

    def ahead(self, work: Work) -> int:
        """How many that were asked for earlier have not ended."""
        with self._changed:
            return sum(other.number < work.number for other in self._open.values())

    def wait(self, works: Sequence[Work], timeout_s: float) -> bool:
        """Waits until all of them have ended, at most so long; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: all(work.is_done for work in works), timeout_s)

    @property
    def kept(self) -> int:
        """How many results are remembered."""
        return len(self._ended)

    def _start_thread(self) -> None:
        if self._threads < min(self._most_threads, len(self._open)):
            self._threads += 1
            threading.Thread(target=self._run, name="cnnviz-attribution", daemon=True).start()

    def _is_unwanted(self, work: Work) -> bool:
        with self._changed:
            return not self._is_wanted(work)

    def _is_wanted(self, work: Work) -> bool:
        latest = time.monotonic() - self._patience_s
        return any(asked > latest for asked in work.wanted.values())

    def _run(self) -> None:
        give_way(NICENESS)
        while True:
            self._do(self._queue.get())

    def _do(self, work: Work) -> None:
        assert work.make is not None
        try:
            if self._is_unwanted(work):
                raise StoppedError("nobody asks for it any more")
            work.result = work.make(work.tell, lambda: self._is_unwanted(work))
        except StoppedError:
            work.is_stopped = True
        except CnnvizError as error:
            work.refusal = str(error)
        except OSError as error:
            work.refusal = f"A file cannot be used ({error.strerror or error})."
        except MemoryError:
            work.refusal = "There is not enough memory for it at the moment."
        except Exception as error:  # else the thread would end, and all that wait with it
            _log.exception("a computation failed")
            work.refusal = f"{type(error).__name__}: {error}"
        with self._changed:
            if work.is_stopped and self._is_wanted(work):  # asked for again while it was ending
                work.is_stopped, work.has_begun = False, False
                self._queue.put(work)
                return
            work.make = None  # with what it holds: networks, pictures
            work.ended_s = time.monotonic()
            work.is_done = True
            del self._open[work.key]
            if not work.is_stopped:
                self._ended[work.key] = work
                while len(self._ended) > self._most_kept:
                    self._ended.popitem(last=False)
            self._changed.notify_all()


def _too_many(key: Hashable) -> Work:
    return Work(
        key,
        is_done=True,
        refusal="Too many computations wait at the moment. Try again in a minute.",
    )
