"""The numbers around one normalization: histograms, batch against running ones, dead units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import Array, Mode
from cnnviz.settings import whole_number

Values = npt.NDArray[np.floating[Any]]  # (N, C, H, W)

BINS: Final = 60
_TAIL: Final = 0.001
"""Share of the values at either end that a histogram's axis may leave out."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerValues:
    """What goes into a normalization and comes out, of some pictures, and what it has learned.

    Arrays over the pictures are float32 (N, C, H, W); those of channels (C,).
    """

    layer: str
    """The normalization: norm1_1."""
    activation: str
    """The layer after it: relu1_1."""
    activation_kind: str
    """ReLU, GELU."""
    mode: Mode
    """That the whole network's normalizations were in."""
    before: Values
    after: Values
    """Normalized, scaled and shifted."""
    activated: Values
    gamma: Array
    beta: Array
    running_mean: Array
    running_variance: Array
    eps: float

    @property
    def channels(self) -> int:
        """How many the layer has."""
        return int(self.before.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class ChannelComparison:
    """Each channel's statistics in this batch and as they were remembered; all (C,).

    Variances are unbiased, as the running one is.
    """

    batch_mean: Array
    batch_variance: Array
    running_mean: Array
    running_variance: Array

    @property
    def mean_shift(self) -> Array:
        """Batch mean less running mean, in running standard deviations."""
        return (self.batch_mean - self.running_mean) / np.sqrt(
            np.maximum(self.running_variance, np.finfo(np.float64).tiny)
        )

    @property
    def spread_ratio(self) -> Array:
        """Batch standard deviation by the running one."""
        return np.sqrt(
            self.batch_variance / np.maximum(self.running_variance, np.finfo(np.float64).tiny)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often which value occurs; a value at an edge belongs to the bin on its right."""

    edges: Array
    """(B + 1,), rising; 0 is one of them if it lies within."""
    counts: npt.NDArray[np.int64]
    """(B,)"""
    below: int
    """Values before the first edge; drawn nowhere."""
    above: int
    mean: float
    std: float
    zeros: float
    """Share that is exactly zero, 0 to 1."""

    @property
    def count(self) -> int:
        """Of all values, drawn or not."""
        return int(self.counts.sum()) + self.below + self.above


@dataclass(frozen=True, slots=True, eq=False)
class DeadUnits:
    """What an activation function shuts off.

    A *unit* is one place of one channel: it is dead if it is exactly zero for every picture. A
    *channel* is dead if all its units are. Dead for these pictures, that is; for GELU, which is
    zero only where it rounds to it, hardly any are.
    """

    zeros_by_channel: Array
    """(C,): share of the values that is exactly zero, 0 to 1."""
    dead_units: float
    """Share of the C x H x W units, 0 to 1."""
    dead_channels: npt.NDArray[np.bool_]
    """(C,)"""

    @property
    def zeros(self) -> float:
        """Share of all values that is exactly zero."""
        return float(self.zeros_by_channel.mean())


def compare_channels(values: LayerValues) -> ChannelComparison:
    """The statistics of these pictures against those that the network remembers."""
    wide = values.before.astype(np.float64)
    count = wide.size // values.channels
    return ChannelComparison(
        batch_mean=wide.mean(axis=(0, 2, 3)),
        batch_variance=wide.var(axis=(0, 2, 3)) * count / max(1, count - 1),
        running_mean=values.running_mean,
        running_variance=values.running_variance,
    )


def shared_edges(arrays: tuple[Values, ...], bins: int = BINS) -> Array:
    """Equal bins, about so many, that hold all but the tails of each array; 0 is an edge.

    A tail is a thousandth of an array at either end: without it one far value would squeeze the
    rest into a few bins.
    """
    bins = whole_number("bins", bins, least=1)
    ends = [np.quantile(array, (_TAIL, 1 - _TAIL)) for array in arrays]
    low = min(0.0, *(float(end[0]) for end in ends))
    high = max(0.0, *(float(end[1]) for end in ends))
    if low == high:
        low, high = -0.5, 0.5
    width = (high - low) / bins
    steps = np.arange(np.floor(low / width), np.ceil(high / width) + 1)
    edges: Array = steps * width
    return edges


def histogram(values: Values, edges: Array) -> Histogram:
    """Counts values of any shape; one at the very last edge is above."""
    flat = values.reshape(-1).astype(np.float64)
    places = np.searchsorted(edges, flat, side="right") - 1
    below, above = int((places < 0).sum()), int((places >= len(edges) - 1).sum())
    inside = places[(places >= 0) & (places < len(edges) - 1)]
    return Histogram(
        edges=edges,
        counts=np.bincount(inside, minlength=len(edges) - 1).astype(np.int64),
        below=below,
        above=above,
        mean=float(flat.mean()),
        std=float(flat.std()),
        zeros=float((flat == 0).mean()),
    )


def dead_units(activated: Values) -> DeadUnits:
    """Of what an activation function puts out, (N, C, H, W)."""
    zero = activated == 0
    dead = zero.all(axis=0)  # (C, H, W): for every picture
    return DeadUnits(
        zeros_by_channel=zero.mean(axis=(0, 2, 3)),
        dead_units=float(dead.mean()),
        dead_channels=dead.all(axis=(1, 2)),
    )
