"""Predictions that stand ready: shipped and saved checkpoints, shipped runs, their pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.folders import SHIPPED, TRAINED
from cnnviz.checkpoints.store import describe_hardware, save_checkpoint
from cnnviz.confusion.calibration import calibration
from cnnviz.confusion.held_out import find_held_out, split_labels
from cnnviz.confusion.pictures import STARTER_PLACES, find_pictures
from cnnviz.confusion.predictions import compare
from cnnviz.confusion.scores import class_scores
from cnnviz.confusion.selection import Selection, select
from cnnviz.confusion.sources import PredictionSource, SourceList, list_sources, load_predictions
from cnnviz.data.canonical import Split
from cnnviz.data.catalogue import CIFAR10, DATASETS, MNIST
from cnnviz.data.datasets import PROJECT, load_split
from cnnviz.errors import CheckpointError, CnnvizError, DataError, SettingError
from cnnviz.evaluation import AccuracyTable
from cnnviz.models.registry import build_model
from cnnviz.training.config import TrainingConfig
from cnnviz.training.held_out import hold_out
from cnnviz.training.pictures import Normalization
from cnnviz.training.records import EpochRecord, from_json
from tests.confusion.invented import some_predictions
from tests.test_layers_of_imports import modules_after

SHIPPED_SOURCES = list_sources()
CHECKPOINTS = [source for source in SHIPPED_SOURCES.sources if source.kind == "shipped"]
RUNS = [source for source in SHIPPED_SOURCES.sources if source.is_run]


def test_no_torch_is_needed() -> None:
    program = """
from cnnviz.confusion.sources import list_sources, load_predictions
from cnnviz.confusion.settings import from_query
from cnnviz.confusion.selection import Selection, select
from cnnviz.figures import class_scores, confusion, reliability
for source in list_sources().sources:
    select(Selection(which="wrong"), load_predictions(source))
