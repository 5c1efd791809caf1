"""What the colours of a layer's maps stand for, and which of its channels are shown first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.errors import SettingError
from cnnviz.settings import shown, whole_number

Scale = Literal["layer", "network"]
SCALES: Final[tuple[Scale, ...]] = get_args(Scale)
Maps = npt.NDArray[np.floating[Any]]  # (C, H, W)


def reaches(layers: Sequence[Maps], scale: Scale) -> tuple[float, ...]:
    """The number that full colour stands for, of each layer's maps; 1 where all are 0.

    Each scale is signed: 0 is in its middle, and full blue stands for the same number below 0.
    """
    if scale not in SCALES:
        raise SettingError(f"scale is {shown(scale)}: use {' or '.join(SCALES)}")
    own = [float(np.abs(maps).max(initial=0.0)) for maps in layers]
    if scale == "network":
        own = [max(own, default=0.0)] * len(own)
    return tuple(reach if reach > 0 else 1.0 for reach in own)


def strongest_channels(maps: Maps, most: int) -> tuple[int, ...]:
    """Channels by number, at most so many: those that hold the greatest magnitudes."""
    whole_number("most", most, least=1)
    peaks = np.abs(maps).reshape(len(maps), -1).max(1)
    order = np.argsort(-peaks, kind="stable")[:most]
    return tuple(sorted(int(channel) for channel in order))
