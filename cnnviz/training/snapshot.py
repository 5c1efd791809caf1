"""A network at the end of an epoch as a file, read without torch.

A safetensors file: arrays, and one JSON text. Nothing in it can execute. It is written under
another name and renamed, so that a file under its own name is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from cnnviz.atomic_files import write_atomically
from cnnviz.errors import CheckpointError
from cnnviz.settings import whole_number

FORMAT: Final = 1
META: Final = "cnnviz"
"""By what the JSON text is found in the file."""
DAMAGE: Final = (  # what reading a file may raise that holds something else
    safetensors.SafetensorError,
    OSError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
)
LOGITS: Final = "validation_logits"
MODEL: Final = "model/"
"""Begins the name of an array of the network's state."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A network at the end of an epoch, to be looked at: weights in half precision."""

    epoch: int
    step: int
    weights: Mapping[str, npt.NDArray[Any]]
    """By the name in the network's state; float16, but running variances, which may be large, in
    float32."""
    validation_logits: npt.NDArray[np.float16] | None
    """(held-out images, classes), in canonical order; None if none are held out."""

    def save(self, file: Path) -> None:
        """Writes it, atomically; raises OSError."""
        meta = {"format": FORMAT, "kind": "snapshot", "epoch": self.epoch, "step": self.step}
        tensors = {f"{MODEL}{name}": array for name, array in self.weights.items()}
        if self.validation_logits is not None:
            tensors[LOGITS] = self.validation_logits
        write_atomically(file, safetensors.numpy.save(tensors, {META: json.dumps(meta)}))

    @classmethod
    def load(cls, file: Path) -> Snapshot:
        """Reads it; CheckpointError names the file if it is not a whole snapshot."""
        meta = read_meta(file, "snapshot")
        try:
            arrays = safetensors.numpy.load_file(file)
            epoch, step = (whole_number(name, meta[name], least=0) for name in ("epoch", "step"))
        except DAMAGE as error:
            raise CheckpointError(f"{file} is no snapshot of a training ({error})") from None
        weights = {
            name.removeprefix(MODEL): array
            for name, array in arrays.items()
            if name.startswith(MODEL)
        }
        return cls(epoch, step, weights, arrays.get(LOGITS))


def read_meta(file: Path, kind: str) -> dict[str, Any]:
    """The JSON text in a file of that kind; CheckpointError if it is none."""
    try:
        with safetensors.safe_open(file, framework="numpy") as opened:
            meta: dict[str, Any] = json.loads((opened.metadata() or {})[META])
        if meta.pop("format") != FORMAT or meta.pop("kind") != kind:
            raise KeyError(kind)
    except FileNotFoundError:
        raise CheckpointError(f"{file} does not exist") from None
    except DAMAGE as error:
        raise CheckpointError(f"{file} is no {kind} of a training ({error})") from None
    return meta
