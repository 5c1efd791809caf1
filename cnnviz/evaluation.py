"""From predictions to numbers: accuracy and its interval, class by class; confusion matrix; loss.

Logits are what a network puts out, (N, classes), before softmax. The predicted class is that of the
largest logit, of equal ones the first. Only numpy here; `cnnviz.predictions` runs the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.errors import NonFiniteError, SettingError, ShapeError
from cnnviz.settings import shown, whole_number

Logits = npt.NDArray[np.floating[Any]]  # (N, classes)
Integers = npt.NDArray[np.integer[Any]]

CONFIDENCE: Final = 0.95


def wilson_interval(
    correct: int, count: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The score interval (low, high) for the share that `correct` of `count` estimates.

    It stays within 0 to 1 and keeps its width at 0 % and 100 %, unlike the share plus and minus its
    standard errors; of no pictures at all it is (0, 1). Wilson 1927, "Probable Inference, the Law
    of Succession, and Statistical Inference", Journal of the American Statistical Association 22.
    """
    count = whole_number("count", count, least=0)
    correct = whole_number("correct", correct, least=0)
    if correct > count:
        raise SettingError(f"correct is {correct} of {count}: use a number from 0 to {count}")
    if not 0 < confidence < 1:
        raise SettingError(f"confidence is {shown(confidence)}: use a number between 0 and 1")
    if count == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = correct / count, z * z / count
    centre = (share + spread / 2) / (1 + spread)
    reach = z * math.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    # The two ends are exact; rounding would leave them a little off.
    low = 0.0 if correct == 0 else centre - reach
    high = 1.0 if correct == count else centre + reach
    return low, high


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many of some pictures were recognised."""

    correct: int
    count: int

    def __post_init__(self) -> None:
        wilson_interval(self.correct, self.count)  # refuses what is no such pair

    @property
    def share(self) -> float:
        """Accuracy, 0 to 1; nan of no pictures."""
        return self.correct / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high), the 95 % interval by `wilson_interval`."""
        return wilson_interval(self.correct, self.count)


@dataclass(frozen=True, slots=True)
class AccuracyTable:
    """Accuracy class by class: of the pictures of each class, how many were recognised as such."""

    per_class: tuple[Accuracy, ...]
    """In the data set's class order. This is the recall of each class."""

    @property
    def overall(self) -> Accuracy:
        """Of all pictures."""
        return Accuracy(
            sum(accuracy.correct for accuracy in self.per_class),
            sum(accuracy.count for accuracy in self.per_class),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a network's logits on labelled pictures amount to."""

    confusion: npt.NDArray[np.int64]
    """(classes, classes), as `confusion_matrix` counts it."""
    cross_entropy: float
    """Mean over the pictures, in nats."""

    @property
    def table(self) -> AccuracyTable:
        """Accuracy class by class, and overall."""
        rows = zip(self.confusion.diagonal().tolist(), self.confusion.sum(1).tolist(), strict=True)
        return AccuracyTable(tuple(Accuracy(correct, count) for correct, count in rows))


@dataclass(frozen=True, slots=True, eq=False)
class TwoViews:
    """Logits of the same pictures as they are and mirrored, left and right exchanged."""

    logits: Logits
    mirrored_logits: Logits

    def __post_init__(self) -> None:
        if self.logits.shape != self.mirrored_logits.shape:
            raise ShapeError(
                f"logits are {self.logits.shape}, those of the mirrored pictures "
                f"{self.mirrored_logits.shape}: use two of the same shape, (N, classes)"
            )

    @property
    def averaged(self) -> npt.NDArray[np.float32]:
        """Test-time flip: the mean of both views' logits, computed in float32."""
        with np.errstate(invalid="ignore"):  # infinities of both signs; `evaluate` refuses nan
            both = self.logits.astype(np.float32) + self.mirrored_logits.astype(np.float32)
        mean: npt.NDArray[np.float32] = both / np.float32(2)
        return mean

    def in_half_precision(self) -> TwoViews:
        """The same rounded to float16, as a checkpoint stores them; too large becomes infinite."""
        with np.errstate(over="ignore"):
            return TwoViews(self.logits.astype(np.float16), self.mirrored_logits.astype(np.float16))


@dataclass(frozen=True, slots=True)
class Changed:
    """How many pictures two sets of logits decide otherwise."""

    single_view: int
    with_flip: int
    """By the mean of both views."""
    count: int
    """Pictures there are."""

    @property
    def most(self) -> int:
        """The larger of the two."""
        return max(self.single_view, self.with_flip)


def evaluate(logits: Logits, labels: Integers) -> Evaluation:
    """Judges logits (N, classes) by labels (N,).

    ShapeError if they do not fit each other, NonFiniteError for a logit that is nan or infinite.
    """
    logs = log_probabilities(logits)
    confusion = confusion_matrix(labels, logits.argmax(1), logits.shape[1])
    cross_entropy = -logs[np.arange(len(labels)), labels].mean()
    return Evaluation(confusion, float(cross_entropy))


def log_probabilities(logits: Logits) -> npt.NDArray[np.float64]:
    """Logarithms (N, classes) of the softmax of logits, in float64.

    ShapeError unless these are logits of at least one picture, NonFiniteError for one that is nan
    or infinite.
    """
    _check_logits(logits)
    wide = logits.astype(np.float64)
    wide -= wide.max(1, keepdims=True)  # so that no exponential overflows
    logs: npt.NDArray[np.float64] = wide - np.log(np.exp(wide).sum(1, keepdims=True))
    return logs


def count_changed(before: TwoViews, after: TwoViews) -> Changed:
    """How many pictures two sets of logits (N, classes) decide otherwise."""
    pairs = ((before.logits, after.logits), (before.averaged, after.averaged))
    counts = [int(np.sum(old.argmax(1) != new.argmax(1))) for old, new in pairs]
    return Changed(counts[0], counts[1], len(before.logits))


def confusion_matrix(
    labels: Integers, predictions: Integers, classes: int
) -> npt.NDArray[np.int64]:
    """How often each class was taken for each: rows are true, columns predicted; int64."""
    if labels.ndim != 1 or labels.shape != predictions.shape:
        raise ShapeError(
            f"labels are {labels.shape}, predictions {predictions.shape}: use one of each for "
            "every picture, (N,)"
        )
    for name, values in (("labels", labels), ("predictions", predictions)):
        if values.dtype.kind not in "iu":
            raise ShapeError(f"{name} are {values.dtype}: use whole numbers")
        if len(values) and not (values.min() >= 0 and values.max() < classes):
            raise ShapeError(
                f"{name} run from {values.min()} to {values.max()}: use 0 to {classes - 1}"
            )
    pairs = labels.astype(np.int64) * classes + predictions.astype(np.int64)
    counts = np.bincount(pairs, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)  # (true, predicted)


def _check_logits(logits: Logits) -> None:
    if logits.ndim != 2 or 0 in logits.shape or logits.dtype.kind != "f":
        raise ShapeError(
            f"logits are {logits.dtype} {logits.shape}: use floating-point (N, classes), at least "
            "one picture"
        )
    broken = ~np.isfinite(logits).all(1)
    if broken.any():
        raise NonFiniteError(
            f"{int(broken.sum()):,} of {len(logits):,} pictures have a logit that is no finite "
            f"number, the first is picture {int(broken.argmax()):,}: the network is broken, or its "
            "numbers are too large for this precision"
        )
