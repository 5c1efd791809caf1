"""Average against maximum: the same maps pooled both ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from cnnviz.activations.passage import chain_of
from cnnviz.activations.window_specs import pool_spec
from cnnviz.errors import SettingError
from cnnviz.geometry import PoolKind, PoolSpec
from cnnviz.pooling import average_pool, max_pool

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PooledBothWays:
    """Maps, and what each kind of pooling leaves of them."""

    maps: Array
    """(C, H, W)."""
    own: PoolKind
    """The kind that the network has there."""
    average: Array
    maximum: Array
    """(C, Ho, Wo)."""

    @property
    def difference(self) -> Array:
        """Maximum minus average: never below 0."""
        return self.maximum - self.average


def poolings_of(network: nn.Module) -> tuple[str, ...]:
    """The names of the max and average poolings of a chain of layers, in order."""
    return tuple(
        name
        for name, module in chain_of(network)
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d)
    )


def pool_both_ways(maps: npt.NDArray[np.float32], pooling: nn.Module) -> PooledBothWays:
    """Maps (C, H, W) by a pooling's window: by average and by maximum."""
    spec = pool_spec(pooling, *maps.shape[1:])
    if spec is None:
        raise SettingError(f"a layer of kind {type(pooling).__name__} pools nothing")
    if spec.padding != (0, 0) or spec.dilation != (1, 1):
        raise SettingError("use a pooling without padding and dilation: only those have both kinds")
    values = maps.astype(np.float64)
    return PooledBothWays(
        values,
        spec.kind,
        average_pool(values, as_kind(spec, "average")),
        max_pool(values, as_kind(spec, "max")),
    )


def as_kind(spec: PoolSpec, kind: PoolKind) -> PoolSpec:
    """The same window for the other kind of pooling."""
    return PoolSpec(kind, spec.kernel_size, spec.stride, ceil_mode=spec.ceil_mode)
