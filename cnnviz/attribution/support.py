"""Which methods a network allows, and why not the others: looked up in the network itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from torch import nn

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.methods import METHODS, find_method
from cnnviz.attribution.private_copy import without_numbers
from cnnviz.errors import SettingError
from cnnviz.layers import LayerTrace, trace_layers
from cnnviz.models.blocks import Scale
from cnnviz.settings import pair, shown

ACTIVATIONS: Final = (nn.ReLU, nn.GELU, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus)
"""Those that DeepLift's Rescale rule is applied to."""
_LINEAR: Final = (
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm2d,  # in evaluation
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
    nn.Dropout,  # in evaluation
    nn.Identity,
    Scale,
)

_BUDGET_BYTES: Final = 96 * 2**20
"""For what the layers put out while one part of a computation runs."""
_COPIES: Final = 3
"""About how often an output is held while gradients are computed: itself, its gradient, a hook's
copy."""
_LARGEST_CHUNK: Final = 64


@dataclass(frozen=True, slots=True)
class MapLayer:
    """A layer whose output still has places, so that Grad-CAM can use it."""

    name: str
    kind: str
    """Its class: Conv2d."""
    channels: int
    height: int
    width: int

    @property
    def title(self) -> str:
        """relu2: 16 maps of 10 × 10."""
        return f"{self.name}: {self.channels} maps of {self.height} × {self.width}"


@dataclass(frozen=True, slots=True)
class Support:
    """What a network allows."""

    reasons: tuple[tuple[MethodName, str], ...]
    """(method, why not, in a sentence or two) of each method that it does not."""
    layers: tuple[MapLayer, ...]
    """That Grad-CAM can use, in the order of use."""
    default_layer: str
    """The activation after the last convolution, or what comes nearest; "" if there is none."""
    classes: int
    chunk: int
    """How many images are run at a time, so that memory stays within bounds."""

    def why_not(self, method: str) -> str | None:
        """Why the network does not allow this method; None if it does."""
        return dict(self.reasons).get(find_method(method).name)

    def layer(self, name: str) -> str:
        """The name of a layer for Grad-CAM; "" is the default. SettingError for any other."""
        if name == "":
            return self.default_layer
        names = [layer.name for layer in self.layers]
        if name not in names:
            raise SettingError(f"layer is {shown(name)}: use one of {', '.join(names)}")
        return name


def examine(network: nn.Module, input_shape: tuple[int, int, int]) -> Support:
    """What a network allows, for pictures (C, H, W). It is not run, and not changed.

    ShapeError if it does not take such a picture. Remembered by the layers and their order, since
    that is all that it depends on.
    """
    key = _structure(network), input_shape
    known = _known.get(key)
    if known is None:
        known = _examine(network, input_shape)
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = known
    return known


Structure = tuple[tuple[str, type[nn.Module], str], ...]
_known: Final[dict[tuple[Structure, tuple[int, int, int]], Support]] = {}
_MOST_KNOWN: Final = 64


def _structure(network: nn.Module) -> Structure:
    """What tells two networks apart but for their weights: (name, class, settings) by module."""
    return tuple((name, type(m), m.extra_repr()) for name, m in network.named_modules())


def _examine(network: nn.Module, input_shape: tuple[int, int, int]) -> Support:
    skeleton = without_numbers(network)
    traces = trace_layers(skeleton, input_shape)
    layers = tuple(
        MapLayer(trace.name, trace.kind, *trace.output_shape)
        for trace in traces
        if len(trace.output_shape) == 3 and trace.output_shape[1] * trace.output_shape[2] > 1
    )
    reasons = {name: _why_not(name, skeleton, traces, layers) for name in METHODS}
    return Support(
        reasons=tuple((name, reason) for name, reason in reasons.items() if reason is not None),
        layers=layers,
        default_layer=_default_layer(skeleton, layers),
        classes=traces[-1].output_shape[-1],
        chunk=_chunk(traces),
    )


def _default_layer(network: nn.Module, layers: tuple[MapLayer, ...]) -> str:
    modules = dict(network.named_modules())
    for kinds in (ACTIVATIONS, nn.Conv2d, nn.Module):
        for layer in reversed(layers):
            if isinstance(modules[layer.name], kinds):
                return layer.name
    return ""


def _chunk(traces: tuple[LayerTrace, ...]) -> int:
    numbers = 0
    for trace in traces:
        size = 1
        for length in trace.output_shape:
            size *= length
        numbers += size
    return max(1, min(_LARGEST_CHUNK, _BUDGET_BYTES // (4 * _COPIES * numbers)))


def _why_not(
    method: MethodName,
    network: nn.Module,
    traces: tuple[LayerTrace, ...],
    layers: tuple[MapLayer, ...],
) -> str | None:
    title = METHODS[method].title
    if method in ("grad_cam", "guided_grad_cam") and not layers:
        return f"{title} weights the maps of a layer, and no layer of this network puts out maps."
    if method not in ("guided_backprop", "guided_grad_cam", "deeplift", "lrp"):
        return None
    if not _is_chain(network):
        return (
            f"{title} needs a rule for everything that happens in the network, and this one "
            "computes more than its layers show."
        )
    twice = [name for name, count in Counter(trace.name for trace in traces).items() if count > 1]
    if twice:
        return (
            f"{title} remembers what went through each layer, and {twice[0]} of this network is "
            "used more than once."
        )
    modules = dict(network.named_modules())
    kinds = [type(modules[trace.name]) for trace in traces]
    if method == "deeplift":
        without = _others(kinds, (*_LINEAR, *ACTIVATIONS, nn.MaxPool2d))
        if without:
            return f"DeepLift has no rule for {without} of this network."
        if any(
            isinstance(module, nn.MaxPool2d) and _overlaps(module) for module in modules.values()
        ):
            return (
                "DeepLift's rule for max pooling is for windows that do not overlap; here they do."
            )
        return None
    others = _others(kinds, (*_LINEAR, nn.MaxPool2d, nn.ReLU))
    if method == "lrp":
        return (
            "LRP passes relevance through ReLU unchanged, because ReLU lets a number through or "
            f"not at all; this network has {others}."
            if others
            else None
        )
    if others or nn.ReLU not in kinds:
        return (
            f"{title} changes the gradient of ReLU and of nothing else; this network has "
            f"{others or 'no ReLU'}, so that the map would be the plain gradient in disguise."
        )
    return None


def _is_chain(network: nn.Module) -> bool:
    """Whether it is its layers one after the other and nothing else."""
    return all(
        type(module).forward is nn.Sequential.forward
        for module in network.modules()
        if list(module.children())
    )


def _overlaps(pool: nn.MaxPool2d) -> bool:
    """Whether one number may be in two windows; Captum 0.9 would then count it once."""
    kernel, stride = pair("kernel", pool.kernel_size, least=1), pair("stride", pool.stride, least=1)
    return kernel[0] > stride[0] or kernel[1] > stride[1]


def _others(kinds: list[type[nn.Module]], allowed: tuple[type[nn.Module], ...]) -> str:
    """The names of those kinds that are none of these; "" if there are none."""
    return " and ".join(sorted({kind.__name__ for kind in kinds if kind not in allowed}))
