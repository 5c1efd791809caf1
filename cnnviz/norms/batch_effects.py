"""Your neighbours change your answer: one picture in many batches, as numbers.

In training mode a batch normalization measures each batch anew, so that what a network says of a
picture depends on the pictures beside it. In evaluation it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.errors import SettingError, ShapeError
from cnnviz.settings import shown, whole_number

Pictures = npt.NDArray[np.uint8]  # (N, H, W, C)
Probabilities = npt.NDArray[np.float64]

MAX_BATCH: Final = 256
BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True, eq=False)
class BatchVerdict:
    """What a network says of each picture of one batch, in both modes; (N, classes) each."""

    train: Probabilities
    """By the statistics of this batch."""
    evaluation: Probabilities
    """By the running statistics."""


@dataclass(frozen=True, slots=True, eq=False)
class SizeSweep:
    """One picture in batches of several sizes, each with several draws of neighbours."""

    batch_sizes: tuple[int, ...]
    """(S,)"""
    train: Probabilities
    """(S, draws, classes); a batch of one has no neighbours, so that all its draws are equal."""
    evaluation: Probabilities
    """(S, classes): of the first draw, computed in that very batch."""

    def of_class(self, label: int) -> tuple[Probabilities, Probabilities, Probabilities]:
        """Least, mean and greatest probability of one class over the draws; (S,) each."""
        values = self.train[:, :, label]
        return values.min(1), values.mean(1), values.max(1)


def draw_neighbours(
    labels: npt.NDArray[np.integer[Any]],
    count: int,
    *,
    seed: int,
    only: int | None = None,
    without: int | None = None,
) -> npt.NDArray[np.int64]:
    """Indices (count,) of pictures drawn by lot, no picture twice while there are enough.

    only: of this class alone. without: the index of the picture itself.
    """
    count = whole_number("count", count, least=0)
    allowed = np.ones(len(labels), dtype=bool) if only is None else labels == only
    if without is not None:
        allowed = allowed.copy()
        allowed[whole_number("without", without, least=0)] = False
    choices = np.flatnonzero(allowed)
    if count and not len(choices):
        raise SettingError(f"only is {shown(only)}: there is no other picture of that class")
    generator = np.random.default_rng(whole_number("seed", seed, least=0))
    rounds = [generator.permutation(choices) for _ in range(-(-count // max(1, len(choices))))]
    return np.concatenate([np.empty(0, np.int64), *rounds])[:count].astype(np.int64)


def with_neighbours(picture: Pictures, neighbours: Pictures) -> Pictures:
    """A batch (1 + N, H, W, C): the picture (H, W, C) first."""
    if picture.ndim != 3 or neighbours.ndim != 4 or neighbours.shape[1:] != picture.shape:
        raise ShapeError(
            f"the picture is {picture.shape}, its neighbours {neighbours.shape}: use (H, W, C) and "
            "(N, H, W, C)"
        )
    return np.concatenate([picture[None], neighbours])


def brighten(images: Pictures, levels: int) -> Pictures:
    """Pictures brighter by so many of the 255 grey levels, or darker; cut off at 0 and 255."""
    levels = whole_number("levels", levels, least=-255)
    if levels > 255:
        raise SettingError(f"levels is {levels}: use a whole number from -255 to 255")
    return np.clip(images.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def check_batch_sizes(sizes: tuple[int, ...], most: int = MAX_BATCH) -> tuple[int, ...]:
    """Whole numbers, 1 to `most`, at least one; else SettingError."""
    checked = tuple(whole_number("batch size", size, least=1) for size in sizes)
    if not checked or max(checked) > most:
        raise SettingError(f"batch sizes are {shown(sizes)}: use one or more, 1 to {most}")
    return checked
