"""What the units of each tensor see of the picture, on any way through a network.

A chain's fields follow one another (`cnnviz.activations.fields`). Where branches meet, a unit sees
what it sees through any of them: the union. Three things end the arithmetic: a branch that has
pooled the whole picture and is spread over all places again (squeeze and excitation), after which
every unit sees everything; windows of different sizes; and values that no longer lie in rows and
columns of the picture, as in a transformer. The reason is kept, for whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final

from cnnviz.activations.fields import Field
from cnnviz.axis import AxisSpec

Axes = tuple[AxisSpec, AxisSpec]
Grid = tuple[int, int]
Shape = tuple[int, ...]

MAPS: Final[Grid] = (1, 2)
"""Where rows and columns are in maps (C, H, W); the batch is not counted."""


@dataclass(frozen=True, slots=True)
class Seen:
    """By the units of one tensor."""

    field: Field | None = field(default_factory=Field)
    """None where it cannot be said."""
    grid: Grid | None = MAPS
    """Which dimensions are rows and columns; None where units have no place any more."""
    sees_all: bool = False
    """Whether each unit sees the whole picture, through a branch that had pooled it."""
    joined: Field | None = None
    """What all units see together, where that is known and each one's own field is not."""
    reason: str = ""
    """Why the field cannot be said."""

    def unknown(self, reason: str, *, grid: Grid | None = None) -> Seen:
        """Of a tensor whose units' fields cannot be said any more; the first reason stays."""
        return Seen(None, grid, reason=self.reason or reason)

    def at_once(self, shape: Shape) -> Seen:
        """Of units that look at all of a tensor of this shape (without the batch)."""
        if self.grid is None:
            return self
        if self.field is None:
            return replace(self, field=self.joined, grid=None)
        rows, columns = (shape[dim] for dim in self.grid)
        return replace(self, field=self.field.joined(rows, columns), grid=None)


def through_window(before: Seen, axes: Axes) -> Seen:
    """Of a convolution or a pooling."""
    if before.grid != MAPS:
        return before.unknown("its input has no rows and columns of the picture")
    if before.field is None:
        return before
    return replace(before, field=before.field.through(axes))


def through_unequal(before: Seen, shape: Shape, sizes: str) -> Seen:
    """Of a pooling whose windows differ in size, over maps of this shape (C, H, W)."""
    if before.grid != MAPS or before.field is None:
        return before.unknown("its input has no rows and columns of the picture")
    return Seen(
        None,
        MAPS,
        before.sees_all,
        before.field.joined(shape[1], shape[2]),
        f"its windows differ in size: {sizes}",
    )


def meet(branches: Sequence[Seen], shapes: Sequence[Shape]) -> Seen:
    """Of units to which branches lead: added, multiplied or put one behind the other.

    shapes: of the branches, without the batch. A branch of one unit is spread over all places.
    """
    whole = max(range(len(branches)), key=lambda n: (len(shapes[n]), prod(shapes[n])))
    result, size = branches[whole], _places(branches[whole], shapes[whole])
    for branch, shape in zip(branches, shapes, strict=True):
        if branch is branches[whole] or branch == result:
            continue
        if result.field is None or branch.field is None:
            return result.unknown(branch.reason, grid=result.grid)
        if size != _places(branch, shape) and prod(_places(branch, shape)) == 1:
            result = replace(result, sees_all=True)
            continue
        assert result.field is not None
        union = result.field.union(branch.field)
        if union is None or result.grid != branch.grid:
            return result.unknown("branches with different jumps meet", grid=result.grid)
        result = replace(result, field=union, sees_all=result.sees_all or branch.sees_all)
    return result


