"""Small training splits for tests, and what is left of a record without its times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from cnnviz.data.canonical import Split, split_digest
from cnnviz.data.catalogue import DATASETS, MNIST, DatasetName
from cnnviz.data.sources.starter import read_starter
from cnnviz.training.loop import Training
from cnnviz.training.records import (
    EndRecord,
    EpochRecord,
    Record,
    StartRecord,
    StepRecord,
)
from cnnviz.training.state import TrainingState


@cache
def digits(per_class: int = 400) -> Split:
    """The first digits of each class of the starter set."""
    images, labels = read_starter(MNIST, "train")
    chosen = np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in range(10)])
    return split_of("mnist", images[chosen], labels[chosen])


@cache
def invented(dataset: DatasetName, count: int, seed: int = 0) -> Split:
    """Images that a network can learn: each class has a picture of its own, under noise."""
    generator = np.random.default_rng(seed)
    shape = DATASETS[dataset].image_shape
    pictures = generator.integers(0, 256, (10, *shape))
    labels = np.sort(np.arange(count) % 10)
    noise = generator.integers(0, 256, (count, *shape))
    return split_of(dataset, ((3 * pictures[labels] + noise) // 4).astype(np.uint8), labels)


def split_of(dataset: DatasetName, images: np.ndarray, labels: np.ndarray) -> Split:
    """A training split of these images, in the order given."""
    names = DATASETS[dataset].class_names
    digest = split_digest(images, labels)
    return Split(dataset, "train", images, labels, names, digest, "starter")


def steps_in(records: Iterable[Record]) -> list[StepRecord]:
    return [record for record in records if isinstance(record, StepRecord)]


def epochs_in(records: Iterable[Record]) -> list[EpochRecord]:
    return [record for record in records if isinstance(record, EpochRecord)]


def end_in(records: list[Record]) -> EndRecord:
    end = records[-1]
    assert isinstance(end, EndRecord)
    return end


def without_times(record: Record) -> Record:
    """The record as it must be equal in two runs: nan != nan, so nothing of it may be nan."""
    if isinstance(record, StepRecord):
        return replace(record, images_per_s=0, elapsed_s=0, remaining_s=0)
    if isinstance(record, StartRecord):
        return record
    return replace(record, elapsed_s=0)


def assert_same_state(one: TrainingState, other: TrainingState) -> None:
    """Equal to the last bit, in all but the time it took."""
    assert replace(one.progress, elapsed_s=0) == replace(other.progress, elapsed_s=0)
    assert one.tensors.keys() == other.tensors.keys()
    unequal = [name for name, t in one.tensors.items() if not torch.equal(t, other.tensors[name])]
    assert unequal == []


def run(training: Training) -> list[Record]:
    """All records of a training."""
    return list(training)
