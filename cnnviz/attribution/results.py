"""What comes back: maps, and the checks of them. All arrays are read-only: pages share them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.attribution.cards import BaselineName
from cnnviz.attribution.requests import AttributionRequest, Target

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Completeness:
    """Whether the pixels together account for what they should."""

    total: float
    """The sum of the attributions."""
    expected: float
    """What it should be: the score of the picture, less that of the baseline if there is one."""

    @property
    def error(self) -> float:
        """How far the sum is off, in the score's own unit; 0 is exact."""
        return self.total - self.expected

    @property
    def relative_error(self) -> float:
        """The error's magnitude as a share of what was expected; nan if that is 0."""
        return abs(self.error / self.expected) if self.expected else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """One map, and how it came about."""

    request: AttributionRequest
    """With all settings that were used."""
    map: Floats
    """(H, W): a number for each pixel, positive for the class. The sum over the channels where
    there are any, but for Saliency's magnitude, which is their largest."""
    channels: Floats | None
    """(C, H, W) of a method that tells channels apart; else None."""
    score: float
    """What is explained: the class's logit, or the difference of two."""
    completeness: Completeness | None
    """Of methods that promise it."""
    layer: str | None
    """Whose maps were used, of methods that use a layer's."""
    elapsed_s: float
    """Seconds of computing, without the wait for a turn."""

    def __post_init__(self) -> None:
        self.map.flags.writeable = False
        if self.channels is not None:
            self.channels.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class RandomizationCheck:
    """A map beside that of the same network with its last layers randomized."""

    trained: Attribution
    randomized: Attribution
    layers: tuple[str, ...]
    """The randomized layers with weights, the last first."""
    seed: int
    similarity: float
    """Spearman's rank correlation of the magnitudes of the two maps; nan if one is flat.

    1: the same pixels in the same order, so that the map does not depend on what these layers
    have learnt. 0: no relation."""


@dataclass(frozen=True, slots=True, eq=False)
class DeletionCurve:
    """What is left of a class while pixels are replaced by the baseline, a few more each step."""

    target: Target
    baseline: BaselineName
    removed: npt.NDArray[np.int64]
    """(steps + 1,): how many pixels are gone, from none to all."""
    probabilities: Doubles
    """(steps + 1, classes), the most important pixels first."""
    values: Doubles
    """(steps + 1,): the probability of the class; of two, that of the one if there were only these
    two."""
    random_values: Doubles
    """(orders, steps + 1): the same when the pixels go in random orders."""

    def __post_init__(self) -> None:
        for array in (self.removed, self.probabilities, self.values, self.random_values):
            array.flags.writeable = False

    @property
    def shares(self) -> Doubles:
        """(steps + 1,): the share of the pixels that is gone, 0 to 1."""
        shares: Doubles = self.removed / self.removed[-1]
        return shares

    @property
    def area(self) -> float:
        """The area under the curve, 0 to 1; small if the first pixels to go mattered most."""
        return float(np.trapezoid(self.values, self.shares))

    @property
    def random_areas(self) -> Doubles:
        """(orders,): the same of each random order."""
        return np.asarray(np.trapezoid(self.random_values, self.shares, axis=1))
