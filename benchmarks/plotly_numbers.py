"""Arrays as plotly writes them into JSON: lists, or typed bytes."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt


def numbers_of(written: Any) -> npt.NDArray[np.float64]:
    """The array, in whichever of the two ways it is written."""
    if not isinstance(written, dict):
        return np.array(written, dtype=np.float64)
    flat = np.frombuffer(base64.b64decode(written["bdata"]), dtype=written["dtype"])
    shape = written.get("shape", str(flat.size))
    if isinstance(shape, str):
        shape = [int(side) for side in shape.split(",")]
    return flat.reshape(shape).astype(np.float64)
