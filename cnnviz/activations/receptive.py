"""What a unit sees of the picture: its receptive field in theory, and measured by gradients.

In theory a unit sees every pixel from which any path leads to it. How much each pixel matters is
another question: the derivative of the unit by the pixel says it, in absolute value and averaged
over pictures. Luo, Li, Urtasun, Zemel 2016, "Understanding the Effective Receptive Field in Deep
Convolutional Neural Networks", arXiv:1701.04128.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.activations.fields import Field
from cnnviz.activations.passage import fields_of, run_layers
from cnnviz.attribution.private_copy import private_copy
from cnnviz.errors import SettingError, ShapeError
from cnnviz.models.blocks import InitializedFromImages
from cnnviz.models.registry import ModelSpec, build_model
from cnnviz.norms.network_norms import normalized_batch
from cnnviz.settings import shown, whole_number
from cnnviz.training.pictures import Normalization
from cnnviz.training.seeds import seeded_global

Gradient = npt.NDArray[np.float64]

MASS: Final = 0.95
"""The share of the gradient that the effective field holds."""
SHOWN_LAYERS: Final = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
"""Whose units are looked at: those of the other layers see what the unit before them sees."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a layer, or one place in all its maps."""

    layer: str
    row: int
    column: int
    channel: int | None = None
    """None: all channels at once."""


