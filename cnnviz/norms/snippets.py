"""PyTorch programs that reproduce what the lesson on batch normalization shows by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import Array, Mode, NormSettings, RunningStatistics
from cnnviz.norms.relatives import RelativeSpec
from cnnviz.query import write_number

_HEAD = "import torch\nfrom torch import nn\n\n"


def batch_norm_snippet(
    x: npt.ArrayLike,
    gamma: Sequence[float],
    beta: Sequence[float],
    *,
    mode: Mode,
    settings: NormSettings,
    running: RunningStatistics,
) -> str:
    """A complete program for a batch x (N, C, H, W); it ends with `output` and `layer`."""
    batch = np.asarray(x, dtype=np.float64)
    momentum = "None" if settings.momentum is None else write_number(settings.momentum)
    return (
        f"{_HEAD}{_batch(batch)}\n"
        f"layer = nn.BatchNorm2d({batch.shape[1]}, eps={settings.eps!r}, momentum={momentum})\n"
        "layer = layer.double()\n"
        "with torch.no_grad():\n"
        f"    layer.weight.copy_({_list(gamma)})  # gamma\n"
        f"    layer.bias.copy_({_list(beta)})  # beta\n"
        f"    layer.running_mean.copy_({_list(running.mean)})\n"
        f"    layer.running_var.copy_({_list(running.variance)})\n"
        f"    layer.num_batches_tracked.fill_({running.batches})\n"
        f"\nlayer.{mode}()\n"
        "output = layer(x)\n"
        "print(output)\n"
        "print(layer.running_mean, layer.running_var)\n"
    )


def relative_snippet(x: npt.ArrayLike, spec: RelativeSpec) -> str:
    """A complete program for x (N, C, H, W) and one of batch norm's relatives; ends with `output`.

    gamma is 1 and beta 0, as in a new layer.
    """
    batch = np.asarray(x, dtype=np.float64)
    channels, height, width = batch.shape[1:]
    made = {
        "batch": f"nn.BatchNorm2d({channels}, eps={spec.eps!r})",
        "layer": f"nn.LayerNorm([{channels}, {height}, {width}], eps={spec.eps!r})",
        "instance": f"nn.InstanceNorm2d({channels}, eps={spec.eps!r})",
        "group": f"nn.GroupNorm({spec.groups}, {channels}, eps={spec.eps!r})",
    }[spec.kind]
    return f"{_HEAD}{_batch(batch)}\nlayer = {made}.double()\noutput = layer(x)\nprint(output)\n"


def relatives_snippet(x: npt.ArrayLike, groups: int) -> str:
    """A complete program for x (N, C, H, W) and all four; ends with `outputs`, by name.

    What PyTorch refuses is caught, and its reason kept in place of an output.
    """
    batch = np.asarray(x, dtype=np.float64)
    channels, height, width = batch.shape[1:]
    return (
        f"{_HEAD}{_batch(batch)}\n"
        "layers = {\n"
        f'    "batch": nn.BatchNorm2d({channels}),\n'
        f'    "layer": nn.LayerNorm([{channels}, {height}, {width}]),\n'
        f'    "instance": nn.InstanceNorm2d({channels}),\n'
        f'    "group": nn.GroupNorm({groups}, {channels}),\n'
        "}\n"
        "outputs = {}\n"
        "for name, layer in layers.items():\n"
        "    try:\n"
        "        outputs[name] = layer.double()(x)  # gamma is 1 and beta 0\n"
        "    except ValueError as error:  # one value has no spread\n"
        "        outputs[name] = str(error)\n"
        "    print(name, outputs[name])\n"
    )


FOLDING_SNIPPET = """\
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

convolution = nn.Conv2d(3, 8, 3, padding=1)
norm = nn.BatchNorm2d(8)
for _ in range(10):  # so that its running statistics are not those of a new layer
    norm(convolution(torch.randn(16, 3, 32, 32)))
convolution.eval(), norm.eval()

with torch.no_grad():
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(3, 8, 3, padding=1)
    folded.weight.copy_(convolution.weight * scale[:, None, None, None])
    folded.bias.copy_(norm.bias + scale * (convolution.bias - norm.running_mean))

    images = torch.randn(4, 3, 32, 32)
    two_layers, one_layer = norm(convolution(images)), folded(images)
    by_pytorch = fuse_conv_bn_eval(convolution, norm)(images)
print((two_layers - one_layer).abs().max(), (by_pytorch - one_layer).abs().max())
"""
"""Folding on a layer of random weights, by hand and by PyTorch's own function."""


def _batch(batch: Array) -> str:
    """An assignment that a student can read: one row of a map a line, a gap between pictures."""
    rows = [
        "\n".join(
            f"        [{', '.join(write_number(float(value)) for value in row)}],"
            for channel in picture
            for row in channel
        )
        for picture in batch
    ]
    cells = "\n\n".join(rows)
    shape = ", ".join(map(str, batch.shape))
    return (
        f"x = torch.tensor(\n    [\n{cells}\n    ],\n    dtype=torch.float64,\n"
        f").reshape({shape})  # pictures, channels, height, width\n"
    )


def _list(values: Sequence[float] | Array) -> str:
    numbers = ", ".join(write_number(float(value)) for value in values)
    return f"torch.tensor([{numbers}], dtype=torch.float64)"
