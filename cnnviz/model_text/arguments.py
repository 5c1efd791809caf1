"""What each argument of a layer or a function may be; PyTorch never sees any other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cnnviz.model_text import bounds
from cnnviz.model_text.expressions import PLAIN, is_number
from cnnviz.model_text.places import meant, refusal
from cnnviz.settings import shown


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of argument."""

    words: str
    """What would do: a whole number from 1 to 1,048,576."""
    takes: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a layer or a function."""

    name: str
    kind: Kind
    is_required: bool
    takes_rest: bool = False
    """All that is given by place: the lengths of `x.view(-1, 400)`."""


Signature = tuple[Parameter, ...]


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _one_or(count: int, takes: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """One such number, or so many in a tuple."""
    return lambda value: (
        takes(value)
        or (isinstance(value, tuple | list) and len(value) == count and all(map(takes, value)))
    )


def _several(most: int, takes: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, tuple | list) and 0 < len(value) <= most and all(map(takes, value))
    )


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: is_number(value) and low <= value <= high


def _is_tensor(value: Any) -> bool:
    return not isinstance(value, PLAIN)


_DIM: Final = _whole(-6, 5)
_DIMS: Final = _several(4, _DIM)
_LENGTH: Final = _whole(-1, bounds.MAX_COUNT)
_EDGE: Final = _one_or(2, _whole(0, bounds.MAX_WINDOW))
_PADDINGS: Final = ("zeros", "reflect", "replicate", "circular")
_KINDS: Final[Mapping[str, Kind]] = {
    "count": Kind(f"a whole number from 1 to {bounds.MAX_COUNT:,}", _whole(1, bounds.MAX_COUNT)),
    "window": Kind(
        f"a whole number from 1 to {bounds.MAX_WINDOW:,}, or (height, width)",
        _one_or(2, _whole(1, bounds.MAX_WINDOW)),
    ),
    "stride": Kind(
        f"a whole number from 1 to {bounds.MAX_WINDOW:,}, (height, width) or None",
        lambda v: v is None or _one_or(2, _whole(1, bounds.MAX_WINDOW))(v),
    ),
    "edge": Kind(
        f"a whole number from 0 to {bounds.MAX_WINDOW:,}, or (height, width)",
        _EDGE,
    ),
    "padding": Kind(
        f'a whole number from 0 to {bounds.MAX_WINDOW:,}, (height, width), "same" or "valid"',
        lambda v: v in ("same", "valid") if isinstance(v, str) else _EDGE(v),
    ),
    "size": Kind(
        f"a whole number from 1 to {bounds.MAX_SIDE}, or (height, width)",
        _one_or(2, lambda v: v is None or _whole(1, bounds.MAX_SIDE)(v)),
    ),
    "sides": Kind(
        f"a whole number from 0 to {bounds.MAX_WINDOW:,}, or (left, right, top, bottom)",
        _one_or(4, _whole(0, bounds.MAX_WINDOW)),
    ),
    "margins": Kind(
        f"whole numbers from 0 to {bounds.MAX_WINDOW:,}: (left, right, top, bottom)",
        lambda v: _several(4, _whole(0, bounds.MAX_WINDOW))(v) and len(v) % 2 == 0,
    ),
    "shape": Kind(
        "whole numbers, such as (16, 5, 5)",
        lambda v: _LENGTH(v) or _several(5, _LENGTH)(v),
    ),
    "flag": Kind("True or False", lambda v: isinstance(v, bool)),
    "off": Kind("left out: its second output is not read here", lambda v: v is False),
    "share": Kind("a number from 0 to 1", _number(0, 1)),
    "momentum": Kind("a number from 0 to 1, or None", lambda v: v is None or _number(0, 1)(v)),
    "number": Kind("a number from -1,000,000 to 1,000,000", _number(-1e6, 1e6)),
    "small": Kind("a number above 0, at most 1", lambda v: _number(0, 1)(v) and v > 0),
    "scale": Kind("a number from 1 to 8", _number(1, 8)),
    "dim": Kind("a whole number: which dimension", _DIM),
    "dims": Kind("a whole number or several: which dimensions", lambda v: _DIM(v) or _DIMS(v)),
    "mode": Kind('"zeros", "reflect", "replicate" or "circular"', lambda v: v in _PADDINGS),
    "blend": Kind('"nearest" or "bilinear"', lambda v: v in ("nearest", "bilinear")),
    "tanh": Kind('"none" or "tanh"', lambda v: v in ("none", "tanh")),
    "none": Kind("left out", lambda v: v is None),
    "tensor": Kind("what a layer puts out", _is_tensor),
    "term": Kind("what a layer puts out, or a number", lambda v: _is_tensor(v) or is_number(v)),
    "tensors": Kind("several outputs in brackets: [x, y]", _several(16, _is_tensor)),
}


def signature(text: str) -> Signature:
    """Parameters from a line such as `in_channels:count! bias:flag`; `!` must be given."""
    found = []
    for word in text.split():
        name, _, kind = word.partition(":")
        plain = kind.rstrip("!*")
        found.append(Parameter(name, _KINDS[plain], "!" in kind, "*" in kind))
    return tuple(found)


def bind(
    call: ast.Call,
    name: str,
    parameters: Signature,
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of a call by name, each checked; only what was given is in it."""
    given = _by_name(call, name, parameters, positional, keywords)
    for parameter in parameters:
        if parameter.name not in given:
            if parameter.is_required:
                raise refusal(call, f"{name} needs {parameter.name}: {parameter.kind.words}")
        elif not parameter.kind.takes(given[parameter.name]):
            value = given[parameter.name]
            what = shown(value) if isinstance(value, PLAIN) else "what a layer puts out"
            raise refusal(call, f"{parameter.name} of {name} is {what}: use {parameter.kind.words}")
    return given


def _by_name(
    call: ast.Call,
    name: str,
    parameters: Signature,
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    rest = list(positional)
    for parameter in parameters:
        if not rest:
            break
        if parameter.takes_rest:
            given[parameter.name] = tuple(rest) if len(rest) > 1 else rest[0]
            rest = []
        else:
            given[parameter.name] = rest.pop(0)
    if rest:
        raise refusal(call, f"{name} takes at most {len(parameters)} arguments")
    names = [parameter.name for parameter in parameters]
    for key, value in keywords.items():
        if key not in names:
            raise refusal(call, f"{name} has no argument {key}{meant(key, names)}")
        if key in given:
            raise refusal(call, f"{key} of {name} is given twice")
        given[key] = value
    return given
