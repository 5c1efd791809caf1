"""PyTorch programs that reproduce what the lesson on batch normalization shows by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cnnviz.batchnorm import Array, Mode, NormSettings, RunningStatistics
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
