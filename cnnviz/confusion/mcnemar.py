"""McNemar's test: are two networks equally good, judged on the same pictures?

Pictures that both get right, or both wrong, say nothing about which is better. Each of the others
is won by one of them; if they were equally good, these would fall like tosses of a fair coin.
McNemar 1947, "Note on the Sampling Error of the Difference Between Correlated Proportions or
Percentages", Psychometrika 12.

Which variant to read: Fagerland, Lydersen & Laake 2013, "The McNemar test for binary matched-pairs
data: mid-p and asymptotic are better than exact conditional", BMC Medical Research Methodology 13.
They recommend the mid-p value; the exact one and the one with continuity correction are larger than
need be, so that they find differences too rarely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from cnnviz.errors import SettingError
from cnnviz.evaluation import CONFIDENCE
from cnnviz.settings import whole_number


@dataclass(frozen=True, slots=True)
class McNemar:
    """The test, by the two counts that it is about. Each p value is two-sided, 0 to 1."""

    first_only: int
    """Pictures that only the first network gets right."""
    second_only: int
    """Pictures that only the second gets right."""

    def __post_init__(self) -> None:
        for name in ("first_only", "second_only"):
            whole_number(name, getattr(self, name), least=0)

    @property
    def count(self) -> int:
        """Pictures that one of them gets right and the other wrong: the tosses of the coin."""
        return self.first_only + self.second_only

    @property
    def exact(self) -> float:
        """By the binomial distribution: so uneven a split, or a more uneven one."""
        return min(1.0, 2 * self._tail() / self._sequences)

    @property
    def mid_p(self) -> float:
        """The same with the observed split counted half; the one to read. 1 of no pictures."""
        if self.count == 0:
            return 1.0
        observed = math.comb(self.count, self.first_only)
        if self.first_only == self.second_only:
            return 1 - observed / (2 * self._sequences)
        return (2 * self._tail() - observed) / self._sequences

    @property
    def chi_squared(self) -> float:
        """(b - c)^2 / (b + c), the statistic without continuity correction; 0 of no pictures."""
        return self._statistic(0)

    @property
    def asymptotic(self) -> float:
        """The p value of `chi_squared`, with one degree of freedom."""
        return _beyond(self.chi_squared)

    @property
    def corrected_chi_squared(self) -> float:
        """(|b - c| - 1)^2 / (b + c), with continuity correction (Edwards 1948)."""
        return self._statistic(1)

    @property
    def corrected(self) -> float:
        """The p value of `corrected_chi_squared`, with one degree of freedom."""
        return _beyond(self.corrected_chi_squared)

    @property
    def _sequences(self) -> int:
        """How many sequences of tosses there are: 2 to the power of `count`, exact."""
        return 1 << self.count

    def _tail(self) -> int:
        """How many of them have at most the fewer wins; exact."""
        term = total = 1
        for wins in range(1, min(self.first_only, self.second_only) + 1):
            term = term * (self.count - wins + 1) // wins
            total += term
        return total

    def _statistic(self, correction: int) -> float:
        if self.count == 0:
            return 0.0
        apart = max(0, abs(self.first_only - self.second_only) - correction)
        return apart * apart / self.count


def difference_interval(
    first_only: int, second_only: int, pictures: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval (low, high) of the second network's accuracy less the first's.

    Of `pictures` that both judged, -1 to 1. Bonett & Price 2012, "Adjusted Wald Confidence Interval
    for a Difference of Binomial Proportions Based on Paired Data", Journal of Educational and
    Behavioral Statistics 37: Wald's, after adding one picture to either of the two counts.
    """
    pictures = whole_number("pictures", pictures, least=1)
    if first_only + second_only > pictures:
        raise SettingError(
            f"{first_only + second_only} of {pictures} pictures are judged differently: use at "
            "most as many as there are"
        )
    first, second = (first_only + 1) / (pictures + 2), (second_only + 1) / (pictures + 2)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    apart = second - first
    reach = z * math.sqrt((first + second - apart**2) / (pictures + 2))
    return max(-1.0, apart - reach), min(1.0, apart + reach)


def _beyond(chi_squared: float) -> float:
    """Probability that a chi-squared variable with one degree of freedom is greater."""
    return math.erfc(math.sqrt(chi_squared / 2))
