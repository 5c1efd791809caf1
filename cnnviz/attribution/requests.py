"""What is asked for: a method, its settings, and the score that is to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnviz.attribution.cards import MethodCard, MethodName
from cnnviz.attribution.methods import find_method
from cnnviz.attribution.parameters import Value
from cnnviz.errors import SettingError
from cnnviz.settings import whole_number


@dataclass(frozen=True, slots=True)
class Target:
    """A class, or one class against another; both by their index."""

    label: int
    against: int | None = None
    """The score is then the logit of `label` minus that of this one."""

    def __post_init__(self) -> None:
        whole_number("the class", self.label, least=0)
        if self.against is not None:
            whole_number("the class that it is against", self.against, least=0)
            if self.against == self.label:
                raise SettingError(f"class {self.label} against itself is always 0: use two")

    def title(self, class_names: Sequence[str]) -> str:
        """cat, or dog − cat."""
        name = class_names[self.label]
        return name if self.against is None else f"{name} − {class_names[self.against]}"

    def check(self, classes: int) -> None:
        """SettingError unless a network with so many classes has it."""
        for label in (self.label, self.against):
            if label is not None and label >= classes:
                raise SettingError(f"class is {label}: the network has classes 0 to {classes - 1}")


@dataclass(frozen=True, slots=True)
class AttributionRequest:
    """A method with all its settings, and what it is to explain. Made by `request_for`."""

    method: MethodName
    target: Target
    settings: tuple[tuple[str, Value], ...]
    """(name, value) of every parameter of the method, in the order of its card."""

    def __post_init__(self) -> None:
        card = self.card
        if [name for name, _ in self.settings] != [p.name for p in card.parameters]:
            raise SettingError(
                f"{card.title} needs a value for each of its parameters: use request_for"
            )
        pairs = zip(card.parameters, self.settings, strict=True)
        normal = tuple(
            (parameter.name, parameter.checked(value)) for parameter, (_, value) in pairs
        )
        object.__setattr__(self, "settings", normal)
        if self.method == "occlusion" and self.whole("stride") > self.whole("window"):
            raise SettingError(
                f"stride is {self.whole('stride')} and window {self.whole('window')}: pixels "
                "between the windows would be left out; use a stride of at most the window"
            )

    @property
    def card(self) -> MethodCard:
        """The method's card."""
        return find_method(self.method)

    def whole(self, name: str) -> int:
        """The value of a parameter that is a whole number."""
        value = dict(self.settings)[name]
        assert isinstance(value, int), name
        return value

    def number(self, name: str) -> float:
        """The value of a parameter that is a number."""
        value = dict(self.settings)[name]
        assert isinstance(value, float), name
        return value

    def word(self, name: str) -> str:
        """The value of a parameter that is a word."""
        value = dict(self.settings)[name]
        assert isinstance(value, str), name
        return value

    def switch(self, name: str) -> bool:
        """The value of a parameter that is on or off."""
        value = dict(self.settings)[name]
        assert isinstance(value, bool), name
        return value


def request_for(method: str, target: Target, **settings: object) -> AttributionRequest:
    """A request; what is not set has its default. SettingError for what the method does not take.

    method: a name in `methods.METHODS`.
    """
    card = find_method(method)
    for name in settings:
        card.parameter(name)
    values = tuple(
        (parameter.name, parameter.checked(settings.get(parameter.name, parameter.default)))
        for parameter in card.parameters
    )
    return AttributionRequest(card.name, target, values)


def shown_value(value: Value) -> str:
    """A setting's value as a page writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or "the last"
    return f"{value:g}" if isinstance(value, float) else f"{value}"
