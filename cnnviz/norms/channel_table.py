"""All channels of a layer, reduced to what a page draws: small enough to keep for many viewers.

The values around one normalization take up to a hundred megabytes; their table takes one. Every
channel has the same bins, so that its histograms can be compared with any other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import Array, Mode
from cnnviz.errors import SettingError
from cnnviz.norms.layer_values import (
    BINS,
    ChannelComparison,
    DeadUnits,
    Histogram,
    LayerValues,
    Values,
    compare_channels,
    dead_units,
    shared_edges,
)
from cnnviz.settings import whole_number

STAGES: Final = ("before", "after", "activated")
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ChannelTable:
    """Of one layer and one batch; the first axis of (3, C) is that of `STAGES`."""

    layer: str
    activation_kind: str
    """ReLU, GELU."""
    mode: Mode
    pictures: int
    side: tuple[int, int]
    """Height and width of a map."""
    edges: Array
    """(B + 1,), the same for all."""
    counts: Counts
    """(3, C, B)"""
    below: Counts
    """(3, C): values before the first edge."""
    above: Counts
    mean: Array
    """(3, C)"""
    std: Array
    zeros: Array
    """(3, C): share that is exactly zero."""
    comparison: ChannelComparison
    dead: DeadUnits
    gamma: Array
    """(C,)"""
    beta: Array
    eps: float

    @property
    def channels(self) -> int:
        """How many the layer has."""
        return len(self.gamma)

    @property
    def values_per_channel(self) -> int:
        """That share a mean: pictures x height x width."""
        return self.pictures * self.side[0] * self.side[1]

    def histograms(self, channel: int) -> tuple[Histogram, Histogram, Histogram]:
        """Of one channel, stage by stage."""
        channel = whole_number("channel", channel, least=0)
        if channel >= self.channels:
            raise SettingError(
                f"channel is {channel}: {self.layer} has channels 0 to {self.channels - 1}"
            )
        one, two, three = (
            Histogram(
                edges=self.edges,
                counts=self.counts[stage, channel],
                below=int(self.below[stage, channel]),
                above=int(self.above[stage, channel]),
                mean=float(self.mean[stage, channel]),
                std=float(self.std[stage, channel]),
                zeros=float(self.zeros[stage, channel]),
            )
            for stage in range(len(STAGES))
        )
        return one, two, three


def tabulate(values: LayerValues, *, bins: int = BINS) -> ChannelTable:
    """The table of a layer's values."""
    stages = (values.before, values.after, values.activated)
    edges = shared_edges(stages, bins)
    counts, below, above, moments = [], [], [], []
    for stage in stages:
        binned = _binned(stage, edges)  # (C, B + 2): before the first edge, bins, after the last
        below.append(binned[:, 0])
        counts.append(binned[:, 1:-1])
        above.append(binned[:, -1])
        moments.append(_moments(stage))
    mean, std, zeros = (np.stack(rows) for rows in zip(*moments, strict=True))
    return ChannelTable(
        layer=values.layer,
        activation_kind=values.activation_kind,
        mode=values.mode,
        pictures=len(values.before),
        side=(values.before.shape[2], values.before.shape[3]),
        edges=edges,
        counts=np.stack(counts),
        below=np.stack(below),
        above=np.stack(above),
        mean=mean,
        std=std,
        zeros=zeros,
        comparison=compare_channels(values),
        dead=dead_units(values.activated),
        gamma=values.gamma,
        beta=values.beta,
        eps=values.eps,
    )


def _binned(stage: Values, edges: Array) -> Counts:
    channels, slots = stage.shape[1], len(edges) + 1
    counts = np.empty((channels, slots), dtype=np.int64)
    for channel in range(channels):  # one at a time: all at once would take several copies
        flat = stage[:, channel].astype(np.float64).reshape(-1)
        counts[channel] = np.bincount(edges.searchsorted(flat, side="right"), minlength=slots)
    return counts


def _moments(stage: Values) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Mean, standard deviation and share of zeros of each channel."""
    axes = (0, 2, 3)
    mean = stage.mean(axis=axes, dtype=np.float64)
    return mean, stage.std(axis=axes, dtype=np.float64), (stage == 0).mean(axis=axes)
