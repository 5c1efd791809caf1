"""What a worker is told: by signals, by the pipe to its server, by commands in the store.

All of it is only written down here. The training's own thread looks at it between two steps.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from cnnviz.runs.attempt import Attempt
from cnnviz.runs.run import Command

_SIGNALS: Final = ("SIGTERM", "SIGINT", "SIGHUP")


class Orders:
    """What the worker was told and has not obeyed yet. Each method may be called by any thread."""

    def __init__(self) -> None:
        self.leave: str | None = None
        """Why to keep the state and leave, as the beginning of a sentence; None to go on."""
        self.hurry: Callable[[], None] = _nothing
        """Called when something arrives, so that the training comes up after the step it is at."""
        self._arrived = threading.Event()
        self._lock = threading.Lock()
        self._commands: list[tuple[int, Command]] = []
        self._last = 0

    def listen_to_signals(self) -> None:
        """From now on SIGTERM, SIGINT and SIGHUP mean to leave in order."""
        for name in _SIGNALS:
            if number := getattr(signal, name, None):  # Windows has no SIGHUP
                signal.signal(number, self._on_signal)

    def listen_to_pipe(self, descriptor: int) -> None:
        """The end of the pipe means that the server wants the worker to leave, or is gone."""

        def wait() -> None:
            # Not through sys.stdin, whose lock the interpreter wants when it ends.
            with suppress(OSError):
                while os.read(descriptor, 1):
                    pass
            self.order_to_leave("The server ended")

        threading.Thread(target=wait, name="pipe to the server", daemon=True).start()

    def order_to_leave(self, why: str) -> None:
        """The worker is to leave; the first reason stays."""
        self.leave = self.leave or why
        self._announce()

    def ask_store(self, attempt: Attempt) -> None:
        """Fetches the commands that are new. LostRunError if the run is no longer ours."""
        found = attempt.commands_after(self._last)
        if found:
            with self._lock:
                self._commands += found
                self._last = found[-1][0]
            self._announce()

    def take(self) -> list[tuple[int, Command]]:
        """The commands that were not yet taken, with their numbers."""
        with self._lock:
            self._arrived.clear()
            taken, self._commands = self._commands, []
        if self.leave:
            self._arrived.set()
        return taken

    @property
    def wants_to_end(self) -> bool:
        """Whether the worker is to leave, or was told to stop."""
        with self._lock:
            return self.leave is not None or any(
                command.kind == "stop" for _, command in self._commands
            )

    def wait(self) -> None:
        """Returns when something was told since the last `take`."""
        self._arrived.wait()

    def wake(self) -> None:
        """Lets `wait` return, so that its caller looks around."""
        self._arrived.set()

    def _announce(self) -> None:
        self._arrived.set()
        self.hurry()

    def _on_signal(self, number: int, frame: Any) -> None:
        # Comes in the midst of whatever the main thread does, which may hold the locks of this
        # class: so it takes none. The journal's thread wakes whoever waits.
        self.leave = self.leave or f"The worker was told to end by {signal.Signals(number).name}"
        self.hurry()


def _nothing() -> None:
    """Before there is a training that could hurry."""
