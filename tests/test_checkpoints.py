"""Checkpoints are listed by name, and nothing is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz.checkpoints import CheckpointFile, list_checkpoints


def test_pairs_are_listed_by_name(tmp_path: Path) -> None:
    for name, size in {"vgg16": 30, "lenet5": 20}.items():
        (tmp_path / f"{name}.safetensors").write_bytes(b"\0" * size)
        (tmp_path / f"{name}.json").write_text("not even JSON")
    assert list_checkpoints(tmp_path) == (CheckpointFile("lenet5", 20), CheckpointFile("vgg16", 30))


@pytest.mark.parametrize(
    "names",
    [
        ["alone.safetensors"],
        ["alone.json"],
        ["one.safetensors", "other.json"],
        ["model.pt", "model.json"],
        ["model.pickle", "model.json"],
        [".safetensors", ".json"],
        ["README.md"],
    ],
)
def test_what_is_no_pair_is_not_listed(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert list_checkpoints(tmp_path) == ()


def test_a_folder_of_that_name_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    (tmp_path / "model.json").touch()
    assert list_checkpoints(tmp_path) == ()


def test_a_missing_folder_has_none(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path / "nowhere") == ()
