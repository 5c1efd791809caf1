"""The batch of pictures that a view looks at: drawn by lot from a split, and said in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.data.canonical import Images, Split
from cnnviz.norms.batch_effects import draw_neighbours


@dataclass(frozen=True, slots=True, eq=False)
class PictureBatch:
    """Pictures of a split, by their indices in its canonical order."""

    split: Split
    indices: npt.NDArray[np.int64]

    @property
    def images(self) -> Images:
        """(N, H, W, C), a copy."""
        return np.ascontiguousarray(self.split.images[self.indices])

    @property
    def words(self) -> str:
        """How many there are of each class: 3 cats and 2 dogs are `2 dog, 3 cat`, by number."""
        names = self.split.class_names
        counts = Counter(names[label] for label in self.split.labels[self.indices])
        return ", ".join(f"{counts[name]} {name}" for name in names if counts[name])

    def sheet(self, columns: int = 16) -> npt.NDArray[np.uint8]:
        """All of them side by side, two pixels apart, on white (H', W', C)."""
        images = self.images
        count, height, width, channels = images.shape
        columns = min(columns, count)
        rows = -(-count // columns)
        sheet = np.full(
            (rows * (height + 2) - 2, columns * (width + 2) - 2, channels), 255, np.uint8
        )
        for place, image in enumerate(images):
            top, left = place // columns * (height + 2), place % columns * (width + 2)
            sheet[top : top + height, left : left + width] = image
        return sheet


def class_counts(split: Split) -> dict[str, int]:
    """Pictures of each class."""
    counts = np.bincount(split.labels, minlength=len(split.class_names))
    return dict(zip(split.class_names, counts.tolist(), strict=True))


def draw_batch(split: Split, count: int, *, only: str = "", draw: int = 0) -> PictureBatch:
    """That many pictures, each at most once; fewer where there are not so many.

    only: the class that all are of, or empty. draw: another number, other pictures.
    """
    label = split.class_names.index(only) if only else None
    there = len(split) if label is None else int((split.labels == label).sum())
    indices = draw_neighbours(split.labels, min(count, there), seed=draw, only=label)
    return PictureBatch(split, indices)
