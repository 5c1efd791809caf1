"""How one number of a layer's maps came about, from the numbers of the layer before.

Computed anew in double precision from the network's own values and weights, and compared with what
the network itself has computed in single precision: the difference is rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.activations.passage import LayerMaps, Passage
from cnnviz.activations.window_specs import conv_spec, pool_spec
from cnnviz.convolution import window_at
from cnnviz.errors import SettingError
from cnnviz.models.blocks import Scale
from cnnviz.pooling import pool_window_at
from cnnviz.settings import whole_number

Array = npt.NDArray[np.float64]
How = Literal["sum", "max", "average", "point", "place"]
"""Products are added up; the greatest wins; the mean; a function of one number; only moved."""

MOST_COLUMNS: Final = 16
"""Of numbers without places, in the grid that they are written out in."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a layer's maps. Row and column are 0 where a layer has no places."""

    layer: str
    channel: int
    row: int = 0
    column: int = 0

    def __post_init__(self) -> None:
        for name in ("channel", "row", "column"):
            whole_number(name, getattr(self, name), least=0)

    def check(self, layer: LayerMaps) -> None:
        """SettingError if the layer has no such cell."""
        names = ("channel", "row", "column")
        for name, value, count in zip(
            names, (self.channel, self.row, self.column), layer.shape, strict=True
        ):
            if value >= count:
                raise SettingError(
                    f"{name} is {value}: {layer.name} has {name}s from 0 to {count - 1}"
                )


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one map of the layer before gives to the number."""

    channel: int | None
    """Which map; None for all units of a layer without places, in a grid."""
    values: Array
    """(h, w): what stands under the window; nan where the grid has no number."""
    weights: Array | None
    """(h, w), if values are multiplied."""
    rows: tuple[int, ...]
    """Of the map before, for each row of the window; outside of it in the padding."""
    columns: tuple[int, ...]
    total: float
    """The sum of the products; else what is made of the values."""

    @property
    def products(self) -> Array:
        """(h, w); the values themselves where nothing is multiplied."""
        return self.values if self.weights is None else self.values * self.weights


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One number, written out."""

    cell: Cell
    source: str
    """The layer whose maps the parts are of."""
    how: How
    parts: tuple[Part, ...]
    """One for each map of the layer before that has a share in it."""
    bias: float | None
    total: float
    """Computed here."""
    network: float
    """What the network has computed."""
    constants: tuple[tuple[str, float], ...] = ()
    """Other numbers that take part, by name."""

    @property
    def difference(self) -> float:
        """Between the two; rounding."""
        return self.total - self.network


def walk_to(passage: Passage, cell: Cell) -> Walk:
    """Writes out how the number in that cell came about; SettingError if there is no such cell."""
    layer, before = passage.layer(cell.layer), passage.before(cell.layer)
    cell.check(layer)
    network = float(layer.values[cell.channel, cell.row, cell.column])
    module = layer.module
    assert module is not None
    if isinstance(module, nn.Conv2d):
        return _convolution(module, before, cell, network)
    if isinstance(module, nn.Linear):
        return _linear(module, _unflattened(passage, before), cell, network)
    if isinstance(module, nn.Flatten):
        return _flatten(before, cell, network)
    if (pooling := pool_spec(module, *before.shape[1:])) is not None:
        window = pool_window_at(before.values, pooling, cell.channel, cell.row, cell.column)
        values = np.where(window.is_padding, np.nan, window.values)
        part = Part(cell.channel, values, None, window.rows, window.columns, window.result)
        divisor = (("cells", float(window.divisor)),) if pooling.kind == "average" else ()
        return Walk(cell, before.name, pooling.kind, (part,), None, window.result, network, divisor)
    return _point(module, before, cell, network)


