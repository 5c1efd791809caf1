"""What the view "One step" shows: a picture, its class, how the step is taken; and its URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.errors import SettingError
from cnnviz.query import Cells, QueryReader, write_number, write_planes
from cnnviz.settings import shown, whole_number

Pool = Literal["none", "max", "average"]
POOLS: Final[tuple[Pool, ...]] = get_args(Pool)
CLASS_NAMES: Final = ("upright", "level", "slanted")
"""What kind of line the picture shows."""
CLASSES: Final = (2, 3)
RATES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
MOMENTA: Final = (0.0, 0.5, 0.9)
MOST_STEPS: Final = 30
CELL_LIMIT: Final = 9.0
STAGES: Final = 14
"""More than there are: which there are depends on the pooling."""

_PICTURES: Final[Mapping[str, tuple[str, ...]]] = {
    "upright": ("..#...", "..#...", "..#...", "..#...", "..#...", "......"),
    "level": ("......", "......", "#####.", "......", "......", "......"),
    "slanted": ("#.....", ".#....", "..#...", "...#..", "....#.", ".....#"),
    "corner": ("......", ".####.", ".#....", ".#....", ".#....", "......"),
}
PICTURES: Final = tuple(_PICTURES)


def picture(name: str, side: int) -> Cells:
    """One of the pictures by name, as large as wanted; 1 where there is ink."""
    rows = _PICTURES[name][:side]
    return tuple(tuple(float(cell == "#") for cell in row[:side]) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """One state of the view."""

    picture: str = "upright"
    cells: Cells | None = None
    """Pixels of one's own; None: those of the named picture."""
    target: int = 0
    """The class that is right."""
    classes: int = 3
    pool: Pool = "max"
    rate: float = 0.1
    momentum: float = 0.0
    steps: int = 0
    """That are done before the one that is told."""
    stage: int = 0
    """Of the telling."""

    def __post_init__(self) -> None:
        if self.picture not in PICTURES:
            raise SettingError(f"picture is {shown(self.picture)}: use {', '.join(PICTURES)}")
        if self.pool not in POOLS:
            raise SettingError(f"pool is {shown(self.pool)}: use {', '.join(POOLS)}")
        if self.classes not in CLASSES:
            raise SettingError(f"classes is {shown(self.classes)}: use 2 or 3")
        for name, most in (
            ("target", self.classes - 1),
            ("steps", MOST_STEPS),
            ("stage", STAGES),
        ):
            if whole_number(name, getattr(self, name), least=0) > most:
                raise SettingError(f"{name} is {getattr(self, name)}: use 0 to {most}")
        for name, choices in (("rate", RATES), ("momentum", MOMENTA)):
            if getattr(self, name) not in choices:
                given = shown(getattr(self, name))
                raise SettingError(f"{name} is {given}: use {', '.join(map(str, choices))}")
        if self.cells is not None:
            _check_cells(self.cells, self.side)

    @property
    def side(self) -> int:
        """Of the picture: six with a pooling and four without leave four features."""
        return side_for(self.pool)

    @property
    def image(self) -> npt.NDArray[np.float64]:
        """(side, side)."""
        cells = picture(self.picture, self.side) if self.cells is None else self.cells
        return np.array(cells, dtype=np.float64)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the classes that there are."""
        return CLASS_NAMES[: self.classes]

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_step_settings` reads it."""
        usual = StepSettings()
        query = {}
        for name in ("picture", "pool"):
            if getattr(self, name) != getattr(usual, name):
                query[name] = str(getattr(self, name))
        for name in ("target", "classes", "rate", "momentum", "steps", "stage"):
            if getattr(self, name) != getattr(usual, name):
                query[name] = write_number(getattr(self, name))
        if self.cells is not None:
            query["cells"] = write_planes([self.cells])
        return query


def side_for(pool: Pool) -> int:
    """Of the picture with such a pooling."""
    return 4 if pool == "none" else 6


def read_step_settings(query: Mapping[str, str]) -> tuple[StepSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change."""
    read = QueryReader(query)
    usual = StepSettings()
    pool = read.choice("pool", POOLS, usual.pool)
    classes = read.whole("classes", *CLASSES, usual.classes)
    side = side_for(pool)
    planes = read.planes("cells", (1, side, side), CELL_LIMIT)
    settings = StepSettings(
        picture=read.choice("picture", PICTURES, usual.picture),
        cells=planes[0] if planes else None,
        target=read.whole("target", 0, classes - 1, usual.target),
        classes=classes,
        pool=pool,
        rate=_nearest(read, "rate", RATES, usual.rate),
        momentum=_nearest(read, "momentum", MOMENTA, usual.momentum),
        steps=read.whole("steps", 0, MOST_STEPS, usual.steps),
        stage=read.whole("stage", 0, STAGES, usual.stage),
    )
    return settings, tuple(read.notes)


def _nearest(read: QueryReader, name: str, choices: tuple[float, ...], usual: float) -> float:
    asked = read.number(name, choices[-1], usual, low=choices[0])
    found = min(choices, key=lambda choice: abs(choice - asked))
    if found != asked:
        read.notes.append(f"{name}={asked:g} is now {found:g}.")
    return found


def _check_cells(cells: Cells, side: int) -> None:
    if [len(row) for row in cells] != [side] * side:
        raise SettingError(f"cells must be {side} rows of {side} numbers")
    if not all(abs(cell) <= CELL_LIMIT for row in cells for cell in row):
        raise SettingError(f"cells must lie within ±{CELL_LIMIT:g}")
