"""Readers of data sets, one for each layout that `cnnviz.data.locations` recognises.

Each reads one split and returns images uint8 (N, H, W, C) and labels int64 (N,) in the source's own
order, or raises CorruptDataError that names the file. None of them executes anything that lies in
a file, and each is bounded: by `MAX_IMAGES`, and by the size that the data set's images have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import DatasetInfo
from cnnviz.errors import CorruptDataError

MAX_IMAGES: Final = 500_000

_WHAT_WOULD_DO: Final = "Remove it, or put a whole one in its place."


def corrupt(file: Path, why: str) -> CorruptDataError:
    """The refusal of a file by its name; `why` continues the sentence "FILE ..."."""
    return CorruptDataError(f"{file} {why}. {_WHAT_WOULD_DO}")


def unreadable(file: Path, error: Exception) -> CorruptDataError:
    """The refusal of a file that the system does not let us read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return corrupt(file, f"cannot be read ({reason})")


def checked_labels(file: Path, labels: npt.ArrayLike, info: DatasetInfo) -> Labels:
    """`labels` as int64 (N,), each a class of the data set."""
    array = np.asarray(labels)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise corrupt(file, "has labels that are not whole numbers")
    wrong = (array < 0) | (array >= len(info.class_names))
    if wrong.any():
        index = int(np.argmax(wrong))
        raise corrupt(
            file,
            f"has label {array[index]} at position {index}; "
            f"{info.title} has 0 to {len(info.class_names) - 1}",
        )
    return array.astype(np.int64)


def checked_count(file: Path, count: int) -> int:
    """How many images a file says that it has, if that can be."""
    if count < 1:
        raise corrupt(file, "holds no images")
    if count > MAX_IMAGES:
        raise corrupt(file, f"says that it holds {count:,} images; up to {MAX_IMAGES:,} are read")
    return count


def joined(parts: list[tuple[Images, Labels]]) -> tuple[Images, Labels]:
    """The parts of a split behind one another."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
