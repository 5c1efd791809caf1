"""The PyTorch program that takes the same step."""

from __future__ import annotations

from cnnviz.one_step.network import first_parameters
from cnnviz.one_step.settings import StepSettings
from cnnviz.query import write_number


def step_snippet(settings: StepSettings) -> str:
    """A complete program; it ends with `losses` and `gradients`, those of the last step."""
    p = first_parameters(settings.classes)
    rows = "\n".join(f"    [{_numbers(row)}]," for row in settings.image)
    pools = {"none": "", "max": "    nn.MaxPool2d(2),\n", "average": "    nn.AvgPool2d(2),\n"}
    weights = "\n".join(f"        [{_numbers(row)}]," for row in p.w)
    head = "\n".join(f"        [{_numbers(row)}]," for row in p.v)
    return f"""\
import torch
from torch import nn

picture = [
{rows}
]
x = torch.tensor(picture, dtype=torch.float64)[None, None]  # (N, C, H, W)
target = torch.tensor([{settings.target}])  # {settings.class_names[settings.target]}

network = nn.Sequential(
    nn.Conv2d(1, 1, 3),
    nn.ReLU(),
{pools[settings.pool]}    nn.Flatten(),
    nn.Linear(4, {settings.classes}),
).double()
with torch.no_grad():
    network[0].weight.copy_(torch.tensor([
{weights}
    ], dtype=torch.float64))
    network[0].bias.fill_({p.b!r})
    network[-1].weight.copy_(torch.tensor([
{head}
    ], dtype=torch.float64))
    network[-1].bias.zero_()

optimizer = torch.optim.SGD(
    network.parameters(), lr={settings.rate!r}, momentum={settings.momentum!r}
)
losses = [nn.functional.cross_entropy(network(x), target).item()]
for _ in range({settings.steps + 1}):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(network(x), target)  # forward
    loss.backward()  # backward
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    optimizer.step()  # update
    losses.append(nn.functional.cross_entropy(network(x), target).item())  # the loss again
print(losses)
"""


def _numbers(values: object) -> str:
    return ", ".join(write_number(float(value)) for value in values)  # type: ignore[attr-defined]
