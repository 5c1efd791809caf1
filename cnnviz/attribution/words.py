"""What maps and the checks of them say, in sentences that can be read aloud."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from cnnviz.attribution.results import (
    Attribution,
    Completeness,
    DeletionCurve,
    RandomizationCheck,
)

ALIKE: Final = 0.7
RELATED: Final = 0.3
"""Rank correlations from which on two maps are called alike, or related."""


def map_sentence(made: Attribution, class_names: Sequence[str]) -> str:
    """What a map shows, for those who do not see it."""
    what = f"{made.request.card.title} for {made.request.target.title(class_names)}"
    row, column = divmod(int(abs(made.map).argmax()), made.map.shape[1])
    largest = float(made.map[row, column])
    if largest == 0:
        return f"{what}: 0 everywhere."
    return f"{what}: the largest number is {_signed(largest)}, in row {row}, column {column}."


def completeness_sentence(completeness: Completeness) -> str:
    """How far the pixels account for the score."""
    share = completeness.relative_error
    of_it = "" if math.isnan(share) else f", {_percent(share)} of it"
    return (
        f"The pixels add up to {_signed(completeness.total)}; exact would be "
        f"{_signed(completeness.expected)}. Completeness error: "
        f"{_signed(completeness.error)}{of_it}."
    )


def randomization_sentence(check: RandomizationCheck) -> str:
    """Whether a map depends on what was randomized."""
    layers = ", ".join(check.layers)
    these = f"layer {layers}" if len(check.layers) == 1 else f"layers {layers}"
    if math.isnan(check.similarity):
        return f"One of the two maps is flat, so that they cannot be compared ({these} randomized)."
    how = f"Rank correlation of the two maps, {these} randomized: {check.similarity:.2f}."
    if check.similarity >= ALIKE:
        return (
            f"{how} They are nearly the same: this map would look like this whatever {these} had "
            "learnt. It shows the picture more than the network's reasons."
        )
    if check.similarity >= RELATED:
        return f"{how} They are related: part of this map does not depend on what {these} learnt."
    return f"{how} They have little in common: this map depends on what {these} learnt."


def deletion_sentence(curve: DeletionCurve, title: str, class_names: Sequence[str]) -> str:
    """Whether the pixels that a map calls important matter more than others."""
    areas = curve.random_areas
    below = int((areas > curve.area).sum())
    what = class_names[curve.target.label]
    if below == len(areas):
        verdict = f"{what} is lost sooner than in each of the {len(areas)} random orders"
    elif below == 0:
        verdict = f"{what} is lost no sooner than in any of the {len(areas)} random orders"
    else:
        verdict = f"{what} is lost sooner than in {below} of the {len(areas)} random orders"
    return (
        f"Area under the curve of {title}: {curve.area:.2f}; at random "
        f"{float(areas.mean()):.2f}. By this map {verdict}."
    )


def _signed(number: float) -> str:
    return f"{number:+.3g}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "less than 0.1 %"
