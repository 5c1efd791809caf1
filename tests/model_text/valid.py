"""Texts of networks that are read, with the picture that each takes."""

from __future__ import annotations

from typing import Final

from cnnviz.model_text.examples import EXAMPLES

_NESTED: Final = """
import torch
import torch.nn as nn
import torch.nn.functional as f
from torch import Tensor
from collections import OrderedDict

WIDTH = 4 * 2

class Stem(nn.Module):
    '''Two ways that are joined.'''

    def __init__(self, channels: int, width=WIDTH):
        super(Stem, self).__init__()
        self.out = 2 * width  # of both
        self.left = nn.Conv2d(channels, width, kernel_size=3, padding=1)
        self.right = nn.Sequential(
            nn.Conv2d(channels, width, (5, 3), padding=(2, 1), bias=False),
            nn.LeakyReLU(0.1, inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.left(x), self.right(x)], dim=1)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        unused = nn.Linear(3, 3)
        last = nn.Linear(2 * WIDTH * 6 ** 2, 10)
        self.stem = Stem(1)
        layers = [nn.ReLU(), nn.AvgPool2d(2)]
        self.features = nn.Sequential(
            OrderedDict([("norm", nn.BatchNorm2d(2 * WIDTH)), ("rest", nn.Sequential(*layers))])
        )
        self.drop = nn.Dropout(0.5)
        self.last = last

    def forward(self, x):
        x = self.stem(x)
        y = self.features(x) * 0.5
        n, c, h, w = y.shape
        y += f.adaptive_avg_pool2d(x, (h, w))
        y = f.dropout(y, 0.3, training=self.training)
        return self.last(self.drop(y.reshape(n, c * h * w)))
"""

_SHARED: Final = """
model = nn.Sequential(nn.Conv2d(3, 3, 3, padding="same"), nn.GroupNorm(1, 3), nn.SiLU())
net = nn.Sequential(model, model, nn.MaxPool2d(3, 2, ceil_mode=True), nn.Flatten(1), nn.PReLU())
"""

_MEAN: Final = """
class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, groups=1)
        self.fc = nn.Linear(8, 10)
    def forward(self, x):
        identity = x = torch.relu(self.conv(x))
        x = -x.mean((2, 3)) + identity.mean(dim=[2, 3]) / 3
        return F.log_softmax(self.fc(x), dim=1)
net = Mean()
"""

Picture = tuple[int, int, int]
VALID: Final[dict[str, tuple[str, Picture]]] = {
    "nested": (_NESTED, (1, 12, 12)),
    "shared": (_SHARED, (3, 9, 9)),
    "mean": (_MEAN, (3, 11, 8)),
    **{name: (each.text, (3, 32, 32)) for name, each in EXAMPLES.items() if name != "fc"},
}
