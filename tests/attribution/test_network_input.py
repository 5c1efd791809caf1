"""A photograph becomes a picture that a network takes; each step is there to see."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from cnnviz.attribution.network_input import DIGIT_SIDE, fit_picture
from cnnviz.data.catalogue import CIFAR10, DATASETS, MNIST
from cnnviz.errors import SettingError
from cnnviz.pictures import Picture, read_picture, sample_picture
from tests.attribution.networks import subject_named

Pixels = npt.NDArray[np.uint8]


def picture_of(pixels: Pixels) -> Picture:
    return Picture(np.ascontiguousarray(pixels))


def random_pixels(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda info: str(info.name))
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (32, 32), (28, 28), (57, 41)])
def test_any_picture_fits(dataset: object, size: tuple[int, int]) -> None:
    info = DATASETS["cifar10" if dataset is CIFAR10 else "mnist"]
    made = fit_picture(picture_of(random_pixels(*size)), info)
    assert made.pixels.shape == info.image_shape
    assert made.pixels.dtype == np.uint8
    assert not made.pixels.flags.writeable
    subject_named("lenet5-cifar10" if info is CIFAR10 else "lenet5-mnist", picture=made.pixels)


def test_a_picture_of_the_right_size_is_taken_as_it_is() -> None:
    pixels = random_pixels(32, 32)
    made = fit_picture(picture_of(pixels), CIFAR10)
    np.testing.assert_array_equal(made.pixels, pixels)
    assert made.notes == ()


@pytest.mark.parametrize(("place", "left"), [(0, 0), (0.5, 32), (1, 64), (0.25, 16)])
def test_the_square_lies_where_it_is_asked_for(place: float, left: int) -> None:
    pixels = random_pixels(64, 128)
    made = fit_picture(picture_of(pixels), CIFAR10, place=place)
    assert (made.top, made.left) == (0, left)
    np.testing.assert_array_equal(made.cut, pixels[:, left : left + 64])
    # 64 to 32: each pixel is the mean of four, rounded after rows and after columns.
    means = made.cut.reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(made.pixels - means).max() <= 1
    assert made.notes == (
        "Cut to a square of 64 × 64 pixels.",
        "Made smaller from 64 × 64 to 32 × 32 pixels: each pixel is the mean of those it covers.",
    )
    upright = fit_picture(picture_of(pixels.transpose(1, 0, 2)), CIFAR10, place=place)
    assert (upright.top, upright.left) == (left, 0)


def test_a_small_picture_is_enlarged() -> None:
    made = fit_picture(picture_of(random_pixels(8, 8)), CIFAR10)
    assert made.notes == ("Enlarged from 8 × 8 to 32 × 32 pixels: the colours between blend.",)


@pytest.mark.parametrize("place", [-0.1, 1.1, "middle", None, True, float("nan")])
def test_places_that_cannot_be(place: float) -> None:
    with pytest.raises(SettingError, match=r"place is .*: use a number from 0 to 1"):
        fit_picture(sample_picture(), CIFAR10, place=place)


def test_the_sample_and_an_uploaded_file() -> None:
    made = fit_picture(sample_picture(), CIFAR10)
    assert made.notes[0] == "Cut to a square of 160 × 160 pixels."
    buffer = io.BytesIO()
    Image.new("CMYK", (90, 60), (0, 255, 255, 0)).save(buffer, "JPEG")
    red = fit_picture(read_picture(buffer.getvalue(), max_side=64), CIFAR10)
    assert red.pixels[16, 16, 0] > 200 > 60 > red.pixels[16, 16, 1]


# ------------------------------------------------------------------------------------------ digits


def one_on_paper(*, dark_ink: bool = True, height: int = 200, width: int = 300) -> Pixels:
    """A thick upright stroke right of the middle, with uneven light."""
    paper = np.full((height, width, 3), 225, dtype=np.uint8)
    paper[:, :, :] -= (np.arange(width) // 20).astype(np.uint8)[None, :, None]
    paper[40:160, 165:185] = 30
    return paper if dark_ink else 255 - paper


@pytest.mark.parametrize("dark_ink", [True, False])
def test_a_digit_becomes_white_on_black_and_central(dark_ink: bool) -> None:
    made = fit_picture(picture_of(one_on_paper(dark_ink=dark_ink)), MNIST)
    image = made.pixels[:, :, 0].astype(np.float64)
    rows, columns = np.flatnonzero(image.max(1) > 127), np.flatnonzero(image.max(0) > 127)
    assert len(rows) == DIGIT_SIDE
    assert len(columns) in (3, 4)  # 120 x 20 becomes 20 x 3.3
    assert image.max() > 240
    assert np.median(image) == 0
    places = np.arange(28)
    assert (image.sum(1) * places).sum() / image.sum() == pytest.approx(13.5, abs=0.6)
    assert (image.sum(0) * places).sum() / image.sum() == pytest.approx(13.5, abs=0.6)
    inverted = "Its ground is bright: inverted, because MNIST has white digits on black."
    assert (inverted in made.notes) == dark_ink
    assert made.notes[0] == "Cut to a square of 200 × 200 pixels."
    assert made.notes[-1] == (
        "The ink, 20 × 120 pixels, fitted into 20 × 20 and laid with its centre of mass in the "
        "middle, as in MNIST."
    )


def test_an_empty_sheet_has_no_digit() -> None:
    made = fit_picture(picture_of(np.full((90, 90, 3), 240, np.uint8)), MNIST)
    assert "There is hardly any contrast in it: no digit was found." in made.notes
    assert made.pixels.max() < 25


def test_a_picture_of_mnist_comes_back_as_it_was() -> None:
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 12:16] = 250
    made = fit_picture(picture_of(np.repeat(digit[:, :, None], 3, 2)), MNIST)
    np.testing.assert_array_equal(made.pixels[:, :, 0], digit)
    assert made.notes == ("Made grey: 0.299 red + 0.587 green + 0.114 blue.",)
