"""What "Running statistics" shows: a channel, batches fed to it, a momentum; and its URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cnnviz.errors import SettingError
from cnnviz.norms.network_settings import (
    DEFAULT_MODEL,
    MOST_CHANNELS,
    fit_layer,
    read_model,
)
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

BATCHES: Final = 60
"""That can be fed."""
CHANGE_AT: Final = 25
"""After so many the pictures become brighter, if they do."""
SIZES: Final = (2, 8, 32)
MOMENTA: Final[tuple[float | None, ...]] = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, None)
SHIFTS: Final = (0, 40, 80)
"""Grey levels of 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSettings:
    """One channel of a normalization, and what was fed to it."""

    model: str
    layer: str = ""
    """A normalization; empty is the first: those behind it hardly notice other pictures."""
    channel: int = 0
    size: int = 8
    """Pictures in a batch."""
    momentum: float | None = 0.1
    """One of `MOMENTA`; None: the cumulative average."""
    shift: int = 0
    """By how many grey levels later pictures are brighter."""
    fed: int = 0
    """Batches that were taken in."""

    def __post_init__(self) -> None:
        for name in ("model", "layer"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > 200:
                raise SettingError(f"{name} is {shown(value)}: use a text of up to 200 letters")
        whole_number("channel", self.channel, least=0)
        if whole_number("fed", self.fed, least=0) > BATCHES:
            raise SettingError(f"fed is {self.fed}: use 0 to {BATCHES} batches")
        for name, choices in (("size", SIZES), ("momentum", MOMENTA), ("shift", SHIFTS)):
            if getattr(self, name) not in choices:
                raise SettingError(
                    f"{name} is {shown(getattr(self, name))}: use {', '.join(map(str, choices))}"
                )

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_running_settings` reads it."""
        usual = RunningSettings(model=DEFAULT_MODEL)
        query = {
            "n" if name == "size" else name: str(getattr(self, name))
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(usual, name)
        }
        if "momentum" in query:
            query["momentum"] = _momentum_text(self.momentum)
        return query


def read_running_settings(
    query: Mapping[str, str], models: Sequence[str]
) -> tuple[RunningSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change.

    models: those that have batch normalization, at least one.
    """
    read = QueryReader(query)
    momentum = read.choice("momentum", tuple(map(_momentum_text, MOMENTA)), "0.1")
    return RunningSettings(
        model=read_model(read, models),
        layer=shorten((read.given("layer") or "").strip()),
        channel=read.whole("channel", 0, MOST_CHANNELS, 0),
        size=int(read.choice("n", tuple(map(str, SIZES)), "8")),
        momentum=None if momentum == "none" else float(momentum),
        shift=int(read.choice("shift", tuple(map(str, SHIFTS)), "0")),
        fed=read.whole("fed", 0, BATCHES, 0),
    ), tuple(read.notes)


def fit_running_settings(
    settings: RunningSettings, layers: Mapping[str, int]
) -> tuple[str, int, tuple[str, ...]]:
    """The nearest layer and channel that there are, and a sentence for each change.

    layers: normalization -> its channels.
    """
    asked = settings.layer or next(iter(layers))
    layer, channel, notes = fit_layer(asked, settings.channel, layers)
    return layer, channel, tuple(notes)


def _momentum_text(momentum: float | None) -> str:
    return "none" if momentum is None else str(momentum)
