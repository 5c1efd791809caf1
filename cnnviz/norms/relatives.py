"""Batch, layer, instance and group normalization of one tensor: they differ in who shares a mean.

Of x (N, C, H, W) these numbers share a mean and a variance:

    batch      those of one channel, of all pictures       Ioffe & Szegedy 2015, arXiv:1502.03167
    layer      those of one picture                        Ba, Kiros & Hinton 2016, arXiv:1607.06450
    instance   those of one channel of one picture         Ulyanov et al. 2016, arXiv:1607.08022
    group      those of some channels of one picture       Wu & He 2018, arXiv:1803.08494

Only batch normalization mixes pictures; the others do the same in training and in evaluation, and
need no running statistics. As PyTorch has it, layer normalization scales and shifts each of the
C x H x W numbers on its own (torch.nn.LayerNorm([C, H, W])), the others each channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import (
    Array,
    Gradients,
    Normalized,
    Statistics,
    as_numbers,
    check_eps,
    input_gradient,
    normalize,
)
from cnnviz.errors import SettingError, ShapeError
from cnnviz.settings import shown, whole_number

NormKind = Literal["batch", "layer", "instance", "group"]
KINDS: Final[tuple[NormKind, ...]] = get_args(NormKind)


@dataclass(frozen=True, slots=True)
class RelativeSpec:
    """Which normalization; each by the batch's own statistics, as in training."""

    kind: NormKind
    groups: int = 1
    """Of channels, for kind group: each has as many channels as another."""
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingError(f"kind is {shown(self.kind)}: use one of {', '.join(KINDS)}")
        whole_number("groups", self.groups, least=1)
        check_eps(self.eps)

    def grouped_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(N, G, C / G, H, W): the shape in which those that share a mean fill whole axes."""
        count, channels, height, width = shape
        groups = {"layer": 1, "group": self.groups}.get(self.kind, channels)
        if channels % groups:
            raise SettingError(
                f"{channels} channels cannot be divided into {groups} groups: use a number that "
                f"divides {channels}"
            )
        return count, groups, channels // groups, height, width

    @property
    def shared_axes(self) -> tuple[int, ...]:
        """The axes of the grouped shape over which a mean is taken."""
        return (0, 2, 3, 4) if self.kind == "batch" else (2, 3, 4)

    def scale_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of gamma and beta: (C, H, W) for layer, else (C,)."""
        return tuple(shape[1:]) if self.kind == "layer" else (shape[1],)


def sharing(spec: RelativeSpec, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """For each number of a tensor (N, C, H, W) which mean it shares, counted from 0."""
    _check_shape(shape)
    grouped = spec.grouped_shape(shape)
    sets = [1 if axis in spec.shared_axes else length for axis, length in enumerate(grouped)]
    numbers = np.arange(math.prod(sets)).reshape(sets)
    return np.broadcast_to(numbers, grouped).reshape(shape).astype(np.int64)


def relative_norm(
    x: npt.ArrayLike,
    spec: RelativeSpec,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
) -> Normalized:
    """Normalizes x (N, C, H, W); gamma and beta as `spec.scale_shape` says, 1 and 0 unless given.

    Its `statistics` have the sets in the order of `sharing`. Raises ShapeError where PyTorch
    refuses: a single value in each channel (batch), in each map (instance), or in the one group of
    the one picture (group). Layer normalization takes a single value: its result is beta.
    """
    x = as_numbers(x, "the batch", least_axes=4)
    _check_shape(x.shape)
    grouped = spec.grouped_shape(x.shape)
    _refuse_single_values(spec, x.shape, grouped)
    scale = _scale(gamma, "gamma", spec, x.shape, default=1.0)
    shift = _scale(beta, "beta", spec, x.shape, default=0.0)
    values = x.reshape(grouped)  # (N, G, C / G, H, W)
    mean = values.mean(axis=spec.shared_axes, keepdims=True)
    variance = values.var(axis=spec.shared_axes, keepdims=True)
    if spec.eps == 0 and not variance.all():
        raise SettingError("eps is 0 and some numbers are all equal: use an eps above 0")
    return normalize(
        x,
        Statistics(mean.reshape(-1), variance.reshape(-1), x.size // mean.size),
        np.broadcast_to(mean, grouped).reshape(x.shape),
        np.broadcast_to(variance, grouped).reshape(x.shape),
        gamma=scale,
        beta=shift,
        eps=spec.eps,
        from_batch=True,
    )


def relative_norm_backward(
    steps: Normalized,
    spec: RelativeSpec,
    output_gradient: npt.ArrayLike,
    gamma: npt.ArrayLike | None = None,
) -> Gradients:
    """From the loss's gradient by the output (N, C, H, W) to those by x, gamma and beta."""
    gradient = as_numbers(output_gradient, "the output's gradient", least_axes=4)
    shape = steps.output.shape
    if gradient.shape != shape:
        raise ShapeError(f"the output's gradient is {gradient.shape}: use {shape}, as the output")
    grouped = spec.grouped_shape(shape)
    scaled = gradient * _scale(gamma, "gamma", spec, shape, default=1.0)
    in_groups = replace(
        steps, root=steps.root.reshape(grouped), normalized=steps.normalized.reshape(grouped)
    )
    by_input = input_gradient(in_groups, scaled.reshape(grouped), spec.shared_axes)
    others = (0,) if spec.kind == "layer" else (0, 2, 3)  # what one gamma stands for
    return Gradients(
        input=by_input.reshape(shape),
        gamma=(gradient * steps.normalized).sum(axis=others),
        beta=gradient.sum(axis=others),
    )


def _scale(
    values: npt.ArrayLike | None,
    name: str,
    spec: RelativeSpec,
    shape: tuple[int, ...],
    *,
    default: float,
) -> Array:
    """One of gamma and beta, ready to be broadcast to (N, C, H, W)."""
    wanted = spec.scale_shape(shape)
    array = np.full(wanted, default) if values is None else np.asarray(values, dtype=np.float64)
    if array.shape != wanted:
        raise ShapeError(
            f"{name} has the shape {array.shape}: use {wanted} for {spec.kind} normalization"
        )
    return array[None] if array.ndim == 3 else array[None, :, None, None]


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 4 or min(shape) < 1:
        raise ShapeError(
            f"the tensor has the shape {shape}: use (pictures, channels, height, width)"
        )


def _refuse_single_values(
    spec: RelativeSpec, shape: tuple[int, ...], grouped: tuple[int, ...]
) -> None:
    count, _, height, width = shape
    single, where = False, ""
    if spec.kind == "batch":
        single, where = count * height * width == 1, "each channel"
    elif spec.kind == "instance":
        single, where = height * width == 1, "each channel of a picture"
    elif spec.kind == "group":
        # PyTorch refuses a single picture only; of several each value becomes beta without a word.
        single, where = count * grouped[2] * height * width == 1, "each group"
    if single:
        raise ShapeError(
            f"a tensor of {' x '.join(map(str, shape))} has one value in {where}: its own mean "
            "would leave nothing of it; use more pictures or larger maps"
        )
