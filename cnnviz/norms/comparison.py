"""What batch normalization buys, from recorded runs: losses, gradient norms, how layers drift.

Two runs with one seed and one schedule, one with batch normalization and one without. What a layer
puts out is known from each epoch's record: its mean and standard deviation over all channels, in
evaluation, of the same 256 held-out images. Each convolution's output is compared, which is what a
normalization would be given; and what goes into the activation function after it, which is the same
numbers in the network without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from cnnviz.batchnorm import Array
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.settings import shown
from cnnviz.training.compare import Difference, differences
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import EpochRecord, StepRecord, Summary
from cnnviz.training.run_folder import RunFolder

Place = Literal["convolution", "activation input"]

PAIR: Final = ("plain_cnn-norm-cifar10", "plain_cnn-cifar10")
"""The runs that come with cnnviz: with, without."""


@dataclass(frozen=True, slots=True)
class ToldRun:
    """A run as it told of itself."""

    name: str
    config: TrainingConfig
    steps: tuple[StepRecord, ...]
    epochs: tuple[EpochRecord, ...]

    @property
    def batch_norm(self) -> bool:
        """Whether its network has it."""
        return self.config.spec.batch_norm


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Points of one run to be joined; (N,) each."""

    x: Array
    y: Array


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """One layer of one run over the epochs; (E,) each."""

    layer: str
    """The convolution: conv1_1."""
    place: Place
    epochs: Array
    mean: Array
    std: Array

    @property
    def moves(self) -> Array:
        """(E - 1,): how far the mean moved from epoch to epoch, in the former's deviations."""
        moved: Array = np.abs(np.diff(self.mean)) / np.maximum(
            self.std[:-1], np.finfo(np.float64).tiny
        )
        return moved

    @property
    def stretches(self) -> Array:
        """(E - 1,): standard deviation by that of the epoch before."""
        return self.std[1:] / np.maximum(self.std[:-1], np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class NormComparison:
    """The same training with batch normalization and without."""

    with_norm: ToldRun
    without: ToldRun

    def __post_init__(self) -> None:
        if not self.with_norm.batch_norm or self.without.batch_norm:
            raise SettingError(
                f"{self.with_norm.name} and {self.without.name}: use one run with batch "
                "normalization, then one without"
            )
        other = [d.words for d in self.differences if d.field != "batch_norm"]
        if other:
            raise SettingError(
                f"{self.with_norm.name} and {self.without.name} differ in {', '.join(other)} too: "
                "use two runs that differ in batch normalization alone"
            )

    @property
    def differences(self) -> tuple[Difference, ...]:
        """In which settings they differ, as `cnnviz.training.compare` tells it."""
        return differences([self.with_norm.config, self.without.config])

    @property
    def runs(self) -> tuple[ToldRun, ToldRun]:
        """With, without."""
        return self.with_norm, self.without


def read_run(folder: Path, name: str) -> ToldRun:
    """The run in FOLDER/NAME.run/; CheckpointError if it is not there or damaged."""
    run = RunFolder(folder / f"{name}.run")
    config = run.plan().config
    try:
        records = list(run.records())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{run.records_file} has no records of a run ({error})") from None
    return ToldRun(
        name,
        config,
        tuple(record for record in records if isinstance(record, StepRecord)),
        tuple(record for record in records if isinstance(record, EpochRecord)),
    )


def shipped_comparison(folder: Path) -> NormComparison:
    """The two runs that come with cnnviz, from the folder of its checkpoints."""
    with_norm, without = (read_run(folder, name) for name in PAIR)
    return NormComparison(with_norm, without)


def loss_line(run: ToldRun) -> Line:
    """Loss of the training images over steps, in nats."""
    return _line([(r.step, r.loss) for r in run.steps])


def validation_line(run: ToldRun) -> Line:
    """Accuracy of the held-out images after each epoch, over steps; nan if none are held out."""
    found = [(r.step, r.validation_accuracy) for r in run.epochs]
    return _line([(step, np.nan if value is None else value) for step, value in found])


def gradient_norm_line(run: ToldRun) -> Line:
    """Euclidean norm of the gradient over all parameters, over steps."""
    return _line([(r.step, r.gradient_norm) for r in run.steps])


def convolutions(run: ToldRun) -> tuple[str, ...]:
    """The convolutions that have an activation function of the same number after them."""
    if not run.epochs:
        return ()
    there = run.epochs[0].activations
    return tuple(
        name
        for name in there
        if name.startswith("conv") and name.replace("conv", "relu", 1) in there
    )


def drift(run: ToldRun, layer: str, place: Place = "activation input") -> Drift:
    """Mean and standard deviation of one layer over the epochs.

    The activation input is the normalization's output where the run has one, else the
    convolution's.
    """
    if layer not in convolutions(run):
        raise SettingError(
            f"layer is {shown(layer)}: use one of {', '.join(convolutions(run)) or 'none there'}"
        )
    name = layer
    normalized = layer.replace("conv", "norm", 1)
    if place == "activation input" and normalized in run.epochs[0].activations:
        name = normalized
    found: list[Summary] = [epoch.activations[name] for epoch in run.epochs]
    return Drift(
        layer=layer,
        place=place,
        epochs=np.array([epoch.epoch for epoch in run.epochs], dtype=np.float64),
        mean=np.array([summary.mean for summary in found]),
        std=np.array([summary.std for summary in found]),
    )


def _line(points: Sequence[tuple[float, float]]) -> Line:
    pairs = np.array(points, dtype=np.float64).reshape(-1, 2)
    return Line(pairs[:, 0], pairs[:, 1])
