"""Small batches whose statistics can be computed in the head, drawn by lot."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from cnnviz.batchnorm import Array, Mode
from cnnviz.norms.by_hand import HandSettings, freeze_batch, new_layer


def draw_settings(
    draw: random.Random,
    channels: int,
    *,
    pictures: int = 2,
    is_learned: bool = False,
    is_trained: bool = False,
    is_unbiased: bool = False,
    mode: Mode = "train",
) -> HandSettings:
    """Maps of 2×2 with whole means, and variances that are squares; one number is marked.

    is_learned: gamma and beta are not 1 and 0; is_trained: nor are running statistics a new
    layer's, and never the batch's. is_unbiased: the unbiased variances are whole instead.
    """
    planes = [
        _draw_channel(draw, 4 * pictures, is_unbiased=is_unbiased).reshape(pictures, 2, 2)
        for _ in range(channels)
    ]
    changes: dict[str, Any] = {}
    if is_learned:
        changes["gamma"] = _draw_each(draw, channels, (-2, 0.5, 2, 3))
        changes["beta"] = _draw_each(draw, channels, (-3, -1, 1, 2, 5))
    if is_trained:
        changes["momentum"] = draw.choice((0.1, 0.2, 0.5))
        changes["running_mean"] = _draw_each(draw, channels, (-2, 0, 10))
        changes["running_variance"] = _draw_each(draw, channels, (1, 4, 16))
    x = np.stack(planes, axis=1)  # (N, C, 2, 2)
    return new_layer(freeze_batch(x), mode=mode, cell=draw.randrange(x.size), **changes)


def _draw_channel(draw: random.Random, count: int, *, is_unbiased: bool) -> Array:
    """So many whole numbers around a whole mean; their root is 1, 2 or 4, and no third."""
    for _ in range(10_000):
        centred = [draw.randint(-5, 5) for _ in range(count - 1)]
        centred.append(-sum(centred))
        squares = sum(value * value for value in centred)
        fits = squares % (count - 1) == 0 if is_unbiased else squares in (count, 4 * count)
        if fits and squares and abs(centred[-1]) <= 9:
            return np.array(centred, dtype=np.float64) + draw.randint(1, 8)
    raise AssertionError(f"no {count} numbers")  # proved absent by the tests


def _draw_each(draw: random.Random, channels: int, choices: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(draw.choice(choices)) for _ in range(channels))
