"""What an import brings: the lessons must open without waiting for torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "torchvision", "captum", "streamlit", "plotly", "pandas", "matplotlib"}


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after ``statement``."""
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


def test_the_subject_brings_nothing_heavy() -> None:
    found = modules_after("import cnnviz.geometry, cnnviz.convolution, cnnviz.filters")
    assert "numpy" in found
    assert not found & HEAVY


@pytest.mark.parametrize("module", ["cnnviz", "cnnviz.errors", "cnnviz.geometry"])
def test_sizes_need_not_even_numpy(module: str) -> None:
    assert not modules_after(f"import {module}") & {"numpy", *HEAVY}


def test_the_package_imports_nothing_of_its_own() -> None:
    loaded = "[name for name in sys.modules if name.startswith('cnnviz')]"
    modules_after(f"import cnnviz\nassert {loaded} == ['cnnviz'], {loaded}")


def test_the_reference_does_bring_torch() -> None:
    """So that the checks above cannot pass by looking at the wrong place."""
    assert "torch" in modules_after("import cnnviz.torch_reference")
