"""Everything that the page on confusions shows, and how it is written in its URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeVar, get_args

from cnnviz.confusion.calibration import BINNINGS, Binning
from cnnviz.confusion.look import LookSettings
from cnnviz.confusion.matrix import NUMBERS, Numbers
from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.scores import MEASURES, Measure
from cnnviz.confusion.selection import Selection, fit_selection
from cnnviz.confusion.sources import PredictionSource, SourceList
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

ClassOrder = Literal["dataset", "similarity"]
"""dataset: the data set's own, which is by name for CIFAR-10 and MNIST."""
ORDERS: Final[tuple[ClassOrder, ...]] = get_args(ClassOrder)
DEFAULT_MODEL: Final = "lenet5-cifar10"
"""What is shown first, if it is there: the network that is nearest to the lesson's."""
Source = TypeVar("Source", PredictionSource, None)
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "numbers": NUMBERS,
    "order": ORDERS,
    "measure": MEASURES,
    "binning": BINNINGS,
}
_MOST_EPOCHS: Final = 100_000
_MOST_PICTURES: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionSettings:
    """What is shown: which networks, the matrix, the selected pictures, the chosen one."""

    model: str
    """The key of a source."""
    epoch: int | None = None
    """Of a run; None is the last. Always None for a checkpoint."""
    against: str | None = None
    """The key of a second source to compare with, or None."""
    against_epoch: int | None = None
    flip: bool = False
    """Whether predictions are the mean over a picture and its mirror image."""
    numbers: Numbers = "counts"
    diagonal: bool = True
    order: ClassOrder = "dataset"
    selection: Selection = field(default_factory=Selection)
    picture: int | None = None
    """The chosen one, an index in the canonical order."""
    measure: Measure = "recall"
    """Which score of each class is drawn."""
    binning: Binning = "equal_width"
    """How the reliability diagram sorts pictures by confidence."""
    look: LookSettings = field(default_factory=LookSettings)
    """Where the network looked in the chosen picture."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                given = shown(getattr(self, name))
                raise SettingError(f"{name} is {given}: use {' or '.join(choices)}")
        for name in ("epoch", "against_epoch", "picture"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=0)


def from_query(
    query: Mapping[str, str], sources: SourceList
) -> tuple[ConfusionSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change.

    Whether a picture's number is one that the network was asked about is seen only when its
    predictions are loaded: see `fit_settings`. SettingError if there are no sources at all.
    """
    read = QueryReader(query)
    model = _read_model(read, "model", sources, default_source(sources))
    against = None
    if read.given("against") is not None:
        against = _read_model(read, "against", sources, None)
        if against is not None and not may_compare(model, against):
            read.notes.append(
                f"against={shorten(against.key)} is left out: it was asked about other pictures "
                f"than {shorten(model.key)}."
            )
            against = None
    flip = read.switch("flip")
    if flip and not all(source.has_flip for source in (model, against) if source is not None):
        read.notes.append("flip=1 is now 0: a run was not asked about mirrored pictures.")
        flip = False
    selection = Selection.from_reader(read, model.dataset.class_names)
    if selection.versus != "any" and against is None:
        read.notes.append(
            f"versus={selection.versus} is left out: there is no second network to compare with."
        )
        selection = replace(selection, versus="any")
    settings = ConfusionSettings(
        model=model.key,
        epoch=_read_epoch(read, "epoch", model),
        against=None if against is None else against.key,
        against_epoch=None if against is None else _read_epoch(read, "against_epoch", against),
        flip=flip,
        numbers=read.choice("numbers", NUMBERS, "counts"),
        diagonal=read.switch("diagonal", True),
        order=read.choice("order", ORDERS, "dataset"),
        selection=selection,
        picture=None
        if read.given("picture") is None
        else read.whole("picture", 0, _MOST_PICTURES, 0),
        measure=read.choice("measure", MEASURES, "recall"),
        binning=read.choice("binning", BINNINGS, "equal_width"),
        look=LookSettings.from_reader(read, model.dataset.class_names),
    )
    return settings, tuple(read.notes)


def fit_settings(
    settings: ConfusionSettings, predictions: Predictions
) -> tuple[ConfusionSettings, tuple[str, ...]]:
    """The settings with pictures that there are in these predictions, and what was changed."""
    selection, notes = fit_selection(settings.selection, predictions)
    picture = settings.picture
    if picture is not None:
        picture = predictions.nearest_picture(picture)
        if picture != settings.picture:
            note = (
                f"picture={settings.picture} is now {picture}, the nearest picture that there is."
            )
            notes = (*notes, note)
    return replace(settings, selection=selection, picture=picture), notes


def to_query(settings: ConfusionSettings, sources: SourceList) -> dict[str, str]:
    """What a URL must say to open this state: only what differs from what is shown first."""
    query = dict[str, str]()
    if settings.model != default_source(sources).key:
        query["model"] = settings.model
    for name in ("against", "epoch", "against_epoch", "picture"):
        if getattr(settings, name) is not None:
            query[name] = str(getattr(settings, name))
    if settings.flip:
        query["flip"] = "1"
    first = ConfusionSettings(model=settings.model)
    for name in _CHOICES:
        if getattr(settings, name) != getattr(first, name):
            query[name] = getattr(settings, name)
    if not settings.diagonal:
        query["diagonal"] = "0"
    names = sources.find(settings.model).dataset.class_names
    return query | settings.selection.to_query(names) | settings.look.to_query(names)


def may_compare(first: PredictionSource, second: PredictionSource) -> bool:
    """Whether the two may have been asked about the same pictures, as far as is known unread."""
    if first.is_run != second.is_run or first.dataset != second.dataset:
        return False
    return first.count == second.count and first.train_digest == second.train_digest


def default_source(sources: SourceList) -> PredictionSource:
    """What is shown first; SettingError if there is nothing at all."""
    for source in sources.sources:
        if source.key == DEFAULT_MODEL:
            return source
    if not sources.sources:
        raise SettingError(
            "there is no trained network: `python -m cnnviz train` makes one, and the page on "
            "training too"
        )
    return sources.sources[0]


def _read_model(
    read: QueryReader, name: str, sources: SourceList, default: Source
) -> PredictionSource | Source:
    text = read.given(name)
    if text is None:
        return default
    wanted = text.strip().lower()
    for source in sources.sources:
        if source.key.lower() == wanted:
            return source
    instead = "left out" if default is None else f"now {default.key}"
    read.notes.append(f"{name}={shorten(text)} is {instead}: there is no such network here.")
    return default


def _read_epoch(read: QueryReader, name: str, source: PredictionSource) -> int | None:
    if read.given(name) is None:
        return None
    if not source.is_run:
        read.notes.append(f"{name}={shorten(read.given(name) or '')} is left out: it is no run.")
        return None
    asked = read.whole(name, 0, _MOST_EPOCHS, source.epochs[-1])
    near = source.nearest_epoch(asked)
    if near != asked:
        read.notes.append(f"{name}={asked} is now {near}, the nearest epoch that was kept.")
    return near
