"""Fixtures of the pages' tests: a store of the test's own, and no data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnviz.runs.lock import ProcessLock
from cnnviz.runs.schedule import LOCK
from cnnviz.runs.store import RunStore
from cnnviz.ui.training import service as services
from cnnviz.ui.training.service import training_service
from tests.runs.fake_executor import FakeExecutor


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data but the starter sets."""
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def runs_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs in a folder of the test's own, and no training that really starts."""
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(services, "LocalExecutor", lambda limits: FakeExecutor())
    training_service.clear()
    yield tmp_path / "runs"
    training_service.clear()


@pytest.fixture
def idle_queue(runs_apart: Path) -> Iterator[None]:
    """Another process schedules: no run is started, nor one missed that nobody trains."""
    runs_apart.mkdir()
    elsewhere = ProcessLock(runs_apart / LOCK)
    assert elsewhere.acquire()
    yield
    training_service.clear()
    elsewhere.release()


@pytest.fixture
def store() -> RunStore:
    """The store that the page reads."""
    return training_service().store
