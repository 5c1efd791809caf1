"""A network whose normalizations are folded into its convolutions: equal outputs, fewer layers."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cnnviz.batchnorm import Array
from cnnviz.errors import SettingError
from cnnviz.norms.folding import Folded, fold
from cnnviz.norms.network_norms import NormLayer, find_norms, private_copy, run
from cnnviz.settings import whole_number


@dataclass(frozen=True, slots=True, eq=False)
class FoldedLayer:
    """One normalization and the convolution that takes it over."""

    norm: NormLayer
    convolution: str
    folded: Folded
    old_weight: Array
    """(K, C, kh, kw), before."""
    old_bias: Array | None
    """(K,); None if the convolution had none."""


@dataclass(frozen=True, slots=True, eq=False)
class FilterFold:
    """One filter of a convolution, and the channel that is normalized behind it."""

    old_weight: Array
    """(C, kh, kw)"""
    old_bias: float | None
    """None if the convolution has none."""
    new_weight: Array
    new_bias: float
    scale: float
    gamma: float
    beta: float
    mean: float
    """The running one, as the variance."""
    variance: float
    eps: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two networks' logits are apart."""

    greatest_difference: float
    greatest_logit: float
    """In magnitude, of the first network: what the difference is to be measured by."""
    changed: int
    """Pictures that they decide otherwise."""
    count: int


@dataclass(frozen=True, slots=True)
class SpeedGain:
    """The least seconds for one batch of several runs: other work on the machine only adds."""

    before_s: float
    after_s: float
    batch_size: int
    repeats: int

    @property
    def ratio(self) -> float:
        """How many times as fast."""
        return self.before_s / self.after_s


def why_not(network: nn.Module, norm: NormLayer) -> str | None:
    """Why a normalization cannot be folded into a convolution, as a sentence; None if it can.

    Behind a max pooling it can if no channel's scale is negative: then the greatest value is the
    greatest still. Behind an average pooling it always can.
    """
    if norm.convolution is None:
        return f"{norm.name} does not stand behind a convolution."
    module = network.get_submodule(norm.name)
    assert isinstance(module, nn.BatchNorm2d)
    if module.running_mean is None or module.running_var is None:
        return f"{norm.name} keeps no running statistics, so that it is never one fixed scale."
    for name in norm.between:
        layer = network.get_submodule(name)
        if isinstance(layer, nn.MaxPool2d):
            if module.weight is not None and bool((module.weight < 0).any()):
                return f"{norm.name} turns the sign of some channels after the pooling {name}."
        elif isinstance(layer, nn.AvgPool2d) and layer.padding not in (0, (0, 0)):
            return f"{name} averages the shift with the zeros around the map."
    return None


def fold_layer(network: nn.Module, norm: NormLayer) -> FoldedLayer:
    """One normalization folded, as numbers; SettingError if it cannot be."""
    if reason := why_not(network, norm):
        raise SettingError(reason)
    assert norm.convolution is not None
    convolution = network.get_submodule(norm.convolution)
    module = network.get_submodule(norm.name)
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(module, nn.BatchNorm2d)
    assert module.running_mean is not None
    assert module.running_var is not None
    weight = _numbers(convolution.weight)
    bias = None if convolution.bias is None else _numbers(convolution.bias)
    folded = fold(
        weight,
        bias,
        _numbers(module.running_mean),
        _numbers(module.running_var),
        None if module.weight is None else _numbers(module.weight),
        None if module.bias is None else _numbers(module.bias),
        eps=module.eps,
    )
    return FoldedLayer(norm, norm.convolution, folded, weight, bias)


