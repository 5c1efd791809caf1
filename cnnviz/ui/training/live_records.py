"""What the runs tell, read once for all who watch: thirty sessions cost as much as one.

    live = service.live                                     # one for the server
    told = live.told(run_id)                                # no older than FRESH_S
    data = live.made(run_id, ("curves", settings), make)    # made once for each version

A holder remembers what was read and asks for what is new only. Everything that it gives may be used
by any thread and is never changed afterwards. It knows nothing of pages.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from cnnviz.runs.reader import RunReader
from cnnviz.runs.run import Event, Run
from cnnviz.training.records import EpochRecord, StepRecord

FRESH_S: Final = 0.2
"""For so long what was read is not asked for again."""
_FORGET_AFTER_S: Final = 60.0
"""Nobody looked at a run for so long: what is known of it is dropped."""
_MOST_RUNS: Final = 8
_MOST_MADE: Final = 16
"""Of what is made of one run at one version, for viewers with different settings."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Told:
    """All that a run told up to a version."""

    run: Run
    version: int
    steps: tuple[StepRecord, ...]
    epochs: tuple[EpochRecord, ...]
    events: tuple[Event, ...]


class LiveRecords:
    """What the runs of one store tell. For any number of threads."""

    def __init__(self, store: RunReader, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._runs: tuple[int, tuple[Run, ...]] | None = None

    def runs(self) -> tuple[Run, ...]:
        """All runs, newest first; the list is read again only if anything has changed."""
        version = self._store.version()  # before the list: it may be newer than its number
        with self._lock:
            if self._runs is None or self._runs[0] != version:
                self._runs = version, tuple(self._store.list_runs())
            return self._runs[1]

    def told(self, run_id: int, *, at_once: bool = False) -> Told:
        """What a run told, as it was at most FRESH_S ago; RunError if there is no such run.

        at_once: as it is now, for a page that is drawn after something was done to the run.
        """
        held = self._find(run_id)
        with held.lock:
            return self._refreshed(held, run_id, at_once=at_once)

    def made(self, run_id: int, what: Hashable, make: Callable[[Told], Made]) -> Made:
        """What `make` makes of what a run told; the same for all who ask for the same `what`.

        make is called once for each version, by whoever asks first and never by two at once. The
        others wait for it; those who ask for something else do not.
        """
        told, one = self._asked_for(run_id, what)
        with one.lock:
            return cast(Made, one.renewed(told, make))

    def made_so_far(self, run_id: int, what: Hashable, make: Callable[[Told], Made]) -> Made | None:
        """The same for what takes long: while one makes it, the others get what was made last.

        None: that is the first time.
        """
        told, one = self._asked_for(run_id, what)
        if not one.lock.acquire(blocking=False):
            return cast(Made | None, one.value)
        try:
            return cast(Made, one.renewed(told, make))
        finally:
            one.lock.release()

    def kept(self, run_id: int, what: Hashable, make: Callable[[], Made]) -> Made:
        """What is remembered of a run beside its records, for as long as the run is held."""
        held = self._find(run_id)
        with held.lock:
            if what not in held.kept:
                held.kept[what] = make()
            return cast(Made, held.kept[what])

    def held_runs(self) -> list[int]:
        """The runs of which something is held, the one looked at last at the end."""
        with self._lock:
            return list(self._held)

    def _find(self, run_id: int) -> _Held:
        now = self._clock()
        with self._lock:
            held = self._held.setdefault(run_id, _Held())
            self._held.move_to_end(run_id)
            held.looked_at = now
            oldest = next(iter(self._held))
            while (
                len(self._held) > _MOST_RUNS or now - self._held[oldest].looked_at > _FORGET_AFTER_S
            ):
                del self._held[oldest]
                oldest = next(iter(self._held))
            return held

    def _asked_for(self, run_id: int, what: Hashable) -> tuple[Told, _Made]:
        held = self._find(run_id)
        with held.lock:
            told = self._refreshed(held, run_id)
            one = held.made.setdefault(what, _Made())
            held.made.move_to_end(what)
            while len(held.made) > _MOST_MADE:
                held.made.popitem(last=False)
            return told, one

    def _refreshed(self, held: _Held, run_id: int, *, at_once: bool = False) -> Told:
        now = self._clock()
        if held.told is not None and not at_once and now - held.read_at < FRESH_S:
            return held.told
        before = held.told
        news = self._store.records_since(run_id, before.version if before else 0)
        if before is None or news.restarted:
            held.told = Told(news.run, news.version, news.steps, news.epochs, news.events)
        elif news.version != before.version:
            held.told = Told(
                news.run,
                news.version,
                # A record that is told again replaces the one before.
                _joined(before.steps, news.steps, lambda record: record.step),
                _joined(before.epochs, news.epochs, lambda record: record.epoch),
                before.events + news.events,
            )
        held.read_at = now
        assert held.told is not None
        return held.told


class _Made:
    """What was made last, of which version; its lock is taken by whoever makes it."""

    __slots__ = ("lock", "value", "version")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value: Any = None
        self.version = -1

    def renewed(self, told: Told, make: Callable[[Told], Any]) -> Any:
        """What it is of this version, or of a newer one that another thread read meanwhile."""
        if self.version < told.version:
            self.value = make(told)
            self.version = told.version
        return self.value


class _Held:
    """What is held of one run; its lock is taken by whoever reads it."""

    __slots__ = ("kept", "lock", "looked_at", "made", "read_at", "told")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told: Told | None = None
        self.read_at = 0.0
        self.looked_at = 0.0
        self.made: OrderedDict[Hashable, _Made] = OrderedDict()
        self.kept: dict[Hashable, Any] = {}


_Record = TypeVar("_Record", StepRecord, EpochRecord)


def _joined(
    before: tuple[_Record, ...], news: tuple[_Record, ...], place: Callable[[_Record], int]
) -> tuple[_Record, ...]:
    """Both in order; `news` begins where `before` ends, or earlier and then replaces its end."""
    kept = len(before)
    while news and kept and place(before[kept - 1]) >= place(news[0]):
        kept -= 1
    return before[:kept] + news
