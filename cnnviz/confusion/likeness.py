"""How alike two pictures are: to the network, by their logits, or to the eye, by their pixels.

Both are cosine similarities, -1 to 1, of numbers from which their own mean was taken. Logits mean
the same when all of them grow by one amount, and pixels show the same in a brighter light; without
the mean neither counts (so this is Pearson's correlation). What does not vary at all is like
nothing: 0.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_CHUNK: Final = 1000  # rows that are made float32 at a time: 12 MB of CIFAR-10's pixels


def likeness(rows: npt.NDArray[Any], chosen: npt.NDArray[Any]) -> Floats:
    """Similarity (N,) of each row (N, ...) to the chosen one (...), both of any numbers."""
    one = _centred(chosen.reshape(1, -1))[0]  # (values,)
    length = float(np.sqrt((one**2).sum()))
    found = np.zeros(len(rows))
    for start in range(0, len(rows), _CHUNK):
        some = _centred(rows[start : start + _CHUNK].reshape(-1, one.size))
        lengths = np.sqrt((some**2).sum(1)) * length
        products = some @ one
        part = found[start : start + _CHUNK]
        np.divide(products, lengths, out=part, where=lengths > 0)
    return np.clip(found, -1, 1)


def _centred(rows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    wide = rows.astype(np.float32)
    centred: npt.NDArray[np.float32] = wide - wide.mean(1, keepdims=True)
    return centred
