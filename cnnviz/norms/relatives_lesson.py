"""Batch norm's relatives on one small tensor: settings, and who shares what with whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import Array
from cnnviz.errors import SettingError, ShapeError
from cnnviz.norms.relatives import KINDS, NormKind, RelativeSpec, relative_norm, sharing
from cnnviz.query import QueryReader
from cnnviz.settings import shown, whole_number

CHANNELS: Final = 6
GROUPS: Final = (1, 2, 3, 6)
"""Into which the channels can be divided."""
PICTURES: Final = range(1, 5)
SIDES: Final = range(1, 4)
MOST_DRAWS: Final = 1_000
NORM_TITLES: Final[dict[NormKind, str]] = {
    "batch": "Batch",
    "layer": "Layer",
    "instance": "Instance",
    "group": "Group",
}
PAPERS: Final[dict[NormKind, str]] = {
    "batch": "Ioffe & Szegedy 2015",
    "layer": "Ba, Kiros & Hinton 2016",
    "instance": "Ulyanov, Vedaldi & Lempitsky 2016",
    "group": "Wu & He 2018",
}
Source = Literal["lot", "network"]
SOURCES: Final[tuple[Source, ...]] = get_args(Source)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativesSettings:
    """A tensor of a few pictures, and one of its numbers."""

    pictures: int = 3
    side: int = 2
    """Height and width of a map."""
    groups: int = 2
    """Of channels, for group normalization."""
    source: Source = "lot"
    """lot: whole numbers; network: what goes into a layer of a trained network."""
    draw: int = 0
    """Another number, other numbers."""
    cell: int = 0
    """The number that is pointed at, in the order of (N, C, H, W)."""

    def __post_init__(self) -> None:
        for name, allowed in (("pictures", PICTURES), ("side", SIDES), ("groups", GROUPS)):
            value = getattr(self, name)
            if whole_number(name, value, least=1) not in allowed:
                raise SettingError(f"{name} is {value}: use one of {', '.join(map(str, allowed))}")
        if self.source not in SOURCES:
            raise SettingError(f"source is {shown(self.source)}: use {' or '.join(SOURCES)}")
        whole_number("draw", self.draw, least=0)
        if whole_number("cell", self.cell, least=0) >= self.size:
            raise SettingError(f"cell is {self.cell}: the tensor has {self.size} numbers")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)"""
        return self.pictures, CHANNELS, self.side, self.side

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.pictures * CHANNELS * self.side**2

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[RelativesSettings, tuple[str, ...]]:
        """The nearest valid settings to what a URL asks for, and a sentence for each change."""
        read = QueryReader(query)
        default = cls()
        pictures = read.whole("n", PICTURES[0], PICTURES[-1], default.pictures)
        side = read.whole("side", SIDES[0], SIDES[-1], default.side)
        asked = read.whole("groups", GROUPS[0], GROUPS[-1], default.groups)
        groups = min(GROUPS, key=lambda count: abs(count - asked))
        if groups != asked:
            read.notes.append(
                f"groups={asked} is now {groups} (numbers that divide {CHANNELS} channels)."
            )
        return cls(
            pictures=pictures,
            side=side,
            groups=groups,
            source=read.choice("source", SOURCES, default.source),
            draw=read.whole("draw", 0, MOST_DRAWS, default.draw),
            cell=read.whole("cell", 0, pictures * CHANNELS * side**2 - 1, default.cell),
        ), tuple(read.notes)

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `from_query` reads it."""
        default = RelativesSettings()
        return {
            {"pictures": "n"}.get(name, name): str(getattr(self, name))
            for name in ("pictures", "side", "groups", "source", "draw", "cell")
            if getattr(self, name) != getattr(default, name)
        }


def draw_tensor(settings: RelativesSettings) -> Array:
    """Whole numbers (N, C, H, W) from -9 to 9: each channel and each picture has a level."""
    generator = np.random.default_rng(settings.draw)
    # The largest of each kind is drawn, so that more pictures or larger maps only add to it.
    channels = generator.integers(-5, 6, size=(1, CHANNELS, 1, 1))
    pictures = generator.integers(-2, 3, size=(PICTURES[-1], 1, 1, 1))
    places = generator.integers(-3, 4, size=(PICTURES[-1], CHANNELS, SIDES[-1], SIDES[-1]))
    count, side = settings.pictures, settings.side
    everything = np.clip(channels + pictures + places, -9, 9)
    tensor: Array = everything[:count, :, :side, :side].astype(np.float64)
    return tensor


@dataclass(frozen=True, slots=True, eq=False)
class Relative:
    """One normalization of a tensor (N, C, H, W): its sets of numbers that share a mean."""

    spec: RelativeSpec
    sets: npt.NDArray[np.int64]
    """(N, C, H, W): which set each number is in."""
    mean: Array
    """(sets,)"""
    variance: Array
    count: int
    """Numbers in a set."""
    output: Array | None
    """(N, C, H, W); None if it is refused."""
    refusal: str = ""
    """Why, in a sentence."""

    def shares_as(self, other: Relative) -> bool:
        """Whether the same numbers share a mean in both."""
        pairs = np.unique(np.stack([self.sets.reshape(-1), other.sets.reshape(-1)]), axis=1)
        return bool(pairs.shape[1] == len(self.mean) == len(other.mean))


def relate(x: Array, kind: NormKind, groups: int = 1) -> Relative:
    """One normalization of x; what PyTorch refuses too has statistics and no output."""
    spec = RelativeSpec(kind, groups)
    sets = sharing(spec, x.shape)
    flat = sets.reshape(-1)
    counts = np.bincount(flat)
    mean = np.bincount(flat, x.reshape(-1)) / counts
    variance = np.bincount(flat, (x.reshape(-1) - mean[flat]) ** 2) / counts
    output, refusal = None, ""
    try:
        output = relative_norm(x, spec).output
    except ShapeError as error:
        refusal = str(error)
    return Relative(spec, sets, mean, variance, int(counts[0]), output, refusal)


def relate_all(x: Array, groups: int) -> dict[NormKind, Relative]:
    """All four, in the order of `KINDS`."""
    return {kind: relate(x, kind, groups if kind == "group" else 1) for kind in KINDS}


def notes_on(relatives: Mapping[NormKind, Relative]) -> dict[NormKind, str]:
    """What of each is worth saying: that it does as another, or leaves nothing; mostly nothing."""
    return {kind: _note(kind, relatives) for kind in relatives}


def _note(kind: NormKind, relatives: Mapping[NormKind, Relative]) -> str:
    mine = relatives[kind]
    if mine.refusal:
        return "Refused: one number is its own mean, and nothing would be left."
    if mine.count == 1:
        return "Every number is its own mean: all that comes out is β."
    if kind == "batch" and mine.shares_as(relatives["instance"]):
        return "One picture: the same as instance normalization."
    if kind == "group" and mine.shares_as(relatives["layer"]):
        return "One group: the same as layer normalization."
    if kind == "group" and mine.shares_as(relatives["instance"]):
        return "One channel in a group: the same as instance normalization."
    return ""


ONE_PICTURE: Final = (
    "With one picture batch normalization has nobody to share with: it measures this picture "
    "alone, in training, and by other statistics in evaluation. The other three do not mind."
)
