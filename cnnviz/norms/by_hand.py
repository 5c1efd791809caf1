"""Batch normalization by hand: the settings of the view, what it opens with, its URL.

The browser shows them and answers while a slider is dragged (cnnviz/ui/components/batch_lab.js);
`by_hand_judge` computes the same numbers again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, get_args

import numpy as np

from cnnviz.batchnorm import Array, Mode, NormSettings, RunningStatistics
from cnnviz.errors import SettingError
from cnnviz.query import Cells, QueryReader, write_number, write_planes
from cnnviz.settings import shown, whole_number

PICTURES: Final = (1, 4)
CHANNELS: Final = (1, 2)
SIDES: Final = (1, 3)
"""Least and most of each: what can be read from the back row, and repainted within a frame."""
LIMIT: Final = 99.0
"""Cells, gamma, beta and running means lie within ±99: what fits a cell."""
VARIANCE_LIMIT: Final = 20_000.0
"""More than the unbiased variance of any such numbers."""
EPS: Final = (1e-8, 100.0)
"""PyTorch refuses 0 in training; the largest is far above any variance of a lesson."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

Batch = tuple[tuple[Cells, ...], ...]
"""(N, C, H, W)"""

LESSON_BATCH: Final[Batch] = (
    (((0, 2, 1), (3, 1, 2), (2, 0, 3)), ((12, 8, 10), (14, 6, 9), (11, 13, 7))),
    (((3, 0, 4), (4, 2, 3), (1, 5, 2)), ((4, 10, 8), (12, 16, 5), (9, 7, 12))),
    (((6, 4, 5), (5, 6, 7), (4, 6, 5)), ((8, 4, 10), (10, 16, 12), (15, 9, 11))),
    (((1, 3, 2), (2, 4, 0), (3, 1, 2)), ((6, 14, 11), (8, 10, 9), (12, 7, 13))),
)
"""As large as the view allows; smaller batches are its corners.

In that of three pictures of 2×2 the channels have the means 3 and 10 and the variances 4 and 16.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSettings:
    """One state of the view, as it is on the screen."""

    x: Batch
    """(N, C, H, W), with H = W."""
    gamma: tuple[float, ...]
    """One for each channel, like beta and the running statistics."""
    beta: tuple[float, ...]
    running_mean: tuple[float, ...]
    """Before this batch, like the variance."""
    running_variance: tuple[float, ...]
    eps: float = 1e-5
    momentum: float = 0.1
    """Share of the new batch, 0 to 1."""
    mode: Mode = "train"
    cell: int = 0
    """The number whose calculation is written out, in the order of (N, C, H, W)."""

    def __post_init__(self) -> None:
        pictures = _within("number of pictures", len(self.x), PICTURES)
        channels = _within("number of channels", len(self.x[0]), CHANNELS)
        side = _within("height", len(self.x[0][0]), SIDES)
        for picture in self.x:
            if [[len(row) for row in plane] for plane in picture] != [[side] * side] * channels:
                raise SettingError(
                    f"each picture must have {channels} channels of {side}×{side} numbers"
                )
        _check_numbers("x", _flatten(self.x), _BOUNDS["x"])
        for name in _BY_CHANNEL:
            values = getattr(self, name)
            if len(values) != channels:
                raise SettingError(f"{name} has {len(values)} numbers for {channels} channels")
            _check_numbers(name, values, _BOUNDS.get(name, _BOUNDS["x"]))
        if not EPS[0] <= self.eps <= EPS[1]:
            raise SettingError(f"eps is {shown(self.eps)}: use a number from 1e-8 to 100")
        if not 0 <= self.momentum <= 1:
            raise SettingError(f"momentum is {shown(self.momentum)}: use a number from 0 to 1")
        if self.mode not in MODES:
            raise SettingError(f"mode is {shown(self.mode)}: use train or eval")
        if whole_number("cell", self.cell, least=0) >= pictures * channels * side * side:
            raise SettingError(f"cell is {self.cell}: the batch has fewer numbers")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)"""
        return len(self.x), len(self.x[0]), len(self.x[0][0]), len(self.x[0][0][0])

    @property
    def batch(self) -> Array:
        """The numbers as float64 (N, C, H, W)."""
        return np.array(self.x, dtype=np.float64)

    @property
    def norm_settings(self) -> NormSettings:
        """What the layer takes: eps and momentum."""
        return NormSettings(eps=self.eps, momentum=self.momentum)

    @property
    def running(self) -> RunningStatistics:
        """Before this batch."""
        return RunningStatistics(np.array(self.running_mean), np.array(self.running_variance))

    def to_json(self) -> dict[str, Any]:
        """What the browser takes, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> HandSettings:
        """Back from the browser, which can send anything: SettingError unless it makes sense."""
        if not isinstance(value, Mapping):
            raise SettingError("the browser's settings make no sense: they are not a mapping")
        try:
            given = {field.name: value[field.name] for field in fields(cls)}
            given["x"] = freeze_batch(given["x"])
            for name in _BY_CHANNEL:
                given[name] = tuple(map(_number, given[name]))
            for name in ("eps", "momentum"):
                given[name] = _number(given[name])
            return cls(**given)
        except (TypeError, KeyError, IndexError, OverflowError) as error:
            raise SettingError(f"the browser's settings make no sense: {str(error)[:80]}") from None


_BY_CHANNEL: Final = ("gamma", "beta", "running_mean", "running_variance")
_BOUNDS: Final = {"x": (-LIMIT, LIMIT), "running_variance": (0.0, VARIANCE_LIMIT)}
"""Of the numbers of x and of each channel, unless it has bounds of its own."""
_FRESH: Final = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_variance": 1.0}
"""What a new layer has."""


def lesson_batch(pictures: int, channels: int, side: int) -> Batch:
    """The numbers that the view opens with, for any size within its bounds."""
    return freeze_batch(
        [[row[:side] for row in plane[:side]] for plane in picture[:channels]]
        for picture in LESSON_BATCH[:pictures]
    )


def new_layer(x: Batch, **changes: Any) -> HandSettings:
    """A layer as PyTorch makes it, before this batch, but for the changes."""
    channels = len(x[0])
    fresh: dict[str, Any] = {name: (value,) * channels for name, value in _FRESH.items()}
    return HandSettings(x=x, **(fresh | changes))


def from_query(query: Mapping[str, str]) -> tuple[HandSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change."""
    read = QueryReader(query, decimals=None)
    opening = OPENING.shape
    pictures = read.whole("n", *PICTURES, opening[0])
    channels = read.whole("c", *CHANNELS, opening[1])
    side = read.whole("side", *SIDES, opening[2])
    planes = read.planes("x", (pictures * channels, side, side), LIMIT)
    x = lesson_batch(pictures, channels, side)
    if planes:
        x = tuple(planes[n * channels : (n + 1) * channels] for n in range(pictures))
    settings = new_layer(
        x,
        eps=read.number("eps", EPS[1], OPENING.eps, low=EPS[0]),
        momentum=read.number("momentum", 1.0, OPENING.momentum, low=0.0),
        mode=read.choice("mode", MODES, OPENING.mode),
        cell=read.whole("cell", 0, pictures * channels * side * side - 1, OPENING.cell),
        **{name: _read_channels(read, name, channels) for name in _BY_CHANNEL},
    )
    return settings, tuple(read.notes)