@dataclass(frozen=True, slots=True)
class SeenLayer:
    """A layer whose units can be chosen, and what they see in theory."""

    name: str
    kind: str
    shape: tuple[int, int, int]
    """(C, H, W)."""
    field: Field


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the picture, in whole pixels; its ends may lie in the padding around it."""

    top: int
    left: int
    height: int
    width: int

    def within(self, height: int, width: int) -> Window:
        """The part of it that lies in a picture of this size; it may be empty."""
        top, left = max(0, self.top), max(0, self.left)
        bottom = min(height, self.top + self.height)
        right = min(width, self.left + self.width)
        return Window(top, left, max(0, bottom - top), max(0, right - left))

    @property
    def middle(self) -> tuple[float, float]:
        """(row, column), in pixels from the upper left edge of the picture."""
        return self.top + self.height / 2, self.left + self.width / 2


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredField:
    """How much each pixel moves a unit, and where the most of that lies."""

    gradient: Gradient
    """(H, W): the mean of |d unit / d pixel| over pictures and colours; not negative."""
    theory: Window
    """The theoretical field; it may reach into the padding."""
    live: int
    """Pictures for which the unit has any gradient at all: a ReLU that is off lets none through."""
    pictures: int

    @property
    def is_dead(self) -> bool:
        """Whether no picture moves the unit."""
        return self.live == 0

    @property
    def total(self) -> float:
        """The whole of the gradient."""
        return float(self.gradient.sum())

    @property
    def share_in_middle(self) -> float:
        """The share of the gradient within the central half: half as high and half as wide.

        Pixels that lie in it in part count in part. nan where there is no gradient.
        """
        if self.is_dead:
            return math.nan
        row, column = self.theory.middle
        rows = _overlap(len(self.gradient), row, self.theory.height / 2)
        columns = _overlap(self.gradient.shape[1], column, self.theory.width / 2)
        return float(rows @ self.gradient @ columns) / self.total

    @property
    def visible(self) -> int:
        """Pixels of the picture in the theoretical field."""
        seen = self.theory.within(*self.gradient.shape)
        return seen.height * seen.width

    def effective(self, mass: float = MASS) -> npt.NDArray[np.bool_]:
        """(H, W): the fewest pixels that hold so much of the gradient; none where there is none."""
        flat = self.gradient.ravel()
        order = np.argsort(-flat, kind="stable")
        enough = int(np.searchsorted(np.cumsum(flat[order]), mass * flat.sum() * (1 - 1e-12))) + 1
        chosen = np.zeros(flat.size, dtype=bool)
        if not self.is_dead:
            chosen[order[:enough]] = True
        return chosen.reshape(self.gradient.shape)

    def effective_size(self, mass: float = MASS) -> float:
        """The side of a square of as many pixels as these are."""
        return math.sqrt(self.effective(mass).sum())


def seen_layers(network: nn.Module, input_shape: tuple[int, int, int]) -> tuple[SeenLayer, ...]:
    """The convolutions and poolings of a chain of layers, with the fields of their units."""
    modules = dict(network.named_modules())
    found = []
    for name, (field, shape) in fields_of(network, input_shape).items():
        if isinstance(modules[name], SHOWN_LAYERS) and len(shape) == 3:
            channels, height, width = shape
            found.append(
                SeenLayer(name, type(modules[name]).__name__, (channels, height, width), field)
            )
    return tuple(found)


def window_of(layer: SeenLayer, row: int, column: int) -> Window:
    """What a unit sees in theory."""
    return Window(
        layer.field.rows.first(row),
        layer.field.columns.first(column),
        layer.field.rows.size,
        layer.field.columns.size,
    )


def measure_field(
    network: nn.Module,
    pictures: npt.NDArray[np.uint8],
    normalization: Normalization,
    unit: Unit,
) -> MeasuredField:
    """Measures on pictures (N, H, W, C), in evaluation; the network is left as it is.

    All channels at once are added with signs by lot, others for each picture: added as they are,
    a filter and its negative would cancel, though both see something. The mean over the signs is
    the root of the sum of the channels' squares, but for a factor.

    SettingError for a unit that the network does not have.
    """
    if pictures.ndim != 4 or len(pictures) == 0:
        raise ShapeError(f"pictures are {pictures.shape}: use (N, H, W, C), at least one")
    height, width, channels = pictures.shape[1:]
    layer = find_layer(seen_layers(network, (channels, height, width)), unit)
    mine = private_copy(network)
    batch = normalized_batch(mine, pictures, normalization).contiguous().requires_grad_()
    with torch.enable_grad():
        outputs = (output for name, _, output in run_layers(mine, batch) if name == unit.layer)
        there = next(outputs)[:, :, unit.row, unit.column]  # (N, C)
        chosen = there * _signs(there.shape) if unit.channel is None else there[:, unit.channel]
        (gradient,) = torch.autograd.grad(chosen.sum(), batch)
    each = gradient.abs().mean(1).double().cpu().numpy()  # (N, H, W)
    return MeasuredField(
        gradient=each.mean(0),
        theory=window_of(layer, unit.row, unit.column),
        live=int((each.reshape(len(each), -1).max(1) > 0).sum()),
        pictures=len(pictures),
    )


def find_layer(layers: tuple[SeenLayer, ...], unit: Unit) -> SeenLayer:
    """The layer that a unit belongs to; SettingError if there is no such unit."""
    for layer in layers:
        if layer.name == unit.layer:
            bounds: Mapping[str, tuple[int, int]] = {
                "row": (unit.row, layer.shape[1]),
                "column": (unit.column, layer.shape[2]),
                "channel": (unit.channel or 0, layer.shape[0]),
            }
            for name, (value, count) in bounds.items():
                if whole_number(name, value, least=0) >= count:
                    raise SettingError(f"{name} is {value}: {layer.name} has 0 to {count - 1}")
            return layer
    choices = ", ".join(layer.name for layer in layers)
    raise SettingError(f"layer is {shown(unit.layer)}: use one of {choices}")


def untrained(
    spec: ModelSpec, seed: int, pictures: npt.NDArray[np.uint8], normalization: Normalization
) -> nn.Module:
    """The network as a training with this seed began, in evaluation.

    Filters that are computed from training pictures are computed from these instead.
    """
    with seeded_global(seed, "weights", 0, torch.device("cpu")):
        network = build_model(spec)
    if isinstance(network, InitializedFromImages):
        network.initialize_from(normalized_batch(network, pictures, normalization))
    return network.eval()


def _signs(shape: torch.Size) -> torch.Tensor:
    """1 or -1 for each picture and channel, (N, C); the same ones every time."""
    return 2.0 * torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(0)) - 1


def _overlap(pixels: int, middle: float, extent: float) -> Gradient:
    """(pixels,): the share of each that lies in an interval about a middle."""
    starts = np.arange(pixels)
    low, high = middle - extent / 2, middle + extent / 2
    shares: Gradient = np.clip(np.minimum(starts + 1, high) - np.maximum(starts, low), 0, 1)
    return shares
