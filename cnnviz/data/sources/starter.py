"""The starter sets that come with cnnviz, for a machine without data and without a network.

See `cnnviz/data/starter/README.md` for what they are and where they come from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import DatasetInfo, DatasetName, SplitName
from cnnviz.data.sources import checked_labels, corrupt

FOLDER: Final = Path(__file__).parent.parent / "starter"
_FILES: Final[dict[tuple[DatasetName, SplitName], tuple[str, str]]] = {
    # (file, prefix of its arrays)
    ("cifar10", "test"): ("cifar10_test.npz", "test"),
    ("mnist", "train"): ("mnist.npz", "train"),
    ("mnist", "test"): ("mnist.npz", "test"),
}


def has_starter(dataset: DatasetName, split: SplitName) -> bool:
    """Whether there is a starter set for this split; CIFAR-10 has one for test only."""
    return (dataset, split) in _FILES


def notes(dataset: DatasetName, split: SplitName) -> tuple[str, ...]:
    """What whoever looks at a starter set should know, in sentences."""
    if dataset == "cifar10":
        return (
            "The starter set: 20 of the 10,000 test images of CIFAR-10; birds and deer are not "
            "among them.",
        )
    if split == "train":
        return ("The starter set: 4,000 of the 60,000 training images of MNIST.",)
    return (
        "The starter set: 1,000 images of MNIST that are not in the starter's training set. They "
        "come from MNIST's training split, so a network that was trained on all of MNIST has seen "
        "them.",
    )


def read_starter(info: DatasetInfo, split: SplitName) -> tuple[Images, Labels]:
    """Images and labels of a starter set, in canonical order already."""
    name, prefix = _FILES[info.name, split]
    file = FOLDER / name
    try:
        with np.load(file, allow_pickle=False) as arrays:
            images, labels = arrays[f"{prefix}_images"], arrays[f"{prefix}_labels"]
    except Exception as error:  # a damaged zip raises many kinds of exception
        raise corrupt(file, f"is damaged or missing ({type(error).__name__})") from None
    if images.dtype != np.uint8 or images.shape[1:] != info.image_shape:
        raise corrupt(file, f"holds {images.dtype} {images.shape}")
    return images, checked_labels(file, labels, info)
