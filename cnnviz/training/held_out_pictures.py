"""The images that a training held out, found again on this machine, and the sixteen shown singly.

Torch is not needed: a page finds them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.data.by_digest import find_by_digest
from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import find_dataset
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import DataError
from cnnviz.training.config import TrainingConfig
from cnnviz.training.held_out import hold_out

PICTURES: Final = 16
"""So many held-out images are shown one by one, always the same."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """The held-out images of a training, as far as this machine has them."""

    labels: Labels
    """(N,), in canonical order, as the logits of a snapshot are."""
    chosen: npt.NDArray[np.intp]
    """Indices of those that are shown one by one, by `choose_pictures`."""
    pictures: Images | None
    """(chosen, H, W, C); None if only the labels are known."""


def choose_pictures(labels: Labels, most: int = PICTURES) -> npt.NDArray[np.intp]:
    """Indices of up to `most` of these images: the first of each class, then the second, and so on.

    In the order of their classes. They depend on the labels alone, so that every page that shows
    single pictures of a run shows the same ones.
    """
    place = np.empty(len(labels), dtype=np.intp)  # of an image among those of its class
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        place[of_class] = np.arange(len(of_class))
    first = np.lexsort((labels, place))[:most]
    return first[np.argsort(labels[first], kind="stable")]


def find_held_out(
    config: TrainingConfig, train_digest: str, *, progress: Progress = no_progress
) -> HeldOut:
    """What a training on the split of that digest held out.

    The labels of a whole training split are known without its images: in canonical order they are
    sorted. DataError if nothing is held out, or if these images are neither here nor known.
    """
    info = find_dataset(config.dataset)
    if config.validation_count == 0:
        raise DataError("This run holds no images out, so that there is nothing to judge it by.")
    split = find_by_digest(info.name, "train", train_digest, progress=progress)
    if split is not None:
        _, indices = hold_out(split.labels, config.validation_count)
        labels = split.labels[indices]
        chosen = choose_pictures(labels)
        return HeldOut(labels, chosen, np.ascontiguousarray(split.images[indices[chosen]]))
    if train_digest == info.train_digest:
        every = np.repeat(np.arange(len(info.class_names)), info.train_class_counts)
        labels = every[hold_out(every, config.validation_count)[1]].astype(np.int64)
        return HeldOut(labels, choose_pictures(labels), None)
    raise DataError(
        f"The images of {info.title} that this run was trained on are not on this machine: how it "
        "does on those that it held out cannot be told."
    )
