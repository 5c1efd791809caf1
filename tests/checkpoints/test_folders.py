"""Which checkpoints there are: by name, and nothing is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnnviz.checkpoints.folders import (
    CheckpointFile,
    check_name,
    checkpoint_folders,
    find_checkpoint,
    list_checkpoints,
)
from cnnviz.errors import CheckpointError, SettingError


def put(folder: Path, name: str, size: int) -> CheckpointFile:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.safetensors").write_bytes(b"\0" * size)
    (folder / f"{name}.json").write_text("not even JSON")
    return CheckpointFile(folder, name, size)


def test_pairs_are_listed_by_name(tmp_path: Path) -> None:
    vgg, lenet = put(tmp_path, "vgg16", 30), put(tmp_path, "lenet5", 20)
    assert list_checkpoints(tmp_path) == (lenet, vgg)


@pytest.mark.parametrize(
    "names",
    [
        ["alone.safetensors"],
        ["alone.json"],
        ["one.safetensors", "other.json"],
        ["model.pt", "model.json"],
        ["model.pickle", "model.json"],
        [".safetensors", ".json"],
        [".hidden.safetensors", ".hidden.json"],
        ["a name.safetensors", "a name.json"],
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


def test_what_the_user_trained_hides_what_is_shipped(tmp_path: Path) -> None:
    folders = checkpoint_folders(tmp_path)
    trained, shipped = folders
    assert (trained.name, shipped.name) == ("trained", "checkpoints")
    put(shipped, "lenet5", 1)
    vgg, lenet = put(shipped, "vgg16", 2), put(trained, "lenet5", 3)
    assert list_checkpoints(*folders) == (lenet, vgg)
    assert find_checkpoint("lenet5", folders) == lenet
    assert find_checkpoint("vgg16", folders) == vgg


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    folders = checkpoint_folders(tmp_path)
    with pytest.raises(CheckpointError, match=r"no checkpoint 'vgg' in .*: there are none at all"):
        find_checkpoint("vgg", folders)
    put(folders[0], "b", 1), put(folders[1], "a", 1)
    for name in ("vgg", "../a", "", "a.json", "\x1b[2J"):
        with pytest.raises(CheckpointError, match=r"checkpoints: use a, b$") as caught:
            find_checkpoint(name, folders)
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["lenet5-mnist", "v1.2_b", "7", "a" * 100])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:x",
        ".hidden",
        "-rf",
        "a b",
        "a\n",
        "a\0",
        "größe",
        "a" * 101,
        None,
        7,
    ],
)
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(SettingError, match=r"the checkpoint's name is .*: use up to 100 letters"):
        check_name(name)


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("cnnviz.checkpoints, cnnviz.checkpoints.folders", {"torch", "numpy", "safetensors"}),
        (
            "cnnviz.checkpoints.card, cnnviz.checkpoints.logits, cnnviz.checkpoints.command, "
            "cnnviz.checkpoints.evaluate_command, cnnviz.checkpoints.evaluation_pictures",
            {"torch", "safetensors", "pyarrow", "streamlit", "plotly"},
        ),
    ],
)
def test_cards_and_logits_need_no_torch(project: Path, modules: str, absent: set[str]) -> None:
    code = f"import sys, {modules}; found = {absent} & set(sys.modules); assert not found, found"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
