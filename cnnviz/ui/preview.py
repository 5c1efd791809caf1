"""The small drawings on the home page's cards: SVG in the theme's colours, numbers by cnnviz.

Each function returns one line of HTML for `st.markdown(..., unsafe_allow_html=True)`, which keeps
inline SVG. The drawings are made once per process; `drawing.STYLE` goes into the page once.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.convolution import (
    average_pool,
    cross_correlate,
    insert_zeros,
    max_pool,
    window_at,
)
from cnnviz.convolution_lesson import LESSON_IMAGE
from cnnviz.filters import filter_by_key
from cnnviz.geometry import ConvSpec, PoolSpec, find_settings
from cnnviz.pictures import Picture, sample_picture, to_grey
from cnnviz.ui import drawing

Array = npt.NDArray[np.float64]

# Pooled, these give numbers short enough for the card.
_PIXELS: Final = ((1, 3, 2, 1), (4, 6, 5, 0), (3, 1, 1, 2), (0, 2, 4, 9))


@cache
def by_hand() -> str:
    """The lesson's image, its filter and the output, the first window marked and written out."""
    image = np.array([LESSON_IMAGE], dtype=np.float64)  # (1, 5, 5)
    weight = _filter_bank("checkerboard")  # (1, 1, 3, 3)
    output = cross_correlate(image, weight, ConvSpec(3))[0]  # (3, 3)
    first = window_at(image, weight, ConvSpec(3), 0, 0)
    terms = " + ".join(
        f"{value:g}·{factor:g}"
        for value, factor in zip(first.values.flat, first.weights.flat, strict=True)
    )
    window = list(np.ndindex(3, 3))
    return drawing.svg(
        (564, 188),
        [
            drawing.grid(image[0], 2, 3, 36, marked=window, outline=(0, 0, 3, 3)),
            drawing.text(212, 93, "∗", 34, "muted"),
            drawing.grid(weight[0, 0], 242, 39, 36),
            drawing.text(379, 93, "=", 32, "muted"),
            drawing.grid(output, 410, 18, 50, marked=[(0, 0)], outline=(0, 0, 1, 1)),
        ],
        "A 5 by 5 image, a 3 by 3 filter and their 3 by 3 output",
        below=f"{terms} = <b>{first.total:g}</b>",
    )


@cache
def on_a_picture() -> str:
    """A photograph beside its map of vertical edges, negative in blue and positive in orange."""
    pixels = middle_of(sample_picture(180))
    edges = cross_correlate(to_grey(pixels)[None], _filter_bank("sobel_x"), ConvSpec(3))[0]
    feature_map = drawing.png(drawing.signed(edges))
    return (
        '<div class="cnnviz-preview"><div class="pair">'
        f'<img alt="A photograph of a cat" src="{drawing.png(pixels)}">'
        '<span aria-hidden="true">→</span>'
        f'<img alt="Its vertical edges, as a feature map" src="{feature_map}">'
        "</div></div>"
    )


@cache
def in_colour() -> str:
    """Three channels under one filter of depth three: their sums and the bias make one number."""
    picture = sample_picture(24)
    image = np.round(picture.pixels.transpose(2, 0, 1) / 32)  # (3, H, W), whole numbers 0 to 8
    weight = np.stack([_filter_bank("sobel_x")[0, 0]] * 3)[None]  # (1, 3, 3, 3)
    window = window_at(image, weight, ConvSpec(3), 5, 6, bias=1.0)
    parts = []
    for channel, name in reversed(list(enumerate(("red", "green", "blue")))):
        x, y = 8 + 32 * channel, 74 - 32 * channel
        parts.append(drawing.grid(window.values[channel], x, y, 32))
        parts.append(f'<rect class="{name}" x="{x}" y="{y}" width="96" height="96"></rect>')
    names = ("red", "green", "blue", "bias")
    for line, (name, value) in enumerate(
        zip(names, (*window.channel_sums, window.bias), strict=True)
    ):
        parts.append(drawing.text(222, 26 + 27 * line, name, 17, "muted"))
        parts.append(drawing.text(280, 26 + 27 * line, drawing.signed_number(value), 19))
    parts += [
        '<line class="rule" x1="202" y1="123" x2="300" y2="123"></line>',
        drawing.text(222, 145, "sum", 17, "muted"),
        drawing.text(278, 145, drawing.number(window.total), 21, "accent"),
    ]
    return drawing.svg(
        (310, 178), parts, f"Three channel sums and a bias add up to {drawing.number(window.total)}"
    )


