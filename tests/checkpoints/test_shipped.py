"""The networks that come with cnnviz, each against its card."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from cnnviz import cli
from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.evaluation_pictures import find_test_pictures
from cnnviz.checkpoints.folders import SHIPPED, CheckpointFile, list_checkpoints
from cnnviz.checkpoints.verify import verify_on_pictures, verify_stored
from cnnviz.models.registry import build_model
from cnnviz.training.records import EndRecord, EpochRecord
from cnnviz.training.run_folder import RunFolder
from cnnviz.training.state import Snapshot

FOLDER = Path(__file__).resolve().parent.parent.parent / SHIPPED
THERE = list_checkpoints(FOLDER)
WITH_RUN = ("plain_cnn-cifar10", "plain_cnn-norm-cifar10")

LEAST = {  # what each was to reach on the test split, in a single view
    "lenet5-mnist": 0.990,
    "improved_lenet-mnist": 0.994,
    "lenet5-cifar10": 0.780,
    "vgg16-cifar10": 0.925,
    "fast_cnn-cifar10": 0.0,  # with test-time flip instead, below
    "plain_cnn-cifar10": 0.0,  # as they come
    "plain_cnn-norm-cifar10": 0.0,
}


def test_all_that_the_lessons_show_are_there() -> None:
    assert {file.name for file in THERE} == LEAST.keys()


@pytest.mark.parametrize("file", THERE, ids=lambda file: str(file.name))
def test_files_network_and_table_are_as_the_card_says(file: CheckpointFile) -> None:
    card = verify_stored(file)
    assert card.is_of_complete_test
    assert card.train_digest == card.dataset.train_digest


@pytest.mark.parametrize("name", LEAST)
def test_each_reached_its_mark(name: str) -> None:
    assert load_card(FOLDER, name).single_view.overall.share >= LEAST[name]


def test_the_fast_network_reached_94_percent_in_minutes() -> None:
    card = load_card(FOLDER, "fast_cnn-cifar10")
    assert card.with_flip.overall.share >= 0.94
    assert card.train_s < 25 * 60


def test_the_original_architecture_of_the_lesson_was_trained() -> None:
    card = load_card(FOLDER, "lenet5-cifar10")
    assert card.parameters == 62_006
    assert not card.spec.batch_norm
    assert card.spec.dropout == 0


def test_all_together_are_small() -> None:
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 60e6
    assert (FOLDER / "vgg16-cifar10.safetensors").stat().st_size < 32e6


def test_nothing_tells_of_the_machine_s_folders() -> None:
    for file in FOLDER.rglob("*.json*"):
        assert not [word for word in file.read_text().split('"') if word.startswith("/")], file


@pytest.mark.parametrize("file", THERE, ids=lambda file: str(file.name))
def test_the_command_in_the_card_is_one(file: CheckpointFile) -> None:
    """It is parsed, up to the point where it would begin."""
    words = shlex.split(load_card(file.folder, file.name).command)
    assert words[:4] == ["python", "-m", "cnnviz", "train"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words[3:], "--help"])
    assert ended.value.code == 0


# ------------------------------------------------------------------------- the two plain networks


def test_the_two_plain_networks_differ_in_the_normalization_alone() -> None:
    plain, normed = (load_card(FOLDER, name) for name in WITH_RUN)
    differing = {
        key
        for key, value in plain.config.to_json().items()
        if normed.config.to_json()[key] != value
    }
    assert differing == {"batch_norm"}
    assert (plain.spec.batch_norm, normed.spec.batch_norm) == (False, True)


@pytest.mark.parametrize("name", WITH_RUN)
def test_records_and_snapshots_of_every_epoch_are_there(name: str) -> None:
    card, run = load_card(FOLDER, name), RunFolder(FOLDER / f"{name}.run")
    assert run.plan().config == card.config
    records = list(run.records())
    assert isinstance(records[-1], EndRecord)
    epochs = [record for record in records if isinstance(record, EpochRecord)]
    assert [record.epoch for record in epochs] == list(range(1, card.epochs + 1))
    snapshots = [Snapshot.load(run.snapshot(epoch)) for epoch in run.snapshot_epochs()]
    assert [snapshot.epoch for snapshot in snapshots] == [record.epoch for record in epochs]
    network = build_model(card.spec)
    for snapshot, record in zip(snapshots, epochs, strict=True):
        network.load_state_dict({n: torch.from_numpy(a) for n, a in snapshot.weights.items()})
        logits = snapshot.validation_logits
        assert logits is not None
        assert logits.shape == (card.config.validation_count, card.spec.classes)
        # In canonical order: the same number of each class, one class after the other.
        labels = np.repeat(np.arange(card.spec.classes), len(logits) // card.spec.classes)
        share = float((logits.argmax(1) == labels).mean())
        # float16 makes ties
        assert share == pytest.approx(record.validation_accuracy, abs=0.002)


def test_what_lies_beside_the_networks_is_readable_json() -> None:
    for file in FOLDER.rglob("*.jsonl"):
        for line in file.read_text().splitlines():
            json.loads(line)


# --------------------------------------------------------------------------------- on the pictures


@pytest.mark.data
@pytest.mark.parametrize("file", THERE, ids=lambda file: str(file.name))
def test_the_network_decides_as_its_card_says(file: CheckpointFile) -> None:
    test = find_test_pictures(verify_stored(file))
    if test is None:
        pytest.skip("the test split is not on this machine: set CNNVIZ_DATA")
    assert verify_on_pictures(file, test).count == len(test)
