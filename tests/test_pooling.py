"""Max and average pooling, against torch over grids of small sizes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cnnviz import torch_reference
from cnnviz.convolution import Array
from cnnviz.errors import NoOutputError, SettingError, ShapeError
from cnnviz.geometry import Pair, PoolSpec
from cnnviz.pooling import average_pool, max_pool, pool_window_at

SIZES: list[Pair] = [(1, 1), (2, 5), (5, 4), (7, 6)]


def whole_numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).integers(-9, 10, shape).astype(np.float64)


def check_max(image: Array, settings: tuple[Pair, Pair, Pair, Pair, bool]) -> str:
    """The same maxima as torch, or refused by both; says which."""
    kernel, stride, padding, dilation, ceil_mode = settings
    try:
        expected = F.max_pool2d(
            torch.from_numpy(image)[None], kernel, stride, padding, dilation, ceil_mode
        )[0].numpy()
    except RuntimeError:
        expected = None
    try:
        spec = PoolSpec("max", kernel, stride, padding, dilation, ceil_mode)
        ours = max_pool(image, spec)
    except SettingError:
        assert expected is None
        return "refused"
    except NoOutputError:
        assert expected is None
        with pytest.raises(NoOutputError, match=r"PyTorch refuses: .*Output size is too small"):
            torch_reference.pool2d(image, spec)
        return "no output"
    assert expected is not None, spec
    assert_array_equal(ours, expected, err_msg=str(spec))
    assert_array_equal(torch_reference.pool2d(image, spec), expected)
    return "output" if np.isfinite(ours).all() else "nothing but padding"


def check_average(image: Array, settings: tuple[Pair, Pair, Pair, bool, bool]) -> str:
    """The same averages as torch, or refused by both; says which."""
    kernel, stride, padding, ceil_mode, include = settings
    try:
        expected = F.avg_pool2d(
            torch.from_numpy(image)[None], kernel, stride, padding, ceil_mode, include
        )[0].numpy()
    except RuntimeError:
        expected = None
    try:
        spec = PoolSpec(
            "average", kernel, stride, padding, ceil_mode=ceil_mode, count_include_pad=include
        )
        ours = average_pool(image, spec)
    except SettingError:
        assert expected is None
        return "refused"
    except NoOutputError:
        assert expected is None
        with pytest.raises(NoOutputError, match=r"PyTorch refuses: .*Output size is too small"):
            torch_reference.pool2d(image, spec)
        return "no output"
    assert expected is not None, spec
    assert_allclose(ours, expected, rtol=1e-14, atol=1e-14, err_msg=str(spec))
    assert_array_equal(torch_reference.pool2d(image, spec), expected)
    return "output"


def max_settings(
    kernels: Iterable[Pair], strides: Iterable[Pair], paddings: Iterable[Pair]
) -> Iterable[tuple[Pair, Pair, Pair, Pair, bool]]:
    return itertools.product(kernels, strides, paddings, [(1, 1), (2, 3), (3, 1)], [False, True])


def average_settings(
    kernels: Iterable[Pair], strides: Iterable[Pair], paddings: Iterable[Pair]
) -> Iterable[tuple[Pair, Pair, Pair, bool, bool]]:
    return itertools.product(kernels, strides, paddings, [False, True], [False, True])


KERNELS: list[Pair] = [(1, 1), (2, 2), (3, 2), (2, 4), (5, 3)]
STRIDES: list[Pair] = [(1, 1), (2, 2), (3, 1), (4, 6)]
PADDINGS: list[Pair] = [(0, 0), (1, 1), (0, 1), (2, 1)]


def test_max_pool_over_a_grid() -> None:
    outcomes = {
        check_max(whole_numbers(2, *size), settings)
        for settings, size in itertools.product(max_settings(KERNELS, STRIDES, PADDINGS), SIZES)
    }
    assert outcomes >= {"output", "no output", "refused"}


def test_average_pool_over_a_grid() -> None:
    outcomes = {
        check_average(whole_numbers(2, *size), settings)
        for settings, size in itertools.product(average_settings(KERNELS, STRIDES, PADDINGS), SIZES)
    }
    assert outcomes == {"output", "no output", "refused"}


@pytest.mark.slow
def test_every_square_pooling_on_every_small_image() -> None:
    kernels = [(size, size) for size in range(1, 6)]
    strides = [(size, size) for size in range(1, 8)]
    paddings = [(size, size) for size in range(4)]
    for size in [(size, 3 * size % 8 + 1) for size in range(1, 9)]:  # each size on either axis
        image = whole_numbers(1, *size)
        for of_max in max_settings(kernels, strides, paddings):
            check_max(image, of_max)
        for of_average in average_settings(kernels, strides, paddings):
            check_average(image, of_average)


pairs = st.tuples(st.integers(1, 6), st.integers(1, 6))
any_paddings = st.tuples(st.integers(0, 3), st.integers(0, 3))
any_sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(any_sizes, pairs, pairs, any_paddings, pairs, st.booleans(), st.booleans())
def test_any_pooling(
    size: Pair,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
    include: bool,
) -> None:
    image = whole_numbers(2, *size)
    check_max(image, (kernel, stride, padding, dilation, ceil_mode))
    check_average(image, (kernel, stride, padding, ceil_mode, include))


def test_padding_never_wins_a_maximum() -> None:
    image = np.full((1, 3, 3), -5.0)
    assert_array_equal(max_pool(image, PoolSpec("max", 3, 2, 1)), np.full((1, 2, 2), -5.0))


def test_a_dilated_window_with_nothing_but_padding() -> None:
    """Both taps fall beside the image: minus infinity, as in PyTorch."""
    image = np.zeros((1, 2, 2))
    assert check_max(image, ((2, 2), (1, 1), (1, 1), (3, 3), False)) == "nothing but padding"
    window = pool_window_at(image, PoolSpec("max", 2, 1, 1, 3), 0, 0, 0)
    assert window.rows == (-1, 2)
    assert window.is_padding.all()
    assert window.result == -np.inf


def test_what_an_average_divides_by() -> None:
    image = np.ones((1, 5, 5))
    include = PoolSpec("average", 3, 2, 1, ceil_mode=True)
    assert_allclose(average_pool(image, include)[0, 0], [4 / 9, 6 / 9, 4 / 9])
    exclude = PoolSpec("average", 3, 2, 1, count_include_pad=False)
    assert_array_equal(average_pool(image, exclude), np.ones((1, 3, 3)))
    # Size 6: ceil_mode adds a window over cells 5, 6 and 7; 6 is padding, 7 the overhang.
    window = pool_window_at(np.ones((1, 6, 6)), include, 0, 3, 1)
    assert window.rows == (5, 6, 7)
    assert_array_equal(window.is_counted[:, 0], [True, True, False])
    assert_array_equal(window.is_padding[:, 0], [False, True, True])
    assert window.divisor == 6
    assert window.result == 0.5


@pytest.mark.parametrize("size", [(5, 4), (2, 7)])
@pytest.mark.parametrize(
    "spec",
    [
        PoolSpec("max", 2),
        PoolSpec("max", (3, 2), (2, 3), 1, (1, 2), ceil_mode=True),
        PoolSpec("average", (2, 3), (3, 2), 1, ceil_mode=True),
        PoolSpec("average", (2, 3), (3, 2), 1, ceil_mode=True, count_include_pad=False),
        PoolSpec("average", 2, 1, 1, count_include_pad=False),
    ],
)
def test_every_window_written_out(spec: PoolSpec, size: Pair) -> None:
    image = whole_numbers(2, *size)
    expected = torch_reference.pool2d(image, spec)
    for channel, row, column in np.ndindex(*expected.shape):
        window = pool_window_at(image, spec, channel, row, column)
        assert window.result == pytest.approx(expected[channel, row, column], rel=1e-14, abs=1e-14)
        assert window.values.shape == window.is_padding.shape == spec.kernel_size
        real = window.values[~window.is_padding]
        inside = [
            image[channel, y, x]
            for y, x in itertools.product(window.rows, window.columns)
            if 0 <= y < size[0] and 0 <= x < size[1]
        ]
        assert real.tolist() == inside
        if spec.kind == "max":
            assert window.divisor == 1
            assert window.result == max(inside)
            assert_array_equal(window.is_counted, ~window.is_padding)
        else:
            assert window.divisor == window.is_counted.sum()
            assert window.result == sum(inside) / window.divisor
            assert_array_equal(window.values[window.is_padding], 0)


def test_poolings_that_make_no_sense() -> None:
    image = whole_numbers(2, 4, 4)
    with pytest.raises(SettingError, match="the settings are for average pooling, not max pooling"):
        max_pool(image, PoolSpec("average", 2))
    with pytest.raises(SettingError, match="the settings are for max pooling, not average pooling"):
        average_pool(image, PoolSpec("max", 2))
    with pytest.raises(SettingError, match="channel is 2: use a number from 0 to 1"):
        pool_window_at(image, PoolSpec("max", 2), 2, 0, 0)
    with pytest.raises(SettingError, match="output row is -1"):
        pool_window_at(image, PoolSpec("max", 2), 0, -1, 0)
    with pytest.raises(SettingError, match="output column is 2: use a number from 0 to 1"):
        pool_window_at(image, PoolSpec("max", 2), 0, 0, 2)
    with pytest.raises(ShapeError, match=r"the image has the shape \(4, 4\)"):
        max_pool(image[0], PoolSpec("max", 2))
    with pytest.raises(NoOutputError, match="a kernel of 5"):
        average_pool(image, PoolSpec("average", 5))


def test_absurd_settings_allocate_nothing() -> None:
    image = np.zeros((1, 4, 4))
    huge = 10**9
    with pytest.raises(NoOutputError, match="a kernel of 1000000000"):
        max_pool(image, PoolSpec("max", huge))
    overhanging = PoolSpec("max", huge, ceil_mode=True)
    assert overhanging.output_size(4, 4) == (1, 1)  # as in PyTorch
    with pytest.raises(NoOutputError, match="the padded image would have"):
        max_pool(image, overhanging)
    with pytest.raises(NoOutputError, match="one window would have"):
        pool_window_at(image, overhanging, 0, 0, 0)
