"""A worker's second thread: writes records in batches, asks for orders, shows that it lives.

So that the training's own thread never waits for the store, and that what was measured is on
people's screens within a fraction of a second even while a step or a validation takes long.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Final

from cnnviz.errors import DiskFullError, RunError
from cnnviz.runs.attempt import Attempt, LostRunError
from cnnviz.runs.orders import Orders
from cnnviz.training.records import EpochRecord, StepRecord

_TICK_S: Final = 0.1
_WRITE_EVERY_S: Final = 0.25
_BEAT_EVERY_S: Final = 2.0
_PATIENCE: Final = 12
"""How often in a row the store may be unusable before the run fails; each time it waits long."""
_LEAVE_WITHIN_S: Final = 20.0
"""How long a worker that was told to leave may take for it."""


class Journal:
    """Starts its thread at once; `close` ends it."""

    def __init__(self, attempt: Attempt, orders: Orders) -> None:
        self.failure: Exception | None = None
        """Why nothing can be written any more; the training's thread is to raise it."""
        self._attempt = attempt
        self._orders = orders
        self._lock = threading.Lock()
        self._pending: list[StepRecord | EpochRecord] = []
        self._message: str | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def add(self, record: StepRecord | EpochRecord) -> None:
        """Will be written soon."""
        with self._lock:
            self._pending.append(record)

    def say(self, message: str) -> None:
        """Will be shown soon, unless another message follows."""
        with self._lock:
            self._message = message

    def check(self) -> None:
        """Raises what has gone wrong in the journal's thread."""
        if self.failure is not None:
            raise self.failure

    def flush(self) -> None:
        """Writes what is pending now; only while the thread is closed or for its own use."""
        with self._lock:
            message, self._message = self._message, None
            pending = list(self._pending)
        if message is not None:
            self._attempt.say(message)
        if pending:
            self._attempt.add(pending)
            with self._lock:
                del self._pending[: len(pending)]

    def close(self) -> None:
        """Ends the thread. What is pending is left to `flush`."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        beaten = written = time.monotonic()
        failures = 0
        leave_by: float | None = None
        while not self._ending.wait(_TICK_S):
            now = time.monotonic()
            if self._orders.leave is not None:
                self._orders.wake()  # a signal's handler cannot
                leave_by = leave_by or now + _LEAVE_WITHIN_S
                if now > leave_by:
                    self._leave_at_once()
            if self.failure is not None:
                continue
            try:
                self._orders.ask_store(self._attempt)
                if now - written >= _WRITE_EVERY_S:
                    self.flush()
                    written = now
                if now - beaten >= _BEAT_EVERY_S:
                    self._attempt.beat()
                    beaten = now
                failures = 0
            except (LostRunError, DiskFullError) as error:
                self._fail(error)
            except RunError as error:  # another process may be suspended in a transaction
                failures += 1
                if failures >= _PATIENCE:
                    self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self._orders.hurry()
        self._orders.wake()

    def _leave_at_once(self) -> None:
        """The training's thread does not come back: better its last state than an orphan."""
        with suppress(LostRunError, RunError):
            self._attempt.end("interrupted", f"{self._orders.leave}. Its last state is kept.")
        os._exit(0)
