"""The inverse of the output size, against brute force with torch."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from cnnviz.errors import SettingError
from cnnviz.geometry import ConvSpec, find_settings

KERNELS, STRIDES, PADDINGS, DILATIONS = range(1, 8), range(1, 5), range(4), range(1, 3)


def output_size_by_torch(size: int, setting: tuple[int, int, int, int]) -> int | None:
    kernel, stride, padding, dilation = setting
    weight = torch.zeros(1, 1, kernel, device="meta")
    try:
        output = F.conv1d(
            torch.zeros(1, 1, size, device="meta"), weight, None, stride, padding, dilation
        )
    except RuntimeError:
        return None
    return output.shape[-1]


def as_numbers(spec: ConvSpec) -> tuple[int, int, int, int]:
    assert not isinstance(spec.padding, str)
    for height, width in (spec.kernel_size, spec.stride, spec.padding, spec.dilation):
        assert height == width
    return spec.kernel_size[0], spec.stride[0], spec.padding[0], spec.dilation[0]


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13, 32])
def test_every_setting_and_no_other(size: int) -> None:
    by_output: dict[int | None, list[tuple[int, int, int, int]]] = {}
    for setting in itertools.product(KERNELS, STRIDES, PADDINGS, DILATIONS):
        by_output.setdefault(output_size_by_torch(size, setting), []).append(setting)
    for output_size in range(1, size + 9):
        found = [as_numbers(spec) for spec in find_settings(size, output_size)]
        # product() counts up in the order that is promised: kernel, stride, padding, dilation
        assert found == by_output.get(output_size, [])


def test_from_32_to_16() -> None:
    found = find_settings(32, 16)
    assert found[0] == ConvSpec(1, stride=2)
    assert ConvSpec(3, stride=2, padding=1) in found
    assert ConvSpec(2, stride=2) in found
    parameters = [spec.count_parameters(3, 8) for spec in found]
    assert parameters == sorted(parameters)


def test_other_bounds() -> None:
    found = find_settings(
        28, 1, kernel_sizes=iter([28, 14, 14]), strides=iter([1]), paddings=[0], dilations={2, 1}
    )
    assert found == (ConvSpec(28),)
    assert find_settings(28, 1, kernel_sizes=[]) == ()


def test_bounds_and_sizes_that_make_no_sense() -> None:
    with pytest.raises(SettingError, match="input size is 0"):
        find_settings(0, 1)
    with pytest.raises(SettingError, match=r"output size is 2.5"):
        find_settings(5, 2.5)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="stride is 0"):
        find_settings(5, 5, strides=range(2))
    assert find_settings(5, 10**9) == ()
