"""Every network: shapes against its docstring, parameters by hand, gradients."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

from cnnviz.data.catalogue import DatasetName
from cnnviz.models.fast import FastCNN
from cnnviz.models.lenet import ImprovedLeNet, LeNet5
from cnnviz.models.plain import PlainCNN
from cnnviz.models.registry import MODELS, ModelName, ModelSpec, build_model, spec_for
from cnnviz.models.vgg import VGG16

CLASSES: dict[ModelName, type[nn.Module]] = {
    "lenet5": LeNet5,
    "improved_lenet": ImprovedLeNet,
    "vgg16": VGG16,
    "plain_cnn": PlainCNN,
    "fast_cnn": FastCNN,
}
SIZES = {"CIFAR-10": (3, 32), "MNIST": (1, 28), "32 x 32": (3, 32), "224 x 224": (3, 224)}


def allowed(name: ModelName) -> list[bool]:
    """With and without batch normalization, or what alone there is."""
    card = MODELS[name]
    return [False, True] if card.batch_norm_is_optional else [card.batch_norm]


SPECS = [
    pytest.param(
        spec_for(name, dataset, batch_norm=batch_norm), id=f"{name}-{dataset}-{batch_norm}"
    )
    for name, card in MODELS.items()
    for dataset in card.datasets
    for batch_norm in allowed(name)
]


def on_meta(spec: ModelSpec) -> nn.Module:
    """The network without any numbers: it has shapes, and takes neither memory nor time."""
    with torch.device("meta"):
        return build_model(spec)


def trace(network: nn.Module, *shape: int) -> dict[str, tuple[int, ...]]:
    """The shape, without the batch, that each layer puts out."""
    found: dict[str, tuple[int, ...]] = {"input": shape}

    def hook_for(name: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            found[name] = tuple(output.shape[1:])

        return note

    for name, module in network.named_children():
        module.register_forward_hook(hook_for(name))
    network(torch.zeros(2, *shape, device="meta"))
    return found


def columns_of(docstring: str) -> dict[str, dict[str, tuple[int, ...]]]:
    """The table of shapes in a docstring: column title to layer to shape."""
    lines = docstring.split("Shapes (C x H x W)")[1].splitlines()
    rows = [line for line in lines[1:] if line.strip()]
    titles = re.split(r"\s{2,}", rows[0].strip())
    starts = [rows[0].index(title) for title in titles]
    table: dict[str, dict[str, tuple[int, ...]]] = {title: {} for title in titles}
    for row in rows[1:]:
        layer = row.split()[0]
        for title, start, end in zip(titles, starts, [*starts[1:], None], strict=True):
            if cell := row[start:end].strip():
                table[title][layer] = tuple(int(number) for number in cell.split(" x "))
    return table


TRACES = [
    (name, column, batch_norm)
    for name in MODELS
    for column in columns_of(inspect.getdoc(CLASSES[name]) or "")
    for batch_norm in allowed(name)
]


@pytest.mark.parametrize(("name", "column", "batch_norm"), TRACES)
def test_shapes_are_those_of_the_docstring(name: ModelName, column: str, batch_norm: bool) -> None:
    channels, size = SIZES[column]
    classes = 1000 if size == 224 else 10
    network = on_meta(ModelSpec(name, channels, size, size, classes, batch_norm=batch_norm))
    documented = columns_of(inspect.getdoc(CLASSES[name]) or "")[column]
    real = trace(network, channels, size, size)
    assert {layer: real[layer] for layer in documented} == documented
    layers = [layer for layer in real if layer in documented]
    assert layers == list(documented)  # in this order
    assert list(documented)[-1] in list(real)[-1:]


def test_tables_have_a_column_for_each_data_set() -> None:
    titles = {name: [column for n, column, _ in TRACES if n == name] for name in MODELS}
    both = ["CIFAR-10", "MNIST"]
    assert {name: sorted(set(found)) for name, found in titles.items()} == {
        "lenet5": both,
        "improved_lenet": both,
        "vgg16": ["224 x 224", "32 x 32"],
        "plain_cnn": both,
        "fast_cnn": ["CIFAR-10"],
    }


@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_both_data_sets_end_in_maps_of_five_by_five(dataset: DatasetName) -> None:
    assert LeNet5(spec_for("lenet5", dataset)).get_parameter("fc1.weight").shape[1] == 16 * 5 * 5
    improved = ImprovedLeNet(spec_for("improved_lenet", dataset))
    assert improved.get_parameter("fc1.weight").shape[1] == 32 * 5 * 5


@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_lenet5_is_the_lessons(dataset: DatasetName) -> None:
    network = LeNet5(spec_for("lenet5", dataset))
    padding, channels = (1, 1) if dataset == "mnist" else (0, 3)
    assert [str(layer) for layer in network.children()] == [
        str(nn.Conv2d(channels, 6, 5, padding=padding)),
        "ReLU()",
        "AvgPool2d(kernel_size=2, stride=2, padding=0)",
        str(nn.Conv2d(6, 16, 5, padding=padding)),
        "ReLU()",
        "AvgPool2d(kernel_size=2, stride=2, padding=0)",
        str(nn.Flatten()),
        str(nn.Linear(400, 120)),
        "ReLU()",
        str(nn.Linear(120, 84)),
        "ReLU()",
        str(nn.Linear(84, 10)),
    ]


# ------------------------------------------------------------------------------------- parameters


def convolution(inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> int:
    return inputs * outputs * kernel * kernel + outputs * bias


def linear(inputs: int, outputs: int, *, bias: bool = True) -> int:
    return inputs * outputs + outputs * bias


def head(features: int) -> int:
    return linear(features, 120) + linear(120, 84) + linear(84, 10)


def by_hand(spec: ModelSpec) -> int:
    c, norm = spec.channels, spec.batch_norm
    if spec.name == "lenet5":
        convolutions = convolution(c, 6, 5) + convolution(6, 16, 5)
        return convolutions + 2 * (6 + 16) * norm + head(16 * 25)
    if spec.name == "improved_lenet":
        convolutions = convolution(c, 16, 3) + convolution(16, 32, 5)
        return convolutions + 2 * (16 + 32) * norm + head(32 * 25)
    if spec.name == "plain_cnn":
        widths = [16, 16, 32, 32, 64, 64]
        pairs = zip([c, *widths], widths, strict=False)
        convolutions = sum(convolution(inputs, outputs, 3) for inputs, outputs in pairs)
        return convolutions + 2 * sum(widths) * norm + linear(64, 10)
    if spec.name == "fast_cnn":
        widths = [64, 64, 256, 256, 256, 256]
        pairs = zip([24, *widths], widths, strict=False)
        convolutions = sum(convolution(inputs, outputs, 3, bias=False) for inputs, outputs in pairs)
        return convolution(3, 24, 2) + convolutions + 2 * sum(widths) + linear(256, 10, bias=False)
    widths = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    pairs = zip([c, *widths], widths, strict=False)
    convolutions = sum(convolution(i, o, 3, bias=not norm) for i, o in pairs)
    return convolutions + 2 * sum(widths) * norm + linear(512, 10)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_by_hand(spec: ModelSpec) -> None:
    assert count(on_meta(spec)) == by_hand(spec)


def test_parameters_that_every_text_on_lenet_names() -> None:
    assert count(on_meta(spec_for("lenet5", "mnist"))) == 61_706
    assert count(on_meta(spec_for("lenet5", "cifar10"))) == 62_006


def test_what_the_fast_network_does_not_train() -> None:
    network = on_meta(spec_for("fast_cnn", "cifar10"))
    fixed = [name for name, p in network.named_parameters() if not p.requires_grad]
    assert fixed == ["whiten.weight"] + [f"norm{b}_{n}.weight" for b in (1, 2, 3) for n in (1, 2)]


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in network.parameters()]


def test_vgg16_is_torchvisions() -> None:
    ours = on_meta(ModelSpec("vgg16", 3, 224, 224, 1000, batch_norm=False))
    with torch.device("meta"):
        theirs = torchvision.models.vgg16()
    assert count(ours) == 138_357_544
    assert shapes(ours) == shapes(theirs)


def test_vgg16_with_batch_normalization_is_torchvisions_but_for_biases() -> None:
    ours = on_meta(ModelSpec("vgg16", 3, 224, 224, 1000, batch_norm=True))
    with torch.device("meta"):
        theirs = torchvision.models.vgg16_bn()
    biases = [
        module.bias.numel()
        for module in theirs.modules()
        if isinstance(module, nn.Conv2d) and module.bias is not None
    ]
    assert len(biases) == 13
    assert sum(biases) == 4224
    assert count(ours) == count(theirs) - 4224 == 138_365_992 - 4224
    without = [
        tuple(parameter.shape)
        for module in theirs.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if not (isinstance(module, nn.Conv2d) and name == "bias")
    ]
    assert shapes(ours) == without


# ------------------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("spec", SPECS)
def test_logits_and_gradients(spec: ModelSpec) -> None:
    torch.manual_seed(0)
    network = build_model(spec)
    images = torch.randn(4, *spec.input_shape)
    logits = network(images)
    assert logits.shape == (4, spec.classes)
    assert logits.isfinite().all()
    logits.logsumexp(1).sub(logits[:, 0]).mean().backward()
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            assert parameter.grad is None
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # Before batch normalization a bias has no effect, but for rounding.
        before_norm = spec.batch_norm and name.startswith("conv") and name.endswith("bias")
        assert before_norm or parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("spec", SPECS)
def test_nothing_works_in_place(spec: ModelSpec) -> None:
    network = on_meta(spec)
    assert not [name for name, m in network.named_modules() if getattr(m, "inplace", False)]
    functions = [name for name, module in network.named_children()]
    assert len(functions) == len(set(functions))
    kinds = [type(m) for m in network.children() if not list(m.parameters())]
    assert all(kind is not nn.Identity for kind in kinds)


@pytest.mark.parametrize("name", [*MODELS])
def test_batch_normalization_and_dropout_are_there_when_asked_for(name: ModelName) -> None:
    dataset = MODELS[name].datasets[0]
    for batch_norm in allowed(name):
        spec = spec_for(name, dataset, batch_norm=batch_norm, dropout=0.25)
        modules = list(on_meta(spec).children())
        convolutions = [m for m in modules if isinstance(m, nn.Conv2d) and m.weight.requires_grad]
        norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]
        assert len(norms) == (len(convolutions) if batch_norm else 0)
        dropouts = [m for m in modules if isinstance(m, nn.Dropout)]
        assert dropouts
        assert {m.p for m in dropouts} == {0.25}
        for dropout in dropouts:
            assert isinstance(modules[modules.index(dropout) + 1], nn.Linear)
        without = on_meta(spec_for(name, dataset, batch_norm=batch_norm))
        assert not [m for m in without.children() if isinstance(m, nn.Dropout)]


@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_plain_cnn_starts_the_same_with_and_without_batch_normalization(
    dataset: DatasetName,
) -> None:
    networks = []
    for batch_norm in (False, True):
        torch.manual_seed(3)
        networks.append(build_model(spec_for("plain_cnn", dataset, batch_norm=batch_norm)))
    without, with_norm = (network.state_dict() for network in networks)
    assert {name.split(".")[0] for name in set(with_norm) - set(without)} == {
        f"norm{stage}_{number}" for stage in (1, 2, 3) for number in (1, 2)
    }
    for name, tensor in without.items():
        assert torch.equal(tensor, with_norm[name]), name


def test_he_initialization_keeps_the_variance() -> None:
    torch.manual_seed(0)
    network = build_model(spec_for("vgg16", "cifar10", batch_norm=False))
    for name, parameter in network.state_dict().items():
        if "conv" in name and name.endswith("weight"):
            expected = (2 / (parameter.shape[1] * 9)) ** 0.5
            assert float(parameter.std()) == pytest.approx(expected, rel=0.1)
            assert abs(float(parameter.mean())) < 0.1 * expected
        elif "conv" in name:
            assert float(parameter.abs().max()) == 0
