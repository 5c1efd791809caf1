"""What each epoch of a run was like: every number against one that was counted by hand."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.catalogue import CIFAR10, MNIST
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError
from cnnviz.figures.time_machine import NO_NUMBER, hundredths, time_machine_frames
from cnnviz.training.held_out_pictures import HeldOut, choose_pictures, find_held_out
from cnnviz.training.history import look_at
from cnnviz.training.records import EpochRecord
from cnnviz.training.run_folder import RunFolder
from cnnviz.training.snapshot import Snapshot
from tests.runs.invented_history import CERTAIN, LABELS, filters_after, invented_snapshot

HELD_OUT = HeldOut(LABELS, choose_pictures(LABELS), np.zeros((16, 28, 28, 1), dtype=np.uint8))


def saved(folder: Path, snapshot: Snapshot) -> Path:
    file = folder / f"epoch-{snapshot.epoch:03}.safetensors"
    snapshot.save(file)
    return file


def array(packed: str, kind: str, *shape: int) -> npt.NDArray[Any]:
    """As the browser reads it."""
    return np.frombuffer(base64.b64decode(packed), dtype=kind).reshape(shape)


# ------------------------------------------------------------------------------------- one epoch


def test_an_epoch_by_hand(tmp_path: Path) -> None:
    look = look_at(saved(tmp_path, invented_snapshot(3)), HELD_OUT, 1)
    assert (look.epoch, look.step) == (3, 150)
    assert (look.filters == filters_after(3)).all()
    assert look.evaluation is not None
    expected = np.diag([5] * 6 + [0] * 4)  # of 30 images each is recognised ...
    expected[6:, 0] = 5  # ... and the other four classes are taken for a 0
    assert look.evaluation.confusion.tolist() == expected.tolist()
    assert [row.share for row in look.evaluation.table.per_class] == [1.0] * 6 + [0.0] * 4
    right, wrong = np.log(1 + 9 * np.exp(-CERTAIN)), np.log(np.exp(CERTAIN) + 9)
    assert look.evaluation.cross_entropy == pytest.approx((30 * right + 20 * wrong) / 50)
    assert look.logits is not None
    assert look.logits.argmax(1).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0, 0, 0]


def test_before_training_there_are_filters_only(tmp_path: Path) -> None:
    look = look_at(saved(tmp_path, invented_snapshot(0)), HELD_OUT, 1)
    assert look.evaluation is None
    assert look.logits is None
    assert look.filters.shape == (6, 1, 5, 5)


def test_nothing_is_told_of_images_that_are_not_here(tmp_path: Path) -> None:
    look = look_at(saved(tmp_path, invented_snapshot(3)), None, 1)
    assert look.evaluation is None
    assert look.logits is None


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    snapshot = invented_snapshot(2)
    assert snapshot.validation_logits is not None
    snapshot.validation_logits[7, 3] = np.nan
    look = look_at(saved(tmp_path, snapshot), HELD_OUT, 1)
    assert look.evaluation is None
    assert look.logits is not None


def test_what_is_no_snapshot_of_this_run_is_named(tmp_path: Path) -> None:
    file = saved(tmp_path, invented_snapshot(1))
    fewer = HeldOut(LABELS[:40], choose_pictures(LABELS[:40]), None)
    with pytest.raises(CheckpointError, match="is about 50 held-out images, but the run held out"):
        look_at(file, fewer, 1)
    with pytest.raises(CheckpointError, match="no filters for images of 3 channels"):
        look_at(file, HELD_OUT, 3)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"epoch-001\.safetensors is no snapshot"):
        look_at(file, HELD_OUT, 1)
    with pytest.raises(CheckpointError, match="does not exist"):
        look_at(tmp_path / "epoch-002.safetensors", HELD_OUT, 1)
    other = tmp_path / "other.safetensors"
    other.write_bytes(safetensors.numpy.save({"x": np.zeros(1)}))
    with pytest.raises(CheckpointError, match="is no snapshot of a training"):
        look_at(other, HELD_OUT, 1)


# ---------------------------------------------------------------------- all epochs, for the browser


def test_the_frames_by_hand(tmp_path: Path) -> None:
    looks = [look_at(saved(tmp_path, invented_snapshot(e)), HELD_OUT, 1) for e in (0, 2, 4)]
    frames = time_machine_frames(looks, HELD_OUT, MNIST.class_names)
    assert frames["epochs"] == [0, 2, 4]  # those between were thinned out
    assert frames["held_out"] == 50
    assert frames["overall"] == [None, 4000, 8000]  # 20 and 40 of 50
    counts = array(frames["counts"], "<u4", 3, 10, 10)
    assert counts[0].sum() == 0
    assert counts[1, 3].tolist() == [0, 0, 0, 5, 0, 0, 0, 0, 0, 0]
    assert counts[1, 4].tolist() == [5, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    right = array(frames["right"], "<u2", 3, 10)
    assert right[0].tolist() == [NO_NUMBER] * 10
    assert right[1].tolist() == [10_000] * 4 + [0] * 6
    assert right[2].tolist() == [10_000] * 8 + [0] * 2
    chances = array(frames["chances"], "<u2", 3, 16, 10)
    assert (chances[0] == NO_NUMBER).all()
    top = np.exp(CERTAIN) / (np.exp(CERTAIN) + 9)
    assert chances[2, 4].tolist() == [
        round(10_000 * (top if label == 2 else (1 - top) / 9)) for label in range(10)
    ]
    assert frames["labels"] == LABELS[HELD_OUT.chosen].tolist()
    assert len(frames["pictures"]) == 16
    filters = frames["filters"]
    assert [filters[name] for name in ("count", "depth", "height", "width")] == [6, 1, 5, 5]
    assert filters["scale"] == pytest.approx(0.4, abs=1e-3)
    tones = array(filters["tones"], "u1", 3, 5, 6 * 5, 3)
    # 0 is middle grey, the greatest of all epochs is white.
    assert [int(frame[0, 0, 0]) for frame in tones] == [128, 191, 255]


def test_shares_become_hundredths_of_a_percent() -> None:
    shares = np.array([0, 0.00004, 0.00006, 0.5, 1, np.nan])
    assert hundredths(shares).tolist() == [0, 0, 1, 5000, 10_000, NO_NUMBER]


# ----------------------------------------------------------------------------- the runs that ship


@pytest.mark.parametrize("name", ["plain_cnn-cifar10", "plain_cnn-norm-cifar10"])
def test_the_shipped_runs_agree_with_what_they_told(name: str) -> None:
    folder = PROJECT / SHIPPED / f"{name}.run"
    run = RunFolder(folder)
    told = {record.epoch: record for record in run.records() if isinstance(record, EpochRecord)}
    held_out = find_held_out(run.plan().config, CIFAR10.train_digest)
    files = sorted((folder / "snapshots").iterdir())
    looks = [look_at(file, held_out, 3) for file in files]
    assert [look.epoch for look in looks] == list(told)
    for look in looks:
        assert look.evaluation is not None
        table, record = look.evaluation.table, told[look.epoch]
        # Half precision decides a picture or two otherwise.
        assert table.overall.share == pytest.approx(record.validation_accuracy, abs=0.002)
        shares = [row.share for row in table.per_class]
        assert shares == pytest.approx(record.per_class_accuracy, abs=0.008)
        assert look.evaluation.cross_entropy == pytest.approx(record.validation_loss, abs=0.002)
        assert look.filters.shape == (16, 3, 3, 3)


def test_no_torch_is_needed() -> None:
    program = (
        "import sys, cnnviz.training.history, cnnviz.training.held_out_pictures, "
        "cnnviz.runs.keep, cnnviz.training.run_folder, cnnviz.figures.time_machine\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True, timeout=120)
