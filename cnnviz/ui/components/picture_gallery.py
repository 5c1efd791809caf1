"""Hundreds of pictures that can be scrolled through: the browser draws only those in sight.

The browser asks for pictures in parts, when they come into sight, and keeps what it has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from cnnviz.data.canonical import Images
from cnnviz.ui.components.sources import read_source

PART: Final = 120
"""Pictures in a part: more than a screen holds; 370 KB of CIFAR-10's."""

_mount = st.components.v2.component(
    "cnnviz.picture_gallery",
    css=read_source("picture_gallery.css"),
    js=read_source("reporter.js", "picture_gallery.js"),
)


@dataclass(frozen=True, slots=True)
class GalleryPicture:
    """What is said of a picture."""

    index: int
    is_right: bool
    lines: tuple[str, ...]
    """Below the picture, short."""
    words: str
    """The same as a sentence, for those who do not see it."""


@dataclass(frozen=True, slots=True, eq=False)
class GalleryPart:
    """Some of the pictures, one after another in the order of the gallery."""

    start: int
    """The place of the first; a multiple of PART."""
    pictures: Sequence[GalleryPicture]
    images: Images
    """uint8 (N, H, W, C) with C of 1 or 3."""


def picture_gallery(
    *, key: str, gallery: str, name: str, count: int, picked: int | None, part: GalleryPart | None
) -> None:
    """Show `count` pictures; what happens lies in ``st.session_state[key]``.

    gallery: changes with the pictures or their order; the browser then forgets what it has. name:
    for those who do not see it. picked: the index of a picture that is marked. part: None if
    nothing was asked for.

    The reports are "picked": {"n", "picture"}, an index; and "wanted": {"n", "gallery", "start"}, a
    part that is not there yet. n grows from one to the next.
    """
    _mount(
        key=key,
        data=_packed(gallery, name, count, picked, part),
        on_picked_change=lambda: None,
        on_wanted_change=lambda: None,
    )


def _packed(
    gallery: str, name: str, count: int, picked: int | None, part: GalleryPart | None
) -> bytes:
    """The length of a JSON text (32 bits, little-endian), the text, and the pixels."""
    content = {"gallery": gallery, "name": name, "count": count, "size": PART, "picked": picked}
    pixels = b""
    if part is not None:
        content |= {
            "start": part.start,
            "shape": part.images.shape[1:],
            "pictures": [
                [picture.index, int(picture.is_right), picture.lines, picture.words]
                for picture in part.pictures
            ],
        }
        pixels = np.ascontiguousarray(part.images).tobytes()
    text = json.dumps(content, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "little") + text + pixels
