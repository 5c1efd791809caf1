"""A network as the lines of code that build it, with the same first weights from the same seed.

The lines are read off the modules of a built network, so that they cannot differ from it.
"""

from __future__ import annotations

import ast
import textwrap
from typing import Final

import torch
from torch import nn

from cnnviz.errors import SettingError
from cnnviz.layers import trace_layers
from cnnviz.model_text.blueprint import read_network
from cnnviz.models.blocks import Scale
from cnnviz.models.registry import ModelSpec, build_model
from cnnviz.settings import Pair, shown

_HE: Final = '''
def he_conv(channels, filters, bias=True):
    """A 3x3 convolution with the first weights of He et al. 2015."""
    conv = nn.Conv2d(channels, filters, 3, padding=1, bias=bias)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    if bias:
        nn.init.zeros_(conv.bias)
    return conv

'''

_FAST: Final = '''
class Scale(nn.Module):
    """Multiplies by a constant: keeps the logits small at the start of training."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def identity_conv(channels, filters):
    """A 3x3 convolution that starts as the identity, as far as the channels go."""
    conv = nn.Conv2d(channels, filters, 3, padding="same", bias=False)
    nn.init.dirac_(conv.weight[:channels])
    return conv


def norm_without_scale(channels):
    """Batch normalization whose scale stays at 1 and whose statistics follow quickly."""
    norm = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    norm.weight.requires_grad = False
    return norm


def whitening_filters(images):
    """Filters whose outputs on these images are uncorrelated, each with both signs (Page 2018)."""
    channels = images.shape[1]
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1)  # (N, C, H', W', 2, 2)
    patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)  # (N H' W', C 2 2)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + 5e-4).sqrt()).T.flip(0)  # largest eigenvalue first
    filters = filters.reshape(-1, channels, 2, 2)
    return torch.cat([filters, -filters])

'''

_HELPERS: Final = {"vgg16": _HE, "plain_cnn": _HE, "fast_cnn": _FAST}
"""What a network needs beside PyTorch's own layers. With he_conv and identity_conv the weights are
drawn in the order in which the network draws them."""


def network_code(spec: ModelSpec) -> str:
    """Functions for a script that ends with `build_network()`; needs torch, nn, F, OrderedDict."""
    if spec.text:
        return _pasted_code(spec)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        network = build_model(spec)
    shapes = {
        trace.name: " x ".join(map(str, trace.output_shape))
        for trace in trace_layers(network, spec.input_shape)
    }
    helpers = _HELPERS.get(spec.name, "")
    lines = "\n".join(
        f"            {name}={_layer(module, helpers)},  # {shapes[name]}"
        for name, module in network.named_children()
    )
    frozen = ""
    if spec.name == "fast_cnn":
        frozen = "    network.whiten.weight.requires_grad = False\n"
    return f'''{helpers}
def build_network():
    """The network with fresh weights; beside each layer what it puts out."""
    network = nn.Sequential(
        OrderedDict(  # from {" x ".join(map(str, spec.input_shape))}
{lines}
        )
    )
{frozen}    return network
'''


def _pasted_code(spec: ModelSpec) -> str:
    """The text itself, within a function, so that its names meet no others."""
    text = read_network(spec.text)
    lines = text.text.split("\n")
    if text.made_by is None:
        end = f"return {text.name}()"
    else:
        statement = text.made_by
        if isinstance(statement, ast.Expr):
            lines[statement.lineno - 1] = f"network = {lines[statement.lineno - 1]}"
            end = "return network"
        else:
            end = f"return {ast.unparse(statement.targets[0])}"
    body = textwrap.indent("\n".join(lines), "    ")
    return f'''
def build_network():
    """The network with fresh weights, as it was pasted."""
{body}

    {end}
'''


def _layer(module: nn.Module, helpers: str) -> str:
    """The expression that makes a layer like this one."""
    if isinstance(module, nn.Conv2d):
        return _convolution(module, helpers)
    if isinstance(module, nn.BatchNorm2d):
        if "norm_without_scale" in helpers:
            return f"norm_without_scale({module.num_features})"
        return f"nn.BatchNorm2d({module.num_features})"
    if isinstance(module, nn.Linear):
        bias = "" if module.bias is not None else ", bias=False"
        return f"nn.Linear({module.in_features}, {module.out_features}{bias})"
    if isinstance(module, nn.Dropout):
        return f"nn.Dropout({module.p!r})"
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return f"nn.{type(module).__name__}({module.kernel_size})"
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return f"nn.AdaptiveAvgPool2d({module.output_size})"
    if isinstance(module, nn.ReLU | nn.GELU | nn.Flatten):
        return f"nn.{type(module).__name__}()"
    if isinstance(module, Scale):
        return f"Scale({module.factor!r})"
    raise SettingError(f"a script cannot write the layer {shown(module)}")


def _convolution(conv: nn.Conv2d, helpers: str) -> str:
    channels = f"{conv.in_channels}, {conv.out_channels}"
    bias = "" if conv.bias is not None else ", bias=False"
    if conv.kernel_size == (3, 3) and "identity_conv" in helpers:
        return f"identity_conv({channels})"
    if conv.kernel_size == (3, 3) and "he_conv" in helpers:
        return f"he_conv({channels}{bias})"
    padding = "" if conv.padding == (0, 0) else f", padding={_short(conv.padding)}"
    return f"nn.Conv2d({channels}, {_short(conv.kernel_size)}{padding}{bias})"


def _short(setting: str | tuple[int, ...]) -> int | str | Pair:
    """A setting as a student writes it: 5 for (5, 5)."""
    if isinstance(setting, str):
        return f'"{setting}"'
    height, width = setting
    return height if height == width else (height, width)
