"""The weights' gradient by one matrix product against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnviz.training import small_maps
from cnnviz.training.small_maps import small_maps_by_product

CASES = [
    # channels, out, kernel, padding, height, width
    (3, 4, 3, 1, 4, 4),
    (3, 4, 3, 1, 2, 2),
    (2, 5, 3, "same", 3, 5),
    (2, 5, (1, 3), (0, 1), 2, 4),
    (4, 2, 2, 0, 4, 5),
    (4, 2, (3, 2), (2, 1), 1, 3),
    (1, 1, 1, "valid", 1, 1),
]


def gradients(
    layer: nn.Module, x: torch.Tensor, *, by_product: bool
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    x = x.clone().requires_grad_()
    layer.zero_grad()
    with small_maps_by_product(layer, enabled=by_product), torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
    pattern = torch.arange(output.numel(), dtype=torch.float32).view(output.shape).sin()
    torch.autograd.backward((output.float() * pattern).sum())
    found = {name: p.grad.clone() for name, p in layer.named_parameters() if p.grad is not None}
    assert x.grad is not None
    return output, found | {"x": x.grad}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("channels", "out", "kernel", "padding", "height", "width"), CASES)
def test_gradients_are_those_of_pytorch(
    monkeypatch: pytest.MonkeyPatch,
    bias: bool,
    channels: int,
    out: int,
    kernel: int | tuple[int, int],
    padding: int | tuple[int, int] | str,
    height: int,
    width: int,
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(channels, out, kernel, padding=padding, bias=bias)
    x = torch.randn(6, channels, height, width)
    taken = []
    product = small_maps._weight_gradient
    monkeypatch.setattr(
        small_maps,
        "_weight_gradient",
        lambda *a: taken.append(1) or product(*a),  # type: ignore[func-returns-value]
    )
    expected_output, expected = gradients(layer, x, by_product=False)
    assert not taken
    output, found = gradients(layer, x, by_product=True)
    assert taken
    assert torch.equal(output, expected_output)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        assert gradient.dtype == torch.float32
        # bfloat16 holds eight bits of each number; both round, each in its own order
        error = (gradient - expected[name]).norm() / expected[name].norm()
        assert error < 2**-7, name


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1, stride=2),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.Conv2d(4, 4, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 2, padding="same"),
        nn.Conv2d(4, 4, 3, padding=2),  # its output of 6x6 is not small
    ],
)
def test_others_are_left_to_pytorch(monkeypatch: pytest.MonkeyPatch, layer: nn.Conv2d) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(small_maps, "_weight_gradient", never)
    gradients(layer, torch.randn(2, 4, 4, 4), by_product=True)


def test_a_frozen_weight_is_left_to_pytorch() -> None:
    layer = nn.Conv2d(2, 2, 3, padding=1)
    layer.weight.requires_grad = False
    _, found = gradients(layer, torch.randn(2, 2, 4, 4), by_product=True)
    assert found.keys() == {"bias", "x"}


def test_modules_are_left_as_they_were() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Conv2d(3, 3, 3, stride=2))
    before = [dict(module.__dict__) for module in network]
    network[1].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gradients(network, torch.randn(1, 3, 4, 4), by_product=True)
    assert "forward" not in network[0].__dict__
    network[1]._forward_pre_hooks.clear()
    assert [dict(module.__dict__) for module in network] == before
