"""PyTorch programs that catch a trained network's numbers, and fold its normalizations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnviz.batchnorm import Mode

_LOAD = """\
from pathlib import Path

import torch
from torch import nn

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split

network, card = load_checkpoint(Path({folder!r}), {model!r})  # in evaluation

indices = {indices}
pixels = torch.tensor(load_split({dataset!r}, "test").images[indices])  # (N, H, W, C)
mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
images = (pixels.permute(0, 3, 1, 2) / 255 - mean) / std  # (N, C, H, W)

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
    train = (
        "for module in network.modules():\n"
        "    if isinstance(module, nn.BatchNorm2d):\n"
        "        module.train()  # by the batch's own statistics; this changes the running ones\n"
        if mode == "train"
        else ""
    )
    return f"""\
{load_lines(folder, model, dataset, indices)}caught = {{}}


def note_norm(module, inputs, output):
    caught["before"], caught["after"] = inputs[0].clone(), output.clone()


def note_activation(module, inputs, output):
    caught["activated"] = output.clone()


norm = network.get_submodule({layer!r})
running_mean, running_sigma = norm.running_mean.clone(), norm.running_var.sqrt()
norm.register_forward_hook(note_norm)
network.get_submodule({activation!r}).register_forward_hook(note_activation)
{train}with torch.no_grad():
    network(images)

before, after, activated = (caught[name][:, {channel}] for name in ("before", "after", "activated"))
for name, numbers in (("before", before), ("after", after), ("activated", activated)):
    print(f"{{name}}: mean {{numbers.mean():.3g}}, sigma {{numbers.std(correction=0):.3g}}")
print(f"running: mean {{running_mean[{channel}]:.3g}}, sigma {{running_sigma[{channel}]:.3g}}")
print(f"exactly 0: {{100 * (activated == 0).double().mean():.3g}} %")

# Of the whole layer.
shift = (caught["before"].mean(dim=(0, 2, 3)) - running_mean) / running_sigma
print(f"a channel's mean is {{shift.abs().mean():.2g}} running sigma away from its running mean")
dead = (caught["activated"] == 0).all(dim=0)  # (C, H, W): for every picture
print(f"dead units: {{dead.sum()}} of {{dead.numel()}}")
"""


def fold_snippet(
    folder: str,
    model: str,
    dataset: str,
    indices: Sequence[int],
    *,
    pairs: Mapping[str, str],
    layer: str,
    channel: int,
    plane: int,
) -> str:
    """A program, to be run beside app.py; it ends with `folded`, a network, and `difference`.

    pairs: each normalization that is folded -> the convolution that takes it over. layer: one of
    them; of its convolution the weights of one filter for one input map are printed.
    """
    folds = "\n".join(f'    "{norm}": "{convolution}",' for norm, convolution in pairs.items())
    return f"""\
import copy
{load_lines(folder, model, dataset, indices)}pairs = {{  # norm: the convolution before it
{folds}
}}
folded = copy.deepcopy(network)
with torch.no_grad():
    for norm_name, name in pairs.items():
        norm, convolution = network.get_submodule(norm_name), folded.get_submodule(name)
        gamma = 1 if norm.weight is None else norm.weight
        beta = 0 if norm.bias is None else norm.bias
        bias = 0 if convolution.bias is None else convolution.bias
        scale = gamma / torch.sqrt(norm.running_var + norm.eps)
        convolution.weight.mul_(scale[:, None, None, None])
        convolution.bias = nn.Parameter(scale * (bias - norm.running_mean) + beta)
        folded.set_submodule(norm_name, nn.Identity())
    difference = (network(images) - folded(images)).abs().max().item()

old, new = (net.get_submodule({pairs[layer]!r}) for net in (network, folded))
print("old weights:", old.weight[{channel}, {plane}])
print("new weights:", new.weight[{channel}, {plane}])
print(f"new bias: {{new.bias[{channel}]:.4g}}")
print("greatest difference of the outputs:", difference)
"""


def load_lines(folder: str, model: str, dataset: str, indices: Sequence[int]) -> str:
    """The lines that such a program begins with: they give `network` and `images`."""
    return _LOAD.format(folder=folder, model=model, dataset=dataset, indices=_wrapped(indices))


def _wrapped(indices: Sequence[int], per_line: int = 12) -> str:
    lines = [
        ", ".join(map(str, indices[start : start + per_line]))
        for start in range(0, len(indices), per_line)
    ]
    return "[\n    " + ",\n    ".join(lines) + ",\n]"
