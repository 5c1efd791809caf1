"""Reads settings from a URL: nonsense becomes the nearest valid value, and a sentence says so.

A query is what anybody can type behind a `?`. Nothing here raises, whatever the text; every change
that was made to it is told in `QueryReader.notes`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

Cells = tuple[tuple[float, ...], ...]
"""One plane of cells: rows of numbers."""

SHOWN_CHARACTERS = 24

Option = TypeVar("Option", bound=str)


class QueryReader:
    """Takes one value after another out of a query and notes what it had to change."""

    def __init__(self, query: Mapping[str, str], *, decimals: int | None = 4) -> None:
        """decimals: how many are kept of a number that need not be whole; None keeps all."""
        self._query = query
        self._decimals = decimals
        self.notes: list[str] = []

    def given(self, name: str) -> str | None:
        """The raw text, or None where the query does not have it."""
        return self._query.get(name)

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number within low..high."""
        value = self._finite(name, default)
        if value is None:
            return default
        whole = math.floor(value + 0.5) if low <= value <= high else (low if value < low else high)
        if whole != value:
            self._note(name, f"is now {whole} (whole numbers from {low} to {high})")
        return whole

    def number(self, name: str, limit: float, default: float, *, low: float | None = None) -> float:
        """A number from `low` to `limit`; within ±limit unless `low` is given."""
        value = self._finite(name, default)
        if value is None:
            return default
        low = -limit if low is None else low
        near = self._round(max(low, min(limit, value)))
        if not low <= value <= limit:
            self._note(name, f"is now {near:g} (numbers from {low:g} to {limit:g})")
        return near

    def choice(self, name: str, options: Sequence[Option], default: Option) -> Option:
        """One of the named options."""
        text = self.given(name)
        if text is None:
            return default
        for option in options:
            if text.strip().lower() == option:
                return option
        self._note(name, f"is now {default} (there are {', '.join(options)})")
        return default

    def switch(self, name: str, default: bool = False) -> bool:
        """On or off, written 1 or 0."""
        text = self.given(name)
        if text is None:
            return default
        if text.strip().lower() in ("1", "true", "yes", "on"):
            return True
        if text.strip().lower() in ("0", "false", "no", "off"):
            return False
        self._note(name, f"is now {int(default)} (1 or 0)")
        return default

    def planes(
        self, name: str, shape: tuple[int, int, int], limit: float
    ) -> tuple[Cells, ...] | None:
        """Planes of cells of this (planes, rows, columns) shape; None where they do not fit.

        The text is what `write_planes` writes.
        """
        text = self.given(name)
        if text is None:
            return None
        count, rows, columns = shape
        if len(text) > 26 * count * rows * columns:
            self._note(name, "is left out (too long)")
            return None
        planes = [
            [row.split("_") for row in plane.split("~")] for plane in text.strip().split("~~")
        ]
        if [[len(row) for row in plane] for plane in planes] != [[columns] * rows] * count:
            self._note(name, f"is left out (it must hold {_shape_text(shape)} numbers)")
            return None
        numbers = [[[_parse(cell) for cell in row] for row in plane] for plane in planes]
        if any(
            value is None or not abs(value) <= limit
            for plane in numbers
            for row in plane
            for value in row
        ):
            self._note(name, f"is left out (every cell must be a number within ±{limit:g})")
            return None
        return tuple(
            tuple(tuple(self._round(value or 0.0) for value in row) for row in plane)
            for plane in numbers
        )

    def _round(self, value: float) -> float:
        kept = value if self._decimals is None else round(value, self._decimals)
        return kept + 0.0  # -0.0 becomes 0.0

    def _finite(self, name: str, default: float) -> float | None:
        text = self.given(name)
        if text is None:
            return None
        value = _parse(text)
        if value is None or math.isnan(value):
            self._note(name, f"is not a number: {default:g} is kept")
            return None
        return value

    def _note(self, name: str, what: str) -> None:
        self.notes.append(f"{name}={shorten(self._query[name])} {what}.")


def write_planes(planes: Sequence[Sequence[Sequence[float]]]) -> str:
    """Planes as text that a URL carries unescaped: `_` between cells, `~` rows, `~~` planes."""
    return "~~".join(
        "~".join("_".join(write_number(value) for value in row) for row in plane)
        for plane in planes
    )


def write_number(value: float) -> str:
    """The shortest text of a number: 1 rather than 1.0."""
    return str(int(value)) if value == int(value) else repr(value)


def shorten(text: str) -> str:
    """What of a viewer's own text is repeated to them: printable, and not much of it."""
    clean = "".join(ch if ch.isprintable() else "?" for ch in text[: SHOWN_CHARACTERS + 1])
    return clean[:SHOWN_CHARACTERS] + "…" if len(clean) > SHOWN_CHARACTERS else clean


def _parse(text: str) -> float | None:
    if len(text) > 32:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _shape_text(shape: tuple[int, int, int]) -> str:
    count, rows, columns = shape
    return f"{rows}×{columns}" if count == 1 else f"{count} times {rows}×{columns}"
