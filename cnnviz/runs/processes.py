"""Whether a process still lives, though the system may have given its number to another since."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_BOOT: Final = "sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, and no other one ever."""

    pid: int
    started: str
    """When it started, as the system tells it; two processes of one number differ in it."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or is suspended; one that only waits to be buried does not."""
        return identify(self.pid) == self


def identify(pid: int, proc: Path = PROC) -> ProcessId | None:
    """The process that has this number now; None if there is none, or if the system cannot say."""
    if (proc / "self" / "stat").exists():
        return _by_proc(pid, proc)
    return _by_ps(pid) if os.name == "posix" else None


def _by_proc(pid: int, proc: Path) -> ProcessId | None:
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
        boot = (proc / _BOOT).read_text(encoding="ascii").strip()
    except OSError:
        return None
    # "pid (name) state ...", and the name may hold blanks and brackets. proc(5): field 3 is the
    # state, field 22 the start time.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else ProcessId(pid, f"{boot} {ticks}")


def _by_ps(pid: int) -> ProcessId | None:
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    state, _, started = answer.stdout.strip().partition(" ")
    return ProcessId(pid, started.strip()) if started and state[0] not in "Z" else None
