"""Which pictures stand behind a part of the confusion matrix, and in what order.

A selection is a cell (both classes), a row (the true class), a column (the predicted class) or all
of the matrix, less what a filter leaves out. The diagonal is everything that is `correct`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.likeness import likeness
from cnnviz.confusion.pictures import Pictures
from cnnviz.confusion.predictions import Indices, Predictions, compare
from cnnviz.errors import DataError, SettingError
from cnnviz.query import QueryReader
from cnnviz.settings import shown, whole_number

Which = Literal["all", "correct", "wrong", "near", "close"]
"""near: wrong, and the true class was the second guess. close: right or wrong, and the first guess
is ahead of the second by less than `margin_percent` percentage points of probability."""
Versus = Literal["any", "disagree", "first_only", "second_only", "both_wrong"]
"""What a second network has to say: another class; only the first is right; only the second is;
neither is."""
Sort = Literal["confidence", "margin", "loss", "logits", "pixels", "index"]
"""confidence: the surest first. margin: the closest calls first. loss: the worst first. logits,
pixels: the most alike to the picture `like` first, see `cnnviz.confusion.likeness`. index: the
canonical order."""

WHICH: Final[tuple[Which, ...]] = get_args(Which)
VERSUS: Final[tuple[Versus, ...]] = get_args(Versus)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
Rows = npt.NDArray[np.intp]
MARGIN_PERCENT: Final = 10
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {"which": WHICH, "versus": VERSUS, "sort": SORTS}
_MOST_PICTURES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures, and in what order."""

    true: int | None = None
    """A class's index; None for any."""
    taken_for: int | None = None
    """Likewise, of the predicted class."""
    which: Which = "all"
    margin_percent: int = MARGIN_PERCENT
    """1 to 100; only `close` heeds it."""
    versus: Versus = "any"
    sort: Sort = "confidence"
    reverse: bool = False
    """The last of that order first."""
    like: int | None = None
    """Index of a picture in the canonical order, for `logits` and `pixels`."""

    def __post_init__(self) -> None:
        for name in ("true", "taken_for", "like"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=0)
        if not 1 <= whole_number("margin_percent", self.margin_percent, least=1) <= 100:
            raise SettingError(f"margin_percent is {self.margin_percent}: use 1 to 100")
        for name, choices in _NAMES.items():
            if getattr(self, name) not in choices:
                given = shown(getattr(self, name))
                raise SettingError(f"{name} is {given}: use {', '.join(choices)}")
        if self.sort in ("logits", "pixels") and self.like is None:
            raise SettingError(f"sort is {self.sort}: say by `like` which picture is compared")

    @classmethod
    def from_reader(cls, read: QueryReader, class_names: Sequence[str]) -> Selection:
        """The nearest valid selection to what a URL asks for; its changes are in `read.notes`."""
        sort = read.choice("sort", SORTS, "confidence")
        like = None
        if read.given("like") is not None:
            like = read.whole("like", 0, _MOST_PICTURES, 0)
        elif sort in ("logits", "pixels"):
            read.notes.append(f"sort={sort} needs like, a picture: the sort is now confidence.")
            sort = "confidence"
        return cls(
            true=_read_class(read, "true", class_names),
            taken_for=_read_class(read, "taken", class_names),
            which=read.choice("which", WHICH, "all"),
            margin_percent=read.whole("margin", 1, 100, MARGIN_PERCENT),
            versus=read.choice("versus", VERSUS, "any"),
            sort=sort,
            reverse=read.switch("reverse"),
            like=like,
        )

    def to_query(self, class_names: Sequence[str]) -> dict[str, str]:
        """What differs from the default, as `from_reader` reads it."""
        query = dict[str, str]()
        if self.true is not None:
            query["true"] = class_names[self.true]
        if self.taken_for is not None:
            query["taken"] = class_names[self.taken_for]
        default = Selection()
        for name in ("which", "versus", "sort"):
            if getattr(self, name) != getattr(default, name):
                query[name] = getattr(self, name)
        if self.margin_percent != default.margin_percent:
            query["margin"] = str(self.margin_percent)
        if self.reverse:
            query["reverse"] = "1"
        if self.like is not None:
            query["like"] = str(self.like)
        return query


def select(
    selection: Selection,
    predictions: Predictions,
    *,
    other: Predictions | None = None,
    pictures: Pictures | None = None,
) -> Indices:
    """The selected pictures, in order: indices in the canonical order of the predictions' split.

    other: the second network that `versus` is about; without it `versus` leaves nothing out.
    pictures: needed for likeness by pixels; those that are not among them come last. Ties are in
    canonical order. SettingError for a class or a picture that there is not, DataError if `like` is
    not among `pictures`, CheckpointError if the two networks were asked about different pictures.
    """
    rows = np.flatnonzero(_mask(selection, predictions, other))
    keys = _sort_keys(selection, predictions, pictures, rows)
    order = np.argsort(-keys if selection.reverse else keys, kind="stable")
    return predictions.indices[rows[order]]


