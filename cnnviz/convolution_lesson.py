"""The settings of the convolution lesson: what a view opens with, its bounds, its URL.

Four views share one settings object: a window walked by hand, in colour, pooling, transposed. The
browser shows them (cnnviz/ui/components/window_lab.js) and answers while a slider is dragged;
cnnviz/convolution_judge.py computes the same output again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, Literal, get_args

import numpy as np

from cnnviz.errors import NoOutputError, SettingError
from cnnviz.geometry import PADDING_NAMES, ConvSpec, PaddingName, PoolKind, PoolSpec
from cnnviz.geometry import TransposedConvSpec as TransposedSpec
from cnnviz.padding import Array, PaddingMode
from cnnviz.query import Cells, QueryReader, write_number, write_planes

View = Literal["hand", "colour", "pooling", "transposed"]
VIEWS: tuple[View, ...] = get_args(View)
PADDING_MODES: tuple[PaddingMode, ...] = get_args(PaddingMode)

CELL_LIMIT = 99.0
"""Cells, weights and biases lie within ±99: what fits a cell and can be added up in the head."""

LESSON_IMAGE: Cells = (
    (1, 1, 1, 0, 0),
    (0, 1, 1, 1, 0),
    (0, 0, 1, 1, 1),
    (0, 0, 1, 1, 0),
    (0, 1, 1, 0, 0),
)
"""The 5×5 image of the classic lesson; its 3×3 filter is `lesson_weight("hand", 3)`."""

POOLING_IMAGE: Cells = ((1, 1, 2, 4), (5, 6, 7, 8), (3, 2, 1, 0), (1, 2, 3, 4))


@dataclass(frozen=True, slots=True)
class ViewBounds:
    """Smallest and largest value of each slider of a view; None where the view does not have it."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output_padding: tuple[int, int] | None = None
    depth: tuple[int, int] | None = None
    filters: tuple[int, int] | None = None


# Grids that can be read from the back row and repainted within a frame.
BOUNDS: Mapping[View, ViewBounds] = {
    "hand": ViewBounds((1, 10), (1, 7), (1, 5), (0, 4), (1, 3)),
    "colour": ViewBounds((2, 7), (1, 5), (1, 3), (0, 2), (1, 2), depth=(1, 4), filters=(1, 4)),
    "pooling": ViewBounds((1, 10), (1, 5), (1, 5), (0, 2), (1, 3)),
    "transposed": ViewBounds((1, 6), (1, 5), (1, 4), (0, 4), (1, 3), output_padding=(0, 3)),
}


