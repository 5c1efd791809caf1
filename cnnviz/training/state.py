"""All that is needed to go on with a training, and snapshots; as files that hold numbers only.

Both are safetensors files: tensors, and one JSON text. Nothing in them can execute. They are
written under another name and renamed, so that a file under its own name is whole.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

from cnnviz.errors import CheckpointError, SettingError
from cnnviz.settings import shown, whole_number
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import Precision

FORMAT: Final = 1
_META: Final = "cnnviz"
_LOGITS: Final = "validation_logits"
_DAMAGE: Final = (  # what reading a file may raise that holds something else
    safetensors.SafetensorError,
    OSError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
)


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
        data = safetensors.torch.save(dict(self.tensors), {_META: json.dumps(meta)})
        write_atomically(file, data)

    @classmethod
    def load(cls, file: Path) -> TrainingState:
        """Reads it; CheckpointError names the file if it is not a whole state of a training."""
        meta = _read_meta(file, "state")
        try:
            tensors = safetensors.torch.load_file(file)
            config = TrainingConfig.from_json(meta.pop("config"))
            progress = Progress(config=config, **meta)
        except _DAMAGE as error:
            raise CheckpointError(f"{file} is no state of a training ({error})") from None
        return cls(progress, tensors)


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
        tensors = {f"model/{name}": array for name, array in self.weights.items()}
        if self.validation_logits is not None:
            tensors[_LOGITS] = self.validation_logits
        write_atomically(file, safetensors.numpy.save(tensors, {_META: json.dumps(meta)}))

    @classmethod
    def load(cls, file: Path) -> Snapshot:
        """Reads it; CheckpointError names the file if it is not a whole snapshot."""
        meta = _read_meta(file, "snapshot")
        try:
            arrays = safetensors.numpy.load_file(file)
            epoch, step = (whole_number(name, meta[name], least=0) for name in ("epoch", "step"))
        except _DAMAGE as error:
            raise CheckpointError(f"{file} is no snapshot of a training ({error})") from None
        weights = {
            name.removeprefix("model/"): array
            for name, array in arrays.items()
            if name.startswith("model/")
        }
        return cls(epoch, step, weights, arrays.get(_LOGITS))


def half_precision(tensor: torch.Tensor, name: str) -> npt.NDArray[Any]:
    """A tensor of a network's state as a snapshot keeps it."""
    array = tensor.detach().cpu().float() if tensor.is_floating_point() else tensor.detach().cpu()
    if array.is_floating_point() and not name.endswith("running_var"):
        array = array.half()
    return np.array(array.contiguous().numpy())


def write_atomically(file: Path, data: bytes) -> None:
    """Writes a file so that under its name there is the old one or the new, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # mkstemp's files are for their owner alone
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read_meta(file: Path, kind: str) -> dict[str, Any]:
    try:
        with safetensors.safe_open(file, framework="numpy") as opened:
            meta: dict[str, Any] = json.loads((opened.metadata() or {})[_META])
        if meta.pop("format") != FORMAT or meta.pop("kind") != kind:
            raise KeyError(kind)
    except FileNotFoundError:
        raise CheckpointError(f"{file} does not exist") from None
    except _DAMAGE as error:
        raise CheckpointError(f"{file} is no {kind} of a training ({error})") from None
    return meta
