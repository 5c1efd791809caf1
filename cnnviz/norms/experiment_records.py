"""What the experiments on batch normalization tell, as plain numbers and as a file.

    learning-rates   with and without, over several learning rates
    gradient         how the loss, and the gradient, vary along the gradient while training goes on
    noise            with, without, and with noise after each normalization

The last two follow Santurkar et al. 2018, "How Does Batch Normalization Help Optimization?",
arXiv:1805.11604, in what is done; networks, sizes and the strength of the noise are our own. Ioffe
& Szegedy explain batch normalization by layers whose inputs would otherwise drift (internal
covariate shift). The noise makes them drift; if they drift more than without any normalization, and
the network still learns as quickly, that is not the reason. `cnnviz.norms.bought` says what was
found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from cnnviz.checkpoints.card import Hardware
from cnnviz.checkpoints.folders import read_bytes
from cnnviz.errors import CheckpointError, CnnvizError
from cnnviz.norms.comparison import ToldRun
from cnnviz.settings import shown
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import EpochRecord, StepRecord, from_json, to_json

ExperimentKind = Literal["learning-rates", "gradient", "noise"]
Variant = Literal["without", "batch norm", "noisy batch norm"]
KINDS: Final[tuple[ExperimentKind, ...]] = get_args(ExperimentKind)
VARIANTS: Final[tuple[Variant, ...]] = get_args(Variant)
FORMAT: Final = 1
FOLDER: Final = "experiments"
"""Beside app.py."""

# As Santurkar et al. 2018 describe it, the noise after each normalization changes with every step
# and has neither mean 0 nor variance 1: of each unit and step it has a mean and a scale of its own,
# and each value is drawn around these. How large they are was chosen here.
NOISE_MEAN: Final = 0.5
NOISE_SCALE: Final = 1.25
NOISE_MEAN_REACH: Final = 0.1
NOISE_SCALE_STD: Final = 0.1

_MOST_BYTES: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Probe:
    """The loss along the gradient at one step: at w - length * gradient, on one batch, in training.

    The batch is not augmented, and all is computed in float32.
    """

    step: int
    loss: float
    gradient_norm: float
    lengths: tuple[float, ...]
    """In learning rates: what a step of plain gradient descent multiplies the gradient by."""
    losses: tuple[float, ...]
    gradient_changes: tuple[float, ...]
    """Euclidean distance between the gradient there and here: how well this one predicts it."""

    @property
    def loss_range(self) -> tuple[float, float]:
        """Least and greatest loss along the way, that of the start included."""
        return min(self.loss, *self.losses), max(self.loss, *self.losses)

    @property
    def smoothness(self) -> float:
        """The greatest change of the gradient by the way that was gone: "effective" beta."""
        ways = [length * self.gradient_norm for length in self.lengths]
        changes = zip(self.gradient_changes, ways, strict=True)
        return max((change / way for change, way in changes if way > 0), default=0.0)


@dataclass(frozen=True, slots=True)
class Moments:
    """What went into an activation function in one training step: its first channels."""

    step: int
    layer: str
    """The activation: relu1_1."""
    means: tuple[float, ...]
    stds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ExperimentRun:
    """One training of an experiment."""

    variant: Variant
    config: TrainingConfig
    steps: tuple[StepRecord, ...]
    epochs: tuple[EpochRecord, ...]
    probes: tuple[Probe, ...]
    moments: tuple[Moments, ...]
    end: str
    """How it ended, as a sentence."""

    @property
    def diverged(self) -> bool:
        """Whether its loss was no longer finite before all epochs were done."""
        return len(self.epochs) < self.config.epochs

    def told(self) -> ToldRun:
        """As `cnnviz.norms.comparison` takes it."""
        name = f"{self.variant}, learning rate {self.config.learning_rate:g}"
        return ToldRun(name, self.config, self.steps, self.epochs)

    def channel_course(self, layer: str, channel: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Rows of step, mean and standard deviation of one channel of a layer, (K, 3)."""
        rows = [
            (m.step, m.means[channel], m.stds[channel]) for m in self.moments if m.layer == layer
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Several trainings that are to be compared."""

    kind: ExperimentKind
    created: str
    command: str
    train_digest: str
    hardware: Hardware
    elapsed_s: float
    runs: tuple[ExperimentRun, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; a number that is not finite becomes None."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {
            "format": FORMAT,
            **plain,
            "hardware": asdict(self.hardware),
            "runs": [_run_to_json(run) for run in self.runs],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Experiment:
        """What `to_json` gave; CheckpointError for anything else."""
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"this cnnviz reads format {FORMAT}")
            if content["kind"] not in KINDS:
                raise ValueError(f"kind is {shown(content['kind'])}")
            return cls(
                **{name: content[name] for name in _PLAIN},
                hardware=Hardware(**content["hardware"]),
                runs=tuple(_run_from_json(run) for run in content["runs"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, CnnvizError) as error:
            raise CheckpointError(f"this is no experiment: {error}") from None


_PLAIN: Final = ("kind", "created", "command", "train_digest", "elapsed_s")


def experiment_file(project: Path, kind: ExperimentKind) -> Path:
    """Where an experiment lies; `project` holds app.py."""
    return project / FOLDER / f"batch_norm-{kind}.json"


def repeat_command(kind: ExperimentKind) -> str:
    """The command that records it anew, as it comes with cnnviz but for threads and rounding."""
    return f"python -m cnnviz batch-norm experiment {kind}"


def load_experiment(file: Path) -> Experiment | None:
    """The experiment of that file, or None if there is none; CheckpointError if it is damaged."""
    if not file.exists():
        return None
    try:
        return Experiment.from_json(json.loads(read_bytes(file, _MOST_BYTES)))
    except (ValueError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"{file} cannot be used: {error}") from None


def pack_experiment(experiment: Experiment) -> bytes:
    """The content of the file."""
    return (json.dumps(experiment.to_json(), allow_nan=False) + "\n").encode()


def _run_to_json(run: ExperimentRun) -> dict[str, Any]:
    return {
        "variant": run.variant,
        "config": run.config.to_json(),
        "steps": [to_json(record) for record in run.steps],
        "epochs": [to_json(record) for record in run.epochs],
        "probes": [_finite(asdict(probe)) for probe in run.probes],
        "moments": [_finite(asdict(moments)) for moments in run.moments],
        "end": run.end,
    }


def _run_from_json(content: Mapping[str, Any]) -> ExperimentRun:
    if content["variant"] not in VARIANTS:
        raise ValueError(f"variant is {shown(content['variant'])}")
    steps = tuple(from_json(record) for record in content["steps"])
    epochs = tuple(from_json(record) for record in content["epochs"])
    return ExperimentRun(
        variant=content["variant"],
        config=TrainingConfig.from_json(content["config"]),
        steps=tuple(record for record in steps if isinstance(record, StepRecord)),
        epochs=tuple(record for record in epochs if isinstance(record, EpochRecord)),
        probes=tuple(Probe(**_numbers(probe)) for probe in content["probes"]),
        moments=tuple(Moments(**_numbers(moments)) for moments in content["moments"]),
        end=content["end"],
    )


def _finite(value: Any) -> Any:
    """None for nan and infinity, which JSON does not have; other numbers to six digits."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float):
        return None if value - value != 0 else float(f"{value:.6g}")
    return value


def _numbers(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The way back: lists are tuples, and None is nan."""

    def number(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(number(inner) for inner in value)
        return float("nan") if value is None else value

    return {name: number(value) for name, value in fields.items()}