"""
    found = modules_after(program)
    assert "plotly" in found
    assert not found & {"torch", "torchvision", "streamlit", "sklearn", "scipy"}


def test_all_that_ships_is_listed() -> None:
    assert SHIPPED_SOURCES.problems == ()
    files = (PROJECT / SHIPPED).glob("*.safetensors")
    assert [source.key for source in CHECKPOINTS] == sorted(file.stem for file in files)
    folders = (PROJECT / SHIPPED).glob("*.run")
    assert [source.key for source in RUNS] == [f"run~{folder.stem}" for folder in sorted(folders)]
    titles = [source.title for source in SHIPPED_SOURCES.sources]
    assert len(set(titles)) == len(titles)
    assert SHIPPED_SOURCES.find("lenet5-cifar10").title == "lenet5-cifar10 (LeNet-5 on CIFAR-10)"
    with pytest.raises(SettingError, match="the model is 'vgg19': there are fast_cnn-cifar10, "):
        SHIPPED_SOURCES.find("vgg19")
    with pytest.raises(SettingError, match="there are none at all"):
        SourceList(()).find("vgg19")


@pytest.mark.parametrize("source", CHECKPOINTS, ids=lambda source: source.key)
@pytest.mark.parametrize("with_flip", [False, True])
def test_shipped_checkpoints_against_their_cards(source: PredictionSource, with_flip: bool) -> None:
    card = load_card(PROJECT / SHIPPED, source.key)
    found = load_predictions(source, with_flip=with_flip)
    table = card.with_flip if with_flip else card.single_view
    scores = class_scores(found.judgements.confusion, found.class_names)
    assert AccuracyTable(tuple(score.recall for score in scores)) == table
    for true in range(10):
        right = select(Selection(true=true, taken_for=true), found)
        assert len(right) == table.per_class[true].correct
    assert (found.split, found.digest, len(found)) == ("test", card.test_digest, card.test_count)
    assert found.indices.tolist() == list(range(card.test_count))
    assert source.has_flip
    quality = calibration(found.judgements)
    assert 0 < quality.equal_width.expected_error < 0.25
    assert quality.equal_width.count == card.test_count


@pytest.mark.parametrize("source", RUNS, ids=lambda source: source.key)
def test_shipped_runs_against_their_records(source: PredictionSource) -> None:
    """The logits are rounded to half precision, so that a picture or two may fall otherwise."""
    lines = (source.folder / "records.jsonl").read_text().splitlines()
    records = [from_json(json.loads(line)) for line in lines]
    told = {record.epoch: record for record in records if isinstance(record, EpochRecord)}
    assert source.epochs == tuple(told)
    for epoch in (source.epochs[0], source.epochs[-1]):
        found = load_predictions(source, epoch=epoch)
        accuracy = told[epoch].validation_accuracy
        assert accuracy is not None
        assert found.judgements.is_correct.sum() == pytest.approx(accuracy * len(found), abs=3)
        assert found.judgements.loss.mean() == pytest.approx(told[epoch].validation_loss, rel=1e-3)
        assert found.split == "train"
        assert found.digest == CIFAR10.train_digest
    assert load_predictions(source).key == f"{source.key}+{source.epochs[-1]}"
    assert load_predictions(source, epoch=10**6).title.endswith(f"epoch {source.epochs[-1]}")
    with pytest.raises(SettingError, match="was not asked about mirrored pictures"):
        load_predictions(source, with_flip=True)


def test_networks_on_the_same_pictures_are_compared_and_others_are_not() -> None:
    lenet, vgg = (
        load_predictions(SHIPPED_SOURCES.find(f"{n}-cifar10")) for n in ("lenet5", "vgg16")
    )
    both = compare(lenet, vgg)
    cards = [load_card(PROJECT / SHIPPED, each.key).single_view.overall for each in (lenet, vgg)]
    assert both.counts.difference == pytest.approx(cards[1].share - cards[0].share)
    assert both.counts.test.mid_p < 1e-10
    plain, norm = (load_predictions(source) for source in RUNS)
    assert len(compare(plain, norm)) == 5000
    with pytest.raises(
        CheckpointError, match=r"different pictures.*all 10,000 test.*5,000 training"
    ):
        compare(lenet, plain)


def test_other_pictures_are_refused() -> None:
    found = load_predictions(SHIPPED_SOURCES.find("lenet5-mnist"))
    starter = load_split("mnist", "test", source="starter")
    with pytest.raises(CheckpointError, match="are about other pictures, with digest 60238d09"):
        found.require_pictures_of(starter)
    other_labels = Split(
        "mnist",
        "test",
        np.zeros((10_000, 28, 28, 1), dtype=np.uint8),
        found.labels[::-1].copy(),
        MNIST.class_names,
        found.digest,
        "starter",
    )
    with pytest.raises(CheckpointError, match="these pictures have other labels"):
        found.require_pictures_of(other_labels)


def test_a_saved_checkpoint_hides_a_shipped_one_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    for folder in (SHIPPED, TRAINED):
        (tmp_path / folder).mkdir()
    for suffix in ("json", "npz", "safetensors"):
        for place, name in (
            (SHIPPED, "lenet5-mnist"),
            (TRAINED, "lenet5-mnist"),
            (TRAINED, "lenet5-cifar10"),
        ):
            shutil.copy(PROJECT / SHIPPED / f"{name}.{suffix}", tmp_path / place)
    (tmp_path / TRAINED / "lenet5-cifar10.json").write_text("{}")
    found = list_sources(project=tmp_path)
    assert [(source.key, source.kind) for source in found.sources] == [("lenet5-mnist", "trained")]
    assert found.sources[0].title == "lenet5-mnist (LeNet-5 on MNIST, trained here)"
    assert len(found.problems) == 1
    assert "lenet5-cifar10.json is no card of a checkpoint" in found.problems[0]
    (tmp_path / TRAINED / "lenet5-mnist.npz").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"lenet5-mnist\.npz is not the file that its card"):
        load_predictions(found.sources[0])
    assert list_sources(project=tmp_path / "nowhere") == SourceList(())


def test_a_checkpoint_that_was_judged_on_starter_digits(tmp_path: Path) -> None:
    """It was asked about these thousand, which are not the test split, and they are here."""
    config = TrainingConfig(model="lenet5", dataset="mnist", epochs=1, device="cpu")
    starter = load_split("mnist", "test", source="starter")
    save_checkpoint(
        tmp_path / TRAINED,
        "mine",
        build_model(config.spec),
        starter,
        config=config,
        normalization=Normalization((0.13,), (0.31,)),
        train_digest=MNIST.train_digest,
        command="python -m cnnviz train",
        epochs=0,
        train_s=0.0,
        hardware=describe_hardware(torch.device("cpu"), "float32"),
    )
    found = load_predictions(list_sources(project=tmp_path).find("mine"))
    assert (
        found.note == "It was asked about 1,000 test pictures, which are not the whole test split."
    )
    found.require_pictures_of(starter)
    pictures = find_pictures(found)
    assert pictures is not None
    np.testing.assert_array_equal(pictures.images_of(found.indices), starter.images)
    with pytest.raises(CheckpointError, match="were asked about different pictures"):
        compare(found, load_predictions(SHIPPED_SOURCES.find("lenet5-mnist")))


@pytest.mark.data
@pytest.mark.parametrize("name", list(DATASETS))
def test_the_labels_of_whole_training_splits(name: str) -> None:
    info = DATASETS[name]  # type: ignore[index]
    split = whole_split(name, "train")
    np.testing.assert_array_equal(split_labels(info, info.train_digest), split.labels)
    held_out = find_held_out(info, info.train_digest, 5000)
    np.testing.assert_array_equal(held_out.indices, hold_out(split.labels, 5000)[1])


@pytest.mark.data
def test_where_the_starter_set_s_pictures_stand() -> None:
    split, starter = whole_split("cifar10", "test"), load_split("cifar10", "test", source="starter")
    assert len(STARTER_PLACES) == len(starter) == 20
    np.testing.assert_array_equal(split.images[list(STARTER_PLACES)], starter.images)
    np.testing.assert_array_equal(split.labels[list(STARTER_PLACES)], starter.labels)


def whole_split(dataset: str, name: str) -> Split:
    try:
        split = load_split(dataset, name)
    except DataError as error:
        pytest.skip(str(error))
    if not split.is_complete:
        pytest.skip(f"only the starter set of {dataset} is here")
    return split


def test_without_the_data_the_starter_set_s_pictures_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cifar = load_predictions(SHIPPED_SOURCES.find("lenet5-cifar10"))
    pictures = find_pictures(cifar, app_folder=tmp_path)
    assert pictures is not None
    starter = load_split("cifar10", "test", source="starter")
    assert len(pictures) == len(starter)
    np.testing.assert_array_equal(pictures.images_of(pictures.indices), starter.images)
    rows = [cifar.row_of(picture) for picture in pictures.indices.tolist()]
    np.testing.assert_array_equal(cifar.labels[rows], starter.labels)
    mnist = load_predictions(SHIPPED_SOURCES.find("lenet5-mnist"))
    assert find_pictures(mnist, app_folder=tmp_path) is None  # the starter's are of other pictures


def test_predictions_say_which_pictures_they_are_about() -> None:
    found = some_predictions(10, step=3)
    assert [found.row_of(picture) for picture in (0, 3, 27)] == [0, 1, 9]
    assert [found.nearest_picture(picture) for picture in (0, 4, 5, 1000)] == [0, 3, 6, 27]
    for changes, message in (
        ({"indices": np.arange(9)}, "must ascend, one for each label"),
        ({"indices": np.zeros(10, dtype=np.int64)}, "must ascend"),
        ({"logits": np.zeros((10, 3))}, "are of 3 classes, but CIFAR-10 has 10"),
    ):
        with pytest.raises(CnnvizError, match=message):
            some_predictions(10, **changes)
