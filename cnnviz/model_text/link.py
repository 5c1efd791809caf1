"""A text in an address: compressed, if it is short enough for one."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Final

from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.model_text.tokens import tidy

MAX_LINK: Final = 2000
"""Characters; messengers and mail programs cut off longer addresses."""


def pack_text(text: str) -> str | None:
    """The text as letters that an address carries unescaped; None if it is too long for one."""
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    return packed if len(packed) <= MAX_LINK else None


def unpack_text(packed: str) -> str:
    """The text that `pack_text` packed; ModelTextError for anything else."""
    try:
        if len(packed) > MAX_LINK or not packed.isascii():
            raise ValueError
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        # Bounded: a few hundred bytes can stand for gigabytes.
        reader = zlib.decompressobj()
        text = reader.decompress(data, 4 * bounds.MAX_CHARACTERS).decode()
        if not reader.eof:
            raise ValueError
    except (ValueError, binascii.Error, zlib.error):
        raise ModelTextError("this link holds no whole text of a network") from None
    return tidy(text)
