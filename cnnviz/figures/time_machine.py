"""All epochs of a run as the time machine draws them: everything is a number that stands ready.

The browser draws an epoch at every move of a slider, so that it is given all of them at once:
little-endian numbers as base64, which takes a few hundred kilobytes for two hundred epochs.
"""

import base64
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.matrix import shares
from cnnviz.figures.snapshots import (
    Floats,
    filter_grid,
    filter_scale,
    picture_uri,
    probabilities_of,
)
from cnnviz.training.held_out_pictures import HeldOut
from cnnviz.training.history import EpochLook

NO_NUMBER: Final = 65_535
"""Stands for a share that there is not."""


def time_machine_frames(
    looks: Sequence[EpochLook], held_out: HeldOut | None, class_names: Sequence[str]
) -> dict[str, Any]:
    """What the component `time_machine` takes, ready for JSON.

    counts: uint32 (epochs, classes, classes), as `confusion_matrix`. right: uint16 (epochs,
    classes), of each class's pictures those that are recognised; chances: uint16 (epochs, pictures,
    classes). Both are in hundredths of a percent. tones: uint8 (epochs, kh, filters kw, 3), all
    filters of an epoch side by side on one scale over all epochs.
    """
    classes = len(class_names)
    labels = np.zeros(0, dtype=np.int64) if held_out is None else held_out.labels[held_out.chosen]
    counts = np.zeros((len(looks), classes, classes), dtype="<u4")
    right = np.full((len(looks), classes), NO_NUMBER, dtype="<u2")
    chances = np.full((len(looks), len(labels), classes), NO_NUMBER, dtype="<u2")
    overall: list[int | None] = []
    losses: list[float | None] = []
    for index, look in enumerate(looks):
        if look.logits is not None:
            chances[index] = hundredths(probabilities_of(look.logits))
        if look.evaluation is None:
            overall.append(None)
            losses.append(None)
            continue
        confusion = look.evaluation.confusion
        counts[index] = confusion
        right[index] = hundredths(shares(confusion).diagonal())
        share = look.evaluation.table.overall.share
        overall.append(int(hundredths(np.array([share]))[0]))
        losses.append(round(look.evaluation.cross_entropy, 4))
    pictures = None if held_out is None else held_out.pictures
    return {
        "epochs": [look.epoch for look in looks],
        "classes": list(class_names),
        "held_out": 0 if held_out is None else len(held_out.labels),
        "overall": overall,
        "losses": losses,
        "counts": _packed(counts),
        "right": _packed(right),
        "chances": _packed(chances),
        "labels": labels.tolist(),
        "pictures": [] if pictures is None else [picture_uri(picture) for picture in pictures],
        "filters": _filters([look.filters for look in looks]),
    }


def hundredths(shares: Floats) -> npt.NDArray[np.uint16]:
    """Shares from 0 to 1 as whole hundredths of a percent; NO_NUMBER for nan."""
    rounded = np.rint(np.nan_to_num(shares.astype(np.float64)) * 10_000)
    return np.where(np.isnan(shares), NO_NUMBER, rounded).astype("<u2")


def _filters(weights: Sequence[Floats]) -> dict[str, Any]:
    """The first layer's filters of all epochs, on the scale of the greatest weight of them all."""
    count, depth, height, width = weights[0].shape
    scale = filter_scale(np.stack([layer.astype(np.float32) for layer in weights]))
    strips = [
        filter_grid(layer.astype(np.float32), scale=scale, columns=count, zoom=1, gap=0)
        for layer in weights
    ]
    return {
        "count": count,
        "depth": depth,
        "height": height,
        "width": width,
        "scale": scale,
        "tones": _packed(np.stack(strips)),
    }


def _packed(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
