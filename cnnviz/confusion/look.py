"""Which attribution maps of a picture are shown, and how they are written in a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.methods import METHODS, find_method
from cnnviz.attribution.parameters import Number, Parameter, Switch, Value, WholeNumber
from cnnviz.attribution.requests import AttributionRequest, Target, request_for
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import whole_number

Scale = Literal["method", "all", "own"]
"""What full colour stands for: the greatest number of a method's maps, of all maps, of each map."""
Squares = Literal["1", "2", "4", "8"]
"""The side of the squares in which pixels are removed."""
Rival = int | Literal["auto", "none"]
"""A class; what the page chooses; or no class, so that there is no difference."""
SCALES: Final[tuple[Scale, ...]] = get_args(Scale)
SQUARES: Final[tuple[Squares, ...]] = get_args(Squares)
OPENING: Final[tuple[MethodName, ...]] = ("grad_cam", "integrated_gradients")
ORDER: Final[tuple[MethodName, ...]] = (
    *OPENING,
    *(name for name in METHODS if name not in OPENING),
)
"""In which methods are offered and shown: those of the lesson first."""
MOST_LAYERS: Final = 30
MOST_STARTERS: Final = 40
_LAYER_NAME: Final = re.compile(r"[A-Za-z0-9_.]{0,60}")


@dataclass(frozen=True, slots=True)
class LookSettings:
    """Which maps, of which classes, and how they are drawn and checked."""

    methods: tuple[MethodName, ...] = OPENING
    """In the order of `ORDER`."""
    target: int | None = None
    """The class that is explained; None for what the network says."""
    minus: Rival = "auto"
    """The class that it is compared with; auto: the true one or, if that is `target`, the rival."""
    opacity_percent: int = 90
    scale: Scale = "method"
    parameters: tuple[tuple[MethodName, str, Value], ...] = ()
    """(method, name, value) of what is not as its card has it, in the order of the cards."""
    trust: MethodName | None = None
    """The method whose map is checked, if any."""
    layers: int = 1
    """How many of the last layers are randomized for that."""
    squares: Squares = "4"
    starter: int = 1
    """Which of the starter pictures that are offered, from 1; for the view on own pictures."""

    def __post_init__(self) -> None:
        if len(set(self.methods)) != len(self.methods):
            raise SettingError("methods names one twice")
        chosen = {find_method(name).name for name in self.methods}
        object.__setattr__(self, "methods", tuple(name for name in ORDER if name in chosen))
        if self.trust is not None:
            find_method(self.trust)
        if whole_number("opacity_percent", self.opacity_percent, least=0) > 100:
            raise SettingError(f"opacity_percent is {self.opacity_percent}: use 0 to 100")
        if whole_number("layers", self.layers, least=1) > MOST_LAYERS:
            raise SettingError(f"layers is {self.layers}: use 1 to {MOST_LAYERS}")
        if whole_number("starter", self.starter, least=1) > MOST_STARTERS:
            raise SettingError(f"starter is {self.starter}: use 1 to {MOST_STARTERS}")
        if self.scale not in SCALES or self.squares not in SQUARES:
            raise SettingError(f"use {' or '.join(SCALES)}, and {' or '.join(SQUARES)}")
        object.__setattr__(self, "parameters", _in_order(self.parameters))

    @classmethod
    def from_reader(cls, read: QueryReader, class_names: Sequence[str]) -> LookSettings:
        """The nearest valid settings to what a URL asks for; its changes are in `read.notes`."""
        first = cls()
        target = None
        if read.given("target") is not None:
            names = ("auto", *class_names)
            place = names.index(read.choice("target", names, "auto"))
            target = place - 1 if place else None
        minus: Rival = "auto"
        if read.given("minus") is not None:
            word = read.choice("minus", ("auto", "none", *class_names), "auto")
            minus = "none" if word == "none" else "auto"
            if word in class_names:
                minus = list(class_names).index(word)
        trust = None
        if read.given("trust") is not None:
            word = read.choice("trust", ("none", *METHODS), "none")
            trust = None if word == "none" else find_method(word).name
        return cls(
            methods=_read_methods(read, first.methods),
            target=target,
            minus="auto" if minus == target else minus,
            opacity_percent=read.whole("opacity", 0, 100, first.opacity_percent),
            scale=read.choice("scale", SCALES, first.scale),
            parameters=_read_parameters(read),
            trust=trust,
            layers=read.whole("layers", 1, MOST_LAYERS, first.layers),
            squares=read.choice("squares", SQUARES, first.squares),
            starter=read.whole("starter", 1, MOST_STARTERS, first.starter),
        )

    def to_query(self, class_names: Sequence[str]) -> dict[str, str]:
        """What a URL must say: only what differs from what is shown first."""
        first, query = LookSettings(), dict[str, str]()
        if self.methods != first.methods:
            query["maps"] = ",".join(self.methods) or "none"
        if self.target is not None:
            query["target"] = class_names[self.target]
        if self.minus != "auto":
            query["minus"] = "none" if self.minus == "none" else class_names[self.minus]
        if self.opacity_percent != first.opacity_percent:
            query["opacity"] = str(self.opacity_percent)
        if self.parameters:
            query["parameters"] = ",".join(
                f"{method}.{name}:{_written(value)}" for method, name, value in self.parameters
            )
        if self.trust is not None:
            query["trust"] = self.trust
        for name in ("layers", "starter"):
            if getattr(self, name) != getattr(first, name):
                query[name] = str(getattr(self, name))
        for name in ("scale", "squares"):
            if getattr(self, name) != getattr(first, name):
                query[name] = getattr(self, name)
        return query

    def without_classes(self) -> LookSettings:
        """For a network with other classes."""
        return replace(self, target=None, minus="auto", starter=1)

    def with_parameter(self, method: MethodName, name: str, value: Value) -> LookSettings:
        """With one parameter set."""
        others = tuple(each for each in self.parameters if each[:2] != (method, name))
        return replace(self, parameters=(*others, (method, name, value)))

    def value_of(self, method: MethodName, parameter: Parameter) -> Value:
        """What a parameter is set to."""
        for one, name, value in self.parameters:
            if (one, name) == (method, parameter.name):
                return value
        return parameter.default

    def request(self, method: MethodName, target: Target) -> AttributionRequest:
        """What is asked for; SettingError for parameters that do not go together."""
        settings = {name: value for one, name, value in self.parameters if one == method}
        return request_for(method, target, **settings)

    def classes(self, order: Sequence[int], true: int | None) -> tuple[int, int | None]:
        """The class that is explained, and the one that it is compared with, if any.

        order: all classes, that with the greatest probability first. true: the picture's, if known.
        """
        one = order[0] if self.target is None else self.target
        if self.minus == "none":
            return one, None
        if isinstance(self.minus, int) and self.minus != one:
            return one, self.minus
        if true is not None and true != one:
            return one, true
        return one, next(place for place in order if place != one)


