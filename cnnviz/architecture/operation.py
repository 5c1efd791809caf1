"""What the arithmetic of a layer follows from; a step of a pasted text has it, and so has a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Shape = tuple[int, ...]


class Operation(Protocol):
    """One layer or function, as one picture passes through it."""

    @property
    def kind(self) -> str:
        """Conv2d, or torch.nn.functional.relu, or + or view."""
        ...

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Plain ones, as its class or function names them; what is not there is the default."""
        ...

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """Without the batch."""
        ...

    @property
    def output(self) -> Shape:
        """Without the batch."""
        ...

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        ...

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture."""
        ...
