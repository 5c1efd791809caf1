"""What a trace finds: the steps of a picture's way, and the first that does not fit."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from cnnviz.model_text.blueprint import NetworkText
from cnnviz.model_text.places import Place

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One layer or function, as a picture passes through it."""

    name: str
    """features.0, or F.relu."""
    kind: str
    """Conv2d, or torch.nn.functional.relu, or + or view."""
    arguments: Mapping[str, Any]
    """Plain ones, that were given."""
    place: Place
    """Where it is made, or the function is called."""
    used_at: Place | None
    """Where forward calls it, if it is a layer of a class."""
    inputs: tuple[Shape, ...]
    """Without the batch."""
    output: Shape
    """Without the batch."""
    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first layer or function that does not fit."""

    name: str
    kind: str
    arguments: Mapping[str, Any]
    place: Place
    used_at: Place | None
    inputs: tuple[Shape, ...]
    """Without the batch, as far as each has one."""
    message: str | None
    """PyTorch's own; None where PyTorch says nothing, because the batch was mixed."""
    output: Shape | None
    """With the batch, where the batch was mixed."""
    before: tuple[Step, ...]
    """What fits, up to it."""
    is_in_chain: bool
    """Whether it stands in an nn.Sequential."""
    call: ast.AST | None
    """Where it is made or called, as it was read."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A text's network and a picture that passes through it."""

    text: NetworkText
    input_shape: tuple[int, int, int]
    steps: tuple[Step, ...]
    """Up to what does not fit."""
    misfit: Misfit | None
    parameters: int
    """Of the whole network, used or not."""

    @property
    def output(self) -> Shape | None:
        """What comes out at the end, without the batch; None if nothing does."""
        return None if self.misfit is not None or not self.steps else self.steps[-1].output

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture, of the layers that fit."""
        return sum(step.macs for step in self.steps)

    @property
    def cells(self) -> int:
        """Numbers that all layers put out for one picture."""
        return sum(prod(step.output) for step in self.steps)