def fold_filter(network: nn.Module, norm: NormLayer, channel: int) -> FilterFold:
    """One channel of a normalization folded; SettingError if it cannot be."""
    if reason := why_not(network, norm):
        raise SettingError(reason)
    channel = whole_number("channel", channel, least=0)
    if channel >= norm.channels:
        raise SettingError(
            f"channel is {channel}: {norm.name} has channels 0 to {norm.channels - 1}"
        )
    convolution = network.get_submodule(norm.convolution or "")
    module = network.get_submodule(norm.name)
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(module, nn.BatchNorm2d)
    bias, weight = convolution.bias, _numbers(convolution.weight[channel])

    def of(tensor: torch.Tensor | None, default: float) -> float:
        return default if tensor is None else float(tensor.detach()[channel])

    gamma, beta = of(module.weight, 1.0), of(module.bias, 0.0)
    mean, variance = of(module.running_mean, 0.0), of(module.running_var, 1.0)
    old_bias = None if bias is None else of(bias, 0.0)
    folded = fold(
        weight[None], [old_bias or 0.0], [mean], [variance], [gamma], [beta], eps=module.eps
    )
    return FilterFold(
        old_weight=weight,
        old_bias=old_bias,
        new_weight=folded.weight[0],
        new_bias=float(folded.bias[0]),
        scale=float(folded.scale[0]),
        gamma=gamma,
        beta=beta,
        mean=mean,
        variance=variance,
        eps=module.eps,
    )


def fold_network(network: nn.Module) -> tuple[nn.Module, tuple[FoldedLayer, ...]]:
    """A copy in evaluation without the normalizations that can be folded, and what was folded.

    Where one was there is an nn.Identity, so that all other layers keep their names. The new
    weights are computed in float64 and stored as the network's are.
    """
    norms = [norm for norm in find_norms(network) if why_not(network, norm) is None]
    layers = tuple(fold_layer(network, norm) for norm in norms)
    folded = copy.deepcopy(network).eval()
    for layer in layers:
        convolution = folded.get_submodule(layer.convolution)
        assert isinstance(convolution, nn.Conv2d)
        like = convolution.weight
        bias = torch.as_tensor(layer.folded.bias).to(like.device, like.dtype)
        with torch.no_grad():
            like.copy_(torch.as_tensor(layer.folded.weight))  # keeps its order in memory
        convolution.bias = nn.Parameter(bias, requires_grad=False)
        folded.set_submodule(layer.norm.name, nn.Identity())
    return folded, layers


def compare_outputs(network: nn.Module, folded: nn.Module, batch: torch.Tensor) -> Agreement:
    """Runs both in evaluation over one normalized batch (N, C, H, W)."""
    one, other = (run(private_copy(of), batch).double() for of in (network, folded))
    return Agreement(
        greatest_difference=float((one - other).abs().max()),
        greatest_logit=float(one.abs().max()),
        changed=int((one.argmax(1) != other.argmax(1)).sum()),
        count=len(batch),
    )


def measure_speed(
    network: nn.Module,
    folded: nn.Module,
    batch: torch.Tensor,
    *,
    repeats: int = 15,
    budget_s: float = math.inf,
) -> SpeedGain:
    """Times both in evaluation, in turn, so that what slows the machine slows both.

    budget_s: no further repeat is begun after so many seconds.
    """
    repeats = whole_number("repeats", repeats, least=1)

    def seconds(of: nn.Module) -> float:
        start = time.perf_counter()
        run(of, batch).sum().item()  # waits for the device
        return time.perf_counter() - start

    one, other = private_copy(network), private_copy(folded)
    for of in (one, other):  # the first run of each prepares
        seconds(of)
    pairs = [(seconds(one), seconds(other))]
    end = time.perf_counter() + budget_s
    while len(pairs) < repeats and time.perf_counter() < end:
        pairs.append((seconds(one), seconds(other)))
    before, after = (min(times) for times in zip(*pairs, strict=True))
    return SpeedGain(before, after, len(batch), len(pairs))


def _numbers(tensor: torch.Tensor) -> Array:
    numbers: Array = np.array(tensor.detach().double().cpu().contiguous().numpy())
    return numbers
