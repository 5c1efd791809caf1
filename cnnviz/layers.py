"""A network traced layer by layer: what each layer puts out, holds and computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cnnviz.errors import ShapeError
from cnnviz.evaluation_mode import evaluation_mode


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """One layer, as one image passes through it."""

    name: str
    """In the network: conv1."""
    kind: str
    """Its class: Conv2d."""
    output_shape: tuple[int, ...]
    """Without the batch: (C, H, W), or (features,)."""
    parameters: int
    """Weights and biases, trained or not; of a layer that is used twice, only the first time."""
    macs: int
    """Multiply-accumulates for one image, without the addition of a bias; 0 for layers that are
    neither a convolution nor linear."""


def trace_layers(network: nn.Module, input_shape: tuple[int, int, int]) -> tuple[LayerTrace, ...]:
    """Every layer without layers of its own, in the order of use, for one image (C, H, W).

    The image is all zeros, on the network's device; on the device "meta" nothing is computed but
    shapes. ShapeError if the network does not take such an image.
    """
    parameter = next(network.parameters(), torch.empty(0))
    image = torch.zeros(1, *input_shape, device=parameter.device, dtype=parameter.dtype)
    traces: list[LayerTrace] = []
    counted: set[nn.Module] = set()

    def hook_for(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def note(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            parameters = 0 if module in counted else count_parameters(module)
            counted.add(module)
            traces.append(
                LayerTrace(
                    name=name,
                    kind=type(module).__name__,
                    output_shape=tuple(output.shape[1:]),
                    parameters=parameters,
                    macs=count_macs(module, output),
                )
            )

        return note

    leaves = [(name, m) for name, m in network.named_modules() if not list(m.children())]
    handles = [module.register_forward_hook(hook_for(name)) for name, module in leaves]
    try:
        with torch.no_grad(), evaluation_mode(network):
            network(image)
    except RuntimeError as error:
        size = " x ".join(str(length) for length in input_shape)
        after = f" after {traces[-1].name}" if traces else ""
        reason = " ".join(str(error).split())
        raise ShapeError(f"the network does not take an image of {size}{after}: {reason}") from None
    finally:
        for handle in handles:
            handle.remove()
    return tuple(traces)


def count_parameters(network: nn.Module) -> int:
    """Weights and biases of a network or a layer, trained or not."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(module: nn.Module, output: torch.Tensor) -> int:
    """Multiply-accumulates of one layer for each image of the output (N, ...) that it gave."""
    values = output[0].numel()
    if isinstance(module, nn.Conv2d):
        height, width = module.kernel_size
        return values * (module.in_channels // module.groups) * height * width
    if isinstance(module, nn.Linear):
        return values * module.in_features
    return 0


def total_parameters(traces: Iterable[LayerTrace]) -> int:
    """Parameters of all layers together."""
    return sum(trace.parameters for trace in traces)


def total_macs(traces: Iterable[LayerTrace]) -> int:
    """Multiply-accumulates of all layers together, for one image."""
    return sum(trace.macs for trace in traces)
