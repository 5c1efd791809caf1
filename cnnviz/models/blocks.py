"""Layers that PyTorch has no name for, and the few lines that all networks here share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from cnnviz.errors import SettingError
from cnnviz.models.registry import ModelSpec, find_model

Layers = OrderedDict[str, nn.Module]  # by name, in order; every activation is a module of its own


@runtime_checkable
class InitializedFromImages(Protocol):
    """A network some of whose first weights are computed from training images."""

    def initialize_from(self, images: torch.Tensor) -> None:
        """Computes them; images are normalized, float32 (N, C, H, W)."""


class Scale(nn.Module):
    """Multiplies by a constant: keeps the logits small at the start of training."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, ...) to the same shape."""
        return x * self.factor

    def extra_repr(self) -> str:
        """The factor, in the printed network."""
        return f"factor={self.factor:.4g}"


def he_convolution(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width, and the signal's variance through a ReLU.

    He et al. 2015, arXiv:1502.01852: weights of variance 2 / (in_channels * 9), biases of 0.
    """
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


def maybe_norm(layers: Layers, name: str, spec: ModelSpec, channels: int) -> None:
    """Appends batch normalization under that name, if the spec asks for it."""
    if spec.batch_norm:
        layers[name] = nn.BatchNorm2d(channels)


def maybe_dropout(layers: Layers, name: str, spec: ModelSpec) -> None:
    """Appends dropout under that name, if the spec asks for it."""
    if spec.dropout:
        layers[name] = nn.Dropout(spec.dropout)


def require_input(spec: ModelSpec, *allowed: tuple[int, int]) -> None:
    """SettingError unless the input has one of these sizes (height, width)."""
    if (spec.height, spec.width) not in allowed:
        sizes = " or ".join(f"{height}x{width}" for height, width in allowed)
        raise SettingError(
            f"{find_model(spec.name).title} is built for images of {sizes}, "
            f"not {spec.height}x{spec.width}"
        )
