"""The service of the server: one for all, and nothing that a viewer does closes it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit as st

from cnnviz.errors import RunError, SettingError
from cnnviz.runs.limits import Limits
from cnnviz.ui.training import service as services
from cnnviz.ui.training.service import training_service, trainings_here
from tests.runs.fake_executor import FakeExecutor


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(services, "LocalExecutor", lambda limits: FakeExecutor())
    training_service.clear()
    yield
    training_service.clear()


def test_thirty_who_come_first_get_the_same() -> None:
    with ThreadPoolExecutor(30) as threads:
        found = list(threads.map(lambda _: training_service(), range(30)))
    assert {id(service) for service in found} == {id(training_service())}


def test_a_browser_that_clears_the_cache_interrupts_nobody() -> None:
    service = training_service()
    st.cache_resource.clear()
    assert training_service() is service
    assert service.store.list_runs() == []  # it is open


def test_one_that_was_closed_is_opened_anew() -> None:
    before = training_service()
    training_service.clear()
    with pytest.raises(RunError, match="was closed by this process"):
        before.store.list_runs()
    assert training_service().store.list_runs() == []


def test_a_mistake_in_the_limits_is_said_until_it_is_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mistaken() -> Limits:
        raise SettingError("cnnviz.toml has a setting 'epoch', which there is not")

    with monkeypatch.context() as patch:
        patch.setattr(services, "load_limits", mistaken)
        assert trainings_here() == "cnnviz.toml has a setting 'epoch', which there is not"
    assert trainings_here() == []
