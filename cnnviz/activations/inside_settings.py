"""What "Look inside" shows: a network, a picture, one number of its maps; and its URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from cnnviz.activations.scales import SCALES, Scale
from cnnviz.activations.shifts import DIRECTIONS, Direction
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

Look = Literal["maps", "filters", "patches", "pooling", "shifts"]
LOOKS: Final[tuple[Look, ...]] = get_args(Look)
Source = Literal["set", "drawn", "file", "camera"]
SOURCES: Final[tuple[Source, ...]] = get_args(Source)
DEFAULT_MODEL: Final = "lenet5-cifar10"
"""What is shown first, if it is there: its maps fit a screen."""
MOST: Final = 100_000

Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideSettings:
    """One number of one layer's maps, for one picture in one network."""

    model: str
    source: Source = "set"
    """Where the picture is from; only `set` can be said by a link to somebody else."""
    picture: int = 0
    """Its index in the split that is shown."""
    look: Look = "maps"
    layer: str = ""
    """Empty is the first convolution, and the number in the middle of its maps."""
    channel: int = 0
    row: int = 0
    column: int = 0
    scale: Scale = "layer"
    direction: Direction = "right"

    def __post_init__(self) -> None:
        for name in ("model", "layer"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > 200:
                raise SettingError(f"{name} is {shown(value)}: use a text of up to 200 letters")
        for name in ("picture", "channel", "row", "column"):
            whole_number(name, getattr(self, name), least=0)
        choices: tuple[tuple[str, Sequence[str]], ...] = (
            ("source", SOURCES),
            ("look", LOOKS),
            ("scale", SCALES),
            ("direction", DIRECTIONS),
        )
        for name, options in choices:
            if getattr(self, name) not in options:
                given = shown(getattr(self, name))
                raise SettingError(f"{name} is {given}: use {', '.join(options)}")

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_inside_settings` reads it."""
        usual = InsideSettings(model=DEFAULT_MODEL)
        return {
            name: str(getattr(self, name))
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(usual, name)
        }


def read_inside_settings(
    query: Mapping[str, str], models: Sequence[str]
) -> tuple[InsideSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change.

    models: those that there are, at least one.
    """
    read = QueryReader(query)
    usual = DEFAULT_MODEL if DEFAULT_MODEL in models else models[0]
    return InsideSettings(
        model=read.choice("model", tuple(models), usual),
        source=read.choice("source", SOURCES, "set"),
        picture=read.whole("picture", 0, MOST, 0),
        look=read.choice("look", LOOKS, "maps"),
        layer=shorten((read.given("layer") or "").strip()),
        channel=read.whole("channel", 0, MOST, 0),
        row=read.whole("row", 0, MOST, 0),
        column=read.whole("column", 0, MOST, 0),
        scale=read.choice("scale", SCALES, "layer"),
        direction=read.choice("direction", DIRECTIONS, "right"),
    ), tuple(read.notes)


def fit_inside_settings(
    settings: InsideSettings, shapes: Mapping[str, Shape], *, first: str
) -> tuple[InsideSettings, tuple[str, ...]]:
    """The nearest number that there is, and a sentence for each change.

    shapes: of the layers behind the picture, in order. first: the one that an empty name means.
    """
    notes = list[str]()
    if not settings.layer and settings.row == settings.column == 0:
        _, height, width = shapes[first]
        settings = replace(settings, row=height // 2, column=width // 2)
    layer = settings.layer or first
    if layer not in shapes:
        notes.append(f"layer={shorten(layer)} is now {first} (there are {', '.join(shapes)}).")
        layer = first
    place = list[int]()
    for name, count in zip(("channel", "row", "column"), shapes[layer], strict=True):
        value = getattr(settings, name)
        place.append(min(value, count - 1))
        if value >= count:
            notes.append(f"{name}={value} is now {count - 1} ({layer} has 0 to {count - 1}).")
    channel, row, column = place
    fitted = replace(settings, layer=layer, channel=channel, row=row, column=column)
    return fitted, tuple(notes)
