"""Which images of a training split are held out, to judge the network while it learns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cnnviz.errors import SettingError


def hold_out(
    labels: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices (training, held out) of a split in canonical order; `count` of them are held out.

    Each class gives the same share, its first images: within a class the canonical order is that
    of a hash, so these are as good as drawn by lot, and the same on every machine for every seed.
    """
    if not 0 <= count < len(labels):
        raise SettingError(
            f"validation_count is {count}, but there are {len(labels):,} training images: "
            "use a smaller number"
        )
    classes, sizes = np.unique(labels, return_counts=True)
    exact = sizes * (count / len(labels))
    shares = np.floor(exact).astype(int)
    # What is left goes to the largest fractions, so that the sum is right.
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: count - shares.sum()]] += 1
    held = np.zeros(len(labels), dtype=bool)
    for label, share in zip(classes, shares, strict=True):
        held[np.flatnonzero(labels == label)[:share]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
