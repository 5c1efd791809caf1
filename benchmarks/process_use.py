"""What processes use: memory, and cores' worth of processor time. Linux only; None elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.machine_facts import busy_s

PROC: Final = Path("/proc")
OTHERS: Final = "others"


def resident_mb(pid: int) -> float | None:
    """Memory of a process that is in RAM, in 10^6 bytes."""
    with suppress(OSError, ValueError, IndexError):
        pages = int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return None


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    children: dict[int, list[int]] = {}
    for child, fields in _all_stats():
        children.setdefault(int(fields[1]), []).append(child)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """Processor time up to a moment, seconds: of each process, and of the whole machine."""

    at_s: float
    used_s: Mapping[int, float]
    busy_s: float | None


def moment() -> Moment:
    """Now."""
    used = {pid: cpu_seconds(fields) for pid, fields in _all_stats()}
    return Moment(time.monotonic(), used, busy_s())


def cpu_seconds(fields: list[str]) -> float:
    """User and system time from what proc_pid_stat(5) has after the name."""
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cores(
    before: Moment, after: Moment, groups: Mapping[str, Collection[int]]
) -> dict[str, float] | None:
    """Cores' worth of time that each group of processes used in between, and all the others.

    The time of a process that ended in between goes to the others. None where the system does not
    say.
    """
    wall = after.at_s - before.at_s
    if before.busy_s is None or after.busy_s is None or wall <= 0:
        return None
    found = {}
    for name, pids in groups.items():
        seconds = sum(
            after.used_s[pid] - before.used_s.get(pid, 0.0) for pid in pids if pid in after.used_s
        )
        found[name] = seconds / wall
    busy = (after.busy_s - before.busy_s) / wall
    found[OTHERS] = max(0.0, busy - sum(found.values()))
    return found


def tree_seconds(pid: int) -> float | None:
    """Processor time of a process and of all that it started, those that have ended included.

    None where the system does not say. Who lost his parent is not found.
    """
    tree = {pid, *descendants(pid)}
    ticks = [sum(map(int, fields[11:15])) for one, fields in _all_stats() if one in tree]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    """Each process with its fields of proc_pid_stat(5) after the name, from the state on."""
    with suppress(OSError):
        for folder in PROC.iterdir():
            if folder.name.isdigit():
                with suppress(OSError, ValueError):
                    text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                    yield int(folder.name), text.rpartition(")")[2].split()
