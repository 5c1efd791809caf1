"""The benchmark of the architectures page: its verdicts by hand; one quick run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.architectures_page import judgement, to_text
from benchmarks.latency_table import Series


def test_verdicts() -> None:
    assert judgement(Series("it", (1.0, 2.0)), 500).startswith("met, 500 ms: it, p95 of 2")
    assert judgement(Series("it", (600.0,)), 500).startswith("MISSED")


def test_the_table_has_the_ratio() -> None:
    names = ("VGG-16, size to drawing", "digit, pen to answer", "VGG-16 by torchinfo")
    series = [Series(name, (30.0,)) for name in names] + [
        Series("VGG-16 traced by cnnviz", (10.0,))
    ]
    text = to_text(series, {"run": "by hand"})
    assert "torchinfo takes 3.0 times as long" in text
    assert text.count("met, ") == 2


@pytest.mark.browser
@pytest.mark.slow
def test_a_quick_run(project: Path, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no chromium on the path")
    out = tmp_path / "figures.json"
    found = subprocess.run(
        [sys.executable, "benchmarks/architectures_page.py", "--quick", "--out", str(out)],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    times = json.loads(out.read_text())["ms"]
    assert len(times["VGG-16, size to drawing"]) == 3
    assert len(times["digit, pen to answer"]) > 10
    assert all(value > 0 for values in times.values() for value in values)
