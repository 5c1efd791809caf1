"""All that is needed to go on with a training, as a file that holds numbers only.

A safetensors file like a snapshot (`snapshot.py`): tensors, and one JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch

from cnnviz.atomic_files import write_atomically
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.settings import shown, whole_number
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import Precision
from cnnviz.training.snapshot import DAMAGE, FORMAT, META, read_meta
from cnnviz.training.snapshot import Snapshot as Snapshot


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands, beside its tensors."""

    config: TrainingConfig
    train_digest: str
    precision: Precision
    step: int
    epochs_done: int
    """Epochs whose record was given."""
    loss_sum: float
    """Over the steps of the epoch under way."""
    correct: int
    """Images of it that the network got right."""
    elapsed_s: float
    learning_rate_factor: float
    """1, unless the learning rate was changed while it went on."""
    weight_decay: float

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise SettingError(f"precision is {shown(self.precision)}")
        if not isinstance(self.train_digest, str):
            raise SettingError(f"train_digest is {shown(self.train_digest)}")
        for name in ("step", "epochs_done", "correct"):
            whole_number(name, getattr(self, name), least=0)
        for name in ("loss_sum", "elapsed_s", "learning_rate_factor", "weight_decay"):
            value = getattr(self, name)
            is_number = isinstance(value, float | int)
            # The sum of a loss that is no longer finite may be anything; nothing else may.
            if not is_number or not (name == "loss_sum" or 0 <= value < float("inf")):
                raise SettingError(f"{name} is {shown(value)}")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """A training between two steps; tensors are on the CPU."""

    progress: Progress
    tensors: Mapping[str, torch.Tensor]
    """model/NAME, optimizer/INDEX/NAME, lookahead/NAME"""

    def save(self, file: Path) -> None:
        """Writes it, atomically; raises OSError, and leaves an older file as it was."""
        meta = {"format": FORMAT, "kind": "state", **asdict(self.progress)}
        data = safetensors.torch.save(dict(self.tensors), {META: json.dumps(meta)})
        write_atomically(file, data)

    @classmethod
    def load(cls, file: Path) -> TrainingState:
        """Reads it; CheckpointError names the file if it is not a whole state of a training."""
        meta = read_meta(file, "state")
        try:
            tensors = safetensors.torch.load_file(file)
            config = TrainingConfig.from_json(meta.pop("config"))
            progress = Progress(config=config, **meta)
        except DAMAGE as error:
            raise CheckpointError(f"{file} is no state of a training ({error})") from None
        return cls(progress, tensors)


def half_precision(tensor: torch.Tensor, name: str) -> npt.NDArray[Any]:
    """A tensor of a network's state as a snapshot keeps it."""
    array = tensor.detach().cpu().float() if tensor.is_floating_point() else tensor.detach().cpu()
    if array.is_floating_point() and not name.endswith("running_var"):
        array = array.half()
    return np.array(array.contiguous().numpy())
