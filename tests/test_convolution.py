"""Padding, correlation, windows and coverage, against torch over grids of small sizes.

Images and filters hold small whole numbers, for which float64 sums are exact: == must hold.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cnnviz import torch_reference
from cnnviz.convolution import (
    Array,
    PaddingMode,
    convolve,
    coverage,
    cross_correlate,
    flip_kernel,
    pad,
    window_at,
)
from cnnviz.errors import CnnvizError, NoOutputError, SettingError, ShapeError
from cnnviz.geometry import ConvSpec, Pair, PoolSpec
from cnnviz.padding import PADDING_MODES, Sides

LESSON_IMAGE = [
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
]
LESSON_FILTER = [[[[1, 0, 1], [0, 1, 0], [1, 0, 1]]]]

Setting = int | Pair
SIZES: list[Pair] = [(1, 1), (1, 5), (4, 3), (5, 6)]
SIDES: list[Sides] = [
    ((0, 0), (0, 0)),
    ((1, 1), (1, 1)),
    ((2, 0), (1, 3)),
    ((0, 4), (5, 2)),
    ((6, 6), (0, 1)),
]


def whole_numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).integers(-9, 10, shape).astype(np.float64)


def conv2d_module(
    image: Array, weight: Array, bias: Array | None, mode: PaddingMode, **settings: Any
) -> Array | None:
    """nn.Conv2d itself, with this filter bank; None where PyTorch refuses."""
    filters, channels, *kernel_size = weight.shape
    try:
        layer = torch.nn.Conv2d(
            channels,
            filters,
            (kernel_size[0], kernel_size[1]),
            bias=bias is not None,
            padding_mode=mode,
            dtype=torch.float64,
            **settings,
        )
        layer.weight.data = torch.from_numpy(weight)
        if bias is not None:
            layer.bias.data = torch.from_numpy(bias)  # type: ignore[union-attr]
        with torch.no_grad():
            output = layer(torch.from_numpy(image)[None])[0]
    except (RuntimeError, ValueError):
        return None
    numbers: Array = output.numpy()
    return numbers


def check_against_torch(
    image: Array, weight: Array, spec: ConvSpec, mode: PaddingMode, bias: Array | None = None
) -> bool:
    """Ours, torch's module and torch_reference: three equal outputs, or three refusals."""
    padding = spec.padding
    if padding == "full":  # not a name that PyTorch has
        dilation, kernel = spec.dilation, spec.kernel_size
        padding = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
    expected = conv2d_module(
        image, weight, bias, mode, stride=spec.stride, padding=padding, dilation=spec.dilation
    )
    if expected is None:
        for refusing in (cross_correlate, torch_reference.conv2d):
            with pytest.raises(NoOutputError):
                refusing(image, weight, spec, bias=bias, padding_mode=mode)
        return False
    ours = cross_correlate(image, weight, spec, bias=bias, padding_mode=mode)
    assert ours.dtype == np.float64
    assert_array_equal(ours, expected, err_msg=f"{spec} {mode}")
    reference = torch_reference.conv2d(image, weight, spec, bias=bias, padding_mode=mode)
    assert_array_equal(reference, expected)
    return True


def count_outputs(
    specs: Iterator[ConvSpec], modes: tuple[PaddingMode, ...], sizes: list[Pair]
) -> tuple[int, int]:
    """Checks all of them against torch: (how many have an output, how many are refused)."""
    outcomes = [0, 0]
    for spec, mode, size in itertools.product(specs, modes, sizes):
        image = whole_numbers(1, *size)
        weight = whole_numbers(1, 1, *spec.kernel_size, seed=1)
        outcomes[not check_against_torch(image, weight, spec, mode)] += 1
    return outcomes[0], outcomes[1]


# ------------------------------------------------------------------------------------- the lesson


def test_the_lesson_example() -> None:
    output = cross_correlate(LESSON_IMAGE, LESSON_FILTER, ConvSpec(3))
    assert_array_equal(output, [[[4, 3, 4], [2, 4, 3], [2, 3, 4]]])
    first = window_at(LESSON_IMAGE, LESSON_FILTER, ConvSpec(3), 0, 0)
    assert_array_equal(first.values, [[[1, 1, 1], [0, 1, 1], [0, 0, 1]]])
    assert_array_equal(first.products, [[[1, 0, 1], [0, 1, 0], [0, 0, 1]]])
    assert first.total == 4