def _convolution(module: nn.Conv2d, before: LayerMaps, cell: Cell, network: float) -> Walk:
    weights = _doubles(module.weight[cell.channel : cell.channel + 1])
    bias = None if module.bias is None else float(module.bias[cell.channel])
    spec = conv_spec(module)
    seen = window_at(before.values, weights, spec, cell.row, cell.column, bias=bias or 0.0)
    parts = tuple(
        Part(
            channel,
            seen.values[channel],
            seen.weights[channel],
            seen.rows,
            seen.columns,
            float(seen.channel_sums[channel]),
        )
        for channel in range(before.channels)
    )
    return Walk(cell, before.name, "sum", parts, bias, seen.total, network)


def _unflattened(passage: Passage, before: LayerMaps) -> LayerMaps:
    """The maps that were flattened into these units; the units themselves if there were none."""
    if before.kind != "Flatten":
        return before
    maps = passage.before(before.name)
    return maps if maps.values[0].size > 1 else before


def _linear(module: nn.Linear, before: LayerMaps, cell: Cell, network: float) -> Walk:
    """Map by map; units without places all in one grid."""
    weights = _doubles(module.weight[cell.channel])  # (features,)
    bias = None if module.bias is None else float(module.bias[cell.channel])
    values = before.values.astype(np.float64)
    height, width = values.shape[1:]
    if is_grid := values[0].size == 1:
        width = grid_columns(len(weights))
        height = len(weights) // width
    shape = -1, height, width
    parts = tuple(
        Part(
            None if is_grid else channel,
            of_map,
            its_weights,
            tuple(range(height)),
            tuple(range(width)),
            float((of_map * its_weights).sum()),
        )
        for channel, (of_map, its_weights) in enumerate(
            zip(values.reshape(shape), weights.reshape(shape), strict=True)
        )
    )
    total = sum(part.total for part in parts) + (bias or 0.0)
    return Walk(cell, before.name, "sum", parts, bias, total, network)


def _flatten(before: LayerMaps, cell: Cell, network: float) -> Walk:
    _, height, width = before.shape
    channel, place = divmod(cell.channel, height * width)
    row, column = divmod(place, width)
    value = float(before.values[channel, row, column])
    part = Part(channel, np.array([[value]]), None, (row,), (column,), value)
    return Walk(cell, before.name, "place", (part,), None, value, network)


def _point(module: nn.Module, before: LayerMaps, cell: Cell, network: float) -> Walk:
    """A function of the number in the same place."""
    value = float(before.values[cell.channel, cell.row, cell.column])
    part = Part(cell.channel, np.array([[value]]), None, (cell.row,), (cell.column,), value)
    if isinstance(module, nn.BatchNorm2d):
        constants = _norm_constants(module, cell.channel)
        mean, variance, eps, gamma, beta = (number for _, number in constants)
        total = (value - mean) / (variance + eps) ** 0.5 * gamma + beta
    elif isinstance(module, Scale):
        constants = (("factor", float(module.factor)),)
        total = value * module.factor
    elif not list(module.parameters()):
        constants = ()
        with torch.no_grad():
            total = float(module(torch.tensor([value], dtype=torch.float64)))
    else:
        raise SettingError(f"a layer of kind {type(module).__name__} is not written out here")
    return Walk(cell, before.name, "point", (part,), None, total, network, constants)


def _norm_constants(module: nn.BatchNorm2d, channel: int) -> tuple[tuple[str, float], ...]:
    if module.running_mean is None or module.running_var is None:
        raise SettingError("a normalization without running statistics is not written out here")
    return (
        ("μ", float(module.running_mean[channel])),
        ("σ²", float(module.running_var[channel])),
        ("ε", float(module.eps)),
        ("γ", 1.0 if module.weight is None else float(module.weight[channel])),
        ("β", 0.0 if module.bias is None else float(module.bias[channel])),
    )


def grid_columns(count: int) -> int:
    """The columns of a grid that so many numbers fill exactly: the most, up to MOST_COLUMNS."""
    return max(columns for columns in range(1, MOST_COLUMNS + 1) if count % columns == 0)


def _doubles(tensor: torch.Tensor) -> Array:
    numbers: Array = tensor.detach().double().cpu().numpy()
    return numbers
