"""A network that learns CIFAR-10 to 94 % in minutes on a laptop (Jordan 2024, arXiv:2404.00498)."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

from cnnviz.models.blocks import Layers, Scale, maybe_dropout, require_input
from cnnviz.models.registry import ModelSpec

WIDTHS: Final = (64, 256, 256)
"""Output channels of the three blocks."""
WHITENING_KERNEL: Final = 2
LOGIT_SCALE: Final = 1 / 9
BATCH_NORM_MOMENTUM: Final = 0.4
"""Share of a new batch in the running statistics (PyTorch's convention); the paper writes 0.6 for
the share that is kept. Few steps call for statistics that follow quickly."""


class FastCNN(nn.Sequential):
    """A fixed whitening layer and three blocks of two 3x3 convolutions, without shortcuts.

    The whitening filters come from the training images, by `whiten`, and are not trained; only
    their bias is. The scales of the batch normalizations stay at 1.

    Shapes (C x H x W):

                 CIFAR-10
        input    3 x 32 x 32
        whiten   24 x 31 x 31
        conv1_1  64 x 31 x 31
        pool1    64 x 15 x 15
        conv1_2  64 x 15 x 15
        conv2_1  256 x 15 x 15
        pool2    256 x 7 x 7
        conv2_2  256 x 7 x 7
        conv3_1  256 x 7 x 7
        pool3    256 x 3 x 3
        conv3_2  256 x 3 x 3
        pool4    256 x 1 x 1
        fc1      10
        scale    10
    """

    def __init__(self, spec: ModelSpec) -> None:
        require_input(spec, (32, 32))
        layers = Layers()
        channels = 2 * spec.channels * WHITENING_KERNEL**2
        layers["whiten"] = nn.Conv2d(spec.channels, channels, WHITENING_KERNEL)
        layers["whiten"].weight.requires_grad = False
        layers["gelu0"] = nn.GELU()
        for block, width in enumerate(WIDTHS, start=1):
            layers[f"conv{block}_1"] = _convolution(channels, width)
            layers[f"pool{block}"] = nn.MaxPool2d(2)
            layers[f"norm{block}_1"] = _normalization(width)
            layers[f"gelu{block}_1"] = nn.GELU()
            layers[f"conv{block}_2"] = _convolution(width, width)
            layers[f"norm{block}_2"] = _normalization(width)
            layers[f"gelu{block}_2"] = nn.GELU()
            channels = width
        layers["pool4"] = nn.MaxPool2d(3)
        layers["flatten"] = nn.Flatten()
        maybe_dropout(layers, "dropout1", spec)
        layers["fc1"] = nn.Linear(channels, spec.classes, bias=False)
        layers["scale"] = Scale(LOGIT_SCALE)
        super().__init__(layers)

    @torch.no_grad()
    def initialize_from(self, images: torch.Tensor) -> None:
        """Sets the whitening filters from normalized training images (N, C, H, W)."""
        self.get_parameter("whiten.weight").copy_(whitening_filters(images))


def whitening_filters(images: torch.Tensor, kernel_size: int = WHITENING_KERNEL) -> torch.Tensor:
    """Filters (2 C k k, C, k, k) whose outputs on these images (N, C, H, W) are uncorrelated.

    The eigenvectors of the patches' covariance, each divided by the root of its eigenvalue, so
    that every output has variance 1; and the same with the other sign, because GELU lets only
    one side through. Page 2018, "How to Train Your ResNet 8: Bag of Tricks".
    """
    channels = images.shape[1]
    patches = images.float().unfold(2, kernel_size, 1).unfold(3, kernel_size, 1)
    patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)  # (N H' W', C k k)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + 5e-4).sqrt()).T.flip(0)  # largest eigenvalue first
    filters = filters.reshape(-1, channels, kernel_size, kernel_size)
    return torch.cat([filters, -filters])


def _convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding="same", bias=False)
    # As far as the channels go the layer starts as the identity ("partial dirac" in the paper).
    nn.init.dirac_(convolution.weight[:in_channels])
    return convolution


def _normalization(channels: int) -> nn.BatchNorm2d:
    normalization = nn.BatchNorm2d(channels, eps=1e-12, momentum=BATCH_NORM_MOMENTUM)
    normalization.weight.requires_grad = False
    return normalization
