"""A small plain network: what batch normalization buys, seen in minutes."""

from __future__ import annotations

from typing import Final

from torch import nn

from cnnviz.models.blocks import (
    Layers,
    he_convolution,
    maybe_dropout,
    maybe_norm,
    require_input,
)
from cnnviz.models.registry import ModelSpec

WIDTHS: Final = ((16, 16), (32, 32), (64, 64))
"""Output channels of the convolutions in each stage; a 2x2 max pooling ends a stage."""


class PlainCNN(nn.Sequential):
    """Six 3x3 convolutions in three stages, the mean over what is left, one linear layer.

    With and without batch normalization the network is the same to the last weight, biases
    included, so that two runs from one seed start from the same convolutions and differ in the
    normalization alone.

    Shapes (C x H x W), batch normalization off:

                 CIFAR-10      MNIST
        input    3 x 32 x 32   1 x 28 x 28
        conv1_2  16 x 32 x 32  16 x 28 x 28
        pool1    16 x 16 x 16  16 x 14 x 14
        conv2_2  32 x 16 x 16  32 x 14 x 14
        pool2    32 x 8 x 8    32 x 7 x 7
        conv3_2  64 x 8 x 8    64 x 7 x 7
        pool3    64 x 4 x 4    64 x 3 x 3
        mean     64 x 1 x 1    64 x 1 x 1
        fc1      10            10
    """

    def __init__(self, spec: ModelSpec) -> None:
        require_input(spec, (28, 28), (32, 32))
        layers = Layers()
        channels = spec.channels
        for stage, widths in enumerate(WIDTHS, start=1):
            for number, width in enumerate(widths, start=1):
                name = f"{stage}_{number}"
                layers[f"conv{name}"] = he_convolution(channels, width)
                maybe_norm(layers, f"norm{name}", spec, width)
                layers[f"relu{name}"] = nn.ReLU()
                channels = width
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
        layers["mean"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        maybe_dropout(layers, "dropout1", spec)
        layers["fc1"] = nn.Linear(channels, spec.classes)
        super().__init__(layers)
