"""LeNet-5 as the lesson writes it, and the improved one.

Both end their convolutions in maps of 5x5, from MNIST's 28x28 and from CIFAR-10's 32x32 alike, so
that the same fully connected layers fit. With a 5x5 kernel and a 2x2 pool that takes one pixel of
padding at 28x28, and none at 32x32.
"""

from __future__ import annotations

from torch import nn

from cnnviz.models.blocks import Layers, maybe_dropout, maybe_norm, require_input
from cnnviz.models.registry import ModelSpec

MNIST_SIZE = (28, 28)
CIFAR_SIZE = (32, 32)


class LeNet5(nn.Sequential):
    """LeNet-5 with average pooling and ReLU.

    The original (LeCun et al. 1998) has tanh, a pooling with weights, a sparse second convolution
    and a 32x32 input made by two pixels of padding; the lesson leaves these out.

    Shapes (C x H x W), batch normalization off:

                 CIFAR-10      MNIST
        input    3 x 32 x 32   1 x 28 x 28
        conv1    6 x 28 x 28   6 x 26 x 26
        pool1    6 x 14 x 14   6 x 13 x 13
        conv2    16 x 10 x 10  16 x 11 x 11
        pool2    16 x 5 x 5    16 x 5 x 5
        fc1      120           120
        fc2      84            84
        fc3      10            10
    """

    def __init__(self, spec: ModelSpec) -> None:
        require_input(spec, MNIST_SIZE, CIFAR_SIZE)
        padding = 1 if (spec.height, spec.width) == MNIST_SIZE else 0
        layers = Layers()
        layers["conv1"] = nn.Conv2d(spec.channels, 6, 5, padding=padding)
        maybe_norm(layers, "norm1", spec, 6)
        layers["relu1"] = nn.ReLU()
        layers["pool1"] = nn.AvgPool2d(2)
        layers["conv2"] = nn.Conv2d(6, 16, 5, padding=padding)
        maybe_norm(layers, "norm2", spec, 16)
        layers["relu2"] = nn.ReLU()
        layers["pool2"] = nn.AvgPool2d(2)
        _add_head(layers, spec, 16 * 5 * 5)
        super().__init__(layers)


class ImprovedLeNet(nn.Sequential):
    """LeNet-5 with more filters, a smaller first kernel and max pooling.

    Shapes (C x H x W), batch normalization off:

                 CIFAR-10      MNIST
        input    3 x 32 x 32   1 x 28 x 28
        conv1    16 x 30 x 30  16 x 28 x 28
        pool1    16 x 15 x 15  16 x 14 x 14
        conv2    32 x 11 x 11  32 x 10 x 10
        pool2    32 x 5 x 5    32 x 5 x 5
        fc1      120           120
        fc2      84            84
        fc3      10            10
    """

    def __init__(self, spec: ModelSpec) -> None:
        require_input(spec, MNIST_SIZE, CIFAR_SIZE)
        padding = 1 if (spec.height, spec.width) == MNIST_SIZE else 0
        layers = Layers()
        layers["conv1"] = nn.Conv2d(spec.channels, 16, 3, padding=padding)
        maybe_norm(layers, "norm1", spec, 16)
        layers["relu1"] = nn.ReLU()
        layers["pool1"] = nn.MaxPool2d(2)
        layers["conv2"] = nn.Conv2d(16, 32, 5)
        maybe_norm(layers, "norm2", spec, 32)
        layers["relu2"] = nn.ReLU()
        layers["pool2"] = nn.MaxPool2d(2)
        _add_head(layers, spec, 32 * 5 * 5)
        super().__init__(layers)


def _add_head(layers: Layers, spec: ModelSpec, features: int) -> None:
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.Linear(features, 120)
    layers["relu3"] = nn.ReLU()
    maybe_dropout(layers, "dropout1", spec)
    layers["fc2"] = nn.Linear(120, 84)
    layers["relu4"] = nn.ReLU()
    maybe_dropout(layers, "dropout2", spec)
    layers["fc3"] = nn.Linear(84, spec.classes)
