"""What is there, without reading it, is what load_split then finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cnnviz.data.availability import find_availability, starter_count
from cnnviz.data.catalogue import CIFAR10, MNIST, SPLITS
from cnnviz.data.datasets import load_split
from cnnviz.errors import DataError
from tests.data import layouts
from tests.data.conftest import Load
from tests.data.layouts import invent

TRAIN, TEST = invent(CIFAR10, 30), invent(CIFAR10, 20, 1)
DIGITS, DIGITS_TEST = invent(MNIST, 30), invent(MNIST, 20, 1)


def nothing(root: Path) -> None:
    root.mkdir(exist_ok=True)


def all_of_mnist(root: Path) -> None:
    layouts.write_idx(root, "train", DIGITS, packed=True)
    layouts.write_idx(root, "test", DIGITS_TEST, packed=True)


def mnist_without_labels(root: Path) -> None:
    all_of_mnist(root)
    for file in root.rglob("train-labels*"):
        file.unlink()


def cifar10_batches(root: Path) -> None:
    layouts.write_pickles(root, TRAIN, TEST)


def cifar10_without_a_batch(root: Path) -> None:
    cifar10_batches(root)
    next(root.rglob("data_batch_4")).unlink()


@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
@pytest.mark.parametrize(
    "put",
    [nothing, all_of_mnist, mnist_without_labels, cifar10_batches, cifar10_without_a_batch],
)
def test_it_is_what_load_split_finds(
    dataset: str, put: Callable[[Path], None], named: Path, load: Load, tmp_path: Path
) -> None:
    put(named)
    there = find_availability(dataset, app_folder=tmp_path / "app")
    for split, source in zip(SPLITS, (there.train, there.test), strict=True):
        if source is None:
            with pytest.raises(DataError):
                load(dataset, split)
        else:
            assert load(dataset, split).source == source
    whole = {"cifar10": cifar10_batches, "mnist": all_of_mnist}[dataset]
    assert there.is_whole == (put is whole)


def test_what_lacks_is_named(named: Path, tmp_path: Path) -> None:
    cifar10_without_a_batch(named)
    there = find_availability("cifar10", app_folder=tmp_path)
    assert (there.train, there.test) == (None, "torchvision")
    assert len(there.problems) == 1
    assert "cifar-10-batches-py lacks data_batch_4." in there.problems[0]


def test_a_folder_that_is_none_hides_the_starter_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Load
) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "nowhere"))
    there = find_availability("mnist", app_folder=tmp_path)
    assert there.train is None
    assert "which does not exist" in there.problems[0]
    with pytest.raises(DataError, match="which does not exist"):
        load("mnist", "train")


def test_starter_sets_are_counted() -> None:
    for dataset in ("cifar10", "mnist"):
        for split in SPLITS:
            count = starter_count(dataset, split)
            if count:
                assert count == len(load_split(dataset, split, source="starter"))
    assert starter_count("cifar10", "train") == 0
    assert starter_count("mnist", "train") == 4000
