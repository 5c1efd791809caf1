"""Checks of single settings: whole numbers, (height, width) pairs, and how large is too large.

A check returns the setting in its one normal form, or raises an error whose message says what was
given and what would do.
"""

from __future__ import annotations

import operator

from cnnviz.errors import NoOutputError, SettingError

Pair = tuple[int, int]  # (height, width)

MAX_SETTING = 2**63 - 1  # PyTorch holds settings in 64-bit integers
MAX_CELLS = 2**24  # the largest array that is computed here: 128 MiB of float64


def whole_number(name: str, value: object, *, least: int | None) -> int:
    """``value`` as an int (numpy's integers too), at least ``least``; else SettingError."""
    wanted = "a whole number" if least is None else f"a whole number from {least} up"
    try:
        if isinstance(value, bool):  # True is an int to Python, but nobody means it as one
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SettingError(f"{name} is {shown(value)}: use {wanted}") from None
    if abs(number) > MAX_SETTING:
        raise SettingError(f"{name} has {number.bit_length()} bits: use a number below 2^63")
    if least is not None and number < least:
        raise SettingError(f"{name} is {number}: use {wanted}")
    return number


def pair(name: str, value: object, *, least: int) -> Pair:
    """An int or a (height, width) pair as a pair of ints, each at least ``least``."""
    if not isinstance(value, tuple | list):
        number = whole_number(name, value, least=least)
        return number, number
    if len(value) != 2:
        raise SettingError(f"{name} has {len(value)} values: use one number, or (height, width)")
    return (
        whole_number(f"{name} (height)", value[0], least=least),
        whole_number(f"{name} (width)", value[1], least=least),
    )


def check_cells(what: str, *shape: int) -> None:
    """Refuse ``what`` by NoOutputError, before it is allocated, if it exceeds MAX_CELLS cells."""
    cells = 1
    for length in shape:
        cells *= length
    if cells > MAX_CELLS:
        raise NoOutputError(
            f"{what} would have {' x '.join(f'{length:,}' for length in shape)} cells, more than "
            f"the {MAX_CELLS:,} that are computed here: use smaller settings or a smaller input"
        )


def shown(value: object) -> str:
    """``value`` for a message, cut short, since it may come from a hostile link."""
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python prints
        return f"a {type(value).__name__} that is too long to print"
    return text if len(text) <= 60 else text[:57] + "..."
