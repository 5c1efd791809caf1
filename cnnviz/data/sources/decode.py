"""One encoded image of a known size, decoded within bounds."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from cnnviz.data.catalogue import DatasetInfo

FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
MAX_BYTES: Final = 2**20


class NotThisImageError(Exception):
    """Why bytes are not an image of the data set; the message continues "FILE ..."."""


def decode_image(data: bytes, info: DatasetInfo) -> npt.NDArray[np.uint8]:
    """An encoded image as uint8 (H, W, C) of the data set's size, or NotThisImageError.

    Grey is spread over three channels, and colour in which the three are equal counts as grey.
    """
    if len(data) > MAX_BYTES:
        raise NotThisImageError(f"has more than {MAX_BYTES:,} bytes")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        size, mode = image.size, image.mode
        # Before anything is decoded: the header may name any size.
        if size == (info.width, info.height) and not mode.startswith(("I", "F")):
            pixels = _pixels(image, info.channels)
    except NotThisImageError:
        raise
    except Exception:  # Pillow raises nearly every kind of exception on damaged files
        raise NotThisImageError("is no PNG, JPEG, BMP or WebP image, or a damaged one") from None
    if size != (info.width, info.height):
        raise NotThisImageError(
            f"has {size[0]} × {size[1]} pixels; {info.title} has {info.width} × {info.height}"
        )
    if mode.startswith(("I", "F")):
        raise NotThisImageError("has more than 8 bits a channel")
    return pixels


def _pixels(image: Image.Image, channels: int) -> npt.NDArray[np.uint8]:
    if getattr(image, "is_animated", False):
        raise NotThisImageError("is animated")
    if image.mode == ("RGB" if channels == 3 else "L"):
        return np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, channels)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        if np.asarray(image)[..., 3].min() < 255:
            raise NotThisImageError("has see-through parts")
    colour = np.asarray(image.convert("RGB"), dtype=np.uint8)  # (H, W, 3)
    if channels == 3:
        return colour
    if (colour != colour[..., :1]).any():
        raise NotThisImageError("has colours; grey is needed")
    return colour[..., :1]
