"""What this machine brings: processor, memory, accelerator, versions. Never imports torch."""

from __future__ import annotations

import math
import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

CGROUP: Final = Path("/sys/fs/cgroup")
CPUINFO: Final = Path("/proc/cpuinfo")
NVIDIA_GPUS: Final = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class MachineReport:
    """One machine, as far as this process may use it."""

    processor: str
    usable_cores: int
    """Cores that this process may keep busy: its affinity, and its container's quota rounded up."""
    memory_bytes: int | None
    """Main memory, or the container's limit if that is lower; None where neither can be read."""
    accelerator: str | None
    """Name of the device torch would compute on beside the processor; "" if torch finds none, None
    while torch has not been asked."""
    python_version: str
    torch_version: str | None
    """None if torch is not installed."""


def describe_machine(*, torch_is_ready: bool = False) -> MachineReport:
    """Looks at this machine; takes well under a millisecond and never imports torch.

    torch_is_ready: torch's import has ended, so that it may be asked for an accelerator. (That it
    stands in `sys.modules` does not say so: it does from the first moment of its import.)
    """
    return MachineReport(
        processor=processor_name(),
        usable_cores=usable_cores(),
        memory_bytes=memory_bytes(),
        accelerator=accelerator_name() if torch_is_ready else None,
        python_version=platform.python_version(),
        torch_version=installed_version("torch"),
    )


def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """The processor's name for people, or its architecture where the system does not say."""
    for line in _text(cpuinfo).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            plain = value.replace("(R)", "").replace("(TM)", "").partition(" @ ")[0]
            return " ".join(plain.split())
    return platform.processor() or platform.machine() or "unknown processor"


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Cores that this process may keep busy, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cpu_quota(cgroup)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def memory_bytes(cgroup: Path = CGROUP) -> int | None:
    """Main memory in bytes, or the container's limit if that is lower; None if neither is known."""
    found = []
    if hasattr(os, "sysconf") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= os.sysconf_names.keys():
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in (cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes"):
        text = _text(limit).strip()
        if text.isdigit():  # "max" where there is no limit
            found.append(int(text))
    return min(found, default=None)


def accelerator_name(nvidia_gpus: Path = NVIDIA_GPUS) -> str | None:
    """The device that an imported torch would use: "" if none, None if torch is not imported.

    Creates no context on the device.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    try:
        if not torch.accelerator.is_available():
            return ""
        kind = torch.accelerator.current_accelerator().type
        count = torch.accelerator.device_count()
    except (AttributeError, RuntimeError):
        return ""
    name = _nvidia_name(nvidia_gpus) if kind == "cuda" else None
    name = name or {"cuda": "CUDA device", "mps": "Apple GPU (Metal)"}.get(kind, kind)
    return name if count == 1 else f"{count} × {name}"


def installed_version(package: str) -> str | None:
    """The installed version, read without importing the package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_quota(cgroup: Path) -> float | None:
    # Version 2: one file, "QUOTA PERIOD" or "max PERIOD". Version 1: two files, -1 for no quota.
    fields = _text(cgroup / "cpu.max").split() or [
        _text(cgroup / "cpu" / "cpu.cfs_quota_us").strip(),
        _text(cgroup / "cpu" / "cpu.cfs_period_us").strip(),
    ]
    if len(fields) == 2 and all(field.isdigit() and int(field) > 0 for field in fields):
        return int(fields[0]) / int(fields[1])
    return None


def _nvidia_name(gpus: Path) -> str | None:
    for information in sorted(gpus.glob("*/information")):
        for line in _text(information).splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "Model" and value.strip():
                return value.strip()
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
