"""Text and numbers as the bytes that a component takes: made once, sent to many.

Layout: the length of a JSON text (32 bits), the text, spaces up to a multiple of four, then 32-bit
floats to which the text points by their index; all little-endian.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def pack(content: Mapping[str, Any], arrays: Sequence[npt.NDArray[np.float64]] = ()) -> bytes:
    """The text, and the arrays' numbers one after the other; ValueError for nan in the text."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    numbers = np.concatenate([np.empty(0), *arrays]).astype("<f4")
    return len(text).to_bytes(4, "little") + text + numbers.tobytes()


def unpack(data: bytes) -> tuple[dict[str, Any], npt.NDArray[np.float32]]:
    """What `pack` packed: the text's content, and all numbers."""
    length = int.from_bytes(data[:4], "little")
    content: dict[str, Any] = json.loads(data[4 : 4 + length])
    return content, np.frombuffer(data[4 + length :], dtype="<f4")