def test_the_lesson_example_with_padding_1_and_stride_2() -> None:
    spec = ConvSpec(3, stride=2, padding=1)
    assert cross_correlate(LESSON_IMAGE, LESSON_FILTER, spec).shape == (1, 3, 3)
    first = window_at(LESSON_IMAGE, LESSON_FILTER, spec, 0, 0)
    assert first.total == 2
    assert first.rows == first.columns == (-1, 0, 1)


def test_a_window_written_out_by_hand() -> None:
    image = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]  # 2 channels
    weight = [[[[1, 0], [0, -1]], [[0, 2], [1, 0]]]]
    window = window_at(image, weight, ConvSpec(2), 0, 0, bias=0.5)
    assert_array_equal(window.products, [[[1, 0], [0, -4]], [[0, 12], [7, 0]]])
    assert_array_equal(window.channel_sums, [-3, 19])
    assert window.bias == 0.5
    assert window.total == 16.5


# ---------------------------------------------------------------------------------------- padding


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_pad_over_a_grid(mode: PaddingMode) -> None:
    outcomes = [0, 0]
    torch_mode = "constant" if mode == "zeros" else mode
    for size, sides in itertools.product(SIZES, SIDES):
        image = whole_numbers(2, *size)
        (top, bottom), (left, right) = sides
        try:
            expected = F.pad(torch.from_numpy(image)[None], (left, right, top, bottom), torch_mode)
        except RuntimeError:
            with pytest.raises(NoOutputError, match=f"{mode} padding of"):
                pad(image, sides, mode)
            outcomes[1] += 1
            continue
        assert_array_equal(pad(image, sides, mode), expected[0].numpy())
        outcomes[0] += 1
    assert outcomes[0] > 0
    assert (outcomes[1] > 0) == (mode in ("reflect", "circular"))


def test_negative_sides_crop() -> None:
    for size, before, after in itertools.product(range(1, 5), range(-4, 4), range(-4, 4)):
        image = whole_numbers(1, size, 3)
        try:
            expected = F.pad(torch.from_numpy(image)[None], (0, 0, before, after))[0].numpy()
        except RuntimeError:
            expected = np.empty((1, 0, 3))
        if expected.size == 0:  # torch gives an empty tensor where just everything is cropped
            with pytest.raises(NoOutputError, match="crop less"):
                pad(image, ((before, after), (0, 0)))
        else:
            assert_array_equal(pad(image, ((before, after), (0, 0))), expected)


def test_padding_leaves_the_image_alone() -> None:
    image = whole_numbers(1, 3, 3)
    for mode in PADDING_MODES:
        pad(image, ((0, 0), (0, 0)), mode)[:] = 99
    assert_array_equal(image, whole_numbers(1, 3, 3))


def test_padding_that_makes_no_sense() -> None:
    image = whole_numbers(1, 3, 4)
    with pytest.raises(SettingError, match="padding mode 'mirror' is unknown: use one of"):
        pad(image, ((1, 1), (1, 1)), "mirror")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="only zeros can crop"):
        pad(image, ((-1, 1), (1, 1)), "reflect")
    with pytest.raises(SettingError, match=r"padding \(left\) is 1\.5"):
        pad(image, ((1, 1), (1.5, 1)))  # type: ignore[arg-type]
    with pytest.raises(
        NoOutputError, match=r"reflect padding of 3 in height is too much for 3 .* 2"
    ):
        pad(image, ((1, 3), (1, 1)), "reflect")
    with pytest.raises(NoOutputError, match=r"circular padding of 5 in width .* use at most 4"):
        pad(image, ((3, 3), (5, 1)), "circular")
    for mode in PADDING_MODES:
        with pytest.raises(NoOutputError):
            pad(image, ((0, 0), (10**9, 0)), mode)
    with pytest.raises(
        NoOutputError, match=r"the padded image would have .*: use smaller settings"
    ):
        pad(image, ((10**9, 0), (10**9, 0)), "replicate")


# -------------------------------------------------------------------------- correlation, the grids


