"""What augmentation draws, and what it does to the pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from cnnviz.training.config import TrainingConfig
from cnnviz.training.pictures import Augmentation, DeviceImages, Normalization

PLAIN = Normalization((0.0,), (1.0,))
CPU = torch.device("cpu")


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(model="lenet5", dataset="mnist", **changes)


def augmented(
    images: npt.NDArray[np.uint8], *, epoch: int = 0, seed: int = 0, **changes: Any
) -> torch.Tensor:
    """All images as they are trained on in one batch, 0 to 1; normalization changes nothing."""
    settings = config(**changes)
    count = len(images)
    on_device = DeviceImages(images, np.arange(count), PLAIN, CPU, margin=settings.shift)
    augmentation = Augmentation(settings, count, torch.Generator().manual_seed(99))
    generator = torch.Generator().manual_seed(seed)
    return augmentation.batch(on_device, torch.arange(count), epoch, generator)


def random_images(count: int, height: int = 9, width: int = 7) -> npt.NDArray[np.uint8]:
    shape = (count, height, width, 1)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def as_batch(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.tensor(images).permute(0, 3, 1, 2).float() / 255


class Dice:
    """Stands in for torch.rand in pictures.py: gives what the test wants, in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *values: torch.Tensor) -> None:
        self.values = list(values)
        monkeypatch.setattr("cnnviz.training.pictures.torch.rand", self.give)

    def give(self, *size: int, generator: torch.Generator) -> torch.Tensor:
        value = self.values.pop(0)
        assert value.shape == size
        return value


def test_without_settings_nothing_changes() -> None:
    images = random_images(5)
    torch.testing.assert_close(augmented(images), as_batch(images))


EVERYTHING: dict[str, Any] = {
    "flip": "random",
    "shift": 2,
    "rotation_deg": 20.0,
    "scaling": 0.2,
    "cutout": 3,
}


@pytest.mark.parametrize("changes", [{name: value} for name, value in EVERYTHING.items()])
def test_only_its_own_generator_is_drawn_from(changes: dict[str, Any]) -> None:
    images = random_images(20)
    first = augmented(images, seed=1, **changes)
    before = torch.random.get_rng_state()
    torch.rand(3)
    moved = torch.random.get_rng_state()
    assert torch.equal(augmented(images, seed=1, **changes), first)
    assert torch.equal(torch.random.get_rng_state(), moved)
    torch.random.set_rng_state(before)
    assert not torch.equal(augmented(images, seed=2, **changes), first)


# -------------------------------------------------------------------------------- flips and shifts


def test_alternating_flip_mirrors_every_image_in_every_other_epoch() -> None:
    images = random_images(200)
    plain = as_batch(images)
    started = None
    for epoch in range(5):
        batch = augmented(images, epoch=epoch, seed=epoch, flip="alternating")
        as_it_was = (batch - plain).abs().amax((1, 2, 3)) < 1e-6
        mirrored = (batch - plain.flip(3)).abs().amax((1, 2, 3)) < 1e-6
        assert (as_it_was ^ mirrored).all()
        if started is None:
            started = mirrored
            assert 60 < int(mirrored.sum()) < 140
        assert torch.equal(mirrored, started ^ bool(epoch % 2))


def test_alternating_flip_goes_by_the_image_not_by_its_place() -> None:
    images = random_images(50)
    on_device = DeviceImages(images, np.arange(50), PLAIN, CPU)
    generator = torch.Generator().manual_seed(0)
    augmentation = Augmentation(config(flip="alternating"), 50, generator)
    order = torch.randperm(50, generator=generator)
    straight = augmentation.batch(on_device, torch.arange(50), 0, generator)
    assert torch.equal(augmentation.batch(on_device, order, 0, generator), straight[order])


def test_random_flip_mirrors_about_half() -> None:
    images = random_images(1000)
    batch, plain = augmented(images, flip="random"), as_batch(images)
    mirrored = (batch - plain.flip(3)).abs().amax((1, 2, 3)) < 1e-6
    as_it_was = (batch - plain).abs().amax((1, 2, 3)) < 1e-6
    assert (as_it_was ^ mirrored).all()
    assert 430 < int(mirrored.sum()) < 570


def test_shifts_are_uniform_over_all_places() -> None:
    images = random_images(5000)
    batch = augmented(images, shift=2).numpy()[:, 0]
    padded = np.pad(images[..., 0] / 255, ((0, 0), (2, 2), (2, 2)), mode="reflect")
    counts = np.zeros((5, 5))
    for down in range(5):
        for right in range(5):
            crop = padded[:, down : down + 9, right : right + 7]
            counts[down, right] = (np.abs(batch - crop).max((1, 2)) < 1e-6).sum()
    assert counts.sum() == 5000
    assert counts.min() > 140  # 200 each; the standard deviation is 14
    assert counts.max() < 260


# --------------------------------------------------------------------------------- turn and scale


