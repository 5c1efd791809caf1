"""Digits that are already drawn: what the pad opens with, and what a lesson can point at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from cnnviz.digits.ink import Stroke, Strokes


@dataclass(frozen=True, slots=True)
class Example:
    """Strokes that can be chosen by name."""

    key: str
    title: str
    strokes: Strokes
    digit: int | None
    """What it is; None if that is the question."""


def _arc(
    middle: tuple[int, int], radius: tuple[int, int], start: int, end: int, points: int = 13
) -> Stroke:
    """Part of an ellipse, by angles in degrees, clockwise from the right."""
    angles = [math.radians(start + (end - start) * k / (points - 1)) for k in range(points)]
    return tuple(
        (
            round(middle[0] + radius[0] * math.cos(angle)),
            round(middle[1] + radius[1] * math.sin(angle)),
        )
        for angle in angles
    )


_THREE: Final[Strokes] = (
    _arc((135, 90), (52, 45), -150, 90) + _arc((135, 188), (62, 53), -90, 150),
)

DIGITS: Final[tuple[Strokes, ...]] = (
    (_arc((140, 140), (65, 95), -90, 270, 17),),
    (((118, 78), (150, 45), (150, 235)),),
    ((*_arc((138, 92), (58, 50), -160, 30), (150, 160), (78, 232), (212, 230)),),
    _THREE,
    (((150, 45), (75, 165), (215, 165)), ((170, 110), (168, 240))),
    (((200, 50), (105, 50), (98, 128), *_arc((135, 175), (68, 58), -115, 150, 11)),),
    (((175, 45), (120, 105), *_arc((140, 180), (55, 55), 200, 560, 15)),),
    (((75, 55), (205, 55), (125, 240)),),
    (
        _arc((140, 90), (45, 45), -45, -270, 11)
        + _arc((140, 190), (55, 55), -90, 270, 15)
        + _arc((140, 90), (45, 45), 90, -45, 6),
    ),
    ((*_arc((140, 95), (50, 50), 0, -350, 13), (190, 90), (184, 160), (165, 240)),),
)
"""One of each, by what it is."""

EXAMPLES: Final[tuple[Example, ...]] = (
    *(Example(str(digit), f"a {digit}", strokes, digit) for digit, strokes in enumerate(DIGITS)),
    Example(
        "four-or-nine",
        "4 or 9?",
        (((112, 62), (92, 138), (188, 138)), ((188, 62), (184, 240))),
        None,
    ),
    Example(
        "one-or-seven",
        "1 or 7?",
        (((98, 72), (128, 62), (164, 52), (158, 140), (146, 238)),),
        None,
    ),
    Example(
        "letter",
        "no digit at all: A",
        (((75, 235), (140, 45), (205, 235)), ((100, 165), (180, 165))),
        None,
    ),
    Example(
        "corner",
        "a small 3 in a corner",
        tuple(tuple((20 + x // 3, 10 + y // 3) for x, y in stroke) for stroke in _THREE),
        3,
    ),
)
