"""The settings of the lesson's views on real networks, and how they are written in an address.

A link can name a layer that its network does not have; that is seen only when the network has been
read, so that each kind of settings has a `fit_...`, which gives the nearest that there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, get_args

from cnnviz.batchnorm import Mode
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

DEFAULT_MODEL: Final = "plain_cnn-norm-cifar10"
"""What is shown first, if it is there: the smallest whose channels are soon looked through."""
PICTURE_COUNTS: Final = (2, 8, 32, 64, 128)
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
MOST_CHANNELS: Final = 100_000
MOST_DRAWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """One layer of a trained network, and a batch of pictures."""

    model: str
    layer: str = ""
    """A normalization; empty is the one in the middle."""
    channel: int = 0
    pictures: int = 64
    """In the batch; fewer where there are not so many."""
    only: str = ""
    """The class that all of them are of; empty is all classes."""
    draw: int = 0
    """Which pictures: another number, other pictures."""
    mode: Mode = "train"

    def __post_init__(self) -> None:
        for name in ("model", "layer", "only"):
            _check_text(name, getattr(self, name))
        for name in ("channel", "draw"):
            whole_number(name, getattr(self, name), least=0)
        if self.pictures not in PICTURE_COUNTS:
            raise SettingError(
                f"pictures is {shown(self.pictures)}: use one of "
                f"{', '.join(map(str, PICTURE_COUNTS))}"
            )
        if self.mode not in MODES:
            raise SettingError(f"mode is {shown(self.mode)}: use {' or '.join(MODES)}")

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_network_settings` reads it."""
        return _differences(
            self, {"pictures": "n"}, NetworkSettings(model=DEFAULT_MODEL, layer=self.layer)
        ) | ({"layer": self.layer} if self.layer else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldSettings:
    """One filter of a convolution that takes over the normalization behind it."""

    model: str
    layer: str = ""
    """The normalization; empty is the one in the middle."""
    channel: int = 0
    """Which filter."""
    plane: int = 0
    """Which of the maps that it reads."""

    def __post_init__(self) -> None:
        for name in ("model", "layer"):
            _check_text(name, getattr(self, name))
        for name in ("channel", "plane"):
            whole_number(name, getattr(self, name), least=0)

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_fold_settings` reads it."""
        return _differences(self, {}, FoldSettings(model=DEFAULT_MODEL, layer=self.layer)) | (
            {"layer": self.layer} if self.layer else {}
        )


def read_network_settings(
    query: Mapping[str, str], models: Sequence[str]
) -> tuple[NetworkSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change.

    models: those that have batch normalization, at least one.
    """
    read = QueryReader(query)
    default = NetworkSettings(model=_default(models))
    asked = read.whole("n", 1, max(PICTURE_COUNTS), default.pictures)
    pictures = min(PICTURE_COUNTS, key=lambda count: abs(count - asked))
    if pictures != asked:
        read.notes.append(
            f"n={asked} is now {pictures} (there are {', '.join(map(str, PICTURE_COUNTS))})."
        )
    return NetworkSettings(
        model=read_model(read, models),
        layer=_read_text(read, "layer"),
        channel=read.whole("channel", 0, MOST_CHANNELS, 0),
        pictures=pictures,
        only=_read_text(read, "only"),
        draw=read.whole("draw", 0, MOST_DRAWS, 0),
        mode=read.choice("mode", MODES, default.mode),
    ), tuple(read.notes)


def read_fold_settings(
    query: Mapping[str, str], models: Sequence[str]
) -> tuple[FoldSettings, tuple[str, ...]]:
    """As `read_network_settings`."""
    read = QueryReader(query)
    return FoldSettings(
        model=read_model(read, models),
        layer=_read_text(read, "layer"),
        channel=read.whole("channel", 0, MOST_CHANNELS, 0),
        plane=read.whole("plane", 0, MOST_CHANNELS, 0),
    ), tuple(read.notes)


def fit_network_settings(
    settings: NetworkSettings, layers: Mapping[str, int], classes: Mapping[str, int]
) -> tuple[NetworkSettings, tuple[str, ...]]:
    """The nearest to them that there is, and a sentence for each change.

    layers: normalization -> its channels. classes: name -> how many pictures there are of it.
    """
    layer, channel, notes = fit_layer(settings.layer, settings.channel, layers)
    only = settings.only
    if only and not classes.get(only):
        notes.append(f"There are no pictures of {shorten(only)} here: all classes are shown.")
        only = ""
    return replace(settings, layer=layer, channel=channel, only=only), tuple(notes)


def fit_fold_settings(
    settings: FoldSettings, layers: Mapping[str, tuple[int, int]]
) -> tuple[FoldSettings, tuple[str, ...]]:
    """layers: normalization -> filters of its convolution, and maps that each of them reads."""
    filters = {name: count for name, (count, _) in layers.items()}
    layer, channel, notes = fit_layer(settings.layer, settings.channel, filters)
    plane = _fit_number("plane", settings.plane, layers[layer][1], layer, notes)
    return replace(settings, layer=layer, channel=channel, plane=plane), tuple(notes)


# ------------------------------------------------------------------------------------------- parts


def fit_layer(layer: str, channel: int, layers: Mapping[str, int]) -> tuple[str, int, list[str]]:
    """The nearest of these normalizations, with their channels, and a sentence for each change."""
    notes = list[str]()
    if layer not in layers:
        # In the first layers means are near 0 already: there is less to be seen.
        middle = list(layers)[len(layers) // 2]
        if layer:
            notes.append(f"layer={shorten(layer)} is now {middle} (there are {', '.join(layers)}).")
        layer = middle
    return layer, _fit_number("channel", channel, layers[layer], layer, notes), notes


def _fit_number(name: str, value: int, count: int, layer: str, notes: list[str]) -> int:
    if value < count:
        return value
    notes.append(f"{name}={value} is now {count - 1} ({layer} has {name}s 0 to {count - 1}).")
    return count - 1


def _default(models: Sequence[str]) -> str:
    return DEFAULT_MODEL if DEFAULT_MODEL in models else models[0]


def read_model(read: QueryReader, models: Sequence[str]) -> str:
    """The network that a URL asks for, or the default; notes it if it is not among these."""
    model = read.given("model")
    if model is None or model in models:
        return model or _default(models)
    read.notes.append(
        f"model={shorten(model)} is now {_default(models)} (with batch normalization there are "
        f"{', '.join(models)})."
    )
    return _default(models)


def _read_text(read: QueryReader, name: str) -> str:
    return shorten((read.given(name) or "").strip())


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > 100:
        raise SettingError(f"{name} is {shown(value)}: use a name of up to 100 characters")


def _differences(
    settings: NetworkSettings | FoldSettings,
    names: Mapping[str, str],
    default: NetworkSettings | FoldSettings,
) -> dict[str, str]:
    """Field -> text where it is not the default's; names: those that the URL calls otherwise."""
    return {
        names.get(field, field): str(getattr(settings, field))
        for field in settings.__dataclass_fields__
        if getattr(settings, field) != getattr(default, field)
    }
