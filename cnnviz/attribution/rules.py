"""Methods with rules of their own for going backwards: DeepLift, Guided Backprop, LRP.

They put hooks on layers or exchange weights; the Job's network is a private copy for that reason.
"""

from __future__ import annotations

import warnings

import torch
from captum.attr import LRP, DeepLift, GuidedBackprop
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear
from captum.attr._utils.lrp_rules import EpsilonRule, GammaRule
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cnnviz.attribution.baselines import baseline_for
from cnnviz.attribution.job import Job, Made, Score
from cnnviz.attribution.private_copy import private_copy
from cnnviz.attribution.requests import Target

# The Rescale rule holds for any function of one number; Captum only does not list GELU.
SUPPORTED_NON_LINEAR.setdefault(nn.GELU, nonlinear)


def deeplift(job: Job) -> Made:
    """The Rescale rule against a baseline."""
    _expect_captums_warning()
    baseline = baseline_for(job.subject, job.request.word("baseline"))
    score = Score(_set_apart(job.network), job.request.target, job.watch)
    channels = DeepLift(score).attribute(job.input(), baseline).detach()[0]
    whole, nothing = job.scores(torch.cat([job.x, baseline])).tolist()
    return Made(channels=channels, expected_total=whole - nothing)


def guided_backprop(job: Job) -> Made:
    """The gradient without what is negative on its way."""
    _expect_captums_warning()
    return Made(channels=GuidedBackprop(job.score).attribute(job.input())[0])


def lrp(job: Job) -> Made:
    """The γ rule for convolutions but the first, the ε rule with a tiny ε for all else.

    The first convolution's input is negative for dark pixels, and the γ rule is meant for inputs
    that are not (Montavon et al. 2019).
    """
    layers = _canonized(job.subject.network)
    target = job.request.target
    gamma = job.request.number("gamma")
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    for layer in [*layers, head := _head(target, job.support.classes, job.x)]:
        if not isinstance(layer, nn.ReLU):
            uses_gamma = gamma and layer in convolutions[1:]
            layer.rule = GammaRule(gamma) if uses_gamma else EpsilonRule()
    channels = LRP(nn.Sequential(*layers, head)).attribute(job.input()).detach()[0]
    return Made(channels=channels, expected_total=float(job.scores(job.x)))


class _Apart(nn.Module):
    """Its input as another tensor."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape to the same."""
        return x.clone()


def _set_apart(network: nn.Module) -> nn.Module:
    """The same layers, none of which gets the very tensor that the one before it put out.

    Captum 0.9 notes the gradient of a layer's output by a hook on that tensor. If a MaxPool2d
    follows a ReLU, it is the pooling's input too, whose own hook exchanges the gradient only after
    it was noted; the ReLU then hands on the wrong one, and the map no longer adds up.
    """
    layers = [layer for layer in network.modules() if not list(layer.children())]
    return nn.Sequential(*(part for layer in layers for part in (layer, _Apart())))


def _canonized(network: nn.Module) -> list[nn.Module]:
    """A private copy's layers, each normalization merged into the convolution before it.

    What a neuron's inputs contribute is then written in one weight each.
    """
    copy = private_copy(network, own_weights=True)
    layers: list[nn.Module] = []
    for layer in copy.modules():
        if list(layer.children()) or isinstance(layer, nn.Dropout | nn.Identity):
            continue
        before = layers[-1] if layers else None
        if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            layers[-1] = fuse_conv_bn_eval(before, layer)
        else:
            layers.append(layer)
    return layers


def _head(target: Target, classes: int, like: torch.Tensor) -> nn.Linear:
    """The score as one more layer: LRP hands back what a last neuron holds, not a difference."""
    head = nn.Linear(classes, 1, bias=False, device="meta").to_empty(device=like.device)
    weight = torch.zeros(1, classes, dtype=like.dtype)
    weight[0, target.label] = 1
    if target.against is not None:
        weight[0, target.against] = -1
    head.weight = nn.Parameter(weight.to(like.device), requires_grad=False)
    return head


def _expect_captums_warning() -> None:
    """Captum warns of its hooks each time, and they are on a private copy.

    A filter that stays, because warnings.catch_warnings puts back a list that threads share.
    """
    warnings.filterwarnings("ignore", r"\s*Setting (forward, )?backward hooks")
