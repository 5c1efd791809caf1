"""Predictions of runs: those of the store, and damaged ones of those that ship."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.confusion.held_out import read_held_out_logits
from cnnviz.confusion.pictures import find_pictures
from cnnviz.confusion.selection import Selection, select
from cnnviz.confusion.sources import PredictionSource, SourceList, list_sources, load_predictions
from cnnviz.data.catalogue import MNIST
from cnnviz.data.datasets import load_split
from cnnviz.errors import CheckpointError, DataError
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.store import RunStore
from cnnviz.training.config import TrainingConfig
from cnnviz.training.held_out import hold_out
from cnnviz.training.snapshot import Snapshot
from tests.runs.invented import event, start_record

RUNS = [source for source in list_sources().sources if source.is_run]
CONFIG = TrainingConfig(model="lenet5", dataset="mnist", epochs=4, validation_count=500)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path / "runs") as opened:
        yield opened


def a_run(
    store: RunStore, digest: str, epochs: Sequence[int], config: TrainingConfig = CONFIG
) -> int:
    """A run under way, whose snapshots say that everything is a 1."""
    run = store.create_run(config, "ada", name="mine")
    assert store.claim_next("fake", "cpu") is not None
    start = replace(start_record(), train_digest=digest, validation_count=config.validation_count)
    Attempt(store, run.id, 1).begin(start, 0, event())
    logits = np.zeros((config.validation_count, 10), dtype=np.float16)
    logits[:, 1] = 3
    for epoch in epochs:
        keep_snapshot(store, run.id, epoch, logits if epoch else None)
    return run.id


def keep_snapshot(store: RunStore, run_id: int, epoch: int, logits: np.ndarray | None) -> None:
    snapshot = Snapshot(epoch, 50 * epoch, {"weight": np.zeros(3, np.float16)}, logits)
    snapshot.save(store.folder_of(run_id).snapshot(epoch))


def the_run(store: RunStore, tmp_path: Path) -> PredictionSource:
    (source,) = list_sources(project=tmp_path, runs=store).sources
    return source


def test_a_run_on_the_whole_training_split_needs_no_pictures(
    store: RunStore, tmp_path: Path
) -> None:
    run_id = a_run(store, MNIST.train_digest, (0, 1, 2, 4))
    source = the_run(store, tmp_path)
    assert (source.key, source.kind, source.title) == (
        f"run~{run_id}",
        "run",
        f"Run {run_id}: mine",
    )
    assert (source.epochs, source.count, source.config) == ((1, 2, 4), 500, CONFIG)
    assert [source.nearest_epoch(epoch) for epoch in (None, 0, 3, 9)] == [4, 1, 2, 4]
    assert source.snapshot_file(4).is_file()
    found = load_predictions(source, epoch=2)
    assert (found.key, found.title) == (f"run~{run_id}+2", f"Run {run_id}: mine, epoch 2")
    assert found.judgements.confusion[:, 1].sum() == 500
    assert found.judgements.confusion.sum(1).tolist() == np.bincount(found.labels).tolist()
    # Each class gives its share: 5,923 of 60,000 training pictures are zeros.
    assert abs((found.labels == 0).sum() - 500 * 5923 / 60_000) <= 1


def test_a_run_on_the_starter_set_finds_its_pictures(store: RunStore, tmp_path: Path) -> None:
    starter = load_split("mnist", "train", source="starter")
    a_run(store, starter.digest, (1,))
    found = load_predictions(the_run(store, tmp_path))
    held_out = hold_out(starter.labels, 500)[1]
    assert found.indices.tolist() == held_out.tolist()
    assert found.labels.tolist() == starter.labels[held_out].tolist()
    pictures = find_pictures(found)
    assert pictures is not None
    some = select(Selection(true=7), found)
    np.testing.assert_array_equal(pictures.images_of(some), starter.images[some])


def test_a_run_on_pictures_that_are_gone(store: RunStore, tmp_path: Path) -> None:
    a_run(store, "0" * 64, (1,))
    with pytest.raises(DataError, match="which of them it held out cannot be told"):
        load_predictions(the_run(store, tmp_path))


def test_runs_without_predictions_are_no_sources(store: RunStore, tmp_path: Path) -> None:
    store.create_run(CONFIG, "ada")  # waits
    assert list_sources(project=tmp_path, runs=store).sources == ()
    store.delete(store.list_runs()[0].id)
    a_run(store, MNIST.train_digest, (0,))  # before its first epoch's end
    a_run(store, MNIST.train_digest, (), replace(CONFIG, validation_count=0))
    assert list_sources(project=tmp_path, runs=store).sources == ()


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (None, "has no logits of held-out pictures"),
        (
            np.zeros((499, 10), np.float16),
            r"float16 \(499, 10\); those of this run are float16 \(500",
        ),
        (np.zeros((500, 10), np.float32), r"float32 \(500, 10\); those of this run are float16"),
        (
            np.full((500, 10), np.nan, np.float16),
            "500 of 500 pictures have a logit that is no fini",
        ),
    ],
)
def test_snapshots_that_do_not_fit(
    store: RunStore, tmp_path: Path, logits: np.ndarray | None, message: str
) -> None:
    run_id = a_run(store, MNIST.train_digest, (1,))
    keep_snapshot(store, run_id, 1, logits)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_predictions(the_run(store, tmp_path))
    assert "epoch-001.safetensors" in str(caught.value)


def test_files_that_are_no_snapshots(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        read_held_out_logits(tmp_path / "none", (1, 1))
    (tmp_path / "text").write_text("no snapshot")
    with pytest.raises(CheckpointError, match="is no snapshot of a training"):
        read_held_out_logits(tmp_path / "text", (1, 1))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("run.json", '{"config": 3}', r"run\.json is no plan of a training"),
        ("records.jsonl", '{"kind": "begin"}\n', r"records\.jsonl holds no records \(KeyError"),
        ("records.jsonl", "nonsense\n", r"records\.jsonl holds no records \(JSONDecodeError"),
    ],
)
def test_a_damaged_shipped_run_is_told(
    tmp_path: Path, file: str, content: str, message: str
) -> None:
    folder = tmp_path / SHIPPED / RUNS[0].folder.name
    shutil.copytree(RUNS[0].folder, folder)
    assert [source.key for source in list_sources(project=tmp_path).sources] == [RUNS[0].key]
    (folder / file).write_text(content)
    found = list_sources(project=tmp_path)
    assert found.sources == ()
    assert len(found.problems) == 1
    assert re.search(message, found.problems[0])


def test_a_shipped_run_that_never_began_is_no_source(tmp_path: Path) -> None:
    folder = tmp_path / SHIPPED / RUNS[0].folder.name
    shutil.copytree(RUNS[0].folder, folder)
    (folder / "records.jsonl").unlink()
    assert list_sources(project=tmp_path) == SourceList(())
