"""The table of layers against torchinfo, ptflops, gradients, and its own formulas worked out."""

from __future__ import annotations

import io
import math
import re
from contextlib import redirect_stdout
from typing import Any

import pytest
import torch
from ptflops import get_model_complexity_info
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchinfo import summary
from torchvision import models

from cnnviz.activations.passage import fields_of
from cnnviz.architecture.layer_table import LayerTable, layer_table
from cnnviz.architecture.networks import (
    OWN,
    TORCHVISION,
    build_without_numbers,
    find_network,
    torchvision_names,
)
from cnnviz.errors import SettingError, ShapeError
from cnnviz.layers import total_macs, total_parameters, trace_layers

SOME = (
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "mnasnet0_5",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "vgg16",
)
NETWORKS = [*OWN, *(f"{TORCHVISION}{name}" for name in SOME)]


def table_of(name: str) -> LayerTable:
    return layer_table(build_without_numbers(name), find_network(name).made_for)


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_and_totals_agree_with_torchinfo(name: str) -> None:
    table = table_of(name)
    found = summary(
        build_without_numbers(name), (1, *table.input_shape), verbose=0, device="meta", depth=20
    )
    assert table.parameters == found.total_params
    assert (
        table.parameters == sum(row.parameters for row in table.rows)
        or "inception" in name
        or (
            "googlenet" in name  # their auxiliary heads are not passed in evaluation
        )
    )
    # Only layers with weights are compared: torchinfo does not tell of functions.
    theirs = [
        tuple(info.output_size[1:])
        for info in found.summary_list
        if not info.children and isinstance(info.module, nn.Conv2d | nn.Linear)
        if info.executed
    ]
    ours = [row.output for row in table.rows if row.kind in ("Conv2d", "Linear")]
    assert ours == theirs


def _macs(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """By ptflops: of convolutions and linear layers, without biases."""
    with redirect_stdout(io.StringIO()):
        counted, _ = get_model_complexity_info(
            network,
            shape,
            as_strings=False,
            print_per_layer_stat=False,
            backend="pytorch",
            ignore_modules=[
                nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.MaxPool2d, nn.AvgPool2d, nn.GELU,
                nn.AdaptiveAvgPool2d, nn.Hardswish, nn.Hardsigmoid, nn.SiLU,
            ],
            backend_specific_config={"count_functional": False},
        )  # fmt: skip
    return int(counted)


@pytest.mark.parametrize("name", NETWORKS)
def test_products_agree_with_ptflops(name: str) -> None:
    table = table_of(name)
    if name in OWN:
        network = build_without_numbers(name).to_empty(device="cpu")
    else:
        unborn = {"init_weights": False} if name.endswith(("googlenet", "inception_v3")) else {}
        network = models.get_model(name.removeprefix(TORCHVISION), weights=None, **unborn)
    biases = sum(
        math.prod(row.output)
        for row in table.rows
        if row.kind in ("Conv2d", "Linear") and row.arguments.get("bias")
    )
    theirs = _macs(network.eval(), table.input_shape)
    # ptflops counts the addition of a bias as one more product.
    assert theirs in (table.macs, table.macs + biases) or theirs == pytest.approx(
        table.macs + biases, rel=2e-3
    )


def macs_by_pytorch(name: str) -> float:
    """By its own counter of operations, which sees inside attention too."""
    network, fast = build_without_numbers(name), torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation of its own, which is not counted
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, *find_network(name).made_for, device="meta"))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return float(counter.get_total_flops()) / 2


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t", "vit_b_32", "maxvit_t"])
def test_windows_of_attention_are_all_counted(name: str) -> None:
    table = table_of(f"{TORCHVISION}{name}")
    assert table.macs == macs_by_pytorch(f"{TORCHVISION}{name}")
    assert table.parameters == sum(row.parameters for row in table.rows)
    for row in table.rows:
        if row.mac_formula:
            assert worked_out(row.mac_formula) == row.macs


def test_it_is_one_with_the_table_of_the_training_page() -> None:
    for name in OWN:
        network, shape = build_without_numbers(name), find_network(name).made_for
        table, traced = layer_table(network, shape), trace_layers(network, shape)
        assert (table.parameters, table.macs) == (total_parameters(traced), total_macs(traced))


