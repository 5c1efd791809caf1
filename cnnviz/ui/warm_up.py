"""Imports torch once per server process, in the background, after the first page has been painted.

Importing torch takes more than a second. Done at the top of a page, the first viewer waits for it;
done in a thread that starts a little later, nobody does. What torch brought is then frozen, so that
no garbage collection walks over it again.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Callable
from typing import Final

DELAY_S: Final = 1.5
"""How long the thread waits before the import, so that the first page is painted by then."""


class WarmUp:
    """One background import. `start` may be called by any number of threads; it runs once.

    States, in order: "waiting" (until `delay_s` after the first `start`), "loading", then "ready"
    or "failed: why". A failure is kept, not raised: everything that needs no torch goes on.
    """

    def __init__(self, load: Callable[[], None], delay_s: float = DELAY_S) -> None:
        self._load = load
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._status = "waiting"
        self._thread: threading.Thread | None = None
        self._skip_delay = threading.Event()

    def start(self) -> None:
        """Starts the thread at the first call; later calls do nothing."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="cnnviz-warm-up", daemon=True)
            self._thread.start()

    def status(self) -> str:
        """One of "waiting", "loading", "ready" or "failed: why"."""
        with self._lock:
            return self._status

    def wait(self, timeout_s: float | None = None) -> bool:
        """Starts at once, without the delay, and waits until it has ended; True if it is ready."""
        self._skip_delay.set()
        self.start()
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return self.status() == "ready"

    def _run(self) -> None:
        self._skip_delay.wait(self._delay_s)
        self._set_status("loading")
        try:
            self._load()
        except BaseException as error:  # a broken native library can raise anything
            reason = " ".join(str(error).split()) or "no reason given"
            self._set_status(f"failed: {type(error).__name__}: {reason}")
        else:
            self._set_status("ready")

    def _set_status(self, status: str) -> None:
        with self._lock:
            self._status = status


def load_torch() -> None:
    """Imports torch and freezes what it brought."""
    importlib.import_module("torch")
    gc.collect()
    gc.freeze()


_torch = WarmUp(load_torch)


def start() -> None:
    """Begins to import torch, once per server process; returns at once."""
    _torch.start()


def status() -> str:
    """How far torch is: "waiting", "loading", "ready" or "failed: why"."""
    return _torch.status()


def torch_is_ready() -> bool:
    """True when torch is imported and importing it again costs nothing."""
    return _torch.status() == "ready" and "torch" in sys.modules


def torch_is_coming() -> bool:
    """True while torch is not imported yet but will be: worth asking again in a second."""
    return status() in ("waiting", "loading")


def wait_for_torch(timeout_s: float | None = None) -> bool:
    """Waits until torch is imported; for work that cannot go on without it.

    Returns True if torch is ready, False if the import failed or `timeout_s` passed first.
    """
    return _torch.wait(timeout_s)
