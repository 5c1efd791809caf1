"""Class by class: accuracy, precision and F1, each with its 95 % interval.

Of a class's pictures, accuracy (recall) is the share that was recognised; of the pictures that were
taken for the class, precision is the share that belongs to it; F1 is their harmonic mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cnnviz.confusion.matrix import Confusion
from cnnviz.errors import ShapeError
from cnnviz.evaluation import CONFIDENCE, Accuracy, wilson_interval

Measure = Literal["recall", "precision", "f1"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)


@dataclass(frozen=True, slots=True)
class F1Score:
    """F1 of one class: 2 right / (2 right + wrong)."""

    right: int
    """Pictures of the class that were recognised."""
    wrong: int
    """Pictures of the class that were not, and pictures of others that were taken for it."""

    def __post_init__(self) -> None:
        wilson_interval(self.right, self.right + self.wrong)  # refuses what are no counts

    @property
    def value(self) -> float:
        """0 to 1; nan if the class neither occurs nor is predicted."""
        both = 2 * self.right
        return both / (both + self.wrong) if self.right or self.wrong else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high), the 95 % interval by `f1_interval`."""
        return f1_interval(self.right, self.wrong)


def f1_interval(right: int, wrong: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval (low, high) of an F1, by Wilson's for right / (right + wrong).

    Of the pictures that are of the class or were taken for it, `right` are both: that share J is a
    plain share of counted pictures, so Wilson's interval holds for it, and F1 = 2 J / (1 + J) grows
    with J, so its ends are those of F1. It stays within 0 to 1. Lam, Gopal & Qian 2024, "Confidence
    Intervals for the F1 Score: A Comparison of Four Methods", arXiv:2309.14621, where it is called
    the Wilson indirect method. (0, 1) of no pictures.
    """
    low, high = wilson_interval(right, right + wrong, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How well one class is recognised."""

    class_name: str
    recall: Accuracy
    """Of the pictures of the class, how many were recognised: its accuracy."""
    precision: Accuracy
    """Of the pictures that were taken for the class, how many belong to it."""
    f1: F1Score


def class_scores(confusion: Confusion, class_names: Sequence[str]) -> tuple[ClassScores, ...]:
    """The scores of each class, in the data set's order, from the matrix (true, predicted)."""
    if confusion.shape != (len(class_names), len(class_names)):
        raise ShapeError(
            f"the confusion matrix is {confusion.shape}, but there are {len(class_names)} classes"
        )
    scores = []
    for place, name in enumerate(class_names):
        right = int(confusion[place, place])
        of_class, taken_for_it = int(confusion[place].sum()), int(confusion[:, place].sum())
        scores.append(
            ClassScores(
                name,
                Accuracy(right, of_class),
                Accuracy(right, taken_for_it),
                F1Score(right, of_class + taken_for_it - 2 * right),
            )
        )
    return tuple(scores)


def mean_f1(scores: Sequence[ClassScores]) -> float:
    """The mean of the classes' F1 (macro F1), of those that have one; nan if none has."""
    values = [score.f1.value for score in scores if not math.isnan(score.f1.value)]
    return sum(values) / len(values) if values else math.nan


@dataclass(frozen=True, slots=True)
class LessonTable:
    """Accuracies that a lesson prints: whole percents by class, and a mean."""

    percent: tuple[int, ...]
    """In the data set's class order."""
    stated_mean_percent: float

    @property
    def own_mean_percent(self) -> float:
        """The mean of the printed percents, which is not the stated one."""
        return sum(self.percent) / len(self.percent)

    def sentence(self) -> str:
        """Both means, and how they can differ."""
        own, stated = self.own_mean_percent, self.stated_mean_percent
        said = f"The lesson states a mean of {stated:.2f} %; its ten percents have one of"
        if math.isclose(own, stated, abs_tol=0.005):
            return f"{said} {own:.2f} % too."
        if own <= stated < own + 1:
            return (
                f"{said} {own:.1f} %. Both can be true: whole percents lose up to one point each "
                "where the decimals are cut off."
            )
        return f"{said} {own:.1f} %, and no rounding explains the difference."


LESSON_CIFAR10: Final = LessonTable((72, 89, 78, 50, 48, 60, 72, 68, 78, 71), 68.94)
"""Of the lesson's network on the test split: plane, car, bird, cat, deer, dog, frog, horse, ship,
truck."""