def fit_selection(
    selection: Selection, predictions: Predictions
) -> tuple[Selection, tuple[str, ...]]:
    """The nearest selection that there is in these predictions, and a sentence for each change."""
    notes = list[str]()
    if selection.like is not None:
        near = predictions.nearest_picture(selection.like)
        if near != selection.like:
            notes.append(f"like={selection.like} is now {near}, the nearest picture that there is.")
            selection = replace(selection, like=near)
    return selection, tuple(notes)


def selection_sentence(selection: Selection, class_names: Sequence[str]) -> str:
    """What is selected, in words: `cat taken for dog, the surest first`."""
    true, taken_for = (
        None if place is None else class_names[place]
        for place in (selection.true, selection.taken_for)
    )
    if true is None:
        what = "all pictures" if taken_for is None else f"everything taken for {taken_for}"
    elif taken_for is None:
        what = f"all of class {true}"
    else:
        what = f"{true} recognised" if true == taken_for else f"{true} taken for {taken_for}"
    parts = [what]
    filters = {
        "correct": "only those that are right",
        "wrong": "only those that are wrong",
        "near": "only those that are wrong and whose true class was the second guess",
        "close": "only those whose first guess is ahead by less than "
        f"{selection.margin_percent} percentage points",
    }
    versus = {
        "disagree": "on which the two networks disagree",
        "first_only": "that only the first network gets right",
        "second_only": "that only the second network gets right",
        "both_wrong": "that both networks get wrong",
    }
    if selection.which in filters:
        parts.append(filters[selection.which])
    if selection.versus in versus:
        parts.append(versus[selection.versus])
    forwards, backwards = {
        "confidence": ("the surest first", "the least sure first"),
        "margin": ("the closest calls first", "the clearest calls first"),
        "loss": ("the greatest loss first", "the smallest loss first"),
        "logits": ("the most alike to the network first", "the least alike to the network first"),
        "pixels": ("the most alike to the eye first", "the least alike to the eye first"),
        "index": ("in canonical order", "in canonical order, backwards"),
    }[selection.sort]
    parts.append(backwards if selection.reverse else forwards)
    return ", ".join(parts)


def _mask(
    selection: Selection, predictions: Predictions, other: Predictions | None
) -> npt.NDArray[np.bool_]:
    judged = predictions.judgements
    for name in ("true", "taken_for"):
        place = getattr(selection, name)
        if place is not None and place >= judged.classes:
            raise SettingError(f"{name} is {place}: there are {judged.classes} classes, from 0 up")
    mask = np.ones(len(predictions), dtype=bool)
    if selection.true is not None:
        mask &= judged.labels == selection.true
    if selection.taken_for is not None:
        mask &= judged.predictions == selection.taken_for
    if selection.which == "correct":
        mask &= judged.is_correct
    elif selection.which == "wrong":
        mask &= ~judged.is_correct
    elif selection.which == "near":
        mask &= judged.rank == 1
    elif selection.which == "close":
        mask &= judged.margin < selection.margin_percent / 100
    if other is not None and selection.versus != "any":
        both = compare(predictions, other)
        if selection.versus == "disagree":
            mask &= both.disagree
        elif selection.versus == "first_only":
            mask &= both.first_only
        elif selection.versus == "second_only":
            mask &= both.second_only
        else:
            mask &= ~(both.first.is_correct | both.second.is_correct)
    return mask


def _sort_keys(
    selection: Selection, predictions: Predictions, pictures: Pictures | None, rows: Rows
) -> npt.NDArray[np.float64]:
    """A number for each of these rows; the smallest comes first, nan last."""
    judged = predictions.judgements
    if selection.sort == "confidence":
        return -judged.confidence[rows]
    if selection.sort == "margin":
        return judged.margin[rows]
    if selection.sort == "loss":
        return -judged.loss[rows]
    if selection.sort == "index" or selection.like is None:
        return predictions.indices[rows].astype(np.float64)
    chosen = predictions.row_of(selection.like)
    if selection.sort == "logits":
        return -likeness(predictions.logits[rows], predictions.logits[chosen])
    if pictures is None or not pictures.has(predictions.indices[[chosen]]).all():
        raise DataError(
            f"Picture {selection.like} is not on this machine, so that nothing can be compared "
            "with its pixels."
        )
    here = pictures.has(predictions.indices[rows])
    keys = np.full(len(rows), np.nan)
    image = pictures.images_of(predictions.indices[[chosen]])[0]
    keys[here] = -likeness(pictures.images_of(predictions.indices[rows[here]]), image)
    return keys


def _read_class(read: QueryReader, name: str, class_names: Sequence[str]) -> int | None:
    names = ("any", *class_names)
    place = names.index(read.choice(name, names, "any"))
    return place - 1 if place else None
