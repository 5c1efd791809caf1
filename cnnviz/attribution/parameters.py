"""What can be set of an attribution method: its name, its bounds, what it starts with.

Each kind of parameter is one class, so that a page can draw a slider for a number and a list for a
choice; `checked` returns a value in its one normal form, or raises SettingError.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnviz.errors import SettingError
from cnnviz.settings import shown, whole_number

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number within bounds."""

    name: str
    title: str
    help: str
    default: int
    least: int
    most: int

    def checked(self, value: object) -> int:
        """`value` as an int."""
        number = whole_number(self.name, value, least=self.least)
        if number > self.most:
            raise SettingError(
                f"{self.name} is {number}: use a whole number from {self.least} to {self.most}"
            )
        return number


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds."""

    name: str
    title: str
    help: str
    default: float
    least: float
    most: float

    def checked(self, value: object) -> float:
        """`value` as a float."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        number = float(value) if is_number else math.nan  # type: ignore[arg-type]
        if not self.least <= number <= self.most:  # nan is not either
            raise SettingError(
                f"{self.name} is {shown(value)}: use a number from {self.least:g} to {self.most:g}"
            )
        return number


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    name: str
    title: str
    help: str
    default: str
    choices: tuple[tuple[str, str], ...]
    """(word, what it means) each."""

    def checked(self, value: object) -> str:
        """`value`, if it is one of the words."""
        words = [word for word, _ in self.choices]
        for word in words:
            if value == word:
                return word
        raise SettingError(f"{self.name} is {shown(value)}: use {' or '.join(words)}")


@dataclass(frozen=True, slots=True)
class Switch:
    """Yes or no."""

    name: str
    title: str
    help: str
    default: bool

    def checked(self, value: object) -> bool:
        """`value`, if it is True or False."""
        if not isinstance(value, bool):
            raise SettingError(f"{self.name} is {shown(value)}: use True or False")
        return value


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The name of a layer; only a network tells which there are. An empty name is the last one."""

    name: str
    title: str
    help: str
    default: str = ""

    def checked(self, value: object) -> str:
        """`value`, if it can be a layer's name."""
        if not isinstance(value, str):
            raise SettingError(f"{self.name} is {shown(value)}: use the name of a layer")
        return value


Parameter = WholeNumber | Number | Choice | Switch | LayerChoice
