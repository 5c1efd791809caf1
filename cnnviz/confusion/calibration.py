"""Does a network know how sure it may be? Of pictures with 80 % confidence, 80 % should be right.

Confidence is the probability of the predicted class. Guo, Pleiss, Sun & Weinberger 2017, "On
Calibration of Modern Neural Networks", ICML (arXiv:1706.04599).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.judgements import Judgements
from cnnviz.errors import NonFiniteError, SettingError, ShapeError
from cnnviz.evaluation import Accuracy
from cnnviz.settings import shown, whole_number

Binning = Literal["equal_width", "equal_mass"]
BINNINGS: tuple[Binning, ...] = get_args(Binning)
BINS: Final = 15
"""As Guo et al. have them."""
MAX_BINS: Final = 100
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """The pictures whose confidence lies between low (exclusive) and high (inclusive)."""

    low: float
    high: float
    mean_confidence: float
    """nan if there are none."""
    accuracy: Accuracy

    @property
    def gap(self) -> float:
        """Mean confidence less accuracy: above 0 the network is too sure; nan if empty."""
        return self.mean_confidence - self.accuracy.share


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a reliability diagram shows."""

    binning: Binning
    bins: tuple[Bin, ...]
    """By confidence, empty ones included."""

    @property
    def count(self) -> int:
        """Pictures."""
        return sum(each.accuracy.count for each in self.bins)

    @property
    def expected_error(self) -> float:
        """Expected calibration error: the mean of the gaps' magnitudes, weighted by pictures."""
        gaps = [abs(each.gap) * each.accuracy.count for each in self.bins if each.accuracy.count]
        return sum(gaps) / self.count

    @property
    def greatest_error(self) -> float:
        """Maximum calibration error: the greatest gap's magnitude, however few pictures it has."""
        return max(abs(each.gap) for each in self.bins if each.accuracy.count)

    @property
    def mean_gap(self) -> float:
        """Mean confidence less accuracy, of all pictures: above 0 the network is too sure."""
        return sum(each.gap * each.accuracy.count for each in self.bins if each.accuracy.count) / (
            self.count
        )


def reliability(
    confidence: Floats,
    is_correct: npt.NDArray[np.bool_],
    *,
    bins: int = BINS,
    binning: Binning = "equal_width",
) -> Reliability:
    """Pictures sorted into bins by confidence (N,), with the accuracy of each bin.

    equal_width: 0 to 1 in so many equal parts. equal_mass: as many pictures in each as can be;
    pictures of the same confidence stay together, so that there may be fewer bins.
    """
    _check(confidence, is_correct)
    bins = whole_number("bins", bins, least=1)
    if bins > MAX_BINS:
        raise SettingError(f"bins is {bins}: use 1 to {MAX_BINS}")
    if binning not in BINNINGS:
        raise SettingError(f"binning is {shown(binning)}: use {' or '.join(BINNINGS)}")
    if binning == "equal_width":
        edges = np.arange(bins + 1) / bins
    else:
        ranked = np.sort(confidence)
        last = np.ceil(np.arange(1, bins + 1) * len(ranked) / bins).astype(np.intp) - 1
        edges = np.concatenate([[0.0], np.unique(ranked[np.maximum(last, 0)])])
    places = np.searchsorted(edges[1:-1], confidence, side="left")  # (N,), a bin has its high end
    count = len(edges) - 1
    totals = np.bincount(places, minlength=count)
    right = np.bincount(places, weights=is_correct, minlength=count)
    sums = np.bincount(places, weights=confidence, minlength=count)
    means = np.divide(sums, totals, out=np.full(count, np.nan), where=totals > 0)
    return Reliability(
        binning,
        tuple(
            Bin(float(low), float(high), float(mean), Accuracy(int(correct), int(total)))
            for low, high, mean, correct, total in zip(
                edges[:-1], edges[1:], means, right, totals, strict=True
            )
        ),
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Both reliabilities of a network, and two scores that punish wrong confidence."""

    equal_width: Reliability
    equal_mass: Reliability
    brier: float
    """Mean over the pictures of the squared distance between the probabilities and the truth, 0 to
    2 (Brier 1950, "Verification of Forecasts Expressed in Terms of Probability")."""
    negative_log_likelihood: float
    """Mean cross-entropy, in nats."""

    def sentence(self) -> str:
        """In words, for people."""
        error, gap = self.equal_width.expected_error, self.equal_width.mean_gap
        off = f"Confidence and accuracy differ by {100 * error:.1f} percentage points on average"
        if abs(gap) < error / 2:
            return f"{off}, in both directions."
        way = "more" if gap > 0 else "less"
        return f"{off}: on the whole the network is {way} sure than it is right."


def calibration(judgements: Judgements, *, bins: int = BINS) -> Calibration:
    """How well the network's probabilities can be trusted, on these pictures."""
    confidence, correct = judgements.confidence, judgements.is_correct
    return Calibration(
        reliability(confidence, correct, bins=bins),
        reliability(confidence, correct, bins=bins, binning="equal_mass"),
        brier_score(judgements),
        float(judgements.loss.mean()),
    )


def brier_score(judgements: Judgements) -> float:
    """Mean squared distance (0 to 2) of probabilities (N, classes) from 1 and 0 of the truth."""
    squares = (judgements.probabilities**2).sum(1)  # (N,)
    own = np.exp(-judgements.loss)
    # sum of p^2, but (1 - p)^2 instead of p^2 for the true class
    return float((squares - 2 * own + 1).mean())


def _check(confidence: Floats, is_correct: npt.NDArray[np.bool_]) -> None:
    if confidence.ndim != 1 or confidence.shape != is_correct.shape or len(confidence) == 0:
        raise ShapeError(
            f"confidences are {confidence.shape}, verdicts {is_correct.shape}: use one of each for "
            "every picture, (N,), at least one"
        )
    if is_correct.dtype != np.bool_:
        raise ShapeError(f"verdicts are {is_correct.dtype}: use True or False")
    if not np.isfinite(confidence).all():
        raise NonFiniteError("a confidence is no finite number: the network is broken")
    if confidence.min() < 0 or confidence.max() > 1 + 1e-9:
        raise SettingError(
            f"confidences run from {confidence.min():g} to {confidence.max():g}: use 0 to 1"
        )
