"""How fast running statistics come near the true ones, and how fast they forget.

Each batch keeps the share 1 - m of what was there. So after k batches the start, or whatever the
statistics were before a change, still has the share (1 - m)^k; with momentum None the start is gone
after the first batch, but n batches before a change still count n / (n + k).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnnviz.batchnorm import (
    Array,
    NormSettings,
    RunningStatistics,
    Statistics,
    feed,
)
from cnnviz.errors import SettingError, ShapeError
from cnnviz.settings import shown, whole_number

FORGOTTEN = 0.05
"""What is called forgotten: less than a twentieth of it is left."""


def share_left(momentum: float | None, batches: int, *, before: int = 0) -> float:
    """Share that the past still has after so many batches of something new, 0 to 1.

    before: batches that the past consists of; only momentum None minds them. (1 - m)^k.
    """
    momentum = NormSettings(momentum=momentum).momentum
    batches = whole_number("batches", batches, least=0)
    before = whole_number("before", before, least=0)
    if momentum is not None:
        return float((1 - momentum) ** batches)
    return 1.0 if batches == 0 else before / (before + batches)


def batches_until(
    momentum: float | None, share: float = FORGOTTEN, *, before: int = 0
) -> int | None:
    """Batches after which the past has that share or less; None if never (momentum 0).

    before: as in `share_left`.
    """
    momentum = NormSettings(momentum=momentum).momentum
    before = whole_number("before", before, least=0)
    if not (isinstance(share, int | float) and 0 < share < 1):
        raise SettingError(f"share is {shown(share)}: use a number between 0 and 1")
    if momentum == 0:
        return None
    if momentum is None:
        guess = math.ceil(before * (1 - share) / share)
    elif momentum == 1:
        guess = 1
    else:
        guess = math.ceil(math.log(share) / math.log1p(-momentum))
    guess = max(1, guess)
    # Logarithms and quotients round; the powers themselves decide.
    while share_left(momentum, guess, before=before) > share:
        guess += 1
    while guess > 1 and share_left(momentum, guess - 1, before=before) <= share:
        guess -= 1
    return guess


def pooled(batches: Sequence[Statistics]) -> Statistics:
    """Of all numbers of these batches together: exact, as if they had been one batch.

    Its variance is the mean of the batches' and what their means differ by; of batches that are of
    unequal size the larger count more.
    """
    if not batches:
        raise ShapeError("there is no batch: use one or more")
    counts = np.array([float(batch.count) for batch in batches])  # (B,)
    shares = (counts / counts.sum())[:, None]  # (B, 1)
    means = np.stack([batch.mean for batch in batches])  # (B, C)
    variances = np.stack([batch.variance for batch in batches])
    mean = (shares * means).sum(0)
    variance = (shares * (variances + (means - mean) ** 2)).sum(0)
    return Statistics(mean, variance, int(counts.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Running statistics over batches, against the true ones. K + 1 rows, the first is the start.

    Where the data change, `changed_at` batches are of the old kind; the true statistics are of
    both, one for each row.
    """

    running_mean: Array
    """(K + 1, C)"""
    running_variance: Array
    batch_mean: Array
    """(K, C), of each batch."""
    batch_variance: Array
    """(K, C), unbiased: what enters the running one."""
    true_mean: Array
    """(K + 1, C)"""
    true_variance: Array
    changed_at: int | None = None

    def after(self, batches: int) -> Course:
        """What is known after so many of the batches; the true statistics stay those of all."""
        batches = min(whole_number("batches", batches, least=0), len(self.batch_mean))
        return replace(
            self,
            running_mean=self.running_mean[: batches + 1],
            running_variance=self.running_variance[: batches + 1],
            batch_mean=self.batch_mean[:batches],
            batch_variance=self.batch_variance[:batches],
        )

    @property
    def mean_error(self) -> Array:
        """(K + 1, C): how far off the running mean is, in true standard deviations."""
        rows = len(self.running_mean)
        return np.abs(self.running_mean - self.true_mean[:rows]) / np.sqrt(
            np.maximum(self.true_variance[:rows], np.finfo(np.float64).tiny)
        )


def course(
    batches: Sequence[Statistics],
    settings: NormSettings,
    *,
    start: RunningStatistics | None = None,
    then: Sequence[Statistics] = (),
) -> Course:
    """Feeds batches one by one, and after them those of `then`, which may be of other data.

    start: mean 0 and variance 1 unless given. The true statistics are `pooled` over all batches
    of a kind.
    """
    everything = [*batches, *then]
    if not everything:
        raise ShapeError("there is no batch: use one or more")
    begin = start or RunningStatistics.fresh(len(everything[0].mean))
    running = feed(everything, settings, begin)
    kinds = [pooled(kind) for kind in (batches, then) if kind]
    # Row k stands after k batches; the first batch of the new kind makes its row count as new.
    old = len(batches) + 1 if batches else 0
    rows = [old, len(running) - old] if len(kinds) == 2 else [len(running)]
    return Course(
        running_mean=np.stack([r.mean for r in running]),
        running_variance=np.stack([r.variance for r in running]),
        batch_mean=np.stack([batch.mean for batch in everything]),
        batch_variance=np.stack([batch.unbiased_variance for batch in everything]),
        true_mean=np.repeat([kind.mean for kind in kinds], rows, axis=0),
        true_variance=np.repeat([kind.unbiased_variance for kind in kinds], rows, axis=0),
        changed_at=len(batches) if batches and then else None,
    )
