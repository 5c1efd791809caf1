"""The experiments on batch normalization: trainings that are looked at while they go on.

Each is an ordinary training (`cnnviz.training.loop.train`) whose consumer looks at the network
between two records, or has put hooks on it that add noise. Nothing else is different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.data.canonical import Split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError
from cnnviz.norms.experiment_records import (
    NOISE_MEAN,
    NOISE_MEAN_REACH,
    NOISE_SCALE,
    NOISE_SCALE_STD,
    VARIANTS,
    ExperimentKind,
    ExperimentRun,
    Moments,
    Probe,
    Variant,
)
from cnnviz.norms.network_norms import ACTIVATIONS, normalized_batch, private_copy
from cnnviz.settings import whole_number
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import Training, train
from cnnviz.training.pictures import hold_out
from cnnviz.training.records import EndRecord, EpochRecord, StepRecord
from cnnviz.training.seeds import generator_for

LEARNING_RATES: Final = (0.005, 0.02, 0.05, 0.2, 0.5)
LENGTHS: Final = (0.5, 1.0, 2.0, 3.0, 4.0)
"""Of the way along the gradient, in highest learning rates."""
PROBE_IMAGES: Final = 256
CHANNELS: Final = 4
"""Of each layer, whose moments are kept."""


def plan_experiment(
    kind: ExperimentKind, config: TrainingConfig, learning_rates: Sequence[float] = LEARNING_RATES
) -> tuple[tuple[Variant, TrainingConfig], ...]:
    """The trainings of an experiment, each a change of `config` in what is compared alone."""
    variants: tuple[Variant, ...] = VARIANTS if kind == "noise" else VARIANTS[:2]
    rates = tuple(learning_rates) if kind == "learning-rates" else (config.learning_rate,)
    if not rates:
        raise SettingError("there is no learning rate: use one or more")
    return tuple(
        (variant, replace(config, batch_norm=variant != "without", learning_rate=rate))
        for rate in rates
        for variant in variants
    )


def run_variant(
    variant: Variant,
    config: TrainingConfig,
    data: Split,
    *,
    probe_every: int = 0,
    keep_moments: bool = False,
    progress: Progress = no_progress,
) -> ExperimentRun:
    """One training from its first step to its last, looked at.

    data: the training split. probe_every: step records between two probes along the gradient; 0
    for none. keep_moments: of what goes into each activation, at each step record.
    """
    probe_every = whole_number("probe_every", probe_every, least=0)
    if config.spec.batch_norm == (variant == "without"):
        raise SettingError(f"{variant} needs batch_norm {variant != 'without'}")
    training = train(config, data)
    train_indices, _ = hold_out(data.labels, config.validation_count)
    steps: list[StepRecord] = []
    epochs: list[EpochRecord] = []
    probes: list[Probe] = []
    moments: list[Moments] = []
    end = ""
    noise = noise_after_norms(training) if variant == "noisy batch norm" else nullcontext()
    looking = moments_of_steps(training, moments.append) if keep_moments else nullcontext()
    with noise, looking:
        for record in training:
            if isinstance(record, StepRecord):
                steps.append(record)
                progress(f"{variant}, learning rate {config.learning_rate:g}", record.fraction_done)
                if probe_every and (len(steps) - 1) % probe_every == 0:
                    probes.append(_probe_now(training, data, train_indices))
            elif isinstance(record, EpochRecord):
                epochs.append(record)
            elif isinstance(record, EndRecord):
                end = record.message
    return ExperimentRun(
        variant, config, tuple(steps), tuple(epochs), tuple(probes), tuple(moments), end
    )


def probe_gradient(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    lengths: Sequence[float],
    *,
    step: int = 0,
) -> Probe:
    """The loss, and the gradient, along the gradient of this batch (N, C, H, W).

    In training mode; the network is not touched.
    """
    mine = private_copy(network, "train")
    start = {
        name: weight.detach().clone().requires_grad_(True)
        for name, weight in network.named_parameters()
        if weight.requires_grad
    }
    loss, gradient = _loss_and_gradient(mine, start, images, labels)
    losses, changes = [], []
    for length in lengths:
        moved = {
            name: (weight.detach() - length * gradient[name]).requires_grad_(True)
            for name, weight in start.items()
        }
        there, other = _loss_and_gradient(mine, moved, images, labels)
        losses.append(there)
        changes.append(_norm([other[name] - gradient[name] for name in gradient]))
    return Probe(
        step,
        loss,
        _norm(list(gradient.values())),
        tuple(map(float, lengths)),
        tuple(losses),
        tuple(changes),
    )


@contextmanager
def noise_after_norms(training: Training) -> Iterator[None]:
    """Noise after each batch normalization of a training, in training steps alone.

    The hooks are removed in the end. The noise of a step depends on the seed, the step and the
    layer only.
    """
    seed = training.config.seed

    def hook_for(name: str) -> Callable[[nn.Module, Any, torch.Tensor], torch.Tensor | None]:
        def add(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor | None:
            if not module.training:
                return None
            generator = generator_for(seed, f"noise {name}", training.step)
            return add_noise(output, generator)

        return add

    handles = [
        module.register_forward_hook(hook_for(name))
        for name, module in training.network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def add_noise(values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Stretches and shifts each of the values (N, C, H, W) at random; a unit is (C, H, W).

    generator: on the CPU, whatever the device of the values.
    """
    unit = values.shape[1:]

    def uniform(*shape: int) -> torch.Tensor:
        return 2 * torch.rand(shape, generator=generator) - 1  # -1 to 1

    mean = NOISE_MEAN * uniform(*unit)  # (C, H, W)
    scale = 1 + (NOISE_SCALE - 1) * torch.rand(unit, generator=generator)
    shifts = mean + NOISE_MEAN_REACH * uniform(*values.shape)  # (N, C, H, W)
    scales = scale + NOISE_SCALE_STD * torch.randn(values.shape, generator=generator)
    return values * scales.to(values) + shifts.to(values)