def rearranged(before: Seen, inputs: Shape, output: Shape) -> Seen:
    """Of a view or a reshape; shapes are without the batch."""
    if before.grid is None or inputs == output:
        return before
    if len(output) == 1 and prod(inputs) == prod(output):
        return before.at_once(inputs)
    last = (len(inputs) - 2, len(inputs) - 1)
    if before.grid == last and inputs[-2:] == output[-2:] and len(output) > 2:
        return replace(before, grid=(len(output) - 2, len(output) - 1))
    return before.unknown("its values no longer lie in rows and columns of the picture")


def permuted(before: Seen, order: Sequence[int]) -> Seen:
    """Of dimensions in another order, the batch counted as 0 and first."""
    if before.grid is None:
        return before
    if not order or order[0] != 0:
        return before.unknown("its values no longer lie in rows and columns of the picture")
    rows, columns = (order.index(dim + 1) - 1 for dim in before.grid)
    return replace(before, grid=(rows, columns))


def through_linear(before: Seen, inputs: Shape) -> Seen:
    """Of a linear layer: over a grid's channels in the last dimension it is a 1×1 convolution."""
    if before.grid is None or len(inputs) - 1 not in before.grid:
        return before
    return before.at_once(inputs)


def through_mean(before: Seen, inputs: Shape, dims: Sequence[int] | None) -> Seen:
    """Of a mean over dimensions, the batch counted as 0."""
    if before.grid is None:
        return before
    counted = {dim % (len(inputs) + 1) - 1 for dim in dims or ()}
    if set(before.grid) <= counted:
        return before.at_once(inputs)
    if counted.isdisjoint(before.grid):
        return before.unknown("a mean over channels is not followed")
    return before.unknown("a mean over one side of the picture is not followed")


def over_whole_maps(before: Seen) -> Seen:
    """Of a normalization by a mean over whole maps: every unit sees everything through it."""
    return before if before.grid is None else replace(before, sees_all=True)


POINTWISE: Final = frozenset(
    {
        "relu", "relu_", "relu6", "gelu", "elu", "selu", "celu", "silu", "sigmoid", "tanh",
        "mish", "softplus", "leaky_relu", "hardtanh", "hardswish", "hardsigmoid", "threshold",
        "logsigmoid", "softsign", "prelu", "rrelu", "dropout", "dropout1d", "dropout2d",
        "dropout3d", "alphadropout", "stochasticdepth", "identity", "batchnorm1d", "batchnorm2d",
        "batch_norm", "localresponsenorm", "softmax", "log_softmax", "logsoftmax", "softmax2d",
        "add", "sub", "mul", "div", "neg", "scale", "clamp", "normalize", "contiguous", "clone",
    }
)  # fmt: skip
"""Kinds, in lower case, whose units see what the unit before them sees; a softmax or a
normalization over channels too."""


def through_other(
    kind: str, before: Seen, inputs: Shape, output: Shape, arguments: Mapping[str, Any]
) -> Seen:
    """Of any other layer or function of one tensor."""
    name = kind.lower()
    if before.grid is None:
        # Without places, whatever joins features changes nothing; what joins tokens is not known.
        return before
    if name in ("groupnorm", "group_norm", "instancenorm2d", "instance_norm"):
        return over_whole_maps(before)
    if name in ("layernorm", "layernorm2d", "layer_norm"):
        dims = len(arguments.get("normalized_shape", ()))
        is_inside = name == "layernorm2d" or not (
            set(range(len(inputs) - dims, len(inputs))) & set(before.grid)
        )
        return before if is_inside else over_whole_maps(before)
    places = [tuple(shape[dim] for dim in before.grid) for shape in (inputs, output)
              if len(shape) > max(before.grid)]  # fmt: skip
    is_same = len(inputs) == len(output) and len(places) == 2 and places[0] == places[1]
    if is_same and (name in POINTWISE or name in ("chunk", "split", "channelshuffle", "unbind")):
        return before
    return before.unknown(f"{kind} is not followed")


def _places(seen: Seen, shape: Shape) -> tuple[int, ...]:
    if seen.grid is None:
        return (1,)
    return tuple(shape[dim] for dim in seen.grid)
