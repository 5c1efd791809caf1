"""The optimizer of a configuration, and lookahead, which averages the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import nn

from cnnviz.training.config import TrainingConfig

Optimizer = torch.optim.SGD | torch.optim.AdamW

LOOKAHEAD_EVERY: Final = 5  # steps
_LOOKAHEAD_DECAY: Final = 0.95


def make_optimizer(config: TrainingConfig, network: nn.Module) -> Optimizer:
    """The optimizer in two groups: the biases of batch normalizations, and all else."""
    norm_biases = {
        id(module.bias)
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d) and module.bias is not None
    }
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if id(p) not in norm_biases], "factor": 1.0},
        {
            "params": [p for p in trained if id(p) in norm_biases],
            "factor": config.bias_learning_rate_factor,
        },
    ]
    groups = [group for group in groups if group["params"]]
    lr, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adamw":
        betas = (float(config.momentum), 0.999)  # torch refuses the whole number 0
        return torch.optim.AdamW(groups, lr=lr, betas=betas, weight_decay=decay)
    return torch.optim.SGD(
        groups, lr=lr, momentum=config.momentum, nesterov=config.momentum > 0, weight_decay=decay
    )


def set_rates(optimizer: Optimizer, learning_rate: float, weight_decay: float) -> None:
    """Sets what the next step uses; a group's factor raises the one and lowers the other."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]
        group["weight_decay"] = weight_decay / group["factor"]


def check_optimizer(optimizer: Optimizer, *, begun: bool) -> None:
    """ValueError unless a state that was loaded fits the parameters, and is whole if `begun`."""
    for group in optimizer.param_groups:
        needed: tuple[str, ...] = ()
        if begun and isinstance(optimizer, torch.optim.AdamW):
            needed = ("step", "exp_avg", "exp_avg_sq")
        elif begun and group["momentum"]:
            needed = ("momentum_buffer",)
        for parameter in group["params"]:
            values = optimizer.state.get(parameter, {})
            if missing := sorted(set(needed) - set(values)):
                raise ValueError(f"the optimizer's {missing[0]} is missing")
            for key, value in values.items():
                shape = torch.Size() if key == "step" else parameter.shape
                _check_shape(f"the optimizer's {key}", value, shape)


def _check_shape(name: str, tensor: torch.Tensor, shape: torch.Size) -> None:
    if tensor.shape != shape:
        raise ValueError(f"{name} is {tuple(tensor.shape)}, not {tuple(shape)}")


class Lookahead:
    """Every few steps the weights are set to their running average (Zhang et al. 2019).

    Running statistics of batch normalization are averaged too. The decay rises to 0.95 with the
    cube of the share of steps done (Jordan 2024, arXiv:2404.00498).
    """

    def __init__(self, network: nn.Module) -> None:
        self.average = {name: tensor.clone() for name, tensor in _floats(network).items()}

    def decay(self, step: int, total_steps: int) -> float:
        """Share of the average that is kept after that many steps."""
        return float(_LOOKAHEAD_DECAY**LOOKAHEAD_EVERY * (step / total_steps) ** 3)

    def load(self, average: Mapping[str, torch.Tensor]) -> None:
        """Takes over an average that was kept; ValueError or KeyError if it does not fit."""
        for name, tensor in self.average.items():
            _check_shape(f"the average of {name}", average[name], tensor.shape)
            tensor.copy_(average[name])

    @torch.no_grad()
    def update(self, network: nn.Module, decay: float) -> None:
        """Takes the weights into the average, and sets them to it."""
        for name, tensor in _floats(network).items():
            self.average[name].lerp_(tensor, 1 - decay)
            tensor.copy_(self.average[name])

    @torch.no_grad()
    def settle(self, network: nn.Module) -> None:
        """Sets the weights to the average, as the last thing of a training."""
        for name, tensor in _floats(network).items():
            tensor.copy_(self.average[name])


def _floats(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: t for name, t in network.state_dict().items() if t.is_floating_point()}
