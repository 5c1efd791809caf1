"""Transposed convolution, against torch over grids of small sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cnnviz import torch_reference
from cnnviz.convolution import Array, cross_correlate
from cnnviz.errors import NoOutputError, SettingError, ShapeError
from cnnviz.geometry import ConvSpec, Pair, TransposedConvSpec
from cnnviz.transposed import insert_zeros, transposed_convolve

SIZES: list[Pair] = [(1, 1), (1, 4), (3, 2), (5, 5)]
Settings = tuple[Pair, Pair, Pair, Pair, Pair]  # kernel, stride, padding, output_padding, dilation


def whole_numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).integers(-9, 10, shape).astype(np.float64)


def check_against_torch(size: Pair, settings: Settings, channels: int = 2, filters: int = 3) -> str:
    """The same output as torch, or refused by both; says which."""
    kernel, stride, padding, output_padding, dilation = settings
    image = whole_numbers(channels, *size)
    weight = whole_numbers(channels, filters, *kernel, seed=1)
    bias = whole_numbers(filters, seed=2)
    try:
        expected = F.conv_transpose2d(
            torch.from_numpy(image)[None],
            torch.from_numpy(weight),
            torch.from_numpy(bias),
            stride,
            padding,
            output_padding,
            dilation=dilation,
        )[0].numpy()
    except RuntimeError:
        expected = None
    try:
        spec = TransposedConvSpec(*settings)
        ours = transposed_convolve(image, weight, spec, bias=bias)
    except SettingError:
        assert expected is None
        return "refused"
    except NoOutputError:
        assert expected is None
        with pytest.raises(NoOutputError, match=r"PyTorch refuses: .*Output size is too small"):
            torch_reference.conv_transpose2d(image, weight, spec, bias=bias)
        return "no output"
    assert expected is not None, spec
    assert ours.shape[1:] == spec.output_size(*size)
    assert_array_equal(ours, expected, err_msg=str(spec))
    assert_array_equal(torch_reference.conv_transpose2d(image, weight, spec, bias=bias), expected)
    return "output"


def test_over_a_grid() -> None:
    grid = itertools.product(
        [(1, 1), (2, 3), (3, 3)],
        [(1, 1), (2, 2), (3, 1)],
        [(0, 0), (1, 2), (3, 3)],
        [(0, 0), (1, 0), (2, 2)],
        [(1, 1), (2, 1), (3, 3)],
    )
    outcomes = {
        check_against_torch(size, settings) for settings, size in itertools.product(grid, SIZES)
    }
    assert outcomes == {"output", "no output", "refused"}


@pytest.mark.slow
def test_every_square_setting_on_every_small_image() -> None:
    ranges = (range(1, 5), range(1, 5), range(5), range(4), range(1, 4))
    kernels, strides, paddings, output_paddings, dilations = (
        [(number, number) for number in numbers] for numbers in ranges
    )
    grid = itertools.product(kernels, strides, paddings, output_paddings, dilations)
    sizes = [(1, 4), (2, 1), (3, 3), (4, 2)]
    outcomes = {
        check_against_torch(size, settings, 1, 1)
        for settings, size in itertools.product(grid, sizes)
    }
    assert outcomes == {"output", "no output", "refused"}


pairs = st.tuples(st.integers(1, 5), st.integers(1, 5))
paddings = st.tuples(st.integers(0, 6), st.integers(0, 6))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.tuples(st.integers(1, 12), st.integers(1, 12)), pairs, pairs, paddings, paddings, pairs)
def test_any_transposed_convolution(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair
) -> None:
    check_against_torch(size, (kernel, stride, padding, output_padding, dilation))


def test_a_crop_past_the_far_end_of_the_image() -> None:
    """Padding 2 crops all of the one cell, and output_padding adds a cell again."""
    settings: Settings = ((1, 1), (1, 1), (2, 2), (4, 4), (5, 5))
    assert check_against_torch((1, 1), settings) == "output"
    spec = TransposedConvSpec(*settings)
    assert_array_equal(transposed_convolve([[[7]]], [[[[1]]]], spec), [[[0]]])


@pytest.mark.parametrize("stride", [1, 2, (3, 2), (1, 4)])
def test_zeros_between_the_cells(stride: int | Pair) -> None:
    image = whole_numbers(2, 3, 4)
    one = np.ones((1, 1, 1, 1))
    stuffed = insert_zeros(image, stride)
    # A 1x1 filter of one does nothing but the zeros.
    for channel in range(2):
        expected = F.conv_transpose2d(
            torch.from_numpy(image[channel])[None, None], torch.from_numpy(one), None, stride
        )
        assert_array_equal(stuffed[channel], expected[0, 0].numpy())
    assert stuffed.shape[1:] == TransposedConvSpec(1, stride).stuffed_size(3, 4)


@pytest.mark.parametrize(
    "spec",
    [
        TransposedConvSpec(3, 2, 1, 1),
        TransposedConvSpec((2, 3), (3, 1), (1, 2), (2, 0), (1, 2)),
    ],
)
def test_it_is_the_convolution_that_its_settings_name(spec: TransposedConvSpec) -> None:
    image, weight = whole_numbers(1, 4, 5), whole_numbers(1, 1, *spec.kernel_size, seed=1)
    rows, columns = spec.equivalent_conv
    sides = (columns.pad_before, columns.pad_after, rows.pad_before, rows.pad_after)
    padded = F.pad(torch.from_numpy(insert_zeros(image, spec.stride))[None], sides)
    turned = torch.from_numpy(weight).flip(2, 3)
    expected = F.conv2d(padded, turned, None, (rows.stride, columns.stride), 0, spec.dilation)
    assert_array_equal(transposed_convolve(image, weight, spec), expected[0].numpy())


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.integers(1, 12), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3)
)
def test_it_is_the_transpose_of_the_convolution(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    """<conv(x), y> = <x, transposed(y)>: the property that the name comes from."""
    conv = ConvSpec(kernel, stride, padding, dilation)
    axis = conv.axes[0]
    if axis.numerator(size) < 0:
        return
    weight = whole_numbers(3, 2, kernel, kernel)  # 2 channels to 3
    x = whole_numbers(2, size, size, seed=1)
    forward = cross_correlate(x, weight, conv)
    y = whole_numbers(*forward.shape, seed=2)
    back = TransposedConvSpec(kernel, stride, padding, axis.remainder(size), dilation)
    assert (forward * y).sum() == (x * transposed_convolve(y, weight, back)).sum()


def test_fractions_agree_within_rounding() -> None:
    random = np.random.default_rng(0)
    image, weight = random.normal(size=(3, 7, 9)), random.normal(size=(3, 2, 4, 3))
    spec = TransposedConvSpec((4, 3), (2, 3), (1, 0), (1, 2), (1, 2))
    expected = torch_reference.conv_transpose2d(image, weight, spec)
    assert_allclose(transposed_convolve(image, weight, spec), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("weight_shape", "message"),
    [
        ((1, 2, 3, 3), "the filters are for 1 channels, but the image has 2"),
        ((2, 1, 3, 2), "the filters are 3 x 2, but kernel_size says 3 x 3"),
        ((2, 3, 3), r"the filters have the shape \(2, 3, 3\): use \(channels, filters"),
    ],
)
def test_filters_that_do_not_fit(weight_shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        transposed_convolve(np.zeros((2, 4, 4)), np.zeros(weight_shape), TransposedConvSpec(3))


def test_a_bias_that_does_not_fit() -> None:
    image, weight = np.zeros((2, 4, 4)), np.zeros((2, 3, 3, 3))
    with pytest.raises(ShapeError, match=r"the bias has the shape \(2,\), but there are 3 filters"):
        transposed_convolve(image, weight, TransposedConvSpec(3), bias=[0, 0])


def test_absurd_settings_allocate_nothing() -> None:
    image, weight = np.zeros((1, 4, 4)), np.zeros((1, 1, 3, 3))
    huge = 10**9
    with pytest.raises(NoOutputError, match="zeros between its cells would have"):
        transposed_convolve(image, weight, TransposedConvSpec(3, huge))
    with pytest.raises(NoOutputError, match="zeros between its cells would have"):
        insert_zeros(image, huge)
    with pytest.raises(NoOutputError, match="padding 1000000000 crops as many"):
        transposed_convolve(image, weight, TransposedConvSpec(3, padding=huge))
    with pytest.raises(NoOutputError, match="the padded image would have"):
        transposed_convolve(image, weight, TransposedConvSpec(3, dilation=huge))
