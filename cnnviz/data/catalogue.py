"""The data sets that cnnviz knows: their classes, sizes, digests and where they come from.

Facts only; nothing is read here, and neither numpy nor torch is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from cnnviz.errors import SettingError
from cnnviz.settings import shown

DatasetName = Literal["cifar10", "mnist"]
SplitName = Literal["train", "test"]

SPLITS: Final[tuple[SplitName, ...]] = get_args(SplitName)


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a data set before any of it is read.

    A label is an index into `class_names`. The digests are those of the complete splits, as
    `cnnviz.data.canonical.split_digest` computes them.
    """

    name: DatasetName
    title: str
    """As people write it: CIFAR-10."""
    class_names: tuple[str, ...]
    height: int
    width: int
    channels: int
    train_count: int
    test_count: int
    train_class_counts: tuple[int, ...]
    """Images of each class in the complete training split, which is sorted by class."""
    train_digest: str
    test_digest: str
    source_url: str
    authors: str
    citation: str
    licence: str
    """What is known of the terms, in a sentence."""

    def count(self, split: SplitName) -> int:
        """Images in the complete split."""
        return self.train_count if split == "train" else self.test_count

    def digest(self, split: SplitName) -> str:
        """Digest of the complete split."""
        return self.train_digest if split == "train" else self.test_digest

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels


CIFAR10: Final = DatasetInfo(
    name="cifar10",
    title="CIFAR-10",
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    height=32,
    width=32,
    channels=3,
    train_count=50_000,
    test_count=10_000,
    train_class_counts=(5000,) * 10,
    train_digest="91917cd89e923012cdb8eb27b3779e04e6c813d224554f43128bb1bbfdbce76e",
    test_digest="306e32ec83bf9e66d32d5725978e462eebb202894150ebcb911624e2572ec8e6",
    source_url="https://www.cs.toronto.edu/~kriz/cifar.html",
    authors="Alex Krizhevsky, Vinod Nair, Geoffrey Hinton",
    citation="Alex Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
    licence="No licence is stated; the authors ask that the technical report be cited.",
)

MNIST: Final = DatasetInfo(
    name="mnist",
    title="MNIST",
    class_names=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    height=28,
    width=28,
    channels=1,
    train_count=60_000,
    test_count=10_000,
    train_class_counts=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    train_digest="e277c3fe2467f1649995381233f7249339422e285e75d6f9a61a419adbe62a1c",
    test_digest="60238d09000c6c4bd541365ba906145c681104b18ca35afb839c11fc608fce11",
    source_url="http://yann.lecun.com/exdb/mnist/",
    authors="Yann LeCun, Corinna Cortes, Christopher Burges",
    citation="LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document "
    "Recognition, Proceedings of the IEEE 86 (11), 1998",
    licence="Copyright Yann LeCun and Corinna Cortes; CC BY-SA 3.0.",
)

DATASETS: Final[dict[DatasetName, DatasetInfo]] = {"cifar10": CIFAR10, "mnist": MNIST}


def find_dataset(name: str) -> DatasetInfo:
    """The data set of that name; SettingError that names the choices for any other."""
    for info in DATASETS.values():
        if info.name == name:
            return info
    raise SettingError(f"dataset is {shown(name)}: use {' or '.join(DATASETS)}")


def find_split(name: str) -> SplitName:
    """`name` as the name of a split; SettingError that names the choices for any other."""
    for split in SPLITS:
        if split == name:
            return split
    raise SettingError(f"split is {shown(name)}: use {' or '.join(SPLITS)}")
