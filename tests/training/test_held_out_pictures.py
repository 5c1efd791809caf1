"""Which images a run held out, and the sixteen of them that are shown singly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz.data.catalogue import CIFAR10, MNIST
from cnnviz.data.datasets import load_split
from cnnviz.errors import DataError
from cnnviz.training.config import TrainingConfig
from cnnviz.training.held_out import hold_out
from cnnviz.training.held_out_pictures import choose_pictures, find_held_out

DIGITS = TrainingConfig(model="lenet5", dataset="mnist", validation_count=500)


@pytest.fixture(autouse=True)
def _only_starter_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_first_of_each_class_then_the_second() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    assert choose_pictures(labels, 5).tolist() == [0, 1, 3, 4, 5]
    assert choose_pictures(labels, 3).tolist() == [0, 3, 5]
    assert choose_pictures(labels, 100).tolist() == [0, 1, 2, 3, 4, 5]  # all there are


def test_of_ten_classes_six_have_two() -> None:
    chosen = choose_pictures(np.repeat(np.arange(10), 500))
    assert (chosen // 500).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9]
    assert (chosen % 500).tolist() == [0, 1] * 6 + [0] * 4


def test_they_are_the_images_that_the_training_does_not_see() -> None:
    split = load_split("mnist", "train", source="starter")
    found = find_held_out(DIGITS, split.digest)
    _, indices = hold_out(split.labels, 500)
    assert found.labels.tolist() == split.labels[indices].tolist()
    assert found.pictures is not None
    assert found.pictures.shape == (16, 28, 28, 1)
    assert (found.pictures == split.images[indices[found.chosen]]).all()


def test_without_the_images_their_labels_are_known_all_the_same() -> None:
    config = TrainingConfig(model="plain_cnn", dataset="cifar10", validation_count=5000)
    found = find_held_out(config, CIFAR10.train_digest)
    assert found.pictures is None
    assert found.labels.tolist() == np.repeat(np.arange(10), 500).tolist()
    assert len(found.chosen) == 16
    digits = find_held_out(DIGITS, MNIST.train_digest)
    assert digits.pictures is None
    assert np.bincount(digits.labels).tolist() == [49, 56, 50, 51, 49, 45, 49, 52, 49, 50]


def test_other_images_and_none_at_all_are_refused() -> None:
    with pytest.raises(DataError, match="MNIST that this run was trained on are not on this"):
        find_held_out(DIGITS, "0" * 64)
    none = TrainingConfig(model="lenet5", dataset="mnist", validation_count=0)
    with pytest.raises(DataError, match="holds no images out"):
        find_held_out(none, load_split("mnist", "train", source="starter").digest)
