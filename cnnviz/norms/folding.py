"""At inference a batch normalization is part of the convolution before it.

In evaluation it is one multiplication and one addition for each channel, and both can be done to
the convolution's weights instead:

    scale * (w * x + b) + shift  =  (scale * w) * x + (scale * b + shift)
    scale = gamma / sqrt(variance + eps)        shift = beta - scale * mean
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import Array, channel_numbers, check_eps
from cnnviz.errors import SettingError, ShapeError


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A convolution that does what it and the normalization after it did."""

    weight: Array
    """(K, C, kh, kw), as the convolution's own."""
    bias: Array
    """(K,)"""
    scale: Array
    """(K,): what each filter was multiplied by."""
    shift: Array
    """(K,)"""


def scale_and_shift(
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
    *,
    eps: float = 1e-5,
) -> tuple[Array, Array]:
    """Evaluation as scale * x + shift; all (C,), mean and variance the running ones."""
    check_eps(eps)
    centre = np.asarray(mean, dtype=np.float64)
    if centre.ndim != 1:
        raise ShapeError(f"mean has the shape {centre.shape}: use one number a channel, (C,)")
    spread = channel_numbers(variance, "variance", len(centre), default=1.0) + eps
    if not (spread > 0).all():
        raise SettingError("variance + eps is not above 0 in every channel: use a larger eps")
    scale = channel_numbers(gamma, "gamma", len(centre), default=1.0) / np.sqrt(spread)
    shift = channel_numbers(beta, "beta", len(centre), default=0.0) - scale * centre
    return scale, shift


def fold(
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None,
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
    *,
    eps: float = 1e-5,
) -> Folded:
    """Folds a normalization of K channels into a convolution of K filters (K, C, kh, kw)."""
    filters = np.asarray(weight, dtype=np.float64)
    scale, shift = scale_and_shift(mean, variance, gamma, beta, eps=eps)
    if filters.ndim < 2 or len(filters) != len(scale):
        raise ShapeError(
            f"the filters have the shape {filters.shape}, the normalization {len(scale)} channels: "
            "use one filter for each channel"
        )
    biases = channel_numbers(bias, "bias", len(scale), default=0.0)
    along = (-1,) + (1,) * (filters.ndim - 1)  # (K, 1, 1, 1)
    return Folded(filters * scale.reshape(along), scale * biases + shift, scale, shift)
