"""What figures depend on: machine, versions, load."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cnnviz.machine import processor_name, usable_cores

BUSY: Final = 0.5
"""Load per core above which a run says more about the machine than about what is measured."""


DISTURBED: Final = 0.1
"""Cores' worth of time that others may use during a run whose figures are to be published."""
TOO_MUCH: Final = ": TOO MUCH, do not publish these figures"
STAT: Final = Path("/proc/stat")


def machine_facts(*packages: str) -> dict[str, str]:
    """The date, the machine, and the versions of these packages."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": f"{processor_name()}, {usable_cores()} cores",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
    }


def device_fact(device_name: str, device: str, threads: int) -> str:
    """The device that trained, as a machine's fact."""
    return f"{device_name}, {threads} threads" if device == "cpu" else f"{device_name} ({device})"


def warn_if_busy() -> float:
    """Load per core; says so on the terminal if others are using the machine."""
    load = os.getloadavg()[0] / usable_cores()
    if load > BUSY:
        print(f"The machine is busy (load {load:.1f} per core): do not publish these figures.\n")
    return load


def waited_for_s() -> float:
    """Processor time of this process and of those that it started and waited for, seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class OthersLoad:
    """How many cores' worth of time everybody else used since this was made. Linux only.

    Meant for a run whose work is done in processes that it waits for; for another, own_s says how
    much processor time is its own so far, in seconds, or None where that is not known.
    """

    def __init__(
        self, stat: Path = STAT, *, own_s: Callable[[], float | None] = waited_for_s
    ) -> None:
        self._stat = stat
        self._own_s = own_s
        self._before = self._measure()

    def cores(self) -> float | None:
        """0.0 for an idle machine; None where the system does not say."""
        now = self._measure()
        if self._before is None or now is None:
            return None
        wall, others = (after - before for after, before in zip(now, self._before, strict=True))
        return max(0.0, others / wall) if wall > 0 else None

    def _measure(self) -> tuple[float, float] | None:
        """(wall time, processor time of all but what is our own), seconds."""
        own_s, busy = self._own_s(), busy_s(self._stat)
        return None if own_s is None or busy is None else (os.times().elapsed, busy - own_s)


def busy_s(stat: Path = STAT) -> float | None:
    """Processor time that the whole machine has used, seconds; None where it does not say."""
    try:
        fields = stat.read_text(encoding="ascii").split("\n")[0].split()
        # user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5))
        ticks = [int(field) for field in fields[1:9]]
    except (OSError, ValueError):
        return None
    return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")


def describe_others(cores: float | None) -> str:
    """What others took during the run, as a machine's fact."""
    if cores is None:
        return "unknown"
    return f"{cores:.2f} cores" + (TOO_MUCH if cores > DISTURBED else "")


def caution(machine: Mapping[str, str]) -> str:
    """A sentence to follow the verdicts, if others disturbed the run; else empty."""
    disturbed = any(value.endswith(TOO_MUCH) for value in machine.values())
    return "These verdicts do not count: others used the machine during the run." * disturbed
