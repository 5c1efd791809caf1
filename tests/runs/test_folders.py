"""Where runs lie, how large they are, and how they leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnviz.runs import folders
from cnnviz.runs.folders import folder_of, runs_folder
from tests.training.run_folders import with_snapshots


def test_the_variable_comes_first(tmp_path: Path) -> None:
    named = {"CNNVIZ_RUNS": str(tmp_path / "here")}
    assert runs_folder(app_folder=tmp_path, environment=named) == tmp_path / "here"
    home = runs_folder(app_folder=tmp_path, environment={"CNNVIZ_RUNS": "~/runs"})
    assert home == Path.home() / "runs"


def test_else_beside_the_app(tmp_path: Path) -> None:
    assert runs_folder(app_folder=tmp_path, environment={"CNNVIZ_RUNS": " "}) == tmp_path / "runs"


def test_else_in_the_user_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    found = runs_folder(app_folder=tmp_path, environment=state)
    assert found == tmp_path / "state" / "cnnviz" / "runs"
    found = runs_folder(app_folder=tmp_path, environment={})
    assert found == Path.home() / ".local" / "state" / "cnnviz" / "runs"


def test_sizes(tmp_path: Path) -> None:
    with_snapshots(folder_of(tmp_path, 12), 3)
    (tmp_path / "runs.sqlite").write_bytes(bytes(17))
    assert folders.total_bytes(tmp_path) == 3017
    assert folder_of(tmp_path, 12).bytes() == 3000
    assert folders.free_bytes(tmp_path) > 0


def test_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.keep_reserve(tmp_path)
    assert (tmp_path / "reserve").stat().st_size == 2**20
    folders.give_up_reserve(tmp_path)
    folders.give_up_reserve(tmp_path)
    assert not (tmp_path / "reserve").exists()
    monkeypatch.setattr(folders, "free_bytes", lambda root: 2**20)
    folders.keep_reserve(tmp_path)
    assert not (tmp_path / "reserve").exists()


def test_what_was_being_discarded_is_removed_later(tmp_path: Path) -> None:
    left = tmp_path / ".discarded-x" / "run-000001"
    left.mkdir(parents=True)
    kept = with_snapshots(folder_of(tmp_path, 12), 1)
    folders.remove_discarded(tmp_path)
    assert not left.parent.exists()
    assert kept.snapshot_epochs() == [0]
    folders.discard(kept)
    folders.discard(kept)  # a run that was never started has no folder
    assert list(tmp_path.iterdir()) == []
