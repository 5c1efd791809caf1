"""Where runs lie, and what is kept there."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from cnnviz.runs import folders
from cnnviz.runs.folders import RunFolder, folder_of, runs_folder


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


def with_snapshots(root: Path, count: int, size: int = 1000) -> RunFolder:
    folder = folder_of(root, 12)
    folder.snapshots.mkdir(parents=True)
    for epoch in range(count):
        folder.snapshot(epoch).write_bytes(bytes(size))
    return folder


def test_names(tmp_path: Path) -> None:
    folder = with_snapshots(tmp_path, 3)
    assert folder.path == tmp_path / "run-000012"
    assert folder.snapshot(7).name == "epoch-007.safetensors"
    assert folder.snapshot(1234).name == "epoch-1234.safetensors"
    folder.snapshot(1234).write_bytes(b"")
    (folder.snapshots / "epoch-1.safetensors").write_bytes(b"")
    (folder.snapshots / ".epoch-003.safetensors-x7").write_bytes(b"")
    assert folder.snapshot_epochs() == [0, 1, 2, 1234]
    assert folder_of(tmp_path, 99).snapshot_epochs() == []


def test_what_is_later_is_removed(tmp_path: Path) -> None:
    folder = with_snapshots(tmp_path, 5)
    left = [folder.path / ".state.safetensors-a1", folder.snapshots / ".epoch-001.safetensors-b2"]
    for file in left:
        file.write_bytes(b"half")
    folder.state.write_bytes(b"state")
    folder.remove_after(2)
    assert folder.snapshot_epochs() == [0, 1, 2]
    assert folder.state.exists()
    assert not any(file.exists() for file in left)
    folder.remove_after(-1)
    assert folder.snapshot_epochs() == []


@pytest.mark.parametrize(
    ("count", "most", "kept"),
    [
        (9, 9000, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (9, 8999, [0, 2, 4, 6, 8]),
        (10, 9000, [0, 2, 4, 6, 8, 9]),
        (10, 4000, [0, 4, 8, 9]),
        (10, 10, [0, 9]),
        (2, 10, [0, 1]),
        (1, 10, [0]),
        (0, 10, []),
    ],
)
def test_snapshots_are_thinned(tmp_path: Path, count: int, most: int, kept: list[int]) -> None:
    folder = with_snapshots(tmp_path, count)
    folder.thin_snapshots(most)
    assert folder.snapshot_epochs() == kept


def test_snapshots_stay_evenly_apart(tmp_path: Path) -> None:
    folder = with_snapshots(tmp_path, 5)
    for epoch in range(5, 20):
        folder.snapshot(epoch).write_bytes(bytes(1000))
        folder.thin_snapshots(6000)
        kept = folder.snapshot_epochs()
        assert (kept[0], kept[-1]) == (0, epoch)
        assert len(kept) <= 6
        assert len({later - before for before, later in pairwise(kept[:-1])}) == 1
    assert kept == [0, 4, 8, 12, 16, 19]


def test_sizes(tmp_path: Path) -> None:
    with_snapshots(tmp_path, 3)
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
    kept = with_snapshots(tmp_path, 1)
    folders.remove_discarded(tmp_path)
    assert not left.parent.exists()
    assert kept.snapshot_epochs() == [0]
    folders.discard(kept)
    folders.discard(kept)  # a run that was never started has no folder
    assert list(tmp_path.iterdir()) == []
