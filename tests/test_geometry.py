"""The sizes: against torch's shapes on the meta device, and every setting that must be refused."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.axis import AxisSpec
from cnnviz.errors import CnnvizError, NoOutputError, SettingError
from cnnviz.geometry import MAX_CELLS, ConvSpec, Pair, PoolSpec, TransposedConvSpec

Size = tuple[int, int]


def shape_by_torch(
    function: Callable[..., torch.Tensor],
    size: Size,
    *settings: Any,
    device: str = "cpu",
    **named: Any,
) -> Size | None:
    """The output size for an image of one channel, or None where torch refuses."""
    image = torch.zeros(1, 1, *size, device=device, dtype=torch.float64)
    try:
        output = function(image, *settings, **named)
    except (RuntimeError, ValueError):
        return None
    return output.shape[2], output.shape[3]


def shape_by_us(output_size: Callable[[int, int], Pair], size: Size) -> Size | None:
    try:
        return output_size(*size)
    except NoOutputError:
        return None


# ------------------------------------------------------------------------------------- the grids


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 5), (5, 5), (7, 4), (8, 9)])
def test_conv_output_size_over_a_grid(size: Size) -> None:
    refused = 0
    for kernel, stride, padding, dilation in itertools.product(
        range(1, 6), range(1, 5), range(4), range(1, 4)
    ):
        # The width takes other settings than the height, so that mixing them up shows.
        spec = ConvSpec(
            (kernel, 1 + kernel % 4), (stride, 5 - stride), (padding, 3 - padding), dilation
        )
        weight = torch.zeros(1, 1, *spec.kernel_size, dtype=torch.float64)
        by_torch = shape_by_torch(
            F.conv2d, size, weight, None, spec.stride, spec.padding, spec.dilation
        )
        assert shape_by_us(spec.output_size, size) == by_torch, spec
        refused += by_torch is None
    assert refused > 0 or min(size) >= 7


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_padding_by_name_over_a_grid(padding: str) -> None:
    for kernel_y, kernel_x, stride, dilation in itertools.product(
        range(1, 5), range(1, 5), [(1, 1), (2, 2), (1, 2)], [(1, 1), (2, 1), (3, 2)]
    ):
        spec = ConvSpec((kernel_y, kernel_x), stride, padding, dilation)  # type: ignore[arg-type]
        weight = torch.zeros(1, 1, kernel_y, kernel_x, dtype=torch.float64)
        for size in [(1, 1), (3, 6), (7, 5)]:
            by_torch = shape_by_torch(
                F.conv2d, size, weight, None, spec.stride, padding, spec.dilation
            )
            assert shape_by_us(spec.output_size, size) == by_torch, spec
            if padding == "same" and stride == (1, 1):
                assert by_torch == size


def test_full_padding_has_a_window_for_every_overlap() -> None:
    for kernel, stride, dilation, size in itertools.product(
        range(1, 5), range(1, 4), range(1, 4), range(1, 7)
    ):
        spec = ConvSpec(kernel, stride, "full", dilation)
        extent = dilation * (kernel - 1) + 1
        touching = range(1 - extent, size, stride)
        assert spec.output_size(size, size) == (len(touching), len(touching))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 5), (6, 6), (9, 7)])
def test_max_pool_output_size_over_a_grid(size: Size, ceil_mode: bool) -> None:
    agreed = {"refused setting": 0, "no output": 0, "output": 0}
    for kernel, stride, padding, dilation in itertools.product(
        range(1, 6), range(1, 7), range(4), range(1, 4)
    ):
        by_torch = shape_by_torch(
            F.max_pool2d, size, kernel, stride, padding, dilation, ceil_mode=ceil_mode
        )
        try:
            spec = PoolSpec("max", kernel, stride, padding, dilation, ceil_mode)
        except SettingError:
            assert by_torch is None
            agreed["refused setting"] += 1
            continue
        assert shape_by_us(spec.output_size, size) == by_torch, spec
        agreed["no output" if by_torch is None else "output"] += 1
    assert agreed["refused setting"] > 0
    assert agreed["output"] > 0


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 5), (6, 6), (9, 7)])
def test_average_pool_output_size_over_a_grid(size: Size, ceil_mode: bool) -> None:
    refused = 0
    for kernel, stride, padding in itertools.product(
        itertools.product(range(1, 5), range(1, 5)), range(1, 6), range(3)
    ):
        by_torch = shape_by_torch(F.avg_pool2d, size, kernel, stride, padding, ceil_mode)
        try:
            spec = PoolSpec("average", kernel, stride, padding, ceil_mode=ceil_mode)
        except SettingError:
            assert by_torch is None
            refused += 1
            continue
        assert shape_by_us(spec.output_size, size) == by_torch, spec
    assert refused > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (5, 5)])
def test_transposed_output_size_over_a_grid(size: Size) -> None:
    agreed = {"refused setting": 0, "no output": 0, "output": 0}
    for kernel, stride, padding, extra, dilation in itertools.product(
        range(1, 5), range(1, 4), range(5), range(4), range(1, 4)
    ):
        weight = torch.zeros(1, 1, kernel, kernel, dtype=torch.float64)
        by_torch = shape_by_torch(
            F.conv_transpose2d, size, weight, None, stride, padding, extra, dilation=dilation
        )
        try:
            spec = TransposedConvSpec(kernel, stride, padding, extra, dilation)
        except SettingError:
            assert by_torch is None
            agreed["refused setting"] += 1
            continue
        assert shape_by_us(spec.output_size, size) == by_torch, spec
        agreed["no output" if by_torch is None else "output"] += 1
    assert agreed["refused setting"] > 0
    assert agreed["output"] > 0
    assert agreed["no output"] > 0 or min(size) >= 5


# ----------------------------------------------------------------- far beyond the grids, on "meta"

numbers = st.integers(1, 60)
paddings = st.integers(0, 40)
sizes = st.integers(1, 3000)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.tuples(sizes, sizes),
    st.tuples(numbers, numbers),
    st.tuples(numbers, numbers),
    st.tuples(paddings, paddings),
    st.tuples(numbers, numbers),
)
def test_conv_output_size_of_any_settings(
    size: Size, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    weight = torch.zeros(1, 1, *kernel, device="meta", dtype=torch.float64)
    by_torch = shape_by_torch(
        F.conv2d, size, weight, None, stride, padding, dilation, device="meta"
    )
    assert shape_by_us(ConvSpec(kernel, stride, padding, dilation).output_size, size) == by_torch


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.tuples(sizes, sizes),
    st.tuples(numbers, numbers),
    st.tuples(numbers, numbers),
    st.tuples(paddings, paddings),
    st.booleans(),
)
def test_pool_output_size_of_any_settings(
    size: Size, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool
) -> None:
    by_torch = shape_by_torch(F.avg_pool2d, size, kernel, stride, padding, ceil_mode, device="meta")
    try:
        spec = PoolSpec("average", kernel, stride, padding, ceil_mode=ceil_mode)
    except SettingError:
        assert by_torch is None
    else:
        assert shape_by_us(spec.output_size, size) == by_torch


@settings(deadline=None, derandomize=True, max_examples=100)
@given(sizes, numbers, numbers, paddings, numbers)
def test_transposed_turns_the_shapes_of_a_convolution_round(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    """The output_padding that PyTorch's documentation asks for is the convolution's remainder."""
    axis = AxisSpec(kernel, stride, padding, padding, dilation)
    if axis.numerator(size) < 0:
        return
    spec = TransposedConvSpec(kernel, stride, padding, axis.remainder(size), dilation)
    windows = axis.output_size(size)
    assert spec.output_size(windows, windows) == (size, size)


# ------------------------------------------------------------------------------- one axis, in words


def test_the_lesson_example_with_padding_1_and_stride_2() -> None:
    spec = ConvSpec(3, stride=2, padding=1)
    axis = spec.axes[0]
    assert spec.output_size(5, 5) == (3, 3)
    assert axis.numerator(5) == 4
    assert axis.remainder(5) == 0
    assert [axis.window_start(index) for index in range(3)] == [-1, 1, 3]
    assert axis.window_positions(0) == (-1, 0, 1)


def test_what_the_floor_throws_away() -> None:
    axis = AxisSpec(kernel_size=3, stride=2)
    assert axis.output_size(6) == 2  # windows at 0 and 2; cell 5 is never reached
    assert axis.remainder(6) == 1
    assert axis.unreached(6) == (5,)
    assert axis.skipped(6) == ()
    assert axis.reads(6) == (1, 1, 2, 1, 1, 0)


def test_what_a_stride_larger_than_the_kernel_jumps_over() -> None:
    axis = AxisSpec(kernel_size=2, stride=3, pad_before=1, pad_after=1)
    assert axis.reads(6) == (1, 1, 0, 1, 1, 0, 1, 1)
    assert axis.skipped(6) == (1, 4)
    assert axis.unreached(6) == ()


def test_what_lies_in_the_holes_of_a_dilation() -> None:
    axis = AxisSpec(kernel_size=2, stride=4, dilation=2)
    assert axis.reads(8) == (1, 0, 1, 0, 1, 0, 1, 0)
    assert axis.unreached(8) == (7,)
    assert axis.skipped(8) == (1, 3, 5)


def test_a_negative_pad_crops() -> None:
    axis = AxisSpec(kernel_size=1, stride=2, pad_before=-1, pad_after=-1)
    assert axis.padded_size(6) == 4
    assert axis.reads(6) == (1, 0, 1, 0)  # of the cells 1 to 4
    assert axis.unreached(6) == (3,)
    assert axis.skipped(6) == (0, 2)


def test_same_puts_the_uneven_cell_after() -> None:
    assert ConvSpec((4, 3), padding="same").pad_sides == ((1, 2), (1, 1))
    assert ConvSpec((2, 4), padding="same", dilation=(3, 1)).pad_sides == ((1, 2), (1, 2))
    assert ConvSpec(3, padding="full", dilation=2).pad_sides == ((4, 4), (4, 4))


def test_the_equivalent_convolution_of_a_transposed_one() -> None:
    rows, columns = TransposedConvSpec((3, 1), 2, (1, 2), (1, 0)).equivalent_conv
    assert (rows.stride, rows.pad_before, rows.pad_after) == (1, 1, 2)
    assert (columns.stride, columns.pad_before, columns.pad_after) == (1, -2, -2)  # a crop


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.integers(1, 40), st.integers(1, 6), st.integers(1, 8), st.integers(0, 6), st.integers(1, 4)
)
def test_reads_are_those_of_a_sliding_window(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    axis = AxisSpec(kernel, stride, padding, padding, dilation)
    if axis.numerator(size) < 0:
        with pytest.raises(NoOutputError):
            axis.reads(size)
        return
    # The gradient of the sum of a filter of ones is the number of windows that read each cell.
    padded = torch.zeros(1, 1, size + 2 * padding, requires_grad=True)
    F.conv1d(padded, torch.ones(1, 1, kernel), None, stride, 0, dilation).sum().backward()  # type: ignore[no-untyped-call]
    assert padded.grad is not None
    counts = [int(count) for count in padded.grad.flatten()]
    assert list(axis.reads(size)) == counts

    never = [position for position, count in enumerate(counts) if count == 0]
    last_read = max(position for position, count in enumerate(counts) if count)
    assert list(axis.unreached(size)) == [position for position in never if position > last_read]
    assert list(axis.skipped(size)) == [
        position - padding
        for position in never
        if position < last_read and 0 <= position - padding < size
    ]


# ------------------------------------------------------------------------------- parameters, MACs


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kernel", "channels"), [(5, (1, 6)), ((3, 2), (4, 3)), (1, (16, 8))])
def test_parameters_are_those_of_conv2d(kernel: int | Pair, channels: Pair, bias: bool) -> None:
    layer = torch.nn.Conv2d(*channels, kernel, bias=bias)
    expected = sum(parameter.numel() for parameter in layer.parameters())
    assert ConvSpec(kernel).count_parameters(*channels, bias=bias) == expected


def test_macs_are_half_of_torchs_flops() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    layer = torch.nn.Conv2d(3, 8, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2))
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, 3, 11, 9))
    spec = ConvSpec((3, 2), (2, 1), 1, (1, 2))
    assert spec.count_macs(11, 9, 3, 8) == counter.get_total_flops() // 2


# ------------------------------------------------------------------------------------ the settings


def test_settings_become_pairs() -> None:
    spec = ConvSpec(3, [2, 1], np.int64(1), (1, 2))  # type: ignore[arg-type]
    assert spec == ConvSpec((3, 3), (2, 1), (1, 1), (1, 2))
    assert all(type(value) is int for value in spec.padding)
    assert ConvSpec(3, padding="same").padding == "same"
    assert PoolSpec("max", (2, 3)).stride == (2, 3)
    assert TransposedConvSpec(3, 2, output_padding=1).output_padding == (1, 1)


@pytest.mark.parametrize(
    "spec",
    [
        ConvSpec(3, 2, "full"),
        PoolSpec("average", 2, 1, 1, ceil_mode=True),
        TransposedConvSpec(3, 2, 1, 1),
        AxisSpec(3),
    ],
)
def test_settings_are_frozen_values(
    spec: ConvSpec | PoolSpec | TransposedConvSpec | AxisSpec,
) -> None:
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(dataclasses.replace(spec)) == hash(spec)
    assert dataclasses.replace(spec, kernel_size=5) != spec  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.kernel_size = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stride": 0}, "stride is 0: use a whole number from 1 up"),
        ({"padding": -1}, "padding is -1: use a whole number from 0 up"),
        ({"kernel_size": 0}, "kernel_size is 0: use a whole number from 1 up"),
        ({"kernel_size": (3, 0)}, r"kernel_size \(width\) is 0"),
        (
            {"kernel_size": (3, 3, 3)},
            r"kernel_size has 3 values: use one number, or \(height, width\)",
        ),
        ({"kernel_size": "cat"}, "kernel_size is 'cat': use a whole number"),
        ({"kernel_size": 3.0}, r"kernel_size is 3\.0: use a whole number"),
        ({"kernel_size": float("nan")}, "kernel_size is nan"),
        ({"kernel_size": None}, "kernel_size is None"),
        ({"kernel_size": np.array([3, 3])}, r"kernel_size is array\(\[3, 3\]\)"),
        ({"dilation": True}, "dilation is True: use a whole number"),
        ({"dilation": (1, False)}, r"dilation \(width\) is False"),
        ({"padding": "cat"}, "padding 'cat' is unknown: .* 'valid', 'same', 'full'"),
        ({"padding": "x" * 10**6}, r"padding 'x{56}\.\.\. is unknown"),
        ({"stride": 2**63}, "stride has 64 bits: use a number below"),
        ({"stride": 10**10000}, "stride has 33220 bits"),
        ({"stride": [10**10000] * 3}, "stride has 3 values"),
        ({"stride": {10**10000}}, "stride is a set that is too long to print"),
    ],
)
def test_a_setting_that_can_never_be_right(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        ConvSpec(**{"kernel_size": 3, **arguments})  # type: ignore[arg-type]


def test_other_settings_that_can_never_be_right() -> None:
    with pytest.raises(SettingError, match="pooling of kind 'median' is unknown"):
        PoolSpec("median", 2)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="average pooling has no dilation"):
        PoolSpec("average", 2, dilation=2)
    with pytest.raises(SettingError, match="ceil_mode is 1: use True or False"):
        PoolSpec("max", 2, ceil_mode=1)  # type: ignore[arg-type]
    with pytest.raises(
        SettingError, match=r"padding 2 is more than half of the kernel size 3: .* 1"
    ):
        PoolSpec("max", 3, 1, 2, dilation=2)
    with pytest.raises(SettingError, match=r"output_padding 2 must be smaller than the stride .2."):
        TransposedConvSpec(3, 2, output_padding=2)
    with pytest.raises(SettingError, match="pad_before is 'a': use a whole number"):
        AxisSpec(3, pad_before="a")  # type: ignore[arg-type]
    for size in (0, -1, 2.5, True):
        with pytest.raises(SettingError, match="size is"):
            ConvSpec(1).output_size(size, 3)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="in_channels is 0"):
        ConvSpec(1).count_parameters(0, 1)


def test_settings_that_leave_no_output() -> None:
    with pytest.raises(
        NoOutputError, match=r"no output in width: a kernel of 4 .* has 3 .0 . 3 . 0."
    ):
        ConvSpec((3, 4)).output_size(5, 3)
    with pytest.raises(NoOutputError, match=r"dilation 3 reaches over 7 cells.*make the kernel"):
        ConvSpec(3, dilation=3).output_size(6, 9)
    with pytest.raises(NoOutputError, match=r"padding 'same' needs stride 1, not \(1, 2\)"):
        ConvSpec(3, (1, 2), "same").output_size(9, 9)
    with pytest.raises(
        NoOutputError, match=r"no output in height: .*padding 3 crops .* both sides"
    ):
        TransposedConvSpec(3, padding=3).output_size(2, 8)
    with pytest.raises(NoOutputError, match="a kernel of 7"):
        PoolSpec("max", 7).output_size(6, 8)


def test_absurd_settings_are_answered_at_once() -> None:
    huge = 10**9
    with pytest.raises(NoOutputError, match="a kernel of 1000000000"):
        ConvSpec(huge).output_size(5, 5)
    assert ConvSpec(huge, padding="same").output_size(5, 5) == (5, 5)
    with pytest.raises(NoOutputError, match=f"more than the {MAX_CELLS:,} that are computed here"):
        AxisSpec(3, 1, huge, huge).reads(5)
    with pytest.raises(NoOutputError, match="all windows together"):
        AxisSpec(10**6, 1, 10**6, 10**6).reads(5)
    with pytest.raises(NoOutputError, match="one window"):
        AxisSpec(huge, 1, huge, huge).window_positions(0)
    with pytest.raises(NoOutputError, match="what no window reaches"):
        AxisSpec(1, huge, 0, huge - 9).unreached(5)
    assert AxisSpec(3, huge).unreached(5) == (3, 4)
    assert issubclass(NoOutputError, CnnvizError)
    assert issubclass(SettingError, ValueError)
