"""Layer, instance and group normalization against PyTorch's, forwards and backwards.

Tolerances as in tests/test_batchnorm.py: 1e-9 and 2e-4 of the largest number, in float64, float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.batchnorm import NormSettings, batch_norm, batch_norm_backward
from cnnviz.errors import CnnvizError, SettingError, ShapeError
from cnnviz.norms.relatives import (
    KINDS,
    NormKind,
    RelativeSpec,
    relative_norm,
    relative_norm_backward,
    sharing,
)

TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-4}
SHAPES = [(1, 4, 2, 1), (1, 6, 3, 3), (2, 4, 1, 3), (5, 2, 3, 3), (3, 12, 2, 2)]


def theirs(spec: RelativeSpec, shape: tuple[int, ...], dtype: torch.dtype) -> nn.Module:
    """PyTorch's layer of that kind, with gamma and beta of its own."""
    channels = shape[1]
    makers: dict[str, Callable[[], nn.Module]] = {
        "batch": lambda: nn.BatchNorm2d(channels, eps=spec.eps),
        "layer": lambda: nn.LayerNorm(list(shape[1:]), eps=spec.eps),
        "instance": lambda: nn.InstanceNorm2d(channels, eps=spec.eps, affine=True),
        "group": lambda: nn.GroupNorm(spec.groups, channels, eps=spec.eps),
    }
    layer = makers[spec.kind]().to(dtype)
    generator = torch.Generator().manual_seed(channels)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("eps", [1e-5, 0.1])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("kind", "groups"),
    [("batch", 1), ("layer", 1), ("instance", 1), ("group", 1), ("group", 2), ("group", None)],
)
def test_forwards_and_backwards(
    kind: NormKind,
    groups: int | None,
    shape: tuple[int, ...],
    eps: float,
    training: bool,
    dtype: torch.dtype,
) -> None:
    spec = RelativeSpec(kind, groups or shape[1], eps)
    layer = theirs(spec, shape, dtype).train(training or kind == "batch")
    generator = torch.Generator().manual_seed(1)
    x = (2 * torch.randn(shape, generator=generator) + 1).to(dtype).requires_grad_(True)
    gradient = torch.randn(shape, generator=generator).to(dtype)
    output = layer(x)
    torch.autograd.backward(output, gradient)
    gamma = layer.get_parameter("weight").detach().numpy()
    beta = layer.get_parameter("bias").detach().numpy()

    steps = relative_norm(x.detach().numpy(), spec, gamma, beta)
    back = relative_norm_backward(steps, spec, gradient.numpy(), gamma)
    for ours, expected in (
        (steps.output, output),
        (back.input, x.grad),
        (back.gamma, layer.get_parameter("weight").grad),
        (back.beta, layer.get_parameter("bias").grad),
    ):
        assert expected is not None
        wide = expected.detach().double().numpy()
        assert ours.shape == wide.shape
        largest = max(1.0, float(np.abs(wide).max()))
        np.testing.assert_allclose(ours, wide, rtol=0, atol=TOLERANCE[dtype] * largest)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_those_that_share_a_mean(kind: NormKind, shape: tuple[int, ...]) -> None:
    spec = RelativeSpec(kind, groups=2)
    x = np.random.default_rng(0).normal(size=shape)
    sets = sharing(spec, shape)
    steps = relative_norm(x, spec)
    assert sorted(np.unique(sets)) == list(range(len(steps.statistics.mean)))
    for number, (mean, variance) in enumerate(
        zip(steps.statistics.mean, steps.statistics.variance, strict=True)
    ):
        members = x[sets == number]
        assert len(members) == steps.statistics.count
        assert mean == pytest.approx(members.mean())
        assert variance == pytest.approx(members.var())
        np.testing.assert_allclose(steps.mean[sets == number], mean)


def test_who_shares_in_words() -> None:
    batch, layer, instance, group = (sharing(RelativeSpec(k, 2), (2, 4, 1, 2)) for k in KINDS)
    assert batch[:, :, 0, 0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert layer[:, :, 0, 0].tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]
    assert instance[:, :, 0, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert group[:, :, 0, 0].tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]
    for sets in (batch, layer, instance, group):  # all places of a map share
        assert (sets[..., 0] == sets[..., 1]).all()