def numbered_specs() -> Iterator[ConvSpec]:
    kernels: list[Setting] = [(1, 1), (2, 3), (3, 1), 3]
    strides: list[Setting] = [1, 2, (3, 1)]
    paddings: list[Setting] = [0, 1, (2, 3)]
    dilations: list[Setting] = [1, 2, (1, 3)]
    for kernel, stride, padding, dilation in itertools.product(
        kernels, strides, paddings, dilations
    ):
        yield ConvSpec(kernel, stride, padding, dilation)


def test_numbered_padding_over_a_grid() -> None:
    outputs, refusals = count_outputs(numbered_specs(), PADDING_MODES, SIZES)
    assert outputs > 400
    assert refusals > 400


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", ["valid", "same", "full"])
def test_named_padding_over_a_grid(name: Any) -> None:
    kernels: list[Setting] = [1, (2, 3), (3, 4), (4, 2), 5]
    strides: list[Setting] = [1, 2, (1, 3)]
    dilations: list[Setting] = [1, 2, (3, 1)]
    specs = (
        ConvSpec(kernel, stride, name, dilation)
        for kernel, stride, dilation in itertools.product(kernels, strides, dilations)
    )
    outputs, refusals = count_outputs(specs, PADDING_MODES, [*SIZES, (7, 8)])
    assert outputs > 50
    assert refusals > 50


@pytest.mark.slow
@pytest.mark.parametrize("mode", PADDING_MODES)
def test_every_square_setting_on_every_small_image(mode: PaddingMode) -> None:
    specs = (
        ConvSpec(kernel, stride, padding, dilation)
        for kernel, stride, padding, dilation in itertools.product(
            range(1, 6), range(1, 7), range(5), range(1, 4)
        )
    )
    sizes = [(size, 3 * size % 8 + 1) for size in range(1, 8)]  # each size on either axis
    outputs, refusals = count_outputs(specs, (mode,), sizes)
    assert outputs > 400
    assert refusals > 400


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize(("channels", "filters"), [(1, 4), (3, 1), (3, 5)])
def test_channels_filters_and_bias(channels: int, filters: int, mode: PaddingMode) -> None:
    image = whole_numbers(channels, 6, 5)
    weight = whole_numbers(filters, channels, 3, 2, seed=1)
    for bias in (None, whole_numbers(filters, seed=2)):
        for spec in (ConvSpec((3, 2)), ConvSpec((3, 2), 2, 1), ConvSpec((3, 2), (1, 3), 2, (1, 2))):
            assert check_against_torch(image, weight, spec, mode, bias)


sizes = st.integers(1, 24)
small = st.integers(1, 5)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.data())
def test_any_convolution(data: st.DataObject) -> None:
    spec = ConvSpec(
        data.draw(st.tuples(small, small), "kernel_size"),
        data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)), "stride"),
        data.draw(st.tuples(st.integers(0, 6), st.integers(0, 6)), "padding"),
        data.draw(st.tuples(small, small), "dilation"),
    )
    channels, filters = data.draw(st.integers(1, 4), "C"), data.draw(st.integers(1, 3), "K")
    seed = data.draw(st.integers(0, 10**6), "seed")
    image = whole_numbers(channels, data.draw(sizes, "H"), data.draw(sizes, "W"), seed=seed)
    weight = whole_numbers(filters, channels, *spec.kernel_size, seed=seed + 1)
    mode: PaddingMode = data.draw(st.sampled_from(PADDING_MODES), "mode")
    check_against_torch(image, weight, spec, mode, whole_numbers(filters, seed=seed + 2))


def test_fractions_agree_within_rounding() -> None:
    random = np.random.default_rng(0)
    image, weight = random.normal(size=(3, 20, 17)), random.normal(size=(4, 3, 5, 3))
    bias = random.normal(size=4)
    spec = ConvSpec((5, 3), (2, 1), (1, 2), (1, 2))
    expected = torch_reference.conv2d(image, weight, spec, bias=bias, padding_mode="reflect")
    ours = cross_correlate(image, weight, spec, bias=bias, padding_mode="reflect")
    assert_allclose(ours, expected, rtol=1e-13, atol=1e-13)


# ------------------------------------------------------------------------------------- one window


