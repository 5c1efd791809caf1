"""One stage of the telling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cnnviz.one_step.words import Place

Phase = Literal["Forward", "Backward", "Update"]
Marks = Mapping[str, frozenset[Place]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the telling."""

    key: str
    title: str
    phase: Phase
    lines: tuple[str, ...]
    """Sentences and sums, as plain text."""
    marks: Marks = field(default_factory=dict)
    """Numbers that are written out, by the tensor's letter."""
    grad_marks: Marks = field(default_factory=dict)
    """The same of the derivatives."""