@contextmanager
def moments_of_steps(training: Training, tell: Callable[[Moments], None]) -> Iterator[None]:
    """Tells the moments of what goes into each activation, in the steps that are recorded."""

    def hook_for(name: str) -> Callable[[nn.Module, Any], None]:
        def measure(module: nn.Module, inputs: Any) -> None:
            step = training.step + 1  # the one under way
            values = inputs[0]
            recorded = step % training.steps_per_epoch % training.record_every == 0
            if not (module.training and recorded and values.ndim == 4):
                return
            std, mean = torch.std_mean(
                values.detach()[:, :CHANNELS].float(), dim=(0, 2, 3), correction=0
            )
            tell(Moments(step, name, tuple(mean.tolist()), tuple(std.tolist())))

        return measure

    handles = [
        module.register_forward_pre_hook(hook_for(name))
        for name, module in training.network.named_modules()
        if isinstance(module, ACTIVATIONS)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


# ------------------------------------------------------------------------------------------- parts


def _probe_now(training: Training, data: Split, indices: np.ndarray[Any, Any]) -> Probe:
    generator = generator_for(training.config.seed, "probe", training.step)
    chosen = torch.randperm(len(indices), generator=generator)[:PROBE_IMAGES].numpy()
    places = np.sort(indices[chosen])
    images = normalized_batch(training.network, data.images[places], training.normalization)
    labels = torch.from_numpy(data.labels[places]).to(images.device)
    lengths = [factor * training.config.learning_rate for factor in LENGTHS]
    return probe_gradient(training.network, images, labels, lengths, step=training.step)


def _loss_and_gradient(
    network: nn.Module,
    weights: dict[str, torch.Tensor],
    images: torch.Tensor,
    labels: torch.Tensor,
) -> tuple[float, dict[str, torch.Tensor]]:
    with torch.enable_grad():
        logits = torch.func.functional_call(network, weights, (images,))
        loss = F.cross_entropy(logits.float(), labels)
        gradient = torch.autograd.grad(loss, list(weights.values()))
    return float(loss.detach()), dict(zip(weights, gradient, strict=True))


def _norm(tensors: Sequence[torch.Tensor]) -> float:
    return float(nn.utils.get_total_norm(tensors))
