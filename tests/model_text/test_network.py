"""A text that is read makes the network that Python makes of it, and computes the same."""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.layers import count_macs, trace_layers
from cnnviz.model_text import catalogue
from cnnviz.model_text.blueprint import read_network
from cnnviz.model_text.network import build_network
from cnnviz.model_text.operations import LAYER_CLASSES, OPERATIONS
from cnnviz.model_text.trace import trace_text
from tests.model_text.valid import VALID, Picture

CASES = [pytest.param(*case, id=name) for name, case in VALID.items()]


def by_python(text: str) -> nn.Module:
    """The network that Python makes of the text when it runs it: the oracle."""
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "OrderedDict": OrderedDict}
    before = set(names)
    if text.startswith("nn."):
        alone = eval(text, names)
        assert isinstance(alone, nn.Module)
        return alone
    exec(text, names)
    own = [value for name, value in names.items() if name not in before]
    made = [value for value in own if isinstance(value, nn.Module)]
    if made:
        return made[-1]
    network: nn.Module = [value for value in own if isinstance(value, type)][-1]()
    return network


@pytest.mark.parametrize(("text", "picture"), CASES)
def test_it_is_the_network_that_python_makes(text: str, picture: Picture) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        expected = by_python(text)
        torch.manual_seed(1)
        network, _ = build_network(read_network(text))
        batch = torch.randn(3, *picture)
    theirs, ours = expected.state_dict(), network.state_dict()
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        # Drawn in the same order from the same random numbers.
        assert torch.equal(ours[name], values), name
    for training in (False, True):
        outputs = []
        for each in (expected, network, copy.deepcopy(network)):
            each.train(training)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(2)
                outputs.append(each(batch.clone()))
        torch.testing.assert_close(outputs[1], outputs[0], rtol=0, atol=0)
        torch.testing.assert_close(outputs[2], outputs[0], rtol=0, atol=0)
    outputs[0].square().sum().backward()
    outputs[1].square().sum().backward()
    gradients = dict(expected.named_parameters())
    for name, parameter in network.named_parameters():
        theirs_too = gradients[name].grad
        assert (parameter.grad is None) == (theirs_too is None)
        if parameter.grad is not None and theirs_too is not None:
            torch.testing.assert_close(parameter.grad, theirs_too, rtol=0, atol=0)


@pytest.mark.parametrize(("text", "picture"), CASES)
def test_the_trace_has_the_shapes_of_real_numbers(text: str, picture: Picture) -> None:
    traced = trace_text(read_network(text), picture)
    expected = by_python(text)
    assert traced.misfit is None
    assert traced.parameters == sum(p.numel() for p in expected.parameters())
    found: list[tuple[str, tuple[int, ...], int]] = []
    names = {module: name for name, module in expected.named_modules()}
    for module in expected.modules():
        if not list(module.children()):

            def note(layer: nn.Module, _: Any, output: torch.Tensor) -> None:
                found.append((names[layer], tuple(output.shape[1:]), count_macs(layer, output)))

            module.register_forward_hook(note)
    with torch.no_grad():
        output = expected.eval()(torch.zeros(2, *picture))
    layers = [step for step in traced.steps if step.kind in catalogue.LAYERS]
    assert [(step.name, step.output, step.macs) for step in layers] == found
    assert traced.output == tuple(output.shape[1:])
    again, _ = build_network(read_network(text))
    names_by_hooks = [each.name for each in trace_layers(again, picture)]
    assert names_by_hooks == [step.name for step in layers]


def test_nothing_of_a_trace_is_left_behind() -> None:
    before = torch.get_rng_state()
    trace_text(read_network(VALID["nested"][0]), (1, 12, 12))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", catalogue.LAYERS)
def test_layers_have_pytorchs_own_parameters(name: str) -> None:
    _assert_same_parameters(catalogue.LAYERS[name], LAYER_CLASSES[name])


@pytest.mark.parametrize(
    "name", [name for name in catalogue.FUNCTIONS if name.startswith("torch.nn.functional.")]
)
def test_functions_have_pytorchs_own_parameters(name: str) -> None:
    function = OPERATIONS[name]
    try:
        inspect.signature(function)
    except ValueError:
        pytest.skip("written in C++: it has no signature to ask for")
    _assert_same_parameters(catalogue.FUNCTIONS[name], function)


def _assert_same_parameters(ours: Any, function: Any) -> None:
    theirs = list(inspect.signature(function).parameters.values())
    if any(each.kind == each.VAR_POSITIONAL for each in theirs):
        return  # one that hands on to others
    by_name = {each.name: (place, each) for place, each in enumerate(theirs)}
    for place, parameter in enumerate(ours):
        at, real = by_name[parameter.name]
        assert at == place, parameter.name
        if not parameter.is_required:
            assert real.default is not inspect.Parameter.empty, parameter.name


def test_no_layer_can_take_a_name_of_pytorchs() -> None:
    names = {name for name in dir(nn.Module()) if not name.startswith("_")}
    assert names <= catalogue.OWN_NAMES
