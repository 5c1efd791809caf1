"""What this machine has, from files as Linux writes them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnnviz import machine


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, 8),
        ({"cpu.max": "nonsense\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "0\n"}, 8),
    ],
)
def test_cores_are_affinity_within_quota(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert machine.usable_cores(write(tmp_path, files)) == cores


def test_cores_where_the_system_has_no_affinity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.usable_cores(tmp_path) == 1


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_memory_is_the_container_s_limit_if_lower(tmp_path: Path, name: str) -> None:
    assert machine.memory_bytes(write(tmp_path, {name: "1000000\n"})) == 1_000_000


@pytest.mark.parametrize("text", ["max\n", "9223372036854771712\n", ""])
def test_memory_without_a_limit_is_the_machine_s(tmp_path: Path, text: str) -> None:
    whole = machine.memory_bytes(tmp_path / "nowhere")
    assert machine.memory_bytes(write(tmp_path, {"memory.max": text})) == whole


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("model name\t: AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654 96-Core Processor"),
        ("model name\t: Intel(R) Core(TM) i7-1185G7 CPU @ 3.00GHz", "Intel Core i7-1185G7 CPU"),
    ],
)
def test_processor_name(tmp_path: Path, line: str, name: str) -> None:
    file = write(tmp_path, {"cpuinfo": f"processor\t: 0\n{line}\n"}) / "cpuinfo"
    assert machine.processor_name(file) == name


def test_processor_name_is_never_empty(tmp_path: Path) -> None:
    assert machine.processor_name(tmp_path / "nowhere") != ""


def fake_torch(kind: str | None, count: int = 1) -> SimpleNamespace:
    return SimpleNamespace(
        accelerator=SimpleNamespace(
            is_available=lambda: kind is not None,
            current_accelerator=lambda: SimpleNamespace(type=kind),
            device_count=lambda: count,
        )
    )


@pytest.mark.parametrize(
    ("kind", "count", "name"),
    [
        (None, 0, ""),
        ("cuda", 1, "NVIDIA H200"),
        ("cuda", 4, "4 × NVIDIA H200"),
        ("mps", 1, "Apple GPU (Metal)"),
        ("xpu", 1, "xpu"),
    ],
)
def test_accelerator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str | None, count: int, name: str
) -> None:
    write(tmp_path, {"0000:01:00.0/information": "Model: \t\t NVIDIA H200\nIRQ: 1\n"})
    monkeypatch.setitem(sys.modules, "torch", fake_torch(kind, count))
    assert machine.accelerator_name(tmp_path) == name


def test_accelerator_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch("cuda"))
    assert machine.accelerator_name(tmp_path) == "CUDA device"


def test_torch_is_not_asked_before_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch("mps"))
    assert machine.describe_machine().accelerator is None
    assert machine.describe_machine(torch_is_ready=True).accelerator == "Apple GPU (Metal)"


def test_versions_are_read_without_an_import() -> None:
    assert machine.installed_version("pytest") == pytest.__version__
    assert machine.installed_version("no-such-package-anywhere") is None
