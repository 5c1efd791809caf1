"""Batch normalization in numpy against torch.nn.BatchNorm2d, forwards and backwards.

Tolerances: against PyTorch in float64 both round in the same precision, and only the order of sums
differs: 1e-9 relative, since a gradient may be the small difference of large numbers. In float32
PyTorch rounds to 6e-8 at each operation: 2e-4 relative to the largest number there is.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnnviz.batchnorm import (
    Mode,
    NormSettings,
    RunningStatistics,
    Statistics,
    batch_norm,
    batch_norm_backward,
    channel_statistics,
    feed,
)
from cnnviz.errors import CnnvizError, NonFiniteError, SettingError, ShapeError

TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-4}
SHAPES = [(1, 1, 2, 1), (1, 3, 4, 5), (2, 1, 1, 1), (2, 4, 1, 3), (5, 2, 3, 3), (17, 3, 2, 7)]


def assert_near(ours: npt.NDArray[Any], theirs: torch.Tensor | None, dtype: torch.dtype) -> None:
    assert theirs is not None
    expected = theirs.detach().double().numpy()
    assert ours.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


def a_layer(channels: int, dtype: torch.dtype, **options: Any) -> nn.BatchNorm2d:
    """With gamma, beta and running statistics of its own."""
    generator = torch.Generator().manual_seed(channels)
    layer = nn.BatchNorm2d(channels, **options).to(dtype)
    with torch.no_grad():
        for tensor in (layer.weight, layer.bias, layer.running_mean):
            if tensor is not None:
                tensor.copy_(torch.randn(channels, generator=generator))
        if layer.running_var is not None:
            layer.running_var.copy_(torch.rand(channels, generator=generator) + 0.1)
    return layer


def numbers(tensor: torch.Tensor | None) -> npt.NDArray[np.float64] | None:
    return None if tensor is None else tensor.detach().double().numpy().copy()


def running_of(layer: nn.BatchNorm2d) -> RunningStatistics | None:
    mean, variance = numbers(layer.running_mean), numbers(layer.running_var)
    if mean is None or variance is None:
        return None
    assert layer.num_batches_tracked is not None
    return RunningStatistics(mean, variance, int(layer.num_batches_tracked))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("shape", "mode", "eps", "momentum", "affine", "tracks"),
    list(
        itertools.product(
            SHAPES, ["train", "eval"], [1e-5, 1e-2], [0.1, 0.0, 1.0, None], [True, False], [True]
        )
    )
    + [(shape, mode, 1e-5, 0.1, True, False) for shape in SHAPES for mode in ("train", "eval")],
)
def test_three_batches_forwards_and_backwards(
    dtype: torch.dtype,
    shape: tuple[int, ...],
    mode: Mode,
    eps: float,
    momentum: float | None,
    affine: bool,
    tracks: bool,
) -> None:
    layer = a_layer(
        shape[1], dtype, eps=eps, momentum=momentum, affine=affine, track_running_stats=tracks
    )
    layer.train(mode == "train")
    settings = NormSettings(eps=eps, momentum=momentum)
    gamma, beta, running = numbers(layer.weight), numbers(layer.bias), running_of(layer)
    generator = torch.Generator().manual_seed(7)
    for number in range(3):
        x = (3 * torch.randn(shape, generator=generator, dtype=torch.float64) + number).to(dtype)
        gradient = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        x.requires_grad_(True)
        layer.zero_grad()
        output = layer(x)
        torch.autograd.backward(output, gradient)

        result = batch_norm(
            x.detach().numpy(), gamma, beta, mode=mode, settings=settings, running=running
        )
        assert_near(result.output, output, dtype)
        back = batch_norm_backward(result, gradient.numpy(), gamma)
        assert_near(back.input, x.grad, dtype)
        if affine:
            assert_near(back.gamma, layer.weight.grad, dtype)
            assert_near(back.beta, layer.bias.grad, dtype)
        running = result.running
        if tracks:
            assert running is not None
            assert_near(running.mean, layer.running_mean, dtype)
            assert_near(running.variance, layer.running_var, dtype)
            assert layer.num_batches_tracked is not None
            assert running.batches == int(layer.num_batches_tracked)
        else:
            assert running is None


@given(
    shape=st.tuples(*(st.integers(1, most) for most in (5, 3, 4, 4))).filter(
        lambda shape: shape[0] * shape[2] * shape[3] > 2
    ),
    mode=st.sampled_from(["train", "eval"]),
    eps=st.floats(-12, 3).map(lambda power: 10.0**power),
    momentum=st.none() | st.floats(0, 1),
    level=st.floats(-1000, 1000),
    seed=st.integers(0, 2**16),
)
def test_whatever_it_is_set_to(
    shape: tuple[int, ...],
    mode: Mode,
    eps: float,
    momentum: float | None,
    level: float,
    seed: int,
) -> None:
    """Batches of one too, far from 0, and with hardly any eps."""
    layer = a_layer(shape[1], torch.float64, eps=eps, momentum=momentum).train(mode == "train")
    gamma, beta, running = numbers(layer.weight), numbers(layer.bias), running_of(layer)
    generator = torch.Generator().manual_seed(seed)
    x = (level + torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()
    gradient = torch.randn(shape, generator=generator, dtype=torch.float64)
    output = layer(x)
    torch.autograd.backward(output, gradient)

    settings = NormSettings(eps=eps, momentum=momentum)
    given: dict[str, Any] = {"mode": mode, "settings": settings, "running": running}
    result = batch_norm(x.detach().numpy(), gamma, beta, **given)
    back = batch_norm_backward(result, gradient.numpy(), gamma)
    for ours, theirs in (
        (result.output, output),
        (back.input, x.grad),
        (back.gamma, layer.weight.grad),
        (back.beta, layer.bias.grad),
    ):
        assert_near(ours, theirs, torch.float64)
    assert result.running is not None
    assert_near(result.running.mean, layer.running_mean, torch.float64)
    assert_near(result.running.variance, layer.running_var, torch.float64)


@pytest.mark.parametrize("shape", [(4, 3), (6, 2, 5), (2, 3, 4, 2, 2)])
def test_other_numbers_of_axes(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    layer = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 5: nn.BatchNorm3d}[len(shape)](shape[1])
    layer = layer.double()
    result = batch_norm(x.numpy(), mode="train", running=RunningStatistics.fresh(shape[1]))
    assert_near(result.output, layer(x), torch.float64)
    assert result.running is not None
    assert_near(result.running.variance, layer.running_var, torch.float64)


def test_the_two_variances() -> None:
    x = np.array([1.0, 2.0, 3.0, 6.0]).reshape(4, 1, 1, 1)
    result = batch_norm(
        x, mode="train", settings=NormSettings(eps=1e-9), running=RunningStatistics.fresh(1)
    )
    steps = result.steps
    assert steps.statistics.mean == [3]
    assert steps.statistics.variance == [14 / 4]
    assert steps.statistics.unbiased_variance == pytest.approx([14 / 3])
    assert steps.centred.ravel().tolist() == [-2, -1, 0, 3]
    np.testing.assert_allclose(steps.normalized.ravel() * 3.5**0.5, [-2, -1, 0, 3], atol=1e-8)
    assert result.running is not None
    assert result.running.mean == pytest.approx([0.9 * 0 + 0.1 * 3])
    assert result.running.variance == pytest.approx([0.9 * 1 + 0.1 * 14 / 3])


@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=12).filter(lambda v: len(set(v)) > 1),
    st.floats(0.1, 10),
    st.floats(-5, 5),
)
def test_what_is_normalized_has_mean_0_and_no_unit(
    values: list[int], stretch: float, shift: float
) -> None:
    x = np.array(values, dtype=np.float64).reshape(-1, 1)
    tiny = NormSettings(eps=1e-12)
    one = batch_norm(x, mode="train", settings=tiny).output
    assert one.mean() == pytest.approx(0, abs=1e-9)
    assert one.std() == pytest.approx(1, abs=1e-9)
    other = batch_norm(stretch * x + shift, mode="train", settings=tiny).output
    np.testing.assert_allclose(other, one, atol=1e-6)


def test_the_gradient_is_blind_to_shift_and_stretch() -> None:
    generator = np.random.default_rng(0)
    x, gradient = generator.normal(size=(2, 3, 2, 4, 4))
    result = batch_norm(x, mode="train", settings=NormSettings(eps=1e-12))
    back = batch_norm_backward(result, gradient).input
    np.testing.assert_allclose(back.sum(axis=(0, 2, 3)), 0, atol=1e-10)
    np.testing.assert_allclose((back * x).sum(axis=(0, 2, 3)), 0, atol=1e-9)


@pytest.mark.parametrize("eps", [1e-5, 1e-2])
def test_a_constant_channel_becomes_beta(eps: float) -> None:
    x = np.stack([np.full((2, 3, 3), 7.0), np.arange(18.0).reshape(2, 3, 3)], axis=1)
    result = batch_norm(x, [5.0, 1.0], [0.25, 0.0], mode="train", settings=NormSettings(eps=eps))
    assert (result.output[:, 0] == 0.25).all()
    assert result.steps.root[:, 0] == pytest.approx(eps**0.5)


def test_evaluation_does_not_mind_the_neighbours() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(6, 2, 3, 3))
    running = RunningStatistics(np.array([0.5, -1.0]), np.array([2.0, 0.3]))
    alone = batch_norm(x[:1], mode="eval", running=running)
    among = batch_norm(x, mode="eval", running=running)
    np.testing.assert_array_equal(alone.output[0], among.output[0])
    assert among.running is running
    assert not np.allclose(
        batch_norm(x, mode="train").output[0], batch_norm(x[:3], mode="train").output[0]
    )


def test_fed_batch_by_batch_as_pytorch_is() -> None:
    generator = torch.Generator().manual_seed(3)
    batches = [torch.randn(size, 2, 3, 3, generator=generator).double() for size in (1, 4, 2, 9)]
    for momentum in (0.1, 0.6, None):
        layer = nn.BatchNorm2d(2, momentum=momentum).double()
        seen = feed(
            [channel_statistics(batch.numpy()) for batch in batches],
            NormSettings(momentum=momentum),
            RunningStatistics.fresh(2),
        )
        assert len(seen) == 5
        for batch, running in zip(batches, seen[1:], strict=True):
            layer(batch)
            assert_near(running.mean, layer.running_mean, torch.float64)
            assert_near(running.variance, layer.running_var, torch.float64)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 1, 1, 1), (1, 2)])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_single_value_in_each_channel(shape: tuple[int, ...], mode: Mode) -> None:
    """Refused where PyTorch refuses, taken where it takes it."""
    x = np.ones(shape)
    layer = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(shape[1]).double()
    layer.train(mode == "train")
    running = RunningStatistics.fresh(shape[1])
    if mode == "eval":
        ours = batch_norm(x, mode=mode, running=running)
        assert_near(ours.output, layer(torch.from_numpy(x)), torch.float64)
    else:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            layer(torch.from_numpy(x))
        with pytest.raises(ShapeError, match="one value in each channel"):
            batch_norm(x, mode=mode, running=running)
    with pytest.raises(ShapeError, match=f"batch of {shape[0]} x {shape[1]}"):
        batch_norm(x, mode=mode)  # without running statistics both modes use the batch


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_eps_0(mode: Mode) -> None:
    """PyTorch refuses it in training, and takes it in evaluation."""
    x = np.arange(8.0).reshape(2, 1, 2, 2)
    layer = nn.BatchNorm2d(1, eps=0.0).double().train(mode == "train")
    arguments: dict[str, Any] = {
        "mode": mode,
        "settings": NormSettings(eps=0),
        "running": RunningStatistics.fresh(1),
    }
    if mode == "train":
        with pytest.raises(ValueError, match="eps must be positive"):
            layer(torch.from_numpy(x))
        with pytest.raises(SettingError, match="eps is 0: in training use a number above 0"):
            batch_norm(x, **arguments)
    else:
        assert_near(batch_norm(x, **arguments).output, layer(torch.from_numpy(x)), torch.float64)


X = np.arange(12.0).reshape(3, 2, 2, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NormSettings(eps=-1e-5), SettingError, "eps is -1e-05: use a number from 0 up"),
        (lambda: NormSettings(eps=float("nan")), SettingError, "eps is nan"),
        (lambda: NormSettings(eps="1"), SettingError, "eps is '1'"),  # type: ignore[arg-type]
        (lambda: NormSettings(momentum=1.5), SettingError, "momentum is 1.5: use .* or None"),
        (lambda: NormSettings(momentum=True), SettingError, "momentum is True"),
        (lambda: batch_norm(X, mode="test"), SettingError, "mode is 'test'"),  # type: ignore[arg-type]
        (lambda: batch_norm(X[0, 0, 0], mode="train"), ShapeError, r"shape \(1,\)"),
        (lambda: batch_norm(X[:0], mode="train"), ShapeError, "none of them 0"),
        (lambda: batch_norm(X + np.inf, mode="train"), NonFiniteError, "not finite"),
        (lambda: batch_norm(X, [1.0], mode="train"), ShapeError, r"gamma .* channel, \(2,\)"),
        (lambda: batch_norm(X, None, [1.0], mode="train"), ShapeError, "beta has the shape"),
        (
            lambda: batch_norm(X, mode="eval", running=RunningStatistics.fresh(3)),
            ShapeError,
            "running statistics have 3 channels, the batch 2",
        ),
        (
            lambda: batch_norm_backward(batch_norm(X, mode="train"), X[:2]),
            ShapeError,
            "gradient is 2 x 2 x 2 x 1, the output 3 x 2 x 2 x 1",
        ),
        (lambda: RunningStatistics.fresh(0), SettingError, "channels is 0"),
        (
            lambda: RunningStatistics.fresh(2).after(channel_statistics(X[:, :1]), NormSettings()),
            ShapeError,
            "the batch has 1 channels, the running statistics 2",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_single_number_has_no_unbiased_variance() -> None:
    single = Statistics(np.array([3.0]), np.array([0.0]), 1)
    assert np.isnan(single.unbiased_variance).all()
