"""What a network says to many pictures of one split, and which pictures these are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.comparison import Comparison
from cnnviz.confusion.judgements import Judgements
from cnnviz.data.canonical import Split
from cnnviz.data.catalogue import DatasetInfo, SplitName
from cnnviz.errors import CheckpointError, SettingError, ShapeError
from cnnviz.evaluation import Logits
from cnnviz.settings import shown

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions:
    """Logits of pictures of a split, whatever model they come from.

    A picture has one number everywhere: its index in the split's canonical order. ShapeError,
    NonFiniteError if logits and labels do not fit each other.
    """

    key: str
    """Of the source that they come from, and of the epoch; no two networks share one."""
    title: str
    """For people: LeNet-5 on CIFAR-10."""
    dataset: DatasetInfo
    split: SplitName
    digest: str
    """Of the split that `indices` are indices of."""
    indices: Indices
    """(N,), ascending: which pictures of the split these are."""
    labels: Indices
    """(N,)"""
    logits: Logits
    """(N, classes)"""
    note: str
    """Which pictures these are, as a sentence."""

    def __post_init__(self) -> None:
        if self.indices.shape != self.labels.shape or (np.diff(self.indices) <= 0).any():
            raise ShapeError("the indices of the pictures must ascend, one for each label")
        if self.logits.ndim == 2 and self.logits.shape[1] != len(self.class_names):
            raise ShapeError(
                f"the logits are of {self.logits.shape[1]} classes, but {self.dataset.title} has "
                f"{len(self.class_names)}"
            )
        _ = self.judgements  # refuses what does not fit

    def __len__(self) -> int:
        """Pictures."""
        return len(self.indices)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the data set's order."""
        return self.dataset.class_names

    @cached_property
    def judgements(self) -> Judgements:
        """What the network says, picture by picture; row i is about picture indices[i]."""
        return Judgements(self.logits, self.labels)

    def row_of(self, picture: int) -> int:
        """The row of a picture; SettingError if it is none of these."""
        row = int(np.searchsorted(self.indices, picture))
        if row == len(self) or self.indices[row] != picture:
            raise SettingError(
                f"picture is {shown(picture)}: it is none of the {len(self):,} pictures that the "
                "network was asked about"
            )
        return row

    def nearest_picture(self, picture: int) -> int:
        """The one of these pictures whose index is nearest; of two, the earlier."""
        return int(self.indices[np.abs(self.indices - picture).argmin()])

    def require_pictures_of(self, split: Split) -> None:
        """CheckpointError unless these are predictions about that split's pictures."""
        if split.digest != self.digest:
            raise CheckpointError(
                f"{self.title}: the predictions are about other pictures, with digest "
                f"{self.digest[:16]}...; those given have {split.digest[:16]}..."
            )
        if not np.array_equal(split.labels[self.indices], self.labels):
            raise CheckpointError(f"{self.title}: these pictures have other labels")

    def can_be_compared_with(self, other: Predictions) -> bool:
        """Whether both are about the same pictures."""
        return self.digest == other.digest and np.array_equal(self.indices, other.indices)


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Two networks on the same pictures; CheckpointError says so if they are not the same."""
    if not first.can_be_compared_with(second):
        raise CheckpointError(
            f"{first.title} and {second.title} were asked about different pictures, so that they "
            f"cannot be compared. {first.title}: {first.note} {second.title}: {second.note}"
        )
    return Comparison(first.judgements, second.judgements)