@pytest.mark.parametrize(
    "spec",
    [
        ConvSpec((2, 3)),
        ConvSpec((2, 3), (3, 2), (1, 2)),
        ConvSpec((3, 2), (1, 2), (0, 1), (2, 3)),
    ],
)
def test_window_sums_against_unfold(spec: ConvSpec) -> None:
    image = whole_numbers(3, 7, 6)
    weight = whole_numbers(2, 3, *spec.kernel_size, seed=1)
    bias = [0.5, -2.0]
    output = cross_correlate(image, weight, spec, bias=bias)
    assert not isinstance(spec.padding, str)
    columns = F.unfold(
        torch.from_numpy(image)[None], spec.kernel_size, spec.dilation, spec.padding, spec.stride
    )[0].numpy()  # (C * kh * kw, Ho * Wo)
    out_height, out_width = spec.output_size(7, 6)
    assert columns.shape[1] == out_height * out_width
    for k, row, column in itertools.product(range(2), range(out_height), range(out_width)):
        window = window_at(image, weight, spec, row, column, filter_index=k, bias=bias[k])
        unfolded = columns[:, row * out_width + column]
        assert_array_equal(window.values.flatten(), unfolded)
        assert_array_equal(window.weights, weight[k])
        assert_array_equal(window.products.flatten(), unfolded * weight[k].flatten())
        assert_array_equal(window.channel_sums, window.products.sum(axis=(1, 2)))
        assert window.total == output[k, row, column]


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("padding", [(1, 2), "same", "full"])
def test_window_positions_are_where_the_values_come_from(mode: PaddingMode, padding: Any) -> None:
    spec = ConvSpec((3, 2), 1, padding, (1, 2))
    image, weight = whole_numbers(2, 6, 7), whole_numbers(1, 2, 3, 2, seed=1)
    output = cross_correlate(image, weight, spec, padding_mode=mode)
    in_the_padding = 0
    for row, column in np.ndindex(*output.shape[1:]):
        window = window_at(image, weight, spec, row, column, padding_mode=mode)
        assert window.total == output[0, row, column]
        for (i, y), (j, x) in itertools.product(enumerate(window.rows), enumerate(window.columns)):
            if 0 <= y < 6 and 0 <= x < 7:
                assert_array_equal(window.values[:, i, j], image[:, y, x])
            elif mode == "zeros":
                assert_array_equal(window.values[:, i, j], 0)
                in_the_padding += 1
    assert in_the_padding > 0 or mode != "zeros"


def test_a_window_that_is_not_there() -> None:
    image, weight = whole_numbers(1, 4, 5), whole_numbers(2, 1, 3, 3)
    for place, message in [
        ((2, 0), "output row is 2: use a number from 0 to 1"),
        ((0, 3), "output column is 3: use a number from 0 to 2"),
        ((-1, 0), "output row is -1: use a whole number from 0 up"),
    ]:
        with pytest.raises(SettingError, match=message):
            window_at(image, weight, ConvSpec(3), *place)
    with pytest.raises(SettingError, match="filter is 2: use a number from 0 to 1"):
        window_at(image, weight, ConvSpec(3), 0, 0, filter_index=2)


# ------------------------------------------------------------- convolution as mathematics means it


def test_convolution_turns_the_filter_and_correlation_does_not() -> None:
    spark = np.zeros((1, 5, 5))
    spark[0, 2, 2] = 1
    kernel = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    assert_array_equal(convolve(spark, kernel, ConvSpec(3)), kernel[0])
    assert_array_equal(cross_correlate(spark, kernel, ConvSpec(3)), kernel[0, :, ::-1, ::-1])
    assert_array_equal(flip_kernel([[1, 2], [3, 4]]), [[4, 3], [2, 1]])


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_convolution_is_torchs_with_the_filter_turned(mode: PaddingMode) -> None:
    image, weight = whole_numbers(2, 6, 7), whole_numbers(3, 2, 2, 3, seed=1)
    bias = whole_numbers(3, seed=2)
    spec = ConvSpec((2, 3), (2, 1), 1, (1, 2))
    turned = torch.from_numpy(weight).flip(2, 3).numpy()
    expected = conv2d_module(
        image, turned, bias, mode, stride=spec.stride, padding=spec.padding, dilation=spec.dilation
    )
    assert expected is not None
    assert_array_equal(convolve(image, weight, spec, bias=bias, padding_mode=mode), expected)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.tuples(small, small), st.tuples(small, small), st.tuples(small, small))
