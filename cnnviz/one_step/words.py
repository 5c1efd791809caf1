"""Numbers, sums and places as the telling writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from cnnviz.one_step.network import Array

Place = tuple[int, int]

_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def text(value: float) -> str:
    """A number with at most three decimals: 0.5, −0.217; small ones and large ones by powers."""
    value = float(value) + 0.0  # -0.0 becomes 0.0
    if value == 0 or 0.0005 <= abs(value) < 10_000:
        short = f"{value:.3f}".rstrip("0").rstrip(".")
    else:
        front, power = f"{value:.0e}".split("e")
        short = f"{front}·10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return short.replace("-", "−")


def bracketed(value: float) -> str:
    """A number on the right of a sign."""
    return f"({text(value)})" if value < 0 else text(value)


def products(pairs: Iterable[tuple[float, float]]) -> str:
    """A sum of products, without those that are 0."""
    terms = [f"{bracketed(one)}·{bracketed(other)}" for one, other in pairs if one and other]
    return " + ".join(terms) or "0"


def at(letter: str, *place: int | np.integer[Any]) -> str:
    """A letter with its place as subscripts."""
    return letter + "".join(str(int(number)) for number in place).translate(_SUBSCRIPTS)


def block(top: int, left: int, height: int, width: int) -> frozenset[Place]:
    """All places of a rectangle."""
    return frozenset(
        (row, column) for row in range(top, top + height) for column in range(left, left + width)
    )


def greatest(values: Array) -> Place:
    """Where the greatest is."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)


def count_words(some: int, of: int, one: str, many: str) -> str:
    """Some of so many, with its verb."""
    return f"{some or 'None'} of {of} {one if some == 1 else many}"


def percent(share: float) -> str:
    """With one decimal."""
    return f"{math.floor(1000 * share + 0.5) / 10:g} %"
