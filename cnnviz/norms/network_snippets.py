"""PyTorch programs that catch a trained network's numbers, and fold one of its layers."""

from __future__ import annotations

from collections.abc import Sequence

from cnnviz.batchnorm import Mode

_LOAD = """\
from pathlib import Path

import torch
from torch import nn

from cnnviz.checkpoints.store import load_checkpoint

network, card = load_checkpoint(Path({folder!r}), {model!r})  # in evaluation
"""


def capture_snippet(
    folder: str,
    model: str,
    dataset: str,
    indices: Sequence[int],
    *,
    layer: str,
    activation: str,
    channel: int,
    mode: Mode,
) -> str:
    """A program, to be run beside app.py; it ends with `before`, `after` and `activated`."""
    head = _LOAD.format(folder=folder, model=model).replace(
        "load_checkpoint\n\n", "load_checkpoint\nfrom cnnviz.data.datasets import load_split\n\n"
    )
    train = (
        "for module in network.modules():\n"
        "    if isinstance(module, nn.BatchNorm2d):\n"
        "        module.train()  # by the batch's own statistics; this changes the running ones\n"
        if mode == "train"
        else ""
    )
    return f"""\
{head}
indices = {_wrapped(indices)}
pixels = torch.tensor(load_split({dataset!r}, "test").images[indices])  # (N, H, W, C)
mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
images = (pixels.permute(0, 3, 1, 2) / 255 - mean) / std  # (N, C, H, W)

caught = {{}}


def note_norm(module, inputs, output):
    caught["before"], caught["after"] = inputs[0].clone(), output.clone()


def note_activation(module, inputs, output):
    caught["activated"] = output.clone()


norm = network.get_submodule({layer!r})
running = norm.running_mean[{channel}].item(), norm.running_var[{channel}].item()
norm.register_forward_hook(note_norm)
network.get_submodule({activation!r}).register_forward_hook(note_activation)
{train}with torch.no_grad():
    network(images)

before, after, activated = (caught[name][:, {channel}] for name in ("before", "after", "activated"))
print("before:", before.mean().item(), before.std().item(), "running:", running)
print("after:", after.mean().item(), after.std().item())
print("exactly 0:", (activated == 0).float().mean().item())
"""


def fold_snippet(folder: str, model: str, *, layer: str, convolution: str) -> str:
    """A program, to be run beside app.py; it ends with `folded`, a convolution."""
    return (
        _LOAD.format(folder=folder, model=model)
        + f"""\
convolution = network.get_submodule({convolution!r})
norm = network.get_submodule({layer!r})

with torch.no_grad():
    scale = 1 / torch.sqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        scale = norm.weight * scale
    shift = (0 if norm.bias is None else norm.bias) - scale * norm.running_mean
    folded = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,
        stride=convolution.stride,
        padding=convolution.padding,
    )
    folded.weight.copy_(convolution.weight * scale[:, None, None, None])
    folded.bias.copy_(shift + (0 if convolution.bias is None else scale * convolution.bias))

    images = torch.randn(4, convolution.in_channels, 16, 16)
    two_layers, one_layer = norm(convolution(images)), folded(images)
print("greatest difference:", (two_layers - one_layer).abs().max().item())
"""
    )


def _wrapped(indices: Sequence[int], per_line: int = 12) -> str:
    lines = [
        ", ".join(map(str, indices[start : start + per_line]))
        for start in range(0, len(indices), per_line)
    ]
    return "[\n    " + ",\n    ".join(lines) + ",\n]"
