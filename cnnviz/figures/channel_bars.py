"""Histograms of a layer's channels as bars that can be compared: shares, and one height for all."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.norms.layer_values import Histogram

_TALL: Final = 0.9
"""Share of the histograms that fit under the shared height; a few narrow ones are cut off, since
they would leave the others flat."""


def bar_shares(histogram: Histogram) -> npt.NDArray[np.float64]:
    """Share of all values in each bin, (B,); values outside count among all."""
    shares: npt.NDArray[np.float64] = histogram.counts / max(1, histogram.count)
    return shares


def highest_bar(histogram: Histogram) -> float:
    """The highest share in a bin, but for exact zeros: a ReLU piles half of all values there."""
    shares = bar_shares(histogram)
    zero = int(np.searchsorted(histogram.edges, 0, side="right")) - 1
    if 0 <= zero < len(shares):
        shares = shares.copy()
        shares[zero] = max(0.0, shares[zero] - histogram.zeros)
    return float(shares.max(initial=0.0))


def shared_top(histograms: Sequence[Histogram]) -> float:
    """A height for all of these, as a share: it does not change with the one that is shown."""
    tops = [highest_bar(histogram) for histogram in histograms]
    return 1.08 * float(np.quantile(tops, _TALL)) or 1.0