def _in_order(
    parameters: Sequence[tuple[MethodName, str, Value]],
) -> tuple[tuple[MethodName, str, Value], ...]:
    """Checked, without what is as the card has it, in the order of the cards."""
    given = dict[tuple[str, str], Value]()
    for method, name, value in parameters:
        given[method, name] = find_method(method).parameter(name).checked(value)
    return tuple(
        (card.name, parameter.name, given[card.name, parameter.name])
        for card in METHODS.values()
        for parameter in card.parameters
        if given.get((card.name, parameter.name), parameter.default) != parameter.default
    )


def _read_methods(read: QueryReader, default: tuple[MethodName, ...]) -> tuple[MethodName, ...]:
    text = read.given("maps")
    if text is None:
        return default
    names = [word.strip().lower() for word in text.split(",")[: 2 * len(METHODS)]]
    if names == ["none"]:
        return ()
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        read.notes.append(f"maps={shorten(', '.join(unknown))} is left out: no such method.")
    known = tuple(name for name in ORDER if name in names)
    return known or default


def _read_parameters(read: QueryReader) -> tuple[tuple[MethodName, str, Value], ...]:
    found = list[tuple[MethodName, str, Value]]()
    for item in (read.given("parameters") or "").split(",")[:40]:
        if not item:
            continue
        where, _, text = item.partition(":")
        method, _, name = where.partition(".")
        try:
            card = find_method(method)
            parameter = card.parameter(name)
            found.append((card.name, name, parameter.checked(_value(parameter, text))))
        except (SettingError, ValueError):
            read.notes.append(f"parameters={shorten(item)} is left out: it cannot be set so.")
    return tuple(found)


def _value(parameter: Parameter, text: str) -> Value:
    """ValueError if the text is no value of that kind."""
    if isinstance(parameter, WholeNumber):
        return int(text)
    if isinstance(parameter, Number):
        return float(text)
    if isinstance(parameter, Switch):
        return {"1": True, "0": False}.get(text.strip(), text)
    if _LAYER_NAME.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def with_fitting_stride(look: LookSettings) -> LookSettings:
    """Occlusion's stride no wider than its window, as its method insists."""
    values: Mapping[str, Value] = {
        parameter.name: look.value_of("occlusion", parameter)
        for parameter in METHODS["occlusion"].parameters
    }
    window, stride = values["window"], values["stride"]
    if isinstance(window, int) and isinstance(stride, int) and stride > window:
        return look.with_parameter("occlusion", "stride", window)
    return look