@cache
def pooling() -> str:
    """One 4 by 4 map under max and under average pooling."""
    image = np.array([_PIXELS], dtype=np.float64)  # (1, 4, 4)
    largest = max_pool(image, PoolSpec("max", 2))[0]
    average = average_pool(image, PoolSpec("average", 2))[0]
    return drawing.svg(
        (310, 178),
        [
            drawing.grid(image[0], 6, 21, 34, marked=list(np.ndindex(2, 2)), outline=(0, 0, 2, 2)),
            drawing.text(181, 47, "max", 17, "muted"),
            drawing.grid(largest, 218, 8, 39, marked=[(0, 0)]),
            drawing.text(181, 131, "mean", 17, "muted"),
            drawing.grid(average, 218, 92, 39, marked=[(0, 0)]),
        ],
        "A 4 by 4 map under max pooling and under average pooling",
    )


@cache
def transposed() -> str:
    """A 3 by 3 input and the same with the zeros that a stride of 2 puts between its cells."""
    image = np.arange(1.0, 10.0).reshape(1, 3, 3)
    stuffed = insert_zeros(image, 2)[0]  # (5, 5)
    kept = [(row, column) for row in range(0, 5, 2) for column in range(0, 5, 2)]
    zeros = [cell for cell in np.ndindex(stuffed.shape) if cell not in kept]
    every = list(np.ndindex(image[0].shape))
    return drawing.svg(
        (310, 178),
        [
            drawing.grid(image[0], 6, 38, 34, marked=every),
            drawing.text(124, 89, "→", 26, "muted"),
            drawing.grid(stuffed, 144, 8, 32, marked=kept, muted=zeros),
        ],
        "A 3 by 3 input, and 5 by 5 once a stride of 2 has put zeros between its cells",
    )


@cache
def backwards() -> str:
    """A few of the settings that turn 32 into 16, one for each kernel size."""
    parts = [drawing.text(155, 30, "32 → 16", 32, "accent")]
    for line, kernel in enumerate((2, 3, 4)):
        spec = find_settings(32, 16, kernel_sizes=(kernel,), dilations=(1,))[0]
        stride, padding = spec.stride[0], spec.pad_sides[0][0]
        text = f"kernel {kernel} · stride {stride} · padding {padding}"
        parts.append(drawing.text(155, 76 + 29 * line, text, 18))
    parts.append(drawing.text(155, 160, "and others", 17, "muted"))
    return drawing.svg((310, 178), parts, "Several settings turn 32 into 16")


@cache
def quiz() -> str:
    """The lesson's image with padding 1 and stride 2, one cell of its output hidden."""
    image = np.array([LESSON_IMAGE], dtype=np.float64)
    spec = ConvSpec(3, stride=2, padding=1)
    output = cross_correlate(image, _filter_bank("checkerboard"), spec)[0]  # (3, 3)
    return drawing.svg(
        (310, 178),
        [
            drawing.text(73, 48, "stride 2", 18),
            drawing.text(73, 78, "padding 1", 18),
            drawing.text(73, 125, "5 → ?", 28, "accent"),
            drawing.grid(output, 152, 14, 50, marked=[(1, 1)], hidden=[(1, 1)]),
        ],
        "An output with one cell to guess",
    )


def middle_of(picture: Picture) -> npt.NDArray[np.uint8]:
    """The square in the middle of a picture that is wider than high, (H, H, 3)."""
    start = (picture.width - picture.height) // 2
    return picture.pixels[:, start : start + picture.height]


def _filter_bank(key: str) -> Array:
    return np.array([[filter_by_key(key).kernel]], dtype=np.float64)  # (1, 1, kh, kw)
