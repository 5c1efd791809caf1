"""What "Train against eval" shows: a picture, its neighbours, a mode; and its URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cnnviz.batchnorm import Mode
from cnnviz.errors import SettingError
from cnnviz.norms.batch_effects import BATCH_SIZES
from cnnviz.norms.network_settings import DEFAULT_MODEL, MODES, MOST_DRAWS, read_model
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

FIRST_CLASS: Final = "cat"
"""Whose first picture is shown unless another is asked for; else the first of all."""
FIRST: Final = -1
"""As a picture: the first of `FIRST_CLASS`."""
MOST_PICTURES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModesSettings:
    """One picture in a batch, and the network that is asked about it."""

    model: str
    picture: int = FIRST
    """Its index in the split that is shown."""
    size: int = 8
    """Of the batch, the picture among them."""
    only: str = ""
    """The class that all neighbours are of; empty is all classes."""
    draw: int = 0
    """Which neighbours: another number, other pictures."""
    mode: Mode = "train"

    def __post_init__(self) -> None:
        for name in ("model", "only"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > 200:
                raise SettingError(f"{name} is {shown(value)}: use a text of up to 200 letters")
        whole_number("picture", self.picture, least=FIRST)
        whole_number("draw", self.draw, least=0)
        if self.size not in BATCH_SIZES:
            raise SettingError(
                f"size is {shown(self.size)}: use one of {', '.join(map(str, BATCH_SIZES))}"
            )
        if self.mode not in MODES:
            raise SettingError(f"mode is {shown(self.mode)}: use {' or '.join(MODES)}")

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_modes_settings` reads it."""
        usual = ModesSettings(model=DEFAULT_MODEL)
        return {
            "n" if name == "size" else name: str(getattr(self, name))
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(usual, name)
        }


def read_modes_settings(
    query: Mapping[str, str], models: Sequence[str]
) -> tuple[ModesSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change.

    models: those that have batch normalization, at least one.
    """
    read = QueryReader(query)
    asked = read.whole("n", 1, max(BATCH_SIZES), 8)
    size = min(BATCH_SIZES, key=lambda each: abs(each - asked))
    if size != asked:
        read.notes.append(
            f"n={asked} is now {size} (there are {', '.join(map(str, BATCH_SIZES))})."
        )
    return ModesSettings(
        model=read_model(read, models),
        picture=read.whole("picture", FIRST, MOST_PICTURES, FIRST),
        size=size,
        only=shorten((read.given("only") or "").strip()),
        draw=read.whole("draw", 0, MOST_DRAWS, 0),
        mode=read.choice("mode", MODES, "train"),
    ), tuple(read.notes)


def fit_modes_settings(
    settings: ModesSettings, labels: Sequence[int], class_names: Sequence[str]
) -> tuple[ModesSettings, tuple[str, ...]]:
    """The nearest that there is among these pictures, and a sentence for each change.

    labels: of the pictures of the split. The picture of the result is never `FIRST`.
    """
    notes = list[str]()
    picture = settings.picture
    if picture >= len(labels):
        notes.append(f"There is no picture {picture} here: another is shown.")
        picture = FIRST
    if picture == FIRST:
        wanted = class_names.index(FIRST_CLASS) if FIRST_CLASS in class_names else None
        picture = next((place for place, label in enumerate(labels) if label == wanted), 0)
    only = settings.only
    if only:
        label = class_names.index(only) if only in class_names else None
        others = sum(1 for place, each in enumerate(labels) if each == label and place != picture)
        if not others:
            notes.append(f"There are no other pictures of {shorten(only)}: all classes are used.")
            only = ""
    return replace(settings, picture=picture, only=only), tuple(notes)
