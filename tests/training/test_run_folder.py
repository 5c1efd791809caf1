"""The folder of one training: its files, which of them stay, and what the shell keeps there."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cnnviz.errors import CheckpointError
from cnnviz.training.recipes import recipe
from cnnviz.training.records import Record
from cnnviz.training.run_folder import RunFolder, RunPlan
from cnnviz.training.state import Progress
from tests.training.invented_records import epoch_record, step_record
from tests.training.run_folders import with_snapshots


def test_it_is_read_without_torch(project: Path) -> None:
    program = "import sys, cnnviz.training.run_folder; print('torch' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"


# ------------------------------------------------------------------------------ states, snapshots


def test_names(tmp_path: Path) -> None:
    folder = with_snapshots(RunFolder(tmp_path / "run"), 3)
    assert folder.snapshot(7).name == "epoch-007.safetensors"
    assert folder.snapshot(1234).name == "epoch-1234.safetensors"
    folder.snapshot(1234).write_bytes(b"")
    (folder.snapshots / "epoch-1.safetensors").write_bytes(b"")
    (folder.snapshots / ".epoch-003.safetensors-x7").write_bytes(b"")
    assert folder.snapshot_epochs() == [0, 1, 2, 1234]
    assert RunFolder(tmp_path / "none").snapshot_epochs() == []


def test_what_is_later_is_removed(tmp_path: Path) -> None:
    folder = with_snapshots(RunFolder(tmp_path / "run"), 5)
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
    folder = with_snapshots(RunFolder(tmp_path / "run"), count)
    folder.thin_snapshots(most)
    assert folder.snapshot_epochs() == kept


def test_snapshots_stay_evenly_apart(tmp_path: Path) -> None:
    folder = with_snapshots(RunFolder(tmp_path / "run"), 5)
    for epoch in range(5, 20):
        folder.snapshot(epoch).write_bytes(bytes(1000))
        folder.thin_snapshots(6000)
        kept = folder.snapshot_epochs()
        assert (kept[0], kept[-1]) == (0, epoch)
        assert len(kept) <= 6
        assert len({later - before for before, later in pairwise(kept[:-1])}) == 1
    assert kept == [0, 4, 8, 12, 16, 19]


# ------------------------------------------------------------------------ what the shell keeps


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"config": 1}', '{"config": {"model": 1}}'])
def test_a_damaged_plan_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"run\.json is no plan of a training"):
        RunFolder(tmp_path).plan()


def test_a_plan_comes_back(tmp_path: Path) -> None:
    plan = RunPlan(recipe("vgg16", "cifar10", seed=5), "v", "/some/where", True)
    folder = RunFolder(tmp_path / "deep" / "run")
    folder.begin(plan)
    assert folder.plan() == plan
    assert json.loads((folder.path / "run.json").read_text())["config"]["seed"] == 5


def test_a_new_training_removes_one_that_has_ended(tmp_path: Path) -> None:
    folder = with_snapshots(RunFolder(tmp_path / "run"), 2)
    folder.append(step_record(1))
    folder.begin(RunPlan(recipe("lenet5", "mnist"), "l", "trained", False))
    assert [file.name for file in folder.path.iterdir()] == ["run.json"]


def test_going_on_drops_what_will_be_done_again(tmp_path: Path) -> None:
    folder = with_snapshots(RunFolder(tmp_path / "run"), 4)
    kept: list[Record] = [step_record(50), step_record(100), epoch_record(1), step_record(150)]
    for record in (*kept, step_record(200), epoch_record(2), epoch_record(3)):
        folder.append(record)
    with folder.records_file.open("a") as stream:
        stream.write('{"kind": "step", "st')  # the process was killed
    folder.go_on_from(
        Progress(
            config=recipe("lenet5", "mnist"),
            train_digest="",
            precision="float32",
            step=150,
            epochs_done=1,
            loss_sum=1.0,
            correct=1,
            elapsed_s=1.0,
            learning_rate_factor=1.0,
            weight_decay=0.0,
        )
    )
    assert list(folder.records()) == kept
    assert folder.records_file.read_text().count("\n") == len(kept)
    assert folder.snapshot_epochs() == [0, 1]
