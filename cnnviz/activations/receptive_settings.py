"""Which unit the view on receptive fields looks at, and how an address says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

DEFAULT_MODEL: Final = "plain_cnn-cifar10"
"""What is shown first, if it is there: its epochs were kept."""
MOST: Final = 100_000
MIDDLE: Final = -1
"""As a row or column: the one in the middle."""
ALL: Final = -1
"""As a channel: all of them."""
LAST: Final = -1
"""As an epoch: the trained network itself."""

Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSettings:
    """One unit of a trained network, the picture that its field is drawn on, and an epoch."""

    model: str
    layer: str = ""
    """A convolution or a pooling; empty is one in the middle."""
    row: int = MIDDLE
    column: int = MIDDLE
    channel: int = ALL
    epoch: int = LAST
    """Of the training, where its epochs were kept; 0 is before it."""
    picture: int = 0
    """Which of the pictures that are measured on."""

    def __post_init__(self) -> None:
        for name in ("model", "layer"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > 200:
                raise SettingError(f"{name} is {shown(value)}: use a text of up to 200 letters")
        for name in ("row", "column", "channel", "epoch"):
            whole_number(name, getattr(self, name), least=-1)
        whole_number("picture", self.picture, least=0)

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_field_settings` reads it."""
        usual = FieldSettings(model=DEFAULT_MODEL)
        names = ("model", "layer", "row", "column", "channel", "epoch", "picture")
        return {
            name: str(getattr(self, name))
            for name in names
            if getattr(self, name) != getattr(usual, name)
        }


def read_field_settings(
    query: Mapping[str, str], models: Sequence[str]
) -> tuple[FieldSettings, tuple[str, ...]]:
    """What a URL asks for, and a sentence for each change; its layer is not yet looked up.

    models: those that there are, at least one.
    """
    read = QueryReader(query)
    usual = DEFAULT_MODEL if DEFAULT_MODEL in models else models[0]
    model = read.choice("model", tuple(models), usual)
    return FieldSettings(
        model=model,
        layer=(read.given("layer") or "")[:200],
        row=read.whole("row", MIDDLE, MOST, MIDDLE),
        column=read.whole("column", MIDDLE, MOST, MIDDLE),
        channel=read.whole("channel", ALL, MOST, ALL),
        epoch=read.whole("epoch", LAST, MOST, LAST),
        picture=read.whole("picture", 0, MOST, 0),
    ), tuple(read.notes)


def fit_field_settings(
    settings: FieldSettings,
    shapes: Mapping[str, Shape],
    *,
    pictures: int,
    epochs: Sequence[int] = (),
) -> tuple[FieldSettings, tuple[str, ...]]:
    """The nearest that a network has, with all numbers said, and a sentence for each change.

    shapes: of its layers, in order. pictures: how many are measured on. epochs: that were kept, 0
    among them; empty where none were.
    """
    notes = list[str]()
    layer = settings.layer
    if layer not in shapes:
        names = list(shapes)
        if layer:
            notes.append(f"layer={shorten(layer)} is not in the network ({', '.join(names)}).")
        layer = names[len(names) * 2 // 3]
    channels, height, width = shapes[layer]

    def nearest(name: str, value: int, count: int, usual: int) -> int:
        if value >= count:
            notes.append(f"{name}={value} is now {count - 1} ({layer} has 0 to {count - 1}).")
        return min(value, count - 1) if value >= 0 else usual

    epoch = settings.epoch
    if epoch != LAST and epoch not in epochs:
        notes.append(f"epoch={epoch} was not kept.")
        epoch = LAST
    fitted = replace(
        settings,
        layer=layer,
        row=nearest("row", settings.row, height, height // 2),
        column=nearest("column", settings.column, width, width // 2),
        channel=nearest("channel", settings.channel, channels, ALL),
        epoch=epoch,
        picture=settings.picture % pictures,
    )
    return fitted, tuple(notes)
