"""Work in a process of its own, so that no other has warmed it up, and none outlives this one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from benchmarks.app_server import PROJECT


class ApartError(RuntimeError):
    """A process that ended without a result; what it said stands on standard error."""


def run_module(module: str, job: Mapping[str, Any]) -> Any:
    """Runs `python -m module JOB`; returns what the last line of its output says, a JSON text.

    The process never outlives the call.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(job)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ApartError(f"no result of {dict(job)}: exit status {done.returncode}")
    return json.loads(lines[-1])


def leave_on_sigterm() -> None:
    """Turns SIGTERM into SystemExit, so that a process under way is ended with this one."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
