"""What happens in odd cases, as states of the view "By hand": one picture, one value, no spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnnviz.batchnorm import channel_statistics
from cnnviz.norms.by_hand import (
    OPENING,
    Batch,
    HandSettings,
    freeze_batch,
    lesson_batch,
    new_layer,
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A state that shows one thing; the browser says in a sentence what happens in it, and why."""

    key: str
    title: str
    settings: HandSettings


def _with_channel_0(numbers: Sequence[float]) -> Batch:
    """The lesson's batch, but for the numbers of channel 0: as many, in the order of (N, H, W)."""
    batch = np.array(OPENING.x)
    batch[:, 0] = np.reshape(numbers, batch[:, 0].shape)
    return freeze_batch(batch)


def _undone() -> HandSettings:
    """With the root that was divided by for gamma, and for beta the mean that was taken away."""
    statistics = channel_statistics(OPENING.batch)
    root = np.sqrt(statistics.variance + OPENING.eps)
    return replace(
        OPENING,
        gamma=tuple(float(value) for value in root.round(4)),
        beta=tuple(float(value) for value in statistics.mean.round(4)),
    )


_COUNT = OPENING.batch[:, 0].size
_MADE: tuple[tuple[str, str, Callable[[], HandSettings]], ...] = (
    ("opening", "Start again", lambda: OPENING),
    ("one", "Batch of one", lambda: new_layer(lesson_batch(1, 2, 2))),
    ("single", "One value", lambda: new_layer(((((5.0,),), ((12.0,),)),))),
    ("constant", "Constant channel", lambda: new_layer(_with_channel_0([5] * _COUNT))),
    (
        "nearly",
        "Nearly constant",
        lambda: new_layer(_with_channel_0([5 + place % 2 / 100 for place in range(_COUNT)])),
    ),
    ("eps", "Large ε", lambda: replace(OPENING, eps=10.0)),
    ("undone", "γ, β undo it", _undone),
    ("untrained", "Evaluate untrained", lambda: replace(OPENING, mode="eval")),
)
PRESETS: tuple[Preset, ...] = tuple(Preset(key, title, make()) for key, title, make in _MADE)
