"""The settings of the view "What it buys", and how they are written in an address."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from cnnviz.errors import SettingError
from cnnviz.norms.comparison import Place
from cnnviz.query import QueryReader, shorten, write_number
from cnnviz.settings import shown, whole_number

Look = Literal["learning", "rates", "drift", "gradients", "along", "noise"]
Side = Literal["after", "before"]
LOOKS: Final[tuple[Look, ...]] = get_args(Look)
SIDES: Final[tuple[Side, ...]] = get_args(Side)
PLACES: Final[dict[Side, Place]] = {"after": "activation input", "before": "convolution"}
MOST_CHANNELS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuysSettings:
    """What is looked at, and what of it."""

    look: Look = "learning"
    side: Side = "after"
    """Drift: of the normalization."""
    rate: float = 0.2
    """The learning rate whose curves are drawn; the nearest that was recorded."""
    layer: str = ""
    """Noise: the activation whose inputs are drawn; empty is the last."""
    channel: int = 0

    def __post_init__(self) -> None:
        for name, choices in (("look", LOOKS), ("side", SIDES)):
            if getattr(self, name) not in choices:
                raise SettingError(
                    f"{name} is {shown(getattr(self, name))}: use one of {', '.join(choices)}"
                )
        is_number = isinstance(self.rate, int | float) and not isinstance(self.rate, bool)
        if not is_number or not 0 < self.rate < math.inf:
            raise SettingError(f"rate is {shown(self.rate)}: use a number above 0")
        if not isinstance(self.layer, str) or len(self.layer) > 100:
            raise SettingError(f"layer is {shown(self.layer)}: use a name of up to 100 characters")
        whole_number("channel", self.channel, least=0)

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `from_query` reads it."""
        default = BuysSettings()
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in BuysSettings.__slots__
            if getattr(self, name) != getattr(default, name)
        }
        return {n: v if isinstance(v, str) else write_number(v) for n, v in found.items()}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[BuysSettings, tuple[str, ...]]:
        """The nearest valid settings to what a URL asks for, and a sentence for each change."""
        read = QueryReader(query)
        default = cls()
        return cls(
            look=read.choice("look", LOOKS, default.look),
            side=read.choice("side", SIDES, default.side),
            rate=read.number("rate", 10.0, default.rate, low=0.0001),
            layer=shorten((read.given("layer") or "").strip()),
            channel=read.whole("channel", 0, MOST_CHANNELS, 0),
        ), tuple(read.notes)


def fit_rate(
    settings: BuysSettings, rates: Sequence[float]
) -> tuple[BuysSettings, tuple[str, ...]]:
    """With the nearest learning rate of those that were recorded, and a sentence if it is another.

    The nearest by their ratio, as the axis has them. rates: at least one.
    """
    near = min(rates, key=lambda rate: abs(math.log(rate / settings.rate)))
    if near == settings.rate:
        return settings, ()
    known = ", ".join(f"{rate:g}" for rate in rates)
    note = f"rate={settings.rate:g} is now {near:g} (recorded are {known})."
    return replace(settings, rate=near), (note,)


def fit_layer(
    settings: BuysSettings, layers: Mapping[str, int]
) -> tuple[BuysSettings, tuple[str, ...]]:
    """With a layer and a channel that were recorded, and a sentence for each that are others.

    layers: activation -> its channels, at least one.
    """
    notes = []
    layer = settings.layer
    if layer not in layers:
        layer = list(layers)[-1]  # the deepest: there the networks differ most
        if settings.layer:
            notes.append(
                f"layer={shorten(settings.layer)} is now {layer} (there are {', '.join(layers)})."
            )
    channel = min(settings.channel, layers[layer] - 1)
    if channel != settings.channel:
        notes.append(
            f"channel={settings.channel} is now {channel} (recorded of {layer} are 0 to "
            f"{layers[layer] - 1})."
        )
    return replace(settings, layer=layer, channel=channel), tuple(notes)