def test_full_convolution_commutes_and_associates(one: Pair, two: Pair, three: Pair) -> None:
    """What makes it the convolution of mathematics; cross-correlation does neither."""

    def full(image: Array, kernel: Array) -> Any:
        height, width = kernel.shape
        spec = ConvSpec((height, width), padding="full")
        return convolve(image[np.newaxis], kernel[np.newaxis, np.newaxis], spec)[0]

    a, b, c = whole_numbers(*one), whole_numbers(*two, seed=1), whole_numbers(*three, seed=2)
    assert_array_equal(full(a, b), full(b, a))
    assert_array_equal(full(full(a, b), c), full(a, full(b, c)))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.integers(1, 12), small, st.integers(1, 4), st.integers(0, 3), st.integers(-9, 9))
def test_correlation_is_linear(
    size: int, kernel: int, stride: int, padding: int, factor: int
) -> None:
    assume(size + 2 * padding >= kernel)
    spec = ConvSpec(kernel, stride, padding)
    a, b = whole_numbers(2, size, size), whole_numbers(2, size, size, seed=1)
    weight = whole_numbers(1, 2, kernel, kernel, seed=2)
    assert_array_equal(
        cross_correlate(a + factor * b, weight, spec),
        cross_correlate(a, weight, spec) + factor * cross_correlate(b, weight, spec),
    )


# --------------------------------------------------------------------------------------- coverage


def reads_by_torch(spec: ConvSpec, height: int, width: int) -> Array:
    """The gradient of the sum of a filter of ones: how many windows read each padded cell."""
    (top, bottom), (left, right) = spec.pad_sides
    padded = torch.zeros(1, 1, top + height + bottom, left + width + right, requires_grad=True)
    ones = torch.ones(1, 1, *spec.kernel_size)
    F.conv2d(padded, ones, None, spec.stride, 0, spec.dilation).sum().backward()  # type: ignore[no-untyped-call]
    assert padded.grad is not None
    numbers: Array = padded.grad[0, 0].numpy()
    return numbers


def test_coverage_over_a_grid() -> None:
    unreached = skipped = 0
    for kernel, stride, padding, dilation in itertools.product(
        [1, 2, (3, 2)], [1, 2, (3, 5)], [0, (1, 2), "same", "full"], [1, 2, (1, 3)]
    ):
        spec = ConvSpec(kernel, stride, padding, dilation)  # type: ignore[arg-type]
        for height, width in [(1, 1), (5, 7), (8, 6)]:
            try:
                expected = reads_by_torch(spec, height, width)
            except (RuntimeError, NoOutputError):
                with pytest.raises(NoOutputError):
                    coverage(spec, height, width)
                continue
            found = coverage(spec, height, width)
            assert_array_equal(found.reads, expected)
            pads = spec.pad_sides
            for axis, size, tail, holes in [
                (0, height, found.unreached_rows, found.skipped_rows),
                (1, width, found.unreached_columns, found.skipped_columns),
            ]:
                never = np.flatnonzero(~expected.any(axis=1 - axis))
                last_read = np.flatnonzero(expected.any(axis=1 - axis)).max()
                assert_array_equal(tail, never[never > last_read])
                inside = never[never < last_read] - pads[axis][0]
                assert_array_equal(holes, inside[(inside >= 0) & (inside < size)])
                unreached, skipped = unreached + len(tail), skipped + len(holes)
    assert unreached > 0
    assert skipped > 0


def test_coverage_counts_as_fold_of_unfold_does() -> None:
    spec = ConvSpec((3, 2), (2, 1), 0, (1, 2))
    ones = torch.ones(1, 1, 8, 7)
    unfolded = F.unfold(ones, spec.kernel_size, spec.dilation, 0, spec.stride)
    folded = F.fold(unfolded, (8, 7), spec.kernel_size, spec.dilation, 0, spec.stride)
    assert_array_equal(coverage(spec, 8, 7).reads, folded[0, 0].numpy())


def test_coverage_of_a_pooling_includes_its_overhang() -> None:
    found = coverage(PoolSpec("max", 2, ceil_mode=True), 3, 4)
    assert_array_equal(found.reads, np.ones((4, 4)))  # one row hangs over the end
    assert found.unreached_rows == ()
    assert coverage(PoolSpec("max", 2), 3, 4).unreached_rows == (2,)


