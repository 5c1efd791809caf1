"""The schedule: a thread that starts runs in order and notices what became of those that ended.

Of all the processes that have a queue on one store, one holds the lock and schedules.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import threading
import time
from contextlib import suppress
from typing import Final

from cnnviz.errors import DiskFullError, RunError
from cnnviz.runs import folders
from cnnviz.runs.executor import Ended, Executor
from cnnviz.runs.limits import Limits
from cnnviz.runs.lock import ProcessLock
from cnnviz.runs.run import ACTIVE, Command, Run
from cnnviz.runs.store import RunStore

LOCK: Final = "queue.lock"
_STOP_WITHIN_S: Final = 60.0
"""How long a worker may take to obey a stop before it is killed; a step may be long."""
_LEAVE_WITHIN_S: Final = 25.0
"""How long workers may take to leave when the queue is closed, or after their run has ended."""

_log = logging.getLogger(__name__)


class Schedule:
    """Runs in a thread of its own from `start` to `close`; waits for the lock if need be."""

    def __init__(
        self, store: RunStore, executor: Executor, limits: Limits, *, tick_s: float
    ) -> None:
        self._store = store
        self._executor = executor
        self._limits = limits
        self._tick_s = tick_s
        self._lock = ProcessLock(store.folder / LOCK)
        self._workers: dict[str, tuple[int, int, str]] = {}  # handle: run, attempt, device
        # Monotonic times: a clock that is set, or a machine that sleeps, must not count.
        self._since: dict[str | int, float] = {}  # since when the end of a handle or run is due
        self._paused_since: dict[int, float] = {}
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._close_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="run queue", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def wake(self) -> None:
        """Something is new: looks at once."""
        self._wake.set()

    @property
    def holds_lock(self) -> bool:
        """Whether this schedule is the one that starts runs."""
        return self._lock.held

    def close(self) -> None:
        """Ends the thread and the workers that it started, in order; the lock is free then."""
        self._closing.set()
        self._wake.set()
        with self._close_lock:
            self._thread.join()
            self._end_workers()
            if self._lock.held:
                with suppress(RunError):
                    self._store.set_scheduler(None)
                self._lock.release()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                if self._lock.held or self._take_over():
                    self._tick()
            except DiskFullError:
                folders.give_up_reserve(self._store.folder)
            except RunError as error:  # the store is in use for long, or its folder is gone
                _log.warning("The queue could not look after its runs: %s", error)
            except Exception:
                _log.exception("The queue could not look after its runs")
            self._wake.wait(self._tick_s)
            self._wake.clear()

    def _take_over(self) -> bool:
        if not self._lock.acquire():
            return False
        self._store.set_scheduler(f"process {os.getpid()} on {platform.node()}")
        folders.remove_discarded(self._store.folder)
        return True

    def _tick(self) -> None:
        folders.keep_reserve(self._store.folder)
        taken = self._look_after_workers()
        for run in self._store.list_runs(statuses=ACTIVE):
            if run.executor != self._executor.name:
                continue  # another kind of queue's
            if run.handle is None and (handle := self._handle_of(run)):
                # It could not be written when the worker was started.
                self._store.set_handle(run.id, run.attempt, handle)
            elif run.handle is None:  # its server ended between claiming it and starting a worker
                self._end(run.id, run.attempt, Ended(False, "The server ended before it began."))
            elif run.handle not in self._workers and (end := self._executor.poll(run.handle)):
                self._end(run.id, run.attempt, end)
            elif run.device is not None:
                taken.add(run.device)
        self._kill_those_that_do_not_stop()
        self._stop_long_pauses()
        free = [device for device in self._executor.devices if device not in taken]
        if free and self._is_room():
            for device in free:
                self._start_next(device)

    def _look_after_workers(self) -> set[str]:
        """The devices of our workers that still live; marks the runs of those that do not."""
        active = {run.handle for run in self._store.list_runs(statuses=ACTIVE)}
        for handle, (run_id, attempt, _) in list(self._workers.items()):
            if (end := self._executor.poll(handle)) is not None:
                self._end(run_id, attempt, end)
                del self._workers[handle]
                self._since.pop(handle, None)
            elif handle not in active and self._expected_for_s(handle) > _LEAVE_WITHIN_S:
                self._executor.kill(handle)  # its run has ended and it does not leave
        return {device for _, _, device in self._workers.values()}

    def _kill_those_that_do_not_stop(self) -> None:
        pending = self._store.stops_pending()
        for key in [key for key in self._since if isinstance(key, int) and key not in pending]:
            del self._since[key]
        for run_id in pending:
            if self._expected_for_s(run_id) > _STOP_WITHIN_S:
                run = self._store.get_run(run_id)
                if run.handle is not None:
                    self._executor.kill(run.handle)
                self._store.end(
                    run_id,
                    run.attempt,
                    "stopped",
                    f"It did not answer for {_STOP_WITHIN_S:.0f} s and was ended; its last state "
                    "is kept.",
                )

    def _stop_long_pauses(self) -> None:
        paused = {run.id: run for run in self._store.list_runs(statuses=("paused",))}
        for run_id in list(self._paused_since):
            if run_id not in paused:
                del self._paused_since[run_id]
        now = time.monotonic()
        for run_id in paused:
            since = self._paused_since.setdefault(run_id, now)
            if now - since > 60 * self._limits.pause_min and self._store.anyone_waits():
                minutes = self._limits.pause_min
                reason = f"Stopped, since others waited and it was paused for {minutes} minutes."
                self._store.send(run_id, Command("stop", reason=reason))
                self._paused_since[run_id] = math.inf

    def _is_room(self) -> bool:
        """Whether a run may be started: on a full disk one after the other would fail."""
        free = folders.free_bytes(self._store.folder)
        if free >= self._limits.free_disk_mb * 10**6:
            return True
        self._store.tell_waiting(
            f"Waits for room on the disk: {free // 10**6:,} MB are free, and "
            f"{self._limits.free_disk_mb:,} are needed."
        )
        return False

    def _handle_of(self, run: Run) -> str | None:
        mine = self._workers.items()
        return next((h for h, (*key, _) in mine if key == [run.id, run.attempt]), None)

    def _start_next(self, device: str) -> None:
        run = self._store.claim_next(self._executor.name, device)
        if run is None:
            return
        try:
            handle = self._executor.start(self._store.folder, run.id, run.attempt, device)
        except RunError as error:
            self._store.end(run.id, run.attempt, "failed", str(error))
            return
        self._workers[handle] = (run.id, run.attempt, device)
        self._store.set_handle(run.id, run.attempt, handle)

    def _end(self, run_id: int, attempt: int, end: Ended) -> None:
        self._store.end(run_id, attempt, "failed" if end.crashed else "interrupted", end.message)

    def _expected_for_s(self, key: str | int) -> float:
        now = time.monotonic()
        return now - self._since.setdefault(key, now)

    def _end_workers(self) -> None:
        for handle in self._workers:
            self._executor.stop(handle)
        deadline = time.monotonic() + _LEAVE_WITHIN_S
        killed = False
        while self._workers:
            for handle, (run_id, attempt, _) in list(self._workers.items()):
                if (end := self._executor.poll(handle)) is not None:
                    with suppress(RunError):
                        self._end(run_id, attempt, end)
                    del self._workers[handle]
                elif time.monotonic() > deadline and not killed:
                    self._executor.kill(handle)
            killed = time.monotonic() > deadline
            if time.monotonic() > deadline + _LEAVE_WITHIN_S:
                return
            time.sleep(0.02)
