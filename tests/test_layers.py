"""Layer traces, against sums by hand, PyTorch's counter of operations, and a count by loops."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnviz.errors import ShapeError
from cnnviz.layers import (
    LayerTrace,
    count_parameters,
    total_macs,
    total_parameters,
    trace_layers,
)
from cnnviz.models.registry import MODELS, ModelSpec, build_model, spec_for

SPECS = [spec_for(name, data) for name, card in MODELS.items() for data in card.datasets]


def test_lenet5_by_hand() -> None:
    traces = trace_layers(build_model(spec_for("lenet5", "cifar10")), (3, 32, 32))
    assert [trace for trace in traces if trace.parameters] == [
        LayerTrace("conv1", "Conv2d", (6, 28, 28), 6 * (3 * 25 + 1), 6 * 28 * 28 * 3 * 25),
        LayerTrace("conv2", "Conv2d", (16, 10, 10), 16 * (6 * 25 + 1), 16 * 10 * 10 * 6 * 25),
        LayerTrace("fc1", "Linear", (120,), 120 * (400 + 1), 120 * 400),
        LayerTrace("fc2", "Linear", (84,), 84 * (120 + 1), 84 * 120),
        LayerTrace("fc3", "Linear", (10,), 10 * (84 + 1), 10 * 84),
    ]
    assert total_parameters(traces) == 62_006
    assert total_macs(traces) == 352_800 + 240_000 + 48_000 + 10_080 + 840
    assert [trace.name for trace in traces][:4] == ["conv1", "relu1", "pool1", "conv2"]
    assert [trace.output_shape for trace in traces][2] == (6, 14, 14)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.name}-{spec.height}")
def test_every_network_against_pytorch_s_counter(spec: ModelSpec) -> None:
    network = build_model(spec).eval()
    traces = trace_layers(network, spec.input_shape)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *spec.input_shape))
    assert 2 * total_macs(traces) == counter.get_total_flops()
    assert total_parameters(traces) == count_parameters(network)
    assert traces[-1].output_shape == (10,)


def test_nothing_is_computed_on_meta() -> None:
    spec = ModelSpec("vgg16", 3, 224, 224, 1000, batch_norm=False)
    with torch.device("meta"):
        network = build_model(spec)
    traces = trace_layers(network, spec.input_shape)
    assert total_parameters(traces) == 138_357_544  # the paper's 138 million, torchvision's count
    assert total_macs(traces) == 15_470_264_320
    assert traces[-1].output_shape == (1000,)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "groups", "bias"),
    list(
        itertools.product(
            [1, 3, (2, 5)], [1, (3, 2)], [0, (2, 1)], [1, (1, 2)], [1, 2, 6], [True, False]
        )
    ),
)
def test_macs_of_a_convolution_counted_one_by_one(
    kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int, bias: bool
) -> None:
    layer = nn.Conv2d(6, 12, kernel, stride, padding, dilation, groups, bias)
    (trace,) = trace_layers(nn.Sequential(layer), (6, 11, 13))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = layer(torch.zeros(1, 6, 11, 13))
    assert trace.output_shape == output.shape[1:]
    assert 2 * trace.macs == counter.get_total_flops()
    # Every value of the output is one product with one filter.
    assert trace.macs == sum(layer.weight[0].numel() for _ in output.flatten())
    assert trace.parameters == layer.weight.numel() + (12 if bias else 0)


def test_same_padding_and_a_linear_layer_over_a_sequence() -> None:
    same = nn.Sequential(nn.Conv2d(2, 3, 5, padding="same"))
    assert trace_layers(same, (2, 7, 9))[0].macs == 3 * 7 * 9 * 2 * 25
    rows = nn.Sequential(nn.Linear(9, 5))  # applied to each of the 2 x 7 rows
    assert trace_layers(rows, (2, 7, 9)) == (
        LayerTrace("0", "Linear", (2, 7, 5), 50, 2 * 7 * 5 * 9),
    )


def test_a_layer_that_is_used_twice() -> None:
    shared = nn.Conv2d(2, 2, 1)
    traces = trace_layers(nn.Sequential(shared, nn.ReLU(), shared), (2, 4, 4))
    assert [trace.parameters for trace in traces] == [6, 0, 0]
    assert [trace.macs for trace in traces] == [64, 0, 64]


def test_the_network_is_left_as_it_was() -> None:
    network = build_model(spec_for("plain_cnn", "mnist"))
    network.train()
    frozen = network.get_submodule("norm1_1")
    frozen.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    trace_layers(network, (1, 28, 28))
    with pytest.raises(ShapeError, match=r"does not take an image of 3 x 28 x 28: .*channels"):
        trace_layers(network, (3, 28, 28))
    assert network.training
    assert not frozen.training
    assert all(not module._forward_hooks for module in network.modules())
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_the_message_says_where_it_broke() -> None:
    network = build_model(spec_for("lenet5", "cifar10"))
    with pytest.raises(ShapeError, match="3 x 28 x 28 after flatten: mat1 and mat2"):
        trace_layers(network, (3, 28, 28))
