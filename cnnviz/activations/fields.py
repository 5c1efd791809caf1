"""Which part of the picture a unit of some layer sees: its receptive field.

Worked out one axis at a time, from the picture towards the layer. A convolution or a pooling with
kernel k, stride s, padding p and dilation d takes fields of a size, a jump (from one unit's field
to the next one's) and a start (of the first unit's field) to

    size + d(k-1) jump,    jump s,    start - p jump

Source: Araujo, Norris, Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks",
Distill, https://distill.pub/2019/computing-receptive-fields
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz.axis import AxisSpec


@dataclass(frozen=True, slots=True)
class AxisField:
    """Along one axis: the fields of all units of a layer, in pixels of the picture.

    As it stands, each unit is a pixel and sees itself.
    """

    size: int = 1
    jump: int = 1
    start: int = 0
    """The first pixel that unit 0 sees; negative in the padding."""

    def through(self, axis: AxisSpec) -> AxisField:
        """Of the layer that slides such a window over this one."""
        return AxisField(
            size=self.size + (axis.extent - 1) * self.jump,
            jump=self.jump * axis.stride,
            start=self.start - axis.pad_before * self.jump,
        )

    def joined(self, units: int) -> AxisField:
        """Of the units of a layer that looks at all of these many units at once."""
        return AxisField(self.size + (units - 1) * self.jump, self.jump * units, self.start)

    def union(self, other: AxisField) -> AxisField | None:
        """Of units that see what both see: branches that meet. None where the jumps differ."""
        if self.jump != other.jump:
            return None
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return AxisField(end - start, self.jump, start)

    def first(self, unit: int) -> int:
        """The first pixel that this unit sees; it may lie in the padding."""
        return self.start + unit * self.jump


@dataclass(frozen=True, slots=True)
class Field:
    """Of the units of a layer, height first."""

    rows: AxisField = AxisField()
    columns: AxisField = AxisField()

    def through(self, axes: tuple[AxisSpec, AxisSpec]) -> Field:
        """Of the layer that slides such a window over this one."""
        return Field(self.rows.through(axes[0]), self.columns.through(axes[1]))

    def joined(self, height: int, width: int) -> Field:
        """Of the units of a layer that looks at a whole map of this size."""
        return Field(self.rows.joined(height), self.columns.joined(width))

    def union(self, other: Field) -> Field | None:
        """Of units that see what both see: branches that meet. None where the jumps differ."""
        rows, columns = self.rows.union(other.rows), self.columns.union(other.columns)
        return None if rows is None or columns is None else Field(rows, columns)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), in pixels."""
        return self.rows.size, self.columns.size

    def first(self, row: int, column: int) -> tuple[int, int]:
        """(row, column) of the first pixel that a unit sees; it may lie in the padding."""
        return self.rows.first(row), self.columns.first(column)
