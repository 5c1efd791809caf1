"""Batch normalization in numpy: forwards, backwards, running statistics, all conventions told.

    in training    y = gamma * (x - mean) / sqrt(variance + eps) + beta

with the mean and the variance of each channel over all else, (N, H, W). In evaluation the same with
the running statistics, so that no picture's result depends on another's.

The conventions, which are PyTorch's (torch.nn.BatchNorm2d):

- the variance that normalizes is the biased one: the sum of squares is divided by the count n;
- the variance that enters the running estimate is the unbiased one: divided by n - 1;
- momentum is the share of the new batch: running = (1 - momentum) * running + momentum * batch;
- momentum None is the cumulative average: all batches count alike;
- eps stands inside the root.

Ioffe & Szegedy 2015, "Batch Normalization", arXiv:1502.03167: algorithms 1 and 2, and section 3 for
the gradients. All is computed in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cnnviz.errors import NonFiniteError, SettingError, ShapeError
from cnnviz.settings import shown, whole_number

Array = npt.NDArray[np.float64]
Mode = Literal["train", "eval"]


@dataclass(frozen=True, slots=True)
class NormSettings:
    """What a batch normalization is set to; the defaults are PyTorch's."""

    eps: float = 1e-5
    """Added to the variance, inside the root. 0 will do in evaluation only, as in PyTorch."""
    momentum: float | None = 0.1
    """Share of the new batch in the running statistics, 0 to 1; None: the cumulative average."""

    def __post_init__(self) -> None:
        check_eps(self.eps)
        if self.momentum is not None and not _is_number(self.momentum, 0.0, 1.0):
            raise SettingError(
                f"momentum is {shown(self.momentum)}: use a number from 0 to 1, or None"
            )

    def share_of_batch(self, number: int) -> float:
        """Share of the batch of that number, counted from 1, in the running statistics."""
        return 1 / number if self.momentum is None else float(self.momentum)


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Mean and variance of some sets of numbers; each field but `count` has one entry a set."""

    mean: Array
    variance: Array
    """Biased: divided by `count`."""
    count: int
    """Numbers in each set."""

    @property
    def unbiased_variance(self) -> Array:
        """Divided by count - 1; nan of a single number."""
        if self.count == 1:
            return np.full_like(self.variance, np.nan)
        return self.variance * (self.count / (self.count - 1))


@dataclass(frozen=True, slots=True, eq=False)
class RunningStatistics:
    """What evaluation normalizes by: mean (C,) and unbiased variance (C,) over past batches."""

    mean: Array
    variance: Array
    batches: int = 0
    """That were taken in."""

    @classmethod
    def fresh(cls, channels: int) -> RunningStatistics:
        """Mean 0 and variance 1, as a new layer has them."""
        channels = whole_number("channels", channels, least=1)
        return cls(np.zeros(channels), np.ones(channels))

    def after(self, batch: Statistics, settings: NormSettings) -> RunningStatistics:
        """With one more batch; ShapeError if it has other channels."""
        if batch.mean.shape != self.mean.shape:
            raise ShapeError(
                f"the batch has {len(batch.mean)} channels, the running statistics "
                f"{len(self.mean)}: use one network's"
            )
        share = settings.share_of_batch(self.batches + 1)
        return RunningStatistics(
            mean=(1 - share) * self.mean + share * batch.mean,
            variance=(1 - share) * self.variance + share * batch.unbiased_variance,
            batches=self.batches + 1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Normalized:
    """A normalization, step by step. All arrays have the shape of the input, but for `statistics`.

    `statistics` are those that were divided by: of each set of numbers that share a mean.
    """

    statistics: Statistics
    eps: float
    mean: Array
    """That was subtracted, repeated for each number."""
    root: Array
    """sqrt(variance + eps), likewise."""
    centred: Array
    """x - mean"""
    normalized: Array
    """centred / root: mean 0, and variance 1 but for eps."""
    output: Array
    """gamma * normalized + beta"""
    from_batch: bool
    """Whether the statistics are those of the input itself; then gradients flow through them."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchNormResult:
    """What a batch normalization gave, and what it remembers."""

    steps: Normalized
    running: RunningStatistics | None
    """After this batch; in evaluation as they were."""

    @property
    def output(self) -> Array:
        """(N, C, ...), as the input."""
        return self.steps.output


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Of a loss: by the input, by gamma and by beta, each in the shape of that."""

    input: Array
    gamma: Array
    beta: Array


def batch_norm(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
    *,
    mode: Mode,
    settings: NormSettings | None = None,
    running: RunningStatistics | None = None,
) -> BatchNormResult:
    """Normalizes x (N, C, ...), such as (N, C, H, W), for each channel.

    gamma, beta: (C,); 1 and 0 unless given. settings: PyTorch's defaults unless given.
    running: what evaluation normalizes by and training adds to; without any, evaluation too
    normalizes by the batch (PyTorch's track_running_stats=False).

    Raises ShapeError for a single value in each channel where the batch normalizes itself: its
    variance would be 0 and every output beta. PyTorch refuses it too.
    """
    x = as_numbers(x, "the batch", least_axes=2)
    settings = settings or NormSettings()
    channels = x.shape[1]
    if mode not in ("train", "eval"):
        raise SettingError(f"mode is {shown(mode)}: use train or eval")
    if running is not None and running.mean.shape != (channels,):
        raise ShapeError(
            f"the running statistics have {len(running.mean)} channels, the batch {channels}: "
            "use as many"
        )
    scale = channel_numbers(gamma, "gamma", channels, default=1.0)
    shift = channel_numbers(beta, "beta", channels, default=0.0)

    from_batch = mode == "train" or running is None
    if from_batch:
        statistics = channel_statistics(x)
        if statistics.count == 1:
            raise ShapeError(
                f"a batch of {_by(x.shape)} has one value in each channel: its own mean would "
                "leave nothing of it; use two pictures or more, or evaluation"
            )
        if settings.eps == 0:
            raise SettingError(
                "eps is 0: in training use a number above 0, since a constant channel is divided "
                "by its root"
            )
    else:
        assert running is not None
        statistics = Statistics(running.mean, running.variance, x.size // channels)

    along = (1, channels) + (1,) * (x.ndim - 2)  # (C,) stretched along the batch: (1, C, 1, 1)
    steps = normalize(
        x,
        statistics,
        np.broadcast_to(statistics.mean.reshape(along), x.shape),
        np.broadcast_to(statistics.variance.reshape(along), x.shape),
        gamma=scale.reshape(along),
        beta=shift.reshape(along),
        eps=settings.eps,
        from_batch=from_batch,
    )
    if mode == "train" and running is not None:
        running = running.after(statistics, settings)
    return BatchNormResult(steps, running)


def batch_norm_backward(
    result: BatchNormResult, output_gradient: npt.ArrayLike, gamma: npt.ArrayLike | None = None
) -> Gradients:
    """From the loss's gradient by the output (N, C, ...) to those by x, gamma and beta."""
    steps = result.steps
    gradient = as_numbers(output_gradient, "the output's gradient", least_axes=2)
    if gradient.shape != steps.output.shape:
        raise ShapeError(
            f"the output's gradient is {_by(gradient.shape)}, the output "
            f"{_by(steps.output.shape)}: use one number for each"
        )
    channels = gradient.shape[1]
    scale = channel_numbers(gamma, "gamma", channels, default=1.0)
    others = (0, *range(2, gradient.ndim))  # all axes but the channels'
    along = (1, channels) + (1,) * (gradient.ndim - 2)
    return Gradients(
        input=input_gradient(steps, gradient * scale.reshape(along), others),
        gamma=(gradient * steps.normalized).sum(axis=others),
        beta=gradient.sum(axis=others),
    )


def feed(
    batches: Iterable[Statistics], settings: NormSettings, start: RunningStatistics
) -> list[RunningStatistics]:
    """The running statistics before the first batch and after each: one more than batches."""
    running = [start]
    for batch in batches:
        running.append(running[-1].after(batch, settings))
    return running


def channel_statistics(x: Array) -> Statistics:
    """Of each channel of x (N, C, ...), over all else."""
    others = (0, *range(2, x.ndim))
    return Statistics(x.mean(axis=others), x.var(axis=others), x.size // x.shape[1])


# ------------------------------------------------- what batch norm's relatives share with it


def normalize(
    x: Array,
    statistics: Statistics,
    mean: Array,
    variance: Array,
    *,
    gamma: Array,
    beta: Array,
    eps: float,
    from_batch: bool,
) -> Normalized:
    """The formula itself; mean and variance have x's shape, gamma and beta are broadcast to it."""
    centred = x - mean
    root = np.sqrt(variance + eps)
    normalized = centred / root
    output = gamma * normalized + beta
    return Normalized(statistics, eps, mean, root, centred, normalized, output, from_batch)


def input_gradient(steps: Normalized, gradient: Array, shared: tuple[int, ...]) -> Array:
    """The loss's gradient by x, from that by the normalized values; `shared`: axes of one mean.

    Where mean and variance come from x itself, each x moves them as well, and with them all that
    share them. What remains of the gradient has mean 0, and is not along the normalized values: the
    loss does not change if all are shifted or stretched alike.
    """
    if not steps.from_batch:
        return gradient / steps.root
    mean = gradient.mean(axis=shared, keepdims=True)
    along = (gradient * steps.normalized).mean(axis=shared, keepdims=True)
    by_input: Array = (gradient - mean - steps.normalized * along) / steps.root
    return by_input


def as_numbers(values: npt.ArrayLike, name: str, *, least_axes: int) -> Array:
    """As float64 (N, C, ...), none of them 0, all finite; else ShapeError or NonFiniteError."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < least_axes or 0 in array.shape:
        raise ShapeError(
            f"{name} has the shape {array.shape}: use (pictures, channels, ...), none of them 0"
        )
    if not np.isfinite(array).all():
        raise NonFiniteError(f"{name} holds a number that is not finite: use finite numbers")
    return array


def channel_numbers(
    values: npt.ArrayLike | None, name: str, channels: int, *, default: float
) -> Array:
    """One number a channel, (C,); `default` for each if there are none."""
    if values is None:
        return np.full(channels, default)
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (channels,):
        raise ShapeError(
            f"{name} has the shape {array.shape}: use one number for each channel, ({channels},)"
        )
    return array


def check_eps(eps: object) -> None:
    """SettingError unless it is a number from 0 up."""
    if not _is_number(eps, 0.0, np.finfo(np.float64).max):
        raise SettingError(f"eps is {shown(eps)}: use a number from 0 up")


def _is_number(value: object, low: float, high: float) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )  # neither nan nor infinity


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)
