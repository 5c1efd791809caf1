"""A viewer's photograph to a picture of the size that a network takes; every step is reported.

`cnnviz.pictures` decodes the file. Here its middle is cut out and made small; for MNIST what is
left is also treated as the makers of that data set treated their scans, because a network that has
only seen white digits in the middle of black squares knows nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from cnnviz.data.catalogue import DatasetInfo
from cnnviz.errors import SettingError
from cnnviz.pictures import Picture, to_grey
from cnnviz.settings import shown

Pixels = npt.NDArray[np.uint8]
Grey = npt.NDArray[np.float64]  # (H, W), 0 to 255

DIGIT_SIDE: Final = 20
"""The longer side of a digit in MNIST, in a square of 28 (LeCun et al. 1998, section III A)."""
_BRIGHT: Final = 127
_FAINTEST: Final = 25
"""Levels between ground and ink below which nothing is taken for a digit."""
_INK: Final = 0.35 * 255
"""What is at least so bright, once the ink is white, belongs to the digit."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkInput:
    """A picture that a network takes, and how it came from the one that was given."""

    pixels: Pixels
    """(H, W, C), as the data set has them; read-only."""
    cut: Pixels
    """(h, w, 3): the part of the given picture that was used, before it was made small."""
    top: int
    left: int
    """Where that part lay in the given picture."""
    notes: tuple[str, ...]
    """What was done, in sentences, in this order."""

    def __post_init__(self) -> None:
        self.pixels.flags.writeable = False


def fit_picture(picture: Picture, dataset: DatasetInfo, *, place: float = 0.5) -> NetworkInput:
    """Cuts the picture to the shape of the data set's, makes it that small, and grey if need be.

    place: where along the picture's longer side the cut lies, from 0 (left or top) to 1.
    """
    if isinstance(place, bool) or not isinstance(place, int | float) or not 0 <= place <= 1:
        raise SettingError(f"place is {shown(place)}: use a number from 0 to 1")
    notes: list[str] = []
    top, left, height, width = _cut(picture, dataset, place)
    cut = picture.pixels[top : top + height, left : left + width]
    if cut.shape != picture.pixels.shape:
        notes.append(
            f"Cut to a square of {width} × {height} pixels."
            if width == height
            else f"Cut to {width} × {height} pixels."
        )
    if dataset.channels == 1:
        pixels = _digit(cut, dataset, notes)[:, :, None]  # (H, W, 1)
    else:
        pixels = np.asarray(_resized(Image.fromarray(np.ascontiguousarray(cut)), dataset, notes))
    return NetworkInput(np.array(pixels, dtype=np.uint8), cut, top, left, tuple(notes))


def _cut(picture: Picture, dataset: DatasetInfo, place: float) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest part with the sides' ratio of the data set."""
    tall = min(picture.height, max(1, round(picture.width * dataset.height / dataset.width)))
    wide = min(picture.width, max(1, round(picture.height * dataset.width / dataset.height)))
    return round((picture.height - tall) * place), round((picture.width - wide) * place), tall, wide


def _resized(image: Image.Image, dataset: DatasetInfo, notes: list[str]) -> Image.Image:
    """At the data set's size. Smaller: each pixel is the mean of those that it covers."""
    size = (dataset.width, dataset.height)
    if image.size == size:
        return image
    is_smaller = image.size[0] >= size[0]
    how = "each pixel is the mean of those it covers" if is_smaller else "the colours between blend"
    verb = "Made smaller" if is_smaller else "Enlarged"
    notes.append(
        f"{verb} from {image.size[0]} × {image.size[1]} to {size[0]} × {size[1]} pixels: {how}."
    )
    filter_ = Image.Resampling.BOX if is_smaller else Image.Resampling.BILINEAR
    return image.resize(size, filter_)


def _digit(cut: Pixels, dataset: DatasetInfo, notes: list[str]) -> Pixels:
    """A grey picture (H, W) as MNIST has them: white ink on black, its mass in the middle."""
    grey = to_grey(cut)
    notes.append("Made grey: 0.299 red + 0.587 green + 0.114 blue.")
    ground = _ground(grey)
    if ground > _BRIGHT:
        grey, ground = 255 - grey, 255 - ground
        notes.append("Its ground is bright: inverted, because MNIST has white digits on black.")
    if grey.shape == (dataset.height, dataset.width):
        return _rounded(grey)
    contrast = float(grey.max()) - ground
    if contrast < _FAINTEST:
        notes.append("There is hardly any contrast in it: no digit was found.")
        return _rounded(np.asarray(_resized(_image(grey), dataset, notes)))
    grey = np.clip((grey - ground) * (255 / contrast), 0, 255)
    notes.append("Ground made black and the brightest ink white.")
    return _rounded(_centred(grey, dataset, notes))


def _ground(grey: Grey) -> float:
    """The middle value of the picture's edge, where a digit seldom is."""
    return float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))


def _centred(grey: Grey, dataset: DatasetInfo, notes: list[str]) -> Grey:
    """The ink fitted into a square of 20 pixels and laid so that its centre of mass is central."""
    rows, columns = np.flatnonzero((grey >= _INK).any(1)), np.flatnonzero((grey >= _INK).any(0))
    ink = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = DIGIT_SIDE / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    filter_ = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    small = np.asarray(_image(ink).resize((width, height), filter_), dtype=np.float64)
    notes.append(
        f"The ink, {ink.shape[1]} × {ink.shape[0]} pixels, fitted into {DIGIT_SIDE} × {DIGIT_SIDE} "
        "and laid with its centre of mass in the middle, as in MNIST."
    )
    field = np.zeros((dataset.height, dataset.width))
    top = _offset(small.sum(1), dataset.height)
    left = _offset(small.sum(0), dataset.width)
    field[top : top + height, left : left + width] = small
    return field


def _offset(weights: Grey, length: int) -> int:
    """Where the first of these goes so that their centre of mass is as central as it can be."""
    centre = float((weights * np.arange(len(weights))).sum() / weights.sum())
    return min(max(round((length - 1) / 2 - centre), 0), length - len(weights))


def _image(grey: Grey) -> Image.Image:
    return Image.fromarray(grey.astype(np.float32))  # Pillow's mode F


def _rounded(grey: Grey) -> Pixels:
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
