"""Numbers of a curve before it is drawn: smoothed, thinned, and the range of its axis.

A number that is not finite is a gap: it is nan in what is returned, and no line is drawn through.
"""

import math

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]  # (N,)

MOST_POINTS = 1500
"""What is drawn of one curve: more than a screen has columns would be paid for and not seen."""

_NICE = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def smooth(steps: Values, values: Values, over_steps: float) -> Values:
    """The running mean of values (N,); over `over_steps` steps a value's weight falls to 37 %.

    steps: at which each was told, rising, from 0. over_steps: 0 leaves the values as they are.

    It is an exponential moving average with the start's bias divided out (Kingma & Ba 2015,
    section 3), by steps and not by records, since a run may tell more often for a while. Each point
    lies between the one before and the new value. So the curve stays within the values' bounds,
    turns no more than they do, and what was drawn never moves when a value is added. A centred
    mean would lag less, but its last points would be drawn anew with each value.
    """
    if not 0 <= over_steps < math.inf:
        raise ValueError(f"over_steps is {over_steps}: use a finite number from 0 up")
    if over_steps == 0:
        return np.where(np.isfinite(values), values, np.nan)
    smoothed = np.full(len(values), np.nan)
    mean = weight = before = 0.0
    for index, (step, value) in enumerate(zip(steps.tolist(), values.tolist(), strict=True)):
        if not math.isfinite(value):
            continue
        fresh = -math.expm1(-max(step - before, 1.0) / over_steps)
        weight = weight * (1 - fresh) + fresh
        before = step
        if weight == fresh:  # the first
            mean = value
        else:  # rounding must not carry it beyond either
            between = mean + fresh / weight * (value - mean)
            mean = min(max(between, min(mean, value)), max(mean, value))
        smoothed[index] = mean
    return smoothed


def thin(values: Values, most: int = MOST_POINTS) -> npt.NDArray[np.intp]:
    """Indices, rising, of at most `most` (8 or more) of the values (N,): the curve looks the same.

    Of each bucket of neighbours the least and the greatest stay, and one gap if it has any; so do
    the first and the last value of all. Buckets have a power of two of values, counted from
    the start: a value that is added changes the choice in the last one only, and nothing flickers.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    size = 2
    while 3 * math.ceil(count / size) + 2 > most:
        size *= 2
    buckets = math.ceil(count / size)
    padded = np.full(buckets * size, np.nan)
    padded[:count] = np.where(np.isfinite(values), values, np.nan)
    rows = padded.reshape(buckets, size)
    gaps = np.isnan(rows)
    starts = np.arange(buckets) * size
    least = np.where(gaps, np.inf, rows).argmin(1) + starts
    greatest = np.where(gaps, -np.inf, rows).argmax(1) + starts
    gap = gaps.argmax(1) + starts  # the first; of a bucket without gaps its first value
    has_gap = gaps.any(1) & (gap < count)
    chosen = np.concatenate([least, greatest, gap[has_gap], [0, count - 1]])
    return np.unique(chosen[chosen < count])


def reach(value: float) -> float:
    """The end of an axis from 0: a round number that is not below `value`.

    An axis that ends at round numbers extends in steps while points arrive. 1 for what is not a
    number above 0.
    """
    if not (math.isfinite(value) and value > 0):
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    enough = value * (1 - 1e-12)  # 0.3 is reached by 3 x 0.1, whatever the rounding
    return next((nice * unit for nice in _NICE if nice * unit >= enough), 10 * unit)


def log_range(values: Values) -> tuple[float, float]:
    """Exponents of ten between which a logarithmic axis shows the values: halves of decades.

    What is not above 0 has no place on it and is left out.
    """
    shown = values[np.isfinite(values) & (values > 0)]
    if len(shown) == 0:
        return -1.0, 1.0
    low = math.floor(2 * math.log10(shown.min())) / 2
    high = math.ceil(2 * math.log10(shown.max())) / 2
    return low, max(high, low + 0.5)