@pytest.mark.parametrize("name", [name for name in OWN if name != "fast_cnn"])
def test_fields_are_those_of_the_view_on_fields(name: str) -> None:
    table = table_of(name)
    expected = fields_of(build_without_numbers(name), table.input_shape)
    for row in table.rows:
        assert row.field is not None
        if row.name in expected:
            assert row.field.size == expected[row.name][0].size


class Residual(nn.Module):
    """Two branches that meet, one of them longer; weights that cancel nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, padding=1, stride=2)
        self.long = nn.Sequential(
            nn.Conv2d(2, 2, 3, padding=2, dilation=2), nn.Conv2d(2, 2, 3, padding=1, groups=2)
        )
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        pooled: torch.Tensor = self.pool(torch.cat([x + self.long(x), x], 1))
        return pooled


def test_fields_of_branches_by_gradients() -> None:
    network = Residual()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)
    row = layer_table(Residual().to("meta"), (1, 48, 48)).rows[-1]
    assert row.field is not None
    image = torch.ones(1, 1, 48, 48, requires_grad=True)
    output = network(image)
    assert tuple(output.shape[1:]) == row.output
    for unit in ((5, 5), (6, 7)):
        (gradient,) = torch.autograd.grad(output[0, :, *unit].sum(), image, retain_graph=True)
        rows, columns = gradient[0, 0].nonzero().T
        assert (int(rows.min()), int(columns.min())) == row.field.first(*unit)
        size = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
        assert size == row.field.size
    assert row.effective_padding == (-row.field.rows.start, -row.field.columns.start)


def worked_out(formula: str) -> int:
    """What a formula comes to, without what it says itself."""
    text = formula.split("=")[0].replace("·", "*").replace("−", "-").replace(" / ", "/")
    text = re.sub(r"⌊(.+)⌋", r"math.floor(\1)", text)
    text = re.sub(r"⌈(.+)⌉", r"math.ceil(\1)", text)
    return int(eval(text, {"math": math}))


@pytest.mark.parametrize("name", NETWORKS)
def test_formulas_come_to_their_numbers(name: str) -> None:
    checked = 0
    for row in table_of(name).rows:
        assert worked_out(row.memory_formula) == row.memory
        if row.parameter_formula:
            assert worked_out(row.parameter_formula) == row.parameters
            checked += 1
        if row.mac_formula:
            assert worked_out(row.mac_formula) == row.macs
        for axis, part in enumerate(row.size_formula.split(";")):
            if "=" in part and "channels" not in part:
                said = int(part.split("=")[1].replace(",", ""))
                assert worked_out(part) == said
                assert said in (row.output if len(row.output) == 1 else row.output[1 + axis :])
    assert checked > 2


def test_where_a_field_cannot_be_said_the_reason_is() -> None:
    table = table_of("tv:vit_b_16")
    last = table.rows[-1]
    assert last.field is None
    assert "rows and columns" in last.reason
    with pytest.raises(SettingError):
        table.row("nowhere")


def test_pictures_and_names_that_will_not_do() -> None:
    with pytest.raises(ShapeError, match="does not fit"):
        layer_table(build_without_numbers("lenet5"), (3, 12, 12))
    with pytest.raises(ShapeError):
        layer_table(build_without_numbers("lenet5"), (1, 32, 32))
    for name in ("tv:fasterrcnn_resnet50_fpn", "resnet", "tv:", "tv:raft_large"):
        with pytest.raises(SettingError, match="no classification network"):
            find_network(name)
    assert "resnet18" in torchvision_names()
    assert find_network("resnet18").name == "tv:resnet18"
    with pytest.raises(SettingError, match="resnet101"):
        find_network("tv:resnet19")


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_every_classification_network_of_torchvision_is_told(name: str) -> None:
    table: Any = table_of(f"{TORCHVISION}{name}")
    assert table.parameters > 1000
    assert table.rows[-1].output == (1000,)
    assert table.macs == macs_by_pytorch(f"{TORCHVISION}{name}")
