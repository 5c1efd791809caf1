"""Fixtures: a store that is closed in the end, and a machine that has the starter digits only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnviz.runs.store import RunStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of all runs."""
    return tmp_path / "runs"


@pytest.fixture
def store(root: Path) -> Iterator[RunStore]:
    """The store in it."""
    with RunStore(root) as opened:
        yield opened


@pytest.fixture
def only_starter_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set on this machine, for this process and those that it starts."""
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
