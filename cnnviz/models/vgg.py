"""VGG-16 (Simonyan & Zisserman 2015, configuration D), for 224x224 and for 32x32."""

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

STAGES: Final = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of the convolutions in each stage; a 2x2 max pooling ends a stage."""


class VGG16(nn.Sequential):
    """Thirteen 3x3 convolutions and a head: three linear layers at 224x224, one at 32x32.

    At 32x32 the five poolings leave one pixel of 512 channels, so that the paper's head of 120
    million weights has nothing to do there; one linear layer is what is used on CIFAR-10. Batch
    normalization came after the paper (Ioffe & Szegedy 2015); with it the convolutions
    have no bias of their own, since the normalization would take it out again.

    Shapes (C x H x W), batch normalization off:

                 32 x 32         224 x 224
        input    3 x 32 x 32     3 x 224 x 224
        conv1_2  64 x 32 x 32    64 x 224 x 224
        pool1    64 x 16 x 16    64 x 112 x 112
        conv2_2  128 x 16 x 16   128 x 112 x 112
        pool2    128 x 8 x 8     128 x 56 x 56
        conv3_3  256 x 8 x 8     256 x 56 x 56
        pool3    256 x 4 x 4     256 x 28 x 28
        conv4_3  512 x 4 x 4     512 x 28 x 28
        pool4    512 x 2 x 2     512 x 14 x 14
        conv5_3  512 x 2 x 2     512 x 14 x 14
        pool5    512 x 1 x 1     512 x 7 x 7
        fc1      10              4096
        fc2                      4096
        fc3                      1000
    """

    def __init__(self, spec: ModelSpec) -> None:
        require_input(spec, (32, 32), (224, 224))
        layers = Layers()
        channels = spec.channels
        for stage, widths in enumerate(STAGES, start=1):
            for number, width in enumerate(widths, start=1):
                name = f"{stage}_{number}"
                bias = not spec.batch_norm
                layers[f"conv{name}"] = he_convolution(channels, width, bias=bias)
                maybe_norm(layers, f"norm{name}", spec, width)
                layers[f"relu{name}"] = nn.ReLU()
                channels = width
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
        layers["flatten"] = nn.Flatten()
        if spec.height == 32:
            maybe_dropout(layers, "dropout1", spec)
            layers["fc1"] = nn.Linear(channels, spec.classes)
        else:
            layers["fc1"] = nn.Linear(channels * 7 * 7, 4096)
            layers["relu6"] = nn.ReLU()
            maybe_dropout(layers, "dropout1", spec)
            layers["fc2"] = nn.Linear(4096, 4096)
            layers["relu7"] = nn.ReLU()
            maybe_dropout(layers, "dropout2", spec)
            layers["fc3"] = nn.Linear(4096, spec.classes)
        super().__init__(layers)
