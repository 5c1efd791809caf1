"""The confusion matrix as it is looked at: counts or shares, in some order, less its diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.errors import SettingError, ShapeError
from cnnviz.settings import shown

Numbers = Literal["counts", "of_true", "of_predicted"]
NUMBERS: tuple[Numbers, ...] = get_args(Numbers)
Floats = npt.NDArray[np.float64]
Confusion = npt.NDArray[np.integer[Any]]  # (classes, classes): rows are true, columns predicted


@dataclass(frozen=True, slots=True, eq=False)
class MatrixTable:
    """A confusion matrix, or the difference of two, in the order in which it is shown."""

    order: tuple[int, ...]
    """order[i] is the class of row i and of column i, an index in the data set's order."""
    class_names: tuple[str, ...]
    """In the order shown."""
    values: Floats
    """(classes, classes), (true, predicted): pictures, or shares from 0 to 1 (-1 to 1 of a
    difference). nan where a share is of no pictures, and on a diagonal that is left out."""
    numbers: Numbers
    top: float
    """The greatest magnitude that a scale of colours needs to reach; above 0."""
    confusion: Confusion
    """Pictures, (true, predicted), in the data set's order; of a difference, the second's."""
    before: Confusion | None = None
    """Of a difference, the first network's; else None."""

    @property
    def is_difference(self) -> bool:
        """Whether it is the second network's matrix less the first's."""
        return self.before is not None


def matrix_table(
    confusion: Confusion,
    class_names: Sequence[str],
    *,
    numbers: Numbers = "counts",
    diagonal: bool = True,
    order: Sequence[int] | None = None,
) -> MatrixTable:
    """The matrix (true, predicted) as it is to be shown.

    numbers: of_true are shares of each row, whose diagonal is the accuracy of each class (recall);
    of_predicted are shares of each column, whose diagonal is its precision. The colours reach to
    all pictures of the largest class, or to 100 %, so that they mean the same while epochs go by;
    without the diagonal, to the greatest value there is. order: the data set's own if None.
    """
    places = _check(confusion, class_names, numbers, order)
    values = _numbers_of(confusion, numbers)
    top = 1.0 if numbers != "counts" else float(confusion.sum(1).max(initial=0))
    if not diagonal:
        np.fill_diagonal(values, np.nan)
        top = float(np.nanmax(values, initial=0.0))
    return _ordered(values, class_names, places, numbers, top, confusion)


def difference_table(
    first: Confusion,
    second: Confusion,
    class_names: Sequence[str],
    *,
    numbers: Numbers = "counts",
    diagonal: bool = True,
    order: Sequence[int] | None = None,
) -> MatrixTable:
    """The second matrix less the first, both of the same pictures; otherwise as `matrix_table`.

    More on the diagonal is better, and more beside it is worse. The colours reach to the greatest
    magnitude there is.
    """
    places = _check(first, class_names, numbers, order)
    if first.shape != second.shape or not np.array_equal(first.sum(1), second.sum(1)):
        raise ShapeError(
            f"the matrices are {first.shape} of {first.sum():,} pictures and {second.shape} of "
            f"{second.sum():,}: use two of the same pictures"
        )
    values = _numbers_of(second, numbers) - _numbers_of(first, numbers)
    if not diagonal:
        np.fill_diagonal(values, np.nan)
    top = float(np.nanmax(np.abs(values), initial=0.0))
    return _ordered(values, class_names, places, numbers, top, second, first)


def shares(confusion: Confusion, of: Literal["of_true", "of_predicted"] = "of_true") -> Floats:
    """Shares of each row (of_true) or each column (of_predicted); nan where it is empty."""
    totals = confusion.sum(1 if of == "of_true" else 0, keepdims=True).astype(np.float64)
    found = np.full(confusion.shape, np.nan)
    np.divide(confusion, totals, out=found, where=np.broadcast_to(totals > 0, confusion.shape))
    return found


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """How often one class was taken for another."""

    true: int
    predicted: int
    count: int
    of_true: int
    """Pictures of the true class."""
    of_predicted: int
    """Pictures that were taken for the predicted class, rightly or wrongly."""


def confused_pair(confusion: Confusion, true: int, predicted: int) -> ConfusedPair:
    """One cell of the matrix."""
    return ConfusedPair(
        true,
        predicted,
        int(confusion[true, predicted]),
        int(confusion[true].sum()),
        int(confusion[:, predicted].sum()),
    )


def top_confusions(confusion: Confusion, most: int = 5) -> tuple[ConfusedPair, ...]:
    """The most frequent confusions, at most so many, none that never happened.

    Of equally frequent ones those of earlier classes come first.
    """
    wrong = confusion.astype(np.int64)
    np.fill_diagonal(wrong, 0)
    ranked = np.argsort(-wrong.reshape(-1), kind="stable")[:most]
    pairs = (divmod(int(place), len(wrong)) for place in ranked)
    return tuple(confused_pair(confusion, *pair) for pair in pairs if wrong[pair] > 0)


def _check(
    confusion: Confusion, class_names: Sequence[str], numbers: str, order: Sequence[int] | None
) -> tuple[int, ...]:
    count = len(class_names)
    if confusion.shape != (count, count) or count == 0:
        raise ShapeError(
            f"the confusion matrix is {confusion.shape}, but there are {count} classes: use one "
            "row and one column for each"
        )
    if numbers not in NUMBERS:
        raise SettingError(f"numbers is {shown(numbers)}: use {', '.join(NUMBERS)}")
    places = tuple(range(count)) if order is None else tuple(order)
    if sorted(places) != list(range(count)):
        raise SettingError(f"the order is {shown(places)}: use each of 0 to {count - 1} once")
    return places


def _numbers_of(confusion: Confusion, numbers: Numbers) -> Floats:
    return confusion.astype(np.float64) if numbers == "counts" else shares(confusion, numbers)


def _ordered(
    values: Floats,
    class_names: Sequence[str],
    places: tuple[int, ...],
    numbers: Numbers,
    top: float,
    confusion: Confusion,
    before: Confusion | None = None,
) -> MatrixTable:
    rows = np.array(places, dtype=np.intp)
    return MatrixTable(
        places,
        tuple(class_names[place] for place in places),
        values[np.ix_(rows, rows)],
        numbers,
        top or 1.0,
        confusion,
        before,
    )
