"""The pictures that a run held out: which they are, their labels, and its logits of them.

The labels of a whole training split follow from its digest alone, so that its pictures need not be
on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors

from cnnviz.data.by_digest import find_by_digest
from cnnviz.data.catalogue import DatasetInfo
from cnnviz.data.datasets import PROJECT
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import CheckpointError, DataError
from cnnviz.training.held_out import hold_out
from cnnviz.training.snapshot import DAMAGE, LOGITS, read_meta


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutPictures:
    """Which pictures of a training split were held out."""

    indices: npt.NDArray[np.int64]
    """(N,), ascending, in the split's canonical order."""
    labels: npt.NDArray[np.int64]
    """(N,)"""


def find_held_out(
    info: DatasetInfo,
    train_digest: str,
    count: int,
    *,
    app_folder: Path = PROJECT,
    progress: Progress = no_progress,
) -> HeldOutPictures:
    """Which pictures a training on the split of that digest held out, if it held out so many.

    DataError if the split is neither the whole training split of the data set nor on this machine.
    """
    labels = split_labels(info, train_digest, app_folder=app_folder, progress=progress)
    _, indices = hold_out(labels, count)
    return HeldOutPictures(indices, labels[indices])


def split_labels(
    info: DatasetInfo,
    train_digest: str,
    *,
    app_folder: Path = PROJECT,
    progress: Progress = no_progress,
) -> npt.NDArray[np.int64]:
    """The labels of the training split of that digest, in canonical order: they are sorted."""
    if train_digest == info.train_digest:
        return np.repeat(np.arange(len(info.class_names), dtype=np.int64), info.train_class_counts)
    split = find_by_digest(
        info.name, "train", train_digest, app_folder=app_folder, progress=progress
    )
    if split is None:
        raise DataError(
            f"The training pictures of this run are not the whole training split of {info.title}, "
            "and not on this machine: which of them it held out cannot be told."
        )
    return split.labels


def read_held_out_logits(file: Path, shape: tuple[int, int]) -> npt.NDArray[np.float16]:
    """The logits (held out, classes) in a snapshot, of that shape; nothing else of it is read.

    CheckpointError names the file if it is no snapshot, has none or has others.
    """
    read_meta(file, "snapshot")
    try:
        with safetensors.safe_open(file, framework="numpy") as opened:
            names = set(opened.keys())
            if LOGITS not in names:
                raise CheckpointError(f"{file} has no logits of held-out pictures")
            logits: npt.NDArray[np.float16] = opened.get_tensor(LOGITS)
    except DAMAGE as error:
        raise CheckpointError(f"{file} is no snapshot of a training ({error})") from None
    if logits.shape != shape or logits.dtype != np.float16:
        raise CheckpointError(
            f"{file} has logits that are {logits.dtype} {logits.shape}; those of this run are "
            f"float16 {shape}"
        )
    return logits