def turned_in_a_loop(
    image: npt.NDArray[np.float64], angle: float, tall: float, wide: float
) -> npt.NDArray[np.float64]:
    """In pixels: each output pixel looks back to where it came from, between four pixels."""
    height, width = image.shape
    output = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            x, y = column - (width - 1) / 2, row - (height - 1) / 2
            from_x = (math.cos(angle) * x - math.sin(angle) * y) / wide + (width - 1) / 2
            from_y = (math.sin(angle) * x + math.cos(angle) * y) / tall + (height - 1) / 2
            from_x, from_y = np.clip(from_x, 0, width - 1), np.clip(from_y, 0, height - 1)
            left, top = math.floor(from_x), math.floor(from_y)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            a, b = from_x - left, from_y - top
            upper = (1 - a) * image[top, left] + a * image[top, right]
            lower = (1 - a) * image[bottom, left] + a * image[bottom, right]
            output[row, column] = (1 - b) * upper + b * lower
    return output


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 9), (9, 5), (4, 10)])
def test_turning_against_a_loop_over_pixels(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    images = random_images(6, height, width)
    angles = torch.tensor([0.0, 1.0, 0.5, 0.8, 0.3, 0.6])  # 0 to 1 stands for -40 to 40 degrees
    scales = torch.tensor([[0.5, 0.5], [0.5, 0.5], [1, 1], [0, 0], [0, 1], [0.9, 0.4]])
    mirror = torch.ones(6)
    Dice(monkeypatch, mirror, angles, scales)
    batch = augmented(images, rotation_deg=40, scaling=0.25)
    for number in range(6):
        angle = math.radians((2 * float(angles[number]) - 1) * 40)
        tall, wide = (1 + (2 * float(share) - 1) * 0.25 for share in scales[number])
        expected = turned_in_a_loop(images[number, :, :, 0] / 255, angle, tall, wide)
        np.testing.assert_allclose(batch[number, 0].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize(("draw", "turns"), [(0.0, -1), (1.0, 1), (0.5, 0)])
def test_quarter_turns_are_exact(monkeypatch: pytest.MonkeyPatch, draw: float, turns: int) -> None:
    images = random_images(3, 8, 8)
    Dice(monkeypatch, torch.ones(3), torch.full((3,), draw), torch.full((3, 2), 0.5))
    batch = augmented(images, rotation_deg=90)
    torch.testing.assert_close(batch, as_batch(images).rot90(turns, (2, 3)), rtol=0, atol=1e-4)


def test_angles_and_scales_stay_within_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the matrices that are handed to torch."""
    import torch.nn.functional as F

    matrices = []
    original = F.affine_grid

    def spy(matrix: torch.Tensor, size: list[int], align_corners: bool) -> torch.Tensor:
        matrices.append(matrix)
        return original(matrix, size, align_corners)

    monkeypatch.setattr(F, "affine_grid", spy)
    augmented(random_images(2000, 8, 8), rotation_deg=30, scaling=0.25)
    ((first, second),) = [(m[:, 0, :2].numpy(), m[:, 1, :2].numpy()) for m in matrices]
    wide, tall = 1 / np.linalg.norm(first, axis=1), 1 / np.linalg.norm(second, axis=1)
    angles = np.degrees(np.arctan2(second[:, 0], second[:, 1]))
    for values, low, high in ((wide, 0.75, 1.25), (tall, 0.75, 1.25), (angles, -30, 30)):
        assert low - 1e-4 <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high + 1e-4
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
    assert abs(np.corrcoef(wide, tall)[0, 1]) < 0.1


# ----------------------------------------------------------------------------------------- cutout


@pytest.mark.parametrize("side", [1, 2, 3, 4, 6])
def test_cutout_hides_one_square_clipped_at_the_border(side: int) -> None:
    white = np.full((500, 9, 7, 1), 255, dtype=np.uint8)
    hidden = augmented(white, cutout=side)[:, 0].numpy() == 0
    heights = hidden.any(2).sum(1)
    widths = hidden.any(1).sum(1)
    np.testing.assert_array_equal(hidden.sum((1, 2)), heights * widths)  # a full rectangle
    assert heights.max() == side
    assert widths.max() == side
    for mask in hidden:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        for places, length in ((rows, 9), (columns, 7)):
            inside = len(places) == side
            at_border = len(places) == 0 or places[0] == 0 or places[-1] == length - 1
            assert inside or at_border


def test_cutouts_centre_is_uniform_over_the_image() -> None:
    """With a side of one pixel the square is its centre."""
    white = np.full((6300, 9, 7, 1), 255, dtype=np.uint8)
    hidden = augmented(white, cutout=1)[:, 0] == 0
    assert (hidden.sum((1, 2)) == 1).all()
    counts = hidden.sum(0)  # 100 each; the standard deviation is 10
    assert int(counts.min()) > 60
    assert int(counts.max()) < 140


def test_cutout_leaves_the_rest_alone() -> None:
    images = np.maximum(random_images(50), 1)
    batch, plain = augmented(images, cutout=3), as_batch(images)
    assert ((batch == 0) | ((batch - plain).abs() < 1e-6)).all()
    assert (batch == 0).any((1, 2, 3)).all()


def test_everything_together_keeps_the_shape() -> None:
    batch = augmented(random_images(11), **EVERYTHING)
    assert batch.shape == (11, 1, 9, 7)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch.isfinite().all()
