"""What a run's network was like at the end of each epoch, from its snapshots; without torch.

The numbers are those of the snapshot, in half precision: by a picture or two of thousands they may
differ from what the run told while it trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import safetensors

from cnnviz.errors import CheckpointError, NonFiniteError
from cnnviz.evaluation import Evaluation, Logits, evaluate
from cnnviz.training.held_out_pictures import HeldOut
from cnnviz.training.snapshot import DAMAGE, LOGITS, MODEL, read_meta


@dataclass(frozen=True, slots=True, eq=False)
class EpochLook:
    """A network after so many epochs; 0 is the network before training."""

    epoch: int
    step: int
    filters: npt.NDArray[Any]
    """Of the first layer, (O, C, kh, kw)."""
    evaluation: Evaluation | None
    """On the held-out images; None if it was not measured, or if its numbers are not finite."""
    logits: Logits | None
    """Of the chosen held-out images, (chosen, classes); None if they were not measured."""


def look_at(file: Path, held_out: HeldOut | None, channels: int) -> EpochLook:
    """What a snapshot shows. Of a large network only the first layer is read.

    channels: of the images. CheckpointError names the file if it is no whole snapshot, or one of
    another run.
    """
    meta = read_meta(file, "snapshot")
    try:
        with safetensors.safe_open(file, framework="numpy") as opened:
            names = set(opened.keys())
            filters = opened.get_tensor(_first_layer(opened, names, channels))
            logits = opened.get_tensor(LOGITS) if LOGITS in names and held_out else None
        epoch, step = int(meta["epoch"]), int(meta["step"])
    except DAMAGE as error:
        raise CheckpointError(f"{file} is no snapshot of a training ({error})") from None
    if logits is None or held_out is None:
        return EpochLook(epoch, step, filters, None, None)
    if logits.ndim != 2 or len(logits) != len(held_out.labels):
        raise CheckpointError(
            f"{file} is about {len(logits):,} held-out images, but the run held out "
            f"{len(held_out.labels):,}"
        )
    try:
        evaluation = evaluate(logits, held_out.labels)
    except NonFiniteError:  # a training that went astray; its filters can be looked at all the same
        evaluation = None
    return EpochLook(epoch, step, filters, evaluation, logits[held_out.chosen])


def _first_layer(opened: Any, names: set[str], channels: int) -> str:
    """The name of the one weight (O, C, kh, kw) that is as deep as the images."""
    for name in sorted(name for name in names if name.startswith(MODEL)):
        shape: list[int] = opened.get_slice(name).get_shape()
        if len(shape) == 4 and shape[1] == channels:
            return name
    raise KeyError(f"no filters for images of {channels} channels")
