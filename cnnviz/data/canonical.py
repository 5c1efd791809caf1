"""One order and one digest for a split, whatever source it was read from.

The canonical order sorts the images by (label, SHA-256 of the pixel bytes). Images that are equal
in both are the same picture, so the sorted arrays are the same for every source of the same
images, and index i means the same picture on every machine.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from cnnviz.data.catalogue import DATASETS, DatasetName, SplitName
from cnnviz.errors import ShapeError

SourceKind = Literal["torchvision", "parquet", "folders", "starter"]
Images = npt.NDArray[np.uint8]  # (N, H, W, C)
Labels = npt.NDArray[np.int64]  # (N,)

_DIGEST_NAME: Final = b"cnnviz split 1\n"  # changes when what is digested changes
_CHUNK: Final = 1024  # images that are put in order at a time


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The images of one split in canonical order, ready to index; both arrays are read-only."""

    dataset: DatasetName
    name: SplitName
    images: Images
    """uint8 (N, H, W, C); usually memory-mapped."""
    labels: Labels
    """int64 (N,), indices into `class_names`."""
    class_names: tuple[str, ...]
    digest: str
    """As `split_digest` computes it. What is computed from a split is stored with its digest."""
    source: SourceKind
    notes: tuple[str, ...] = ()
    """Sentences for people, such as that the cache could not be written."""

    def __post_init__(self) -> None:
        _check(self.images, self.labels)
        self.images.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        """Images in it."""
        return len(self.labels)

    @property
    def is_complete(self) -> bool:
        """Whether this is the whole split of the data set, to the last pixel."""
        return self.digest == DATASETS[self.dataset].digest(self.name)


def canonical_order(images: Images, labels: Labels) -> npt.NDArray[np.intp]:
    """Indices that sort images (N, H, W, C) and labels (N,) by (label, SHA-256 of the pixels)."""
    _check(images, labels)
    rows = np.ascontiguousarray(images).reshape(len(images), math.prod(images.shape[1:]))
    sha256 = hashlib.sha256
    joined = b"".join([sha256(row.data).digest() for row in rows])
    # 32 bytes compare as four big-endian 64-bit words. lexsort's last key counts most.
    words = np.frombuffer(joined, dtype=">u8").reshape(len(images), 4).astype(np.uint64)
    return np.lexsort((words[:, 3], words[:, 2], words[:, 1], words[:, 0], labels))


def split_digest(images: Images, labels: Labels) -> str:
    """SHA-256, in hexadecimal, of images (N, H, W, C) and labels (N,) in canonical order.

    What is hashed: the line `cnnviz split 1`; the shape (N, H, W, C) as four little-endian 64-bit
    integers; the labels in canonical order as little-endian 64-bit integers; the pixels in
    canonical order, one byte each. The order in which the images are given plays no part.
    """
    return digest_in_order(images, labels, canonical_order(images, labels))


def digest_in_order(images: Images, labels: Labels, order: npt.NDArray[np.intp]) -> str:
    """The same by an order that `canonical_order` gave, so that it is computed only once."""
    digest = hashlib.sha256(_DIGEST_NAME)
    digest.update(np.array(images.shape, dtype="<i8").tobytes())
    digest.update(labels[order].astype("<i8").tobytes())
    for start in range(0, len(order), _CHUNK):
        digest.update(images[order[start : start + _CHUNK]].tobytes())
    return digest.hexdigest()


def _check(images: Images, labels: Labels) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ShapeError(f"images are {images.dtype} {images.shape}: use uint8 (N, H, W, C)")
    if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        raise ShapeError(
            f"labels are {labels.dtype} {labels.shape}: use int64 ({len(images)},), one per image"
        )
