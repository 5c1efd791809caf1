"""The images that trainings are measured on: CIFAR-10, or random ones where that is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnviz.data.canonical import Split
from cnnviz.data.catalogue import find_dataset
from cnnviz.data.datasets import load_split
from cnnviz.errors import DataError


def has_cifar10() -> bool:
    """Whether all of CIFAR-10 is on this machine; the first time, puts it into the store."""
    try:
        return all(load_split("cifar10", name).is_complete for name in ("train", "test"))
    except DataError:
        return False


def random_split(count: int, *, seed: int = 0) -> Split:
    """Random images of CIFAR-10's shape, as many of each class, sorted by class."""
    info = find_dataset("cifar10")
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, *info.image_shape), dtype=np.uint8)
    labels = np.sort(np.arange(count, dtype=np.int64) % len(info.class_names))
    return Split("cifar10", "train", images, labels, info.class_names, "random", "starter")


def take_evenly(data: Split, count: int) -> Split:
    """That many of the images, the same share of each class."""
    if not 0 < count <= len(data):
        raise ValueError(f"{count} of {len(data)} images cannot be taken: use 1 to {len(data)}")
    indices = np.linspace(0, len(data), count, endpoint=False).astype(np.int64)
    return replace(data, images=data.images[indices], labels=data.labels[indices], digest="part")
