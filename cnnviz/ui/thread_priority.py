"""Threads that compute beside a server give way to those that answer."""

from __future__ import annotations

import contextlib
import os
import sys
import threading


def give_way(niceness: int) -> None:
    """Makes the calling thread so much nicer, where a thread has a priority of its own (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
