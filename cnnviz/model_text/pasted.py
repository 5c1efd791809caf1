"""A pasted network that can be trained: it takes the pictures, puts out a number for each class."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from cnnviz.errors import ModelTextError, SettingError
from cnnviz.model_text import bounds
from cnnviz.model_text.blueprint import read_network
from cnnviz.model_text.misfits import explain, size_text
from cnnviz.model_text.network import build_network
from cnnviz.model_text.steps import Traced
from cnnviz.model_text.trace import BATCH, trace_text

if TYPE_CHECKING:
    from cnnviz.models.registry import ModelSpec


def pasted_network(spec: ModelSpec) -> nn.Module:
    """The network of the spec's text, with fresh weights; SettingError if it cannot be trained."""
    trainable(spec.text, spec.input_shape, spec.classes)
    network, _ = build_network(read_network(spec.text))
    return network


@lru_cache(maxsize=64)
def trainable(text: str, input_shape: tuple[int, int, int], classes: int) -> Traced:
    """The text's network traced, if it can be trained on such pictures of so many classes.

    ModelTextError says what does not fit; SettingError what else is wrong with it.
    """
    network_text = read_network(text)
    traced = trace_text(network_text, input_shape)
    pictures = size_text(input_shape)
    if (misfit := traced.misfit) is not None:
        said = explain(misfit, network_text.text)
        raise ModelTextError(
            f"pictures of {pictures} do not pass through it: {said.sentence} {said.fix}",
            misfit.place.line,
            misfit.place.column + 1,
        )
    if traced.output != (classes,):
        output = "nothing" if traced.output is None else size_text(traced.output)
        raise SettingError(
            f"the network puts out {output} for each picture of {pictures}: end with {classes} "
            f"numbers, one for each class, as by nn.Linear(..., {classes})"
        )
    if traced.parameters > bounds.MAX_TRAINED_PARAMETERS:
        raise SettingError(
            f"the network has {traced.parameters:,} parameters: to be trained here it may have "
            f"{bounds.MAX_TRAINED_PARAMETERS:,}"
        )
    _pass_back(text, input_shape)
    return traced


def _pass_back(text: str, input_shape: tuple[int, int, int]) -> None:
    """A step of training by shapes alone: every weight must get a gradient."""
    with torch.device("meta"), torch.enable_grad():
        network, _ = build_network(read_network(text))
        try:
            torch.autograd.backward(network.train()(torch.zeros(BATCH, *input_shape)).sum())
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise SettingError(f"PyTorch cannot train the network: {reason}") from None
    idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    if idle:
        layer = idle[0].rpartition(".")[0]
        raise SettingError(
            f"the weights of {layer} have no part in what the network puts out: use {layer} in "
            "forward, or do not make it"
        )
    if not any(True for _ in network.parameters()):
        raise SettingError("the network has no weights: there is nothing to train")
