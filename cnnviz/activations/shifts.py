"""How far each layer's maps move when the picture is moved by a few pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.activations.passage import fields_of, run_layers
from cnnviz.attribution.private_copy import private_copy
from cnnviz.attribution.turns import TURNS, Stop, never
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError, ShapeError
from cnnviz.norms.network_norms import normalized_batch
from cnnviz.settings import shown, whole_number
from cnnviz.training.pictures import Normalization

Direction = Literal["right", "left", "down", "up"]
DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)
STEPS: Final[dict[Direction, tuple[int, int]]] = {
    "right": (0, 1),
    "left": (0, -1),
    "down": (1, 0),
    "up": (-1, 0),
}
"""(rows, columns) by which one pixel moves the picture."""
MOST_PIXELS: Final = 4
_BATCH: Final = 20
"""Pictures at a time: all layers of these are held, which takes 70 MB of VGG-16."""

Pictures = npt.NDArray[np.uint8]  # (N, H, W, C)
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ShiftSeries:
    """What moving pictures does to a network. P is the number of shifts, from none to the most."""

    direction: Direction
    layers: tuple[str, ...]
    kinds: tuple[str, ...]
    """Their classes."""
    in_place: Shares
    """(P, L, N): how far each layer's maps are from those of the picture as it was, as a share of
    their own length."""
    moved_along: Shares
    """(P, L, N): the same after the maps have been moved back, by as many whole units as come
    nearest; of layers without places, and where nothing would overlap, as in place."""
    probabilities: Shares
    """(P, N, classes)."""

    @property
    def kept_guess(self) -> Shares:
        """(P,): the share of pictures that are still taken for the same class."""
        guesses = self.probabilities.argmax(2)
        kept: Shares = (guesses == guesses[0]).mean(1)
        return kept

    @property
    def moved_probability(self) -> Shares:
        """(P, N): half of the sum of all changes of probability: 0 none, 1 all of it."""
        moved: Shares = np.abs(self.probabilities - self.probabilities[0]).sum(2) / 2
        return moved


def shift_pictures(pictures: Pictures, rows: int, columns: int) -> Pictures:
    """Pictures moved down and to the right by so many pixels; their edges are repeated."""
    for name, by in (("rows", rows), ("columns", columns)):
        whole_number(name, by, least=None)
    height, width = pictures.shape[1:3]
    down = (np.arange(height) - rows).clip(0, height - 1)
    right = (np.arange(width) - columns).clip(0, width - 1)
    return pictures[:, down][:, :, right]


def measure_shifts(
    network: nn.Module,
    pictures: Pictures,
    normalization: Normalization,
    direction: Direction = "right",
    *,
    most: int = MOST_PIXELS,
    progress: Progress = no_progress,
    stop: Stop = never,
) -> ShiftSeries:
    """Moves pictures (N, H, W, C) by 0 to `most` pixels; StoppedError if told to stop."""
    if direction not in DIRECTIONS:
        raise SettingError(f"direction is {shown(direction)}: use one of {', '.join(DIRECTIONS)}")
    if pictures.ndim != 4 or len(pictures) == 0:
        raise ShapeError(f"pictures are {pictures.shape}: use (N, H, W, C), at least one")
    down, right = STEPS[direction]
    height, width, channels = pictures.shape[1:]
    jumps = [
        (field.rows.jump, field.columns.jump) if len(shape) == 3 else None
        for field, shape in fields_of(network, (channels, height, width)).values()
    ]
    names: list[str] = []
    kinds: list[str] = []
    parts: list[tuple[Shares, Shares, Shares]] = []
    with TURNS.take(stop) as turn, torch.no_grad():
        mine = private_copy(network)
        for start in range(0, len(pictures), _BATCH):
            part = np.ascontiguousarray(pictures[start : start + _BATCH])
            in_place, along, shares = [], [], []
            first: list[torch.Tensor] = []
            for pixels in range(most + 1):
                turn.pass_on()
                progress("Moving the pictures", (start + pixels / (most + 1)) / len(pictures))
                moved = shift_pictures(part, down * pixels, right * pixels)
                batch = normalized_batch(mine, moved, normalization)
                outputs = [(name, module, out) for name, module, out in run_layers(mine, batch)]
                maps = [out for _, _, out in outputs]
                if pixels == 0:
                    first = maps
                    names = [name for name, _, _ in outputs]
                    kinds = [type(module).__name__ for _, module, _ in outputs]
                in_place.append(
                    [_distance(one, other) for one, other in zip(maps, first, strict=True)]
                )
                along.append(
                    [
                        _moved_back(one, other, jump, down * pixels, right * pixels)
                        for one, other, jump in zip(maps, first, jumps, strict=True)
                    ]
                )
                shares.append(maps[-1].double().softmax(1).cpu().numpy())
            parts.append((np.array(in_place), np.array(along), np.array(shares)))
    return ShiftSeries(
        direction,
        tuple(names),
        tuple(kinds),
        np.concatenate([each for each, _, _ in parts], axis=2),
        np.concatenate([each for _, each, _ in parts], axis=2),
        np.concatenate([each for _, _, each in parts], axis=1),
    )


def _distance(one: torch.Tensor, other: torch.Tensor) -> Shares:
    """(N,): the length of the difference over the length of the other; 0 where both are 0."""
    apart = (one - other).flatten(1).double().norm(dim=1)
    length = other.flatten(1).double().norm(dim=1)
    both = torch.where(apart > 0, apart / length.clamp(min=1e-12), torch.zeros_like(apart))
    shares: Shares = both.cpu().numpy()
    return shares


def _moved_back(
    one: torch.Tensor, other: torch.Tensor, jump: tuple[int, int] | None, down: int, right: int
) -> Shares:
    if jump is None:
        return _distance(one, other)
    rows, columns = round(down / jump[0]), round(right / jump[1])
    if abs(rows) >= one.shape[2] or abs(columns) >= one.shape[3]:
        return _distance(one, other)
    return _distance(_after(one, rows, columns), _after(other, -rows, -columns))


def _after(maps: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Without the first so many rows and columns; without the last ones for numbers below 0."""
    height, width = maps.shape[2:]
    return maps[
        :,
        :,
        max(rows, 0) : height + min(rows, 0),
        max(columns, 0) : width + min(columns, 0),
    ]