@dataclass(frozen=True, slots=True)
class LessonSettings:
    """One state of a view, as it is on the screen.

    image: (C, size, size) cells. weight: (filters, depth, kernel, kernel) as PyTorch stores it,
    empty for pooling. `depth` is that of the filters and may disagree with the image: that is a
    lesson too. `step` counts the windows in reading order. Fields that a view does not have keep
    their default.
    """

    view: View
    size: int
    kernel: int
    stride: int
    padding: int | PaddingName
    image: tuple[Cells, ...]
    weight: tuple[tuple[Cells, ...], ...]
    dilation: int = 1
    padding_mode: PaddingMode = "zeros"
    flip: bool = False
    bias: float = 0.0
    depth: int = 1
    filters: int = 1
    pool: PoolKind = "max"
    ceil_mode: bool = False
    count_include_pad: bool = True
    output_padding: int = 0
    step: int = 0

    def __post_init__(self) -> None:
        bounds = BOUNDS[self.view]
        for name in ("size", "kernel", "stride", "dilation", "output_padding", "depth", "filters"):
            _check_within(name, getattr(self, name), getattr(bounds, name))
        if self.padding not in PADDING_NAMES:
            _check_within("padding", self.padding, bounds.padding)
        elif self.view not in ("hand", "colour"):
            raise SettingError(f"padding {self.padding!r} has no meaning for {self.view}")
        _check_planes("image", self.image, (self.size, self.size))
        if len(self.weight) != (0 if self.view == "pooling" else self.filters):
            raise SettingError(f"{self.filters} filters were announced, {len(self.weight)} given")
        for bank in self.weight:
            _check_planes("filter", bank, (self.kernel, self.kernel))
            if len(bank) != self.depth:
                raise SettingError(f"filter depth {self.depth} announced, {len(bank)} given")
        if not abs(self.bias) <= CELL_LIMIT:
            raise SettingError(f"bias must lie within ±{CELL_LIMIT:g}, not {self.bias}")

    @property
    def spec(self) -> ConvSpec | PoolSpec | TransposedSpec:
        """The geometry of this state. Raises SettingError where PyTorch would refuse it."""
        if self.view == "pooling":
            return PoolSpec(
                self.pool,
                self.kernel,
                self.stride,
                self._padding_cells,
                self.dilation,
                self.ceil_mode,
                self.count_include_pad,
            )
        if self.view == "transposed":
            return TransposedSpec(
                self.kernel, self.stride, self._padding_cells, self.output_padding, self.dilation
            )
        return ConvSpec(self.kernel, self.stride, self.padding, self.dilation)

    @property
    def _padding_cells(self) -> int:
        assert not isinstance(self.padding, str)
        return self.padding

    @property
    def image_array(self) -> Array:
        """(C, size, size) float64."""
        return np.array(self.image, dtype=np.float64)

    @property
    def weight_array(self) -> Array:
        """(filters, depth, kernel, kernel) float64."""
        return np.array(self.weight, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """What the browser takes, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> LessonSettings:
        """Back from the browser, which can send anything: SettingError unless it makes sense."""
        if not isinstance(value, Mapping):
            raise SettingError("the browser's settings make no sense: they are not a mapping")
        try:
            given = dict(value)
            given["image"] = _freeze_planes(given["image"])
            given["weight"] = tuple(_freeze_planes(bank) for bank in given["weight"])
            given["bias"] = _whole_if_equal(given["bias"])
            known = {field.name: given[field.name] for field in fields(cls)}
            for name, options in _OPTIONS.items():
                if known[name] not in options:
                    raise SettingError(f"{name} is none of {', '.join(map(str, options))}")
            return cls(**known)
        except (TypeError, KeyError, AttributeError, OverflowError) as error:
            raise SettingError(f"the browser's settings make no sense: {str(error)[:80]}") from None


_OPTIONS: Mapping[str, tuple[object, ...]] = {
    "view": VIEWS,
    "padding_mode": PADDING_MODES,
    "pool": get_args(PoolKind),
    "flip": (False, True),
    "ceil_mode": (False, True),
    "count_include_pad": (False, True),
}


def lesson_image(view: View, size: int) -> tuple[Cells, ...]:
    """The cells that a view opens with, of any size within its bounds: (C, size, size)."""
    if view == "colour":
        return tuple(
            tuple(row[:size] for row in plane[:size])
            for plane in _drawn_planes(seed=3, planes=3, cells=(0, 0, 1, 1, 2, 3), view=view)
        )
    if view == "transposed":
        return (
            tuple(tuple(row * 3 + column + 1 for column in range(size)) for row in range(size)),
        )
    pattern = POOLING_IMAGE if view == "pooling" else LESSON_IMAGE
    edge = len(pattern)
    return (
        tuple(
            tuple(pattern[row % edge][column % edge] for column in range(size))
            for row in range(size)
        ),
    )


def lesson_weight(view: View, kernel: int) -> tuple[tuple[Cells, ...], ...]:
    """The filters that a view opens with, as many and as deep as its bounds allow."""
    cells = range(kernel)
    if view == "pooling":
        return ()
    if view == "transposed":  # a tent: with stride 2 the gaps are filled by interpolation
        tent = [1 - abs(2 * j - kernel + 1) / (kernel + 1) for j in cells]
        return ((tuple(tuple(round(a * b, 4) for b in tent) for a in tent),),)
    if view == "hand":  # a checkerboard, which for 3×3 is the classic X
        return ((tuple(tuple((row + column + 1) % 2 for column in cells) for row in cells),),)
    bounds = BOUNDS[view]
    depth = bounds.depth[1] if bounds.depth else 1
    filters = bounds.filters[1] if bounds.filters else 1
    planes = _drawn_planes(seed=5, planes=depth * filters, cells=(-1, 0, 0, 1, 1), view=view)
    return tuple(
        tuple(tuple(row[:kernel] for row in plane[:kernel]) for plane in bank)
        for bank in (planes[m * depth : (m + 1) * depth] for m in range(filters))
    )


@cache
def _drawn_planes(
    *, seed: int, planes: int, cells: tuple[int, ...], view: View
) -> tuple[Cells, ...]:
    """Planes of small whole numbers, as large as the view allows, the same on every machine."""
    draw = random.Random(seed)
    side = range(BOUNDS[view].size[1])
    return tuple(
        tuple(tuple(draw.choice(cells) for _ in side) for _ in side) for _ in range(planes)
    )


@cache
def opening_settings(view: View) -> LessonSettings:
    """What a view shows first."""
    size, kernel, stride, depth, filters = {
        "hand": (5, 3, 1, 1, 1),
        "colour": (4, 3, 1, 3, 2),
        "pooling": (4, 2, 2, 1, 1),
        "transposed": (3, 3, 2, 1, 1),
    }[view]
    weight = tuple(bank[:depth] for bank in lesson_weight(view, kernel)[:filters])
    return LessonSettings(
        view=view,
        size=size,
        kernel=kernel,
        stride=stride,
        padding=1 if view == "transposed" else 0,
        image=lesson_image(view, size),
        weight=weight,
        depth=depth,
        filters=filters,
    )


def from_query(view: View, query: Mapping[str, str]) -> tuple[LessonSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change."""
    read = QueryReader(query, decimals=None)  # a blur's ninths must come back as they went
    bounds, opening = BOUNDS[view], opening_settings(view)

    def slider(name: str) -> int:
        limits: tuple[int, int] | None = getattr(bounds, name)
        default: int = getattr(opening, name)
        return read.whole(name, *limits, default) if limits else default

    size, kernel = slider("size"), slider("kernel")
    depth, filters = slider("depth"), slider("filters")
    padding: int | PaddingName
    named = (read.given("padding") or "").strip().lower()
    if view in ("hand", "colour") and named in PADDING_NAMES:
        padding = next(name for name in PADDING_NAMES if name == named)
    else:
        padding = slider("padding")
    is_convolution = view in ("hand", "colour")
    pool: PoolKind = read.choice("pool", ("max", "average"), "max") if view == "pooling" else "max"
    image = read.planes("image", (len(opening.image), size, size), CELL_LIMIT)
    weight = lesson_weight(view, kernel)
    banks = tuple(bank[:depth] for bank in weight[:filters])
    if view != "pooling":
        planes = read.planes("filter", (filters * depth, kernel, kernel), CELL_LIMIT)
        if planes:
            banks = tuple(planes[m * depth : (m + 1) * depth] for m in range(filters))
    dilation = slider("dilation")
    settings = LessonSettings(
        view=view,
        size=size,
        kernel=kernel,
        stride=slider("stride"),
        padding=padding,
        image=image or lesson_image(view, size),
        weight=banks,
        dilation=1 if pool == "average" else dilation,
        padding_mode=read.choice("fill", PADDING_MODES, "zeros") if is_convolution else "zeros",
        flip=read.switch("flip") if is_convolution else False,
        bias=_whole_if_equal(read.number("bias", CELL_LIMIT, 0)) if view != "pooling" else 0.0,
        depth=depth,
        filters=filters,
        pool=pool,
        ceil_mode=read.switch("ceil") if view == "pooling" else False,
        count_include_pad=read.switch("include_pad", True) if view == "pooling" else True,
        output_padding=slider("output_padding"),
        step=read.whole("step", 0, 9999, 0),
    )
    return _with_step_inside(settings), tuple(read.notes)


def to_query(settings: LessonSettings) -> dict[str, str]:
    """What a URL must say to open this state: only what differs from the view's opening state."""
    opening = opening_settings(settings.view)
    query: dict[str, str] = {}
    for name, key in QUERY_KEYS.items():
        value = getattr(settings, name)
        if value != getattr(opening, name):
            query[key] = value if isinstance(value, str) else write_number(value)
    if settings.image != lesson_image(settings.view, settings.size):
        query["image"] = write_planes(settings.image)
    lesson = lesson_weight(settings.view, settings.kernel)
    if settings.weight != tuple(bank[: settings.depth] for bank in lesson[: settings.filters]):
        query["filter"] = write_planes([plane for bank in settings.weight for plane in bank])
    return query


QUERY_KEYS: Mapping[str, str] = {
    "size": "size",
    "kernel": "kernel",
    "stride": "stride",
    "padding": "padding",
    "dilation": "dilation",
    "padding_mode": "fill",
    "flip": "flip",
    "bias": "bias",
    "depth": "depth",
    "filters": "filters",
    "pool": "pool",
    "ceil_mode": "ceil",
    "count_include_pad": "include_pad",
    "output_padding": "output_padding",
    "step": "step",
}
"""Field -> key in the URL. `image` and `filter` hold the cells, where they were edited."""


def _with_step_inside(settings: LessonSettings) -> LessonSettings:
    try:
        if isinstance(settings.spec, ConvSpec | PoolSpec | TransposedSpec):
            height, width = settings.spec.output_size(settings.size, settings.size)
    except (NoOutputError, SettingError):
        return replace(settings, step=0)
    return replace(settings, step=min(settings.step, height * width - 1))


def _check_within(name: str, value: object, limits: tuple[int, int] | None) -> None:
    if limits is None:
        return
    if type(value) is not int or not limits[0] <= value <= limits[1]:
        raise SettingError(
            f"{name} must be a whole number from {limits[0]} to {limits[1]}, not {str(value)[:40]}"
        )


def _check_planes(name: str, planes: tuple[Cells, ...], shape: tuple[int, int]) -> None:
    for plane in planes:
        if len(plane) != shape[0] or any(len(row) != shape[1] for row in plane):
            raise SettingError(f"each plane of the {name} must have {shape[0]}×{shape[1]} cells")
        if not all(abs(cell) <= CELL_LIMIT for row in plane for cell in row):
            raise SettingError(f"cells of the {name} must lie within ±{CELL_LIMIT:g}")


def _freeze_planes(planes: Any) -> tuple[Cells, ...]:
    return tuple(
        tuple(tuple(_whole_if_equal(cell) for cell in row) for row in plane) for plane in planes
    )


def _whole_if_equal(value: Any) -> float:
    """1.0 becomes 1, so that what the browser and Python write as JSON is the same text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{str(value)[:20]!r} is not a number")
    return int(value) if math.isfinite(value) and value == int(value) else value
