"""The pictures that a channel answers to most, and what its strongest unit sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.activations.fields import Field
from cnnviz.activations.passage import run_layers
from cnnviz.attribution.private_copy import private_copy
from cnnviz.attribution.turns import TURNS, Stop, never
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError, ShapeError
from cnnviz.norms.network_norms import normalized_batch
from cnnviz.settings import shown, whole_number
from cnnviz.training.pictures import Normalization

KEPT: Final = 24
"""Pictures that are remembered of each channel."""
_BATCH: Final = 50

Pixels = npt.NDArray[np.uint8]  # (H, W, C)
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Strongest:
    """Of every channel of one layer: the pictures with the greatest values, the greatest first."""

    pictures: Indices
    """(C, K): indices into what was searched."""
    values: npt.NDArray[np.float32]
    """(C, K): the greatest value in the channel's map."""
    units: Indices
    """(C, K, 2): row and column of the unit that holds it."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What came of a search: of every layer, by name, and the class that each picture got."""

    layers: Mapping[str, Strongest]
    guesses: Indices
    """(N,)."""


def spread(count: int, most: int) -> Indices:
    """Indices of at most so many of `count` pictures, evenly spread: all classes have a share."""
    whole_number("most", most, least=1)
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def find_strongest(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    normalization: Normalization,
    *,
    kept: int = KEPT,
    progress: Progress = no_progress,
    stop: Stop = never,
) -> Search:
    """Searches images (N, H, W, C) for every channel of every layer at once.

    Of each picture only the strongest unit counts. StoppedError if told to stop.
    """
    if len(images) == 0:
        raise ShapeError("there are no pictures to search: give at least one")
    found: dict[str, _Best] = {}
    guesses = []
    with TURNS.take(stop) as turn, torch.no_grad():
        mine = private_copy(network)
        for start in range(0, len(images), _BATCH):
            turn.pass_on()
            progress("Searching the pictures", start / len(images))
            part = np.ascontiguousarray(images[start : start + _BATCH])
            batch = normalized_batch(mine, part, normalization)
            for name, _, output in run_layers(mine, batch):
                found.setdefault(name, _Best(kept)).add(output, start)
            guesses.append(output.argmax(1).cpu().numpy())
    layers = {name: best.result() for name, best in found.items()}
    return Search(layers, np.concatenate(guesses))


class _Best:
    """The greatest of a layer's values so far."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._values = torch.empty(0)
        self._pictures = torch.empty(0, dtype=torch.int64)
        self._places = torch.empty(0, dtype=torch.int64)
        self._width = 1

    def add(self, output: torch.Tensor, start: int) -> None:
        """output: (N, C, H, W) or (N, features), of the pictures from `start` on."""
        maps = output if output.ndim == 4 else output[:, :, None, None]
        self._width = maps.shape[3]
        values, places = maps.float().flatten(2).max(2)  # (N, C)
        pictures = torch.arange(start, start + len(maps))[:, None].expand_as(values)
        if start == 0:
            self._values, self._pictures, self._places = values.cpu(), pictures, places.cpu()
        else:
            self._values = torch.cat([self._values, values.cpu()])
            self._pictures = torch.cat([self._pictures, pictures])
            self._places = torch.cat([self._places, places.cpu()])
        # Of equals the earlier picture stays: the sort is stable.
        order = self._values.sort(dim=0, descending=True, stable=True).indices[: self._kept]
        self._values = self._values.gather(0, order)
        self._pictures = self._pictures.gather(0, order)
        self._places = self._places.gather(0, order)

    def result(self) -> Strongest:
        places = self._places.T.numpy()  # (C, K)
        return Strongest(
            pictures=self._pictures.T.numpy().copy(),
            values=self._values.T.numpy().copy(),
            units=np.stack([places // self._width, places % self._width], axis=-1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What a unit sees of a picture."""

    pixels: Pixels
    """(h, w, C); 0 where there is no picture."""
    is_padding: npt.NDArray[np.bool_]
    """(h, w): what lies outside of the picture."""
    top: int
    left: int
    """Where it begins in the picture; negative in the padding."""
    is_cut: bool
    """Whether more padding than is shown belongs to it."""


def cut_patch(picture: Pixels, field: Field, row: int, column: int, *, margin: int = 4) -> Patch:
    """The part of a picture (H, W, C) that the unit in that row and column sees.

    margin: so many pixels of padding are shown at most, on each side.
    """
    if picture.ndim != 3:
        raise ShapeError(f"the picture is {picture.shape}: use (H, W, C)")
    whole_number("margin", margin, least=0)
    (top, left), (tall, wide) = field.first(row, column), field.size
    height, width = picture.shape[:2]
    if top >= height or left >= width or top + tall <= 0 or left + wide <= 0:
        raise SettingError(f"unit {shown((row, column))} sees nothing of the picture")
    first_row, end_row = max(top, -margin), min(top + tall, height + margin)
    first_column, end_column = max(left, -margin), min(left + wide, width + margin)
    rows, columns = np.arange(first_row, end_row), np.arange(first_column, end_column)
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    pixels = picture[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)].copy()
    pixels[~inside] = 0
    shown_size = end_row - first_row, end_column - first_column
    return Patch(pixels, ~inside, first_row, first_column, shown_size != (tall, wide))
