"""Work that a page asks for and does not wait for: one at a time, whoever asks.

Thirty networks evaluated at once would take the memory of the machine; and what was begun goes on
when its page is left.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final

from cnnviz.data.progress import Progress
from cnnviz.errors import CnnvizError
from cnnviz.ui.thread_priority import give_way

NICENESS: Final = 10
"""As that of a training: pages come first."""
_MOST_REMEMBERED: Final = 100

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work; its fields are set by the thread that does it."""

    number: int
    work: Callable[[Progress], Any] = field(repr=False)
    words: str = ""
    """What is being done."""
    share: float = 0.0
    """Of the work that is done, 0 to 1."""
    result: Any = None
    refusal: str | None = None
    """Why it could not be done, in a sentence."""
    is_done: bool = False
    """Whether it has ended, well or badly."""

    def tell(self, words: str, share: float) -> None:
        """Its progress."""
        self.words, self.share = words, share


class Jobs:
    """Does what is asked, in order, in one thread that ends with the server."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._begun = 0  # the number of the job that was begun last
        self._jobs: dict[Hashable, Job] = {}

    def ask(self, name: Hashable, work: Callable[[Progress], Any]) -> Job:
        """Puts work at the end; returns at once. What waits or goes on by that name stays."""
        with self._lock:
            known = self._jobs.pop(name, None)
            if known is not None and not known.is_done:
                self._jobs[name] = known
                return known
            job = self._jobs[name] = Job(next(self._numbers), work)
            while len(self._jobs) > _MOST_REMEMBERED:
                del self._jobs[next(iter(self._jobs))]
            self._queue.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cnnviz-jobs", daemon=True)
                self._thread.start()
        return job

    def find(self, name: Hashable) -> Job | None:
        """What was asked for last by that name, whoever did."""
        with self._lock:
            return self._jobs.get(name)

    def before(self, job: Job) -> int:
        """How many must end before this one begins; 0 if it has begun."""
        return max(0, job.number - self._begun) if not job.is_done else 0

    def _run(self) -> None:
        give_way(NICENESS)
        while True:
            job = self._queue.get()
            self._begun = job.number
            try:
                job.result = job.work(job.tell)
            except CnnvizError as error:
                job.refusal = str(error)
            except OSError as error:
                job.refusal = f"A file cannot be used ({error.strerror or error})."
            except Exception as error:  # else the thread would end, and all that wait with it
                _log.exception("a job failed")
                job.refusal = f"{type(error).__name__}: {error}"
            job.is_done = True
