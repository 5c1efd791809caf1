"""Samples in, statistics and tables out. Knows nothing of browsers and servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, interpolated as numpy does."""
    if not values:
        raise ValueError("no percentile of nothing: give at least one value")
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Series:
    """Times of one thing that was measured repeatedly, in milliseconds."""

    name: str
    values_ms: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values_ms:
            raise ValueError(f"{self.name}: nothing was measured")

    @property
    def count(self) -> int:
        """How many times were measured."""
        return len(self.values_ms)

    @property
    def median(self) -> float:
        """Half of the times are shorter."""
        return percentile(self.values_ms, 0.5)

    @property
    def p95(self) -> float:
        """95 in 100 of the times are shorter."""
        return percentile(self.values_ms, 0.95)

    @property
    def worst(self) -> float:
        """The longest time."""
        return max(self.values_ms)

    def to_json(self) -> dict[str, object]:
        """Statistics and every sample, in the order they were taken."""
        return {
            "name": self.name,
            "count": self.count,
            "median_ms": round(self.median, 2),
            "p95_ms": round(self.p95, 2),
            "worst_ms": round(self.worst, 2),
            "values_ms": [round(value, 2) for value in self.values_ms],
        }


def pool_series(name: str, parts: Sequence[Series]) -> Series:
    """All samples of several series as one."""
    return Series(name, tuple(value for part in parts for value in part.values_ms))


def walk_values(start: int, far: int, moves: int) -> tuple[int, ...]:
    """At least `moves` neighbouring values: from `start` to `far` and back, in whole rounds.

    `start` itself is not named first and is always last, so that a walk changes nothing for good.
    """
    if start == far:
        raise ValueError(f"a walk needs two ends, not {start} twice")
    if moves < 1:
        raise ValueError(f"a walk has at least one move, not {moves}")
    step = 1 if far > start else -1
    there = list(range(start + step, far + step, step))
    back = list(range(far - step, start - step, -step))
    rounds = -(-moves // (len(there) + len(back)))
    walked = (there + back) * rounds
    assert all(abs(b - a) == 1 for a, b in pairwise([start, *walked]))
    return tuple(walked)


def format_ms(value: float) -> str:
    """Milliseconds to one decimal below 100, whole ones above."""
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def format_pair(series: Series) -> str:
    """Median and 95th percentile, as "7.1 / 12.4"."""
    return f"{format_ms(series.median)} / {format_ms(series.p95)}"


def format_ratio(baseline: Series, series: Series) -> str:
    """How many times longer the baseline takes: of the medians and of the 95th percentiles."""
    ratios = (baseline.median / series.median, baseline.p95 / series.p95)
    return " / ".join(f"{ratio:.1f}×" if ratio < 100 else f"{ratio:.0f}×" for ratio in ratios)


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that also reads well in a terminal: first column left, others right."""
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} cells where the header has {len(header)}")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(line(cells) for cells in (header, rule, *rows))