def test_batch_is_batch_normalization() -> None:
    x, gradient = np.random.default_rng(2).normal(size=(2, 4, 3, 2, 2))
    gamma, beta = [1.0, -2.0, 0.5], [0.0, 1.0, 2.0]
    spec = RelativeSpec("batch", eps=1e-3)
    steps = relative_norm(x, spec, gamma, beta)
    result = batch_norm(x, gamma, beta, mode="train", settings=NormSettings(eps=1e-3))
    np.testing.assert_array_equal(steps.output, result.output)
    np.testing.assert_array_equal(
        relative_norm_backward(steps, spec, gradient, gamma).input,
        batch_norm_backward(result, gradient, gamma).input,
    )


def test_the_ends_of_group_normalization() -> None:
    x = np.random.default_rng(3).normal(size=(2, 4, 3, 3))
    each = relative_norm(x, RelativeSpec("group", 4)).output
    np.testing.assert_allclose(each, relative_norm(x, RelativeSpec("instance")).output)
    whole = relative_norm(x, RelativeSpec("group", 1)).output
    np.testing.assert_allclose(whole, relative_norm(x, RelativeSpec("layer")).output)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "batch"])
def test_neighbours_play_no_part(kind: NormKind) -> None:
    x = np.random.default_rng(4).normal(size=(5, 4, 3, 3))
    spec = RelativeSpec(kind, groups=2)
    np.testing.assert_array_equal(
        relative_norm(x, spec).output[0], relative_norm(x[:1], spec).output[0]
    )


@pytest.mark.parametrize(
    ("kind", "groups", "shape"),
    [
        ("batch", 1, (1, 4, 1, 1)),
        ("batch", 1, (2, 4, 1, 1)),
        ("layer", 1, (1, 1, 1, 1)),
        ("layer", 1, (1, 4, 1, 1)),
        ("instance", 1, (1, 4, 1, 1)),
        ("instance", 1, (3, 4, 1, 1)),
        ("instance", 1, (1, 4, 1, 2)),
        ("group", 4, (1, 4, 1, 1)),
        ("group", 4, (2, 4, 1, 1)),
        ("group", 2, (1, 4, 1, 1)),
    ],
)
def test_single_values_are_refused_where_pytorch_refuses(
    kind: NormKind, groups: int, shape: tuple[int, ...]
) -> None:
    spec = RelativeSpec(kind, groups)
    layer = theirs(spec, shape, torch.float64)
    x = torch.arange(float(np.prod(shape))).double().reshape(shape)
    refusal = ""
    try:
        expected = layer(x)
    except ValueError as error:
        refusal = str(error)
    if refusal:
        assert "Expected more than 1" in refusal
        with pytest.raises(ShapeError, match="has one value in each"):
            relative_norm(x.numpy(), spec)
    else:
        gamma, beta = (layer.get_parameter(name).detach().numpy() for name in ("weight", "bias"))
        ours = relative_norm(x.numpy(), spec, gamma, beta).output
        np.testing.assert_allclose(ours, expected.detach().numpy(), atol=1e-12)


X = np.arange(24.0).reshape(2, 3, 2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RelativeSpec("local"), SettingError, "kind is 'local': use one of batch, layer"),  # type: ignore[arg-type]
        (lambda: RelativeSpec("group", 0), SettingError, "groups is 0"),
        (lambda: RelativeSpec("layer", eps=-1), SettingError, "eps is -1"),
        (
            lambda: relative_norm(X, RelativeSpec("group", 2)),
            SettingError,
            "3 channels cannot be divided into 2 groups",
        ),
        (lambda: relative_norm(X[0], RelativeSpec("layer")), ShapeError, r"shape \(3, 2, 2\)"),
        (
            lambda: relative_norm(X, RelativeSpec("layer"), [1.0, 1.0, 1.0]),
            ShapeError,
            r"use \(3, 2, 2\) for layer normalization",
        ),
        (
            lambda: relative_norm(X * 0, RelativeSpec("instance", eps=0)),
            SettingError,
            "eps is 0 and some numbers are all equal",
        ),
        (
            lambda: relative_norm_backward(
                relative_norm(X, RelativeSpec("layer")), RelativeSpec("layer"), X[:1]
            ),
            ShapeError,
            r"gradient is \(1, 3, 2, 2\): use \(2, 3, 2, 2\)",
        ),
        (lambda: sharing(RelativeSpec("batch"), (2, 3)), ShapeError, "use .pictures, channels"),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
