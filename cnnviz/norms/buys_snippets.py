"""PyTorch programs that do to a small network what the experiments did to a large one."""

from __future__ import annotations

from typing import Final

from cnnviz.norms.experiment_records import (
    NOISE_MEAN,
    NOISE_MEAN_REACH,
    NOISE_SCALE,
    NOISE_SCALE_STD,
)

ALONG_SNIPPET: Final = """\
import copy

import torch
import torch.nn.functional as F
from torch import nn


def losses_along(network, images, labels, lengths):
    \"\"\"The loss at w - length * gradient, in training, on one batch.\"\"\"
    loss = F.cross_entropy(network(images), labels)
    gradient = torch.autograd.grad(loss, list(network.parameters()))
    losses = []
    for length in lengths:
        moved = copy.deepcopy(network)
        with torch.no_grad():
            for weight, slope in zip(moved.parameters(), gradient):
                weight -= length * slope
            losses.append(F.cross_entropy(moved(images), labels).item())
    return losses


torch.manual_seed(0)
images, labels = torch.randn(64, 3, 16, 16), torch.randint(10, (64,))
for norm in (nn.BatchNorm2d(16), nn.Identity()):
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(16 * 14 * 14, 10)
    )
    print(norm, losses_along(network, images, labels, (0.05, 0.1, 0.2, 0.4)))
"""

NOISE_SNIPPET: Final = f"""\
import torch
from torch import nn


class Noise(nn.Module):
    \"\"\"Stretches and shifts each value at random, in training; stands after a BatchNorm2d.\"\"\"

    def forward(self, x):  # (N, C, H, W)
        if not self.training:
            return x
        unit = x.shape[1:]  # each has a mean and a scale of its own, drawn anew in each step
        mean = {NOISE_MEAN} * (2 * torch.rand(unit) - 1)
        scale = 1 + {NOISE_SCALE - 1} * torch.rand(unit)
        shifts = mean + {NOISE_MEAN_REACH} * (2 * torch.rand(x.shape) - 1)
        scales = scale + {NOISE_SCALE_STD} * torch.randn(x.shape)
        return x * scales + shifts


torch.manual_seed(0)
layer = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), Noise(), nn.ReLU())
images = torch.randn(64, 3, 16, 16)
for step in range(3):
    into_relu = layer[:3](images)
    print(into_relu[:, 0, 0, 0].mean().item())  # of one unit: it jumps
print(layer.eval()[:3](images)[:, 0, 0, 0].mean().item())  # and here it stands still
"""
