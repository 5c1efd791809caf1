"""Normalization, held-out images and batches on the device, against loops over images in numpy."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.errors import SettingError
from cnnviz.training.pictures import DeviceImages, Normalization, hold_out, measure_normalization

CPU = torch.device("cpu")
Bytes = npt.NDArray[np.uint8]


def random_images(*shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# ---------------------------------------------------------------------------------- normalization


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("high", [5, 60, 256])
def test_normalization_is_that_of_numpy(channels: int, high: int) -> None:
    images = np.random.default_rng(high).integers(0, high, (50, 7, 5, channels), dtype=np.uint8)
    measured = measure_normalization(images)
    pixels = images.astype(np.float64) / 255
    np.testing.assert_allclose(measured.mean, pixels.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(measured.std, pixels.std((0, 1, 2)), rtol=1e-10)


def test_a_channel_that_never_changes() -> None:
    measured = measure_normalization(np.full((4, 3, 3, 1), 51, dtype=np.uint8))
    assert measured.mean == pytest.approx((0.2,))
    assert measured.std == (1 / 255,)


# --------------------------------------------------------------------------------- held-out images


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=10).filter(lambda sizes: sum(sizes) > 0),
    st.floats(0, 1, exclude_max=True),
)
def test_each_class_gives_the_same_share(sizes: list[int], share: float) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    count = floor(share * len(labels))
    training, held_out = hold_out(labels, count)
    assert len(held_out) == count
    assert sorted([*training, *held_out]) == list(range(len(labels)))
    assert sorted(training) == list(training)
    given_by = np.bincount(labels[held_out], minlength=len(sizes))
    for label, size in enumerate(sizes):
        exact = Fraction(size * count, len(labels))
        assert floor(exact) <= given_by[label] <= floor(exact) + (exact.denominator > 1)
        first = np.flatnonzero(labels == label)[: given_by[label]]
        np.testing.assert_array_equal(held_out[labels[held_out] == label], first)


@pytest.mark.parametrize("count", [5000, 4999, 5001, 1, 0, 12_345])
def test_of_the_full_data_set(count: int) -> None:
    labels = np.repeat(np.arange(10), 5000)
    training, held_out = hold_out(labels, count)
    given_by = np.bincount(labels[held_out], minlength=10)
    assert given_by.sum() == count
    assert given_by.max() - given_by.min() <= (1 if count % 10 else 0)
    assert len(training) == 50_000 - count


@pytest.mark.parametrize("count", [20, 21, -1])
def test_not_as_many_as_there_are(count: int) -> None:
    with pytest.raises(SettingError, match=f"validation_count is {count}, but there are 20 train"):
        hold_out(np.arange(20) % 10, count)


# ----------------------------------------------------------------------------------------- batches


def reflected(position: int, length: int) -> int:
    """Where a pixel outside lies when the edge is a mirror through the last pixel."""
    if position < 0:
        return -position
    return 2 * (length - 1) - position if position >= length else position


def batch_in_a_loop(
    images: Bytes,
    normalization: Normalization,
    indices: list[int],
    shifts: list[list[int]],
    flips: list[bool],
) -> npt.NDArray[np.float64]:
    """The batch, pixel by pixel: shifted, then mirrored, then normalized."""
    _, height, width, channels = images.shape
    batch = np.zeros((len(indices), channels, height, width))
    for number, (index, (down, right), flip) in enumerate(zip(indices, shifts, flips, strict=True)):
        for row in range(height):
            for column in range(width):
                from_row = reflected(row + down, height)
                # What is mirrored is the shifted image, so the column is counted from the right.
                there = width - 1 - column if flip else column
                pixel = images[index, from_row, reflected(there + right, width)]
                for channel in range(channels):
                    mean, std = normalization.mean[channel], normalization.std[channel]
                    batch[number, channel, row, column] = (pixel[channel] / 255 - mean) / std
    return batch


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("margin", [0, 1, 3])
def test_batches_against_a_loop(channels: int, margin: int) -> None:
    images = random_images(6, 5, 7, channels)
    labels = np.arange(6)
    normalization = Normalization((0.5, 0.3, 0.1)[:channels], (0.2, 0.4, 0.25)[:channels])
    on_device = DeviceImages(images, labels, normalization, CPU, margin=margin)
    generator = np.random.default_rng(margin)
    grid = range(-margin, margin + 1)
    shifts = [[down, right] for down in grid for right in grid for _ in range(2)]
    flips = [True, False] * (len(shifts) // 2)
    indices = generator.integers(0, 6, len(shifts)).tolist()
    batch = on_device.batch(
        torch.tensor(indices), shifts=torch.tensor(shifts), flips=torch.tensor(flips)
    )
    expected = batch_in_a_loop(images, normalization, indices, shifts, flips)
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(batch.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_plain_batches_are_the_images() -> None:
    images = random_images(6, 4, 5, 3)
    labels = np.array([3, 1, 4, 1, 5, 9])
    on_device = DeviceImages(images, labels, Normalization((0, 0, 0), (1, 1, 1)), CPU, margin=2)
    assert on_device.labels.tolist() == labels.tolist()
    assert (on_device.count, on_device.height, on_device.width, on_device.channels) == (6, 4, 5, 3)
    batch = on_device.batch(torch.tensor([4, 0, 4]))
    np.testing.assert_allclose(
        batch.permute(0, 2, 3, 1).numpy() * 255, images[[4, 0, 4]], rtol=1e-6, atol=1e-4
    )
    mirrored = on_device.batch(torch.tensor([4]), flips=torch.tensor([True]))
    torch.testing.assert_close(mirrored, batch[:1].flip(3))


def test_the_images_of_the_training_are_not_changed() -> None:
    images = random_images(3, 4, 4, 1)
    images.flags.writeable = False
    on_device = DeviceImages(images, np.arange(3), Normalization((0.1,), (0.2,)), CPU)
    first = on_device.batch(torch.arange(3))
    kept = first.clone()
    first.zero_()
    torch.testing.assert_close(on_device.batch(torch.arange(3)), kept)


def test_none_at_all() -> None:
    images, normalization = random_images(0, 4, 4, 3), Normalization((0, 0, 0), (1, 1, 1))
    assert DeviceImages(images, np.arange(0), normalization, CPU).count == 0
