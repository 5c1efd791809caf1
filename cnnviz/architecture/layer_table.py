"""A network as a table: what each layer puts out and why, what it holds, computes and sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import nn

from cnnviz.activations.fields import Field
from cnnviz.activations.window_specs import window_axes
from cnnviz.architecture.formulas import (
    BYTES,
    LINEAR,
    mac_formula,
    memory_formula,
    parameter_formula,
    short_kind,
    size_formula,
)
from cnnviz.architecture.operation import Shape
from cnnviz.architecture.record import PICTURE, Recorded, record
from cnnviz.architecture.seen import (
    Seen,
    meet,
    permuted,
    rearranged,
    through_linear,
    through_mean,
    through_other,
    through_unequal,
    through_window,
)
from cnnviz.errors import SettingError


@dataclass(frozen=True, slots=True, eq=False)
class LayerRow:
    """One layer or function, as one picture passes through it."""

    name: str
    kind: str
    arguments: Mapping[str, Any]
    sources: tuple[str, ...]
    """Names of the rows whose outputs it takes; `picture` is none of them."""
    inputs: tuple[Shape, ...]
    """Without the batch."""
    output: Shape
    size_formula: str
    parameters: int
    parameter_formula: str
    macs: int
    """Multiply-accumulates for one picture."""
    mac_formula: str
    memory: int
    """Bytes that the output takes in float32."""
    memory_formula: str
    field: Field | None
    """What its units see of the picture; None where it cannot be said."""
    sees_all: bool
    """Whether each unit sees the whole picture besides, through a branch that had pooled it."""
    reason: str
    """Why the field cannot be said."""

    @property
    def effective_padding(self) -> tuple[int, int] | None:
        """Pixels by which the first unit's field begins before the picture, height first."""
        if self.field is None:
            return None
        return -self.field.rows.start, -self.field.columns.start

    @property
    def jump(self) -> tuple[int, int] | None:
        """Pixels from one unit's field to the next one's, height first."""
        return None if self.field is None else (self.field.rows.jump, self.field.columns.jump)


@dataclass(frozen=True, slots=True, eq=False)
class LayerTable:
    """All layers of a network for one picture."""

    input_shape: tuple[int, int, int]
    rows: tuple[LayerRow, ...]
    parameters: int
    """Of the whole network."""

    @property
    def macs(self) -> int:
        """Of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes of all outputs in float32: what a training keeps of one picture."""
        return sum(row.memory for row in self.rows)

    def row(self, name: str) -> LayerRow:
        """SettingError if there is none of that name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise SettingError(f"there is no layer {name!r} in this network")


def layer_table(network: nn.Module, input_shape: tuple[int, int, int]) -> LayerTable:
    """Every layer and function on the way of one picture (C, H, W), in the order of use.

    The network must be on the device "meta": nothing is computed but shapes. ShapeError if it does
    not take such a picture, StoppedError if it is too long to be told.
    """
    recording = record(network, input_shape)
    seen: list[Seen] = []
    rows: list[LayerRow] = []
    for step in recording.steps:
        before = [Seen() if place == PICTURE else seen[place] for place in step.sources]
        seen.append(_seen(step, before))
        rows.append(
            LayerRow(
                name=step.name,
                kind=step.kind,
                arguments=step.arguments,
                sources=tuple(rows[place].name for place in step.sources if place != PICTURE),
                inputs=step.inputs,
                output=step.output,
                size_formula=size_formula(step),
                parameters=step.parameters,
                parameter_formula=parameter_formula(step),
                macs=step.macs,
                mac_formula=mac_formula(step),
                memory=BYTES * prod(step.output),
                memory_formula=memory_formula(step),
                field=seen[-1].field,
                sees_all=seen[-1].sees_all,
                reason=seen[-1].reason,
            )
        )
    return LayerTable(input_shape, tuple(rows), recording.parameters)


def _seen(step: Recorded, before: list[Seen]) -> Seen:
    if not before:
        return Seen().unknown("what it takes of the picture is not followed")
    if len(before) != 1:
        return meet(before, step.inputs)
    (only,), (shape,) = before, step.inputs
    kind = short_kind(step.kind)
    if step.window is not None:
        if len(shape) != 3:
            return only.unknown("its input has no rows and columns of the picture")
        return _through(step.window, only, shape)
    if kind in LINEAR:
        return through_linear(only, shape)
    if kind == "cat":
        return only  # a list of one
    if kind == "mean":
        dims = step.arguments.get("dim")
        return through_mean(only, shape, dims if isinstance(dims, tuple | list) else None)
    if kind in ("permute", "transpose", "Permute"):
        order = step.arguments.get("order", step.arguments.get("dims", ()))
        return permuted(only, order)
    if kind in ("Flatten", "flatten", "view", "reshape", "unflatten", "squeeze", "unsqueeze"):
        return rearranged(only, shape, step.output)
    return through_other(kind, only, shape, step.output, step.arguments)


def _through(window: nn.Module, before: Seen, shape: Shape) -> Seen:
    _, height, width = shape
    try:
        axes = window_axes(window, height, width)
    except SettingError:
        output = getattr(window, "output_size", "")
        return through_unequal(before, shape, f"{height} × {width} to {output}")
    return before if axes is None else through_window(before, axes)