def to_query(settings: HandSettings) -> dict[str, str]:
    """What a URL must say to open this state: only what differs from the opening state."""
    pictures, channels, side, _ = settings.shape
    query = {
        key: str(value)
        for key, value, usual in zip(
            ("n", "c", "side"), settings.shape, OPENING.shape, strict=False
        )
        if value != usual
    }
    if settings.x != lesson_batch(pictures, channels, side):
        query["x"] = write_planes([plane for picture in settings.x for plane in picture])
    for name in _BY_CHANNEL:
        values = getattr(settings, name)
        if values != (_FRESH[name],) * channels:
            query[_QUERY_KEYS[name]] = write_planes([[values]])
    for name in ("eps", "momentum", "cell"):
        if getattr(settings, name) != getattr(OPENING, name):
            query[name] = write_number(getattr(settings, name))
    if settings.mode != OPENING.mode:
        query["mode"] = settings.mode
    return query


_QUERY_KEYS: Final = {
    "gamma": "gamma",
    "beta": "beta",
    "running_mean": "mean",
    "running_variance": "variance",
}


def _read_channels(read: QueryReader, name: str, channels: int) -> tuple[float, ...]:
    """One number for each channel; those of a new layer where they make no sense."""
    low, high = _BOUNDS.get(name, _BOUNDS["x"])
    key = _QUERY_KEYS[name]
    fresh = (_FRESH[name],) * channels
    planes = read.planes(key, (1, 1, channels), high)
    values = planes[0][0] if planes else fresh
    if min(values) < low:
        read.notes.append(f"{key} is left out (it must hold numbers from {low:g} to {high:g}).")
        return fresh
    return values


def freeze_batch(x: Any) -> Batch:
    """Nested lists or an array (N, C, H, W) as tuples of floats; TypeError if one is no number."""
    return tuple(
        tuple(tuple(tuple(map(_number, row)) for row in plane) for plane in picture)
        for picture in x
    )


def _flatten(x: Batch) -> list[float]:
    return [value for picture in x for plane in picture for row in plane for value in row]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{str(value)[:20]!r} is not a number")
    return float(value)


def _within(name: str, value: int, limits: tuple[int, int]) -> int:
    if not limits[0] <= value <= limits[1]:
        raise SettingError(f"the {name} must be from {limits[0]} to {limits[1]}, not {value}")
    return value


def _check_numbers(name: str, values: Sequence[float], bounds: tuple[float, float]) -> None:
    low, high = bounds
    if not all(low <= value <= high for value in values):
        raise SettingError(f"the numbers of {name} must lie between {low:g} and {high:g}")


OPENING: Final = new_layer(lesson_batch(3, 2, 2))
"""What the view shows first."""