def test_every_read_is_counted_once() -> None:
    spec = ConvSpec((3, 2), (2, 3), 1, 2)
    out_height, out_width = spec.output_size(9, 11)
    assert coverage(spec, 9, 11).reads.sum() == out_height * out_width * 3 * 2


# ------------------------------------------------------------------------------- what does not fit


@pytest.mark.parametrize(
    ("image_shape", "weight_shape", "message"),
    [
        ((3, 5, 5), (1, 1, 3, 3), "each filter has 1 channels, but the image has 3: .* as deep as"),
        ((1, 5, 5), (1, 1, 3, 2), "the filters are 3 x 2, but kernel_size says 3 x 3"),
        ((1, 5, 5), (1, 3, 3), r"the filters have the shape \(1, 3, 3\): use \(filters, channels"),
        ((1, 5, 5), (0, 1, 3, 3), r"the filters have the shape \(0, 1, 3, 3\)"),
        (
            (5, 5),
            (1, 1, 3, 3),
            r"the image has the shape \(5, 5\): use \(channels, height, width\)",
        ),
        ((1, 0, 5), (1, 1, 3, 3), r"the image has the shape \(1, 0, 5\): .* none of them 0"),
    ],
)
def test_arrays_that_do_not_fit(
    image_shape: tuple[int, ...], weight_shape: tuple[int, ...], message: str
) -> None:
    image, weight = np.zeros(image_shape), np.zeros(weight_shape)
    with pytest.raises(ShapeError, match=message):
        cross_correlate(image, weight, ConvSpec(3))
    with pytest.raises(ShapeError, match=message):
        window_at(image, weight, ConvSpec(3), 0, 0)
    with pytest.raises(CnnvizError):
        torch_reference.conv2d(image, weight, ConvSpec(3))


def test_a_bias_that_does_not_fit() -> None:
    image, weight = np.zeros((1, 5, 5)), np.zeros((2, 1, 3, 3))
    for bias in (0.0, [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]):
        with pytest.raises(ShapeError, match=r"there are 2 filters: give one number for each"):
            cross_correlate(image, weight, ConvSpec(3), bias=bias)
    with pytest.raises(ShapeError, match="a kernel of the shape"):
        flip_kernel([1.0, 2.0])


def test_absurd_settings_allocate_nothing() -> None:
    image, weight = np.zeros((1, 5, 5)), np.zeros((1, 1, 3, 3))
    huge = 10**9
    for spec in (ConvSpec(huge), ConvSpec(3, dilation=huge)):
        with pytest.raises(NoOutputError, match="the padded input has 5"):
            cross_correlate(image, weight, spec)
        with pytest.raises(NoOutputError, match="the padded input has 5"):
            coverage(spec, 5, 5)
    for spec in (ConvSpec(3, padding=huge), ConvSpec(3, padding="full", dilation=huge)):
        with pytest.raises(
            NoOutputError, match=r"the padded image would have 1 x [24],000,000,005"
        ):
            cross_correlate(image, weight, spec)
        with pytest.raises(NoOutputError, match="the padded input would have"):
            coverage(spec, 5, 5)
        with pytest.raises(NoOutputError, match="the padded image would have"):
            window_at(image, weight, spec, 0, 0)
    with pytest.raises(NoOutputError, match="the output would have"):
        cross_correlate(np.zeros((1, 2048, 2048)), np.zeros((9, 1, 1, 1)), ConvSpec(1))
    assert_array_equal(cross_correlate(image, weight, ConvSpec(3, stride=huge)), [[[0]]])


def test_the_reference_says_why_torch_refuses() -> None:
    image, weight = np.zeros((1, 5, 5)), np.zeros((1, 1, 3, 3))
    with pytest.raises(NoOutputError, match="not supported for strided convolutions"):
        torch_reference.conv2d(image, weight, ConvSpec(3, 2, "same"))
    with pytest.raises(NoOutputError, match="Kernel size can't be greater than actual input size"):
        torch_reference.conv2d(image, weight, ConvSpec(3, dilation=3))
    with pytest.raises(NoOutputError, match="Padding size should be less than"):
        torch_reference.conv2d(image, weight, ConvSpec(3, padding=5), padding_mode="reflect")
