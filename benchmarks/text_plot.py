"""Points as characters, for a report that is read in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

WIDTH: Final = 72
HEIGHT: Final = 16


def text_plot(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_format: str,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """Points (x, y) by the character that marks them; x from 0, y over the range of all points.

    Where two fall on one place the later series is seen. y_format: as `format` takes it.
    """
    points = [point for values in series.values() for point in values]
    if not points:
        raise ValueError("no plot of nothing: give at least one point")
    if any(len(mark) != 1 for mark in series):
        raise ValueError(f"a mark is one character: {', '.join(map(repr, series))}")
    right = max(x for x, _ in points) or 1.0
    low, high = min(y for _, y in points), max(y for _, y in points)
    rise = (high - low) or 1.0
    grid = [[" "] * width for _ in range(height)]
    for mark, values in series.items():
        for x, y in values:
            row = height - 1 - round((y - low) / rise * (height - 1))
            grid[row][round(x / right * (width - 1))] = mark
    labels = {0: format(high, y_format), height - 1: format(low, y_format)}
    margin = max(map(len, labels.values()))
    lines = [
        f"{labels.get(number, ''):>{margin}} |{''.join(row)}".rstrip()
        for number, row in enumerate(grid)
    ]
    lines.append(f"{'':{margin}} +{'-' * width}")
    end = f"{right:.0f}"
    lines.append(f"{'':{margin}}  0{x_label:^{width - 1 - len(end)}}{end}")
    return "\n".join(lines)
