"""The pictures that predictions are about, as far as they are on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.predictions import Indices, Predictions
from cnnviz.data.by_digest import find_by_digest
from cnnviz.data.canonical import Images
from cnnviz.data.catalogue import CIFAR10
from cnnviz.data.datasets import PROJECT, load_split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import DataError, ShapeError

STARTER_PLACES: Final[tuple[int, ...]] = (
    378,
    879,
    1285,
    1704,
    3685,
    3792,
    5154,
    5222,
    6124,
    6273,
    6734,
    6803,
    7069,
    7833,
    8118,
    8346,
    8850,
    8953,
    9658,
    9989,
)
"""Where the starter set's pictures of CIFAR-10, in their order, stand in the whole test split."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures of a split, found by their index in its canonical order."""

    indices: Indices
    """(M,), ascending: which there are."""
    images: Images
    """uint8 (M, H, W, C); usually memory-mapped."""

    def __post_init__(self) -> None:
        if self.indices.shape != self.images.shape[:1] or (np.diff(self.indices) <= 0).any():
            raise ShapeError("the indices of the pictures must ascend, one for each picture")

    def __len__(self) -> int:
        """How many there are."""
        return len(self.indices)

    def has(self, wanted: Indices) -> npt.NDArray[np.bool_]:
        """Whether each of these (N,) is here."""
        return np.isin(wanted, self.indices)

    def images_of(self, wanted: Indices) -> Images:
        """These pictures (N, H, W, C), in this order; DataError if one is not here."""
        if not self.has(wanted).all():
            missing = wanted[~self.has(wanted)][0]
            raise DataError(f"Picture {missing} is not on this machine.")
        return self.images[np.searchsorted(self.indices, wanted)]


def find_pictures(
    predictions: Predictions, *, app_folder: Path = PROJECT, progress: Progress = no_progress
) -> Pictures | None:
    """All pictures of the predictions' split; of CIFAR-10 at least the starter set's; else None.

    CorruptDataError for a data set that is damaged, CheckpointError if the pictures have other
    labels. app_folder: as `load_split` takes it.
    """
    info = predictions.dataset
    split = find_by_digest(
        info.name, predictions.split, predictions.digest, app_folder=app_folder, progress=progress
    )
    if split is not None:
        predictions.require_pictures_of(split)
        return Pictures(np.arange(len(split), dtype=np.int64), split.images)
    if predictions.digest == CIFAR10.test_digest:
        starter = load_split("cifar10", "test", source="starter")
        places = np.array(STARTER_PLACES, dtype=np.int64)
        return Pictures(places, starter.images)
    return None
