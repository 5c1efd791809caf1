"""One split out of one location, read anew and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.data.canonical import Images, Labels, canonical_order, digest_in_order
from cnnviz.data.catalogue import DATASETS, DatasetInfo, SplitName
from cnnviz.data.locations import DataLocation
from cnnviz.data.progress import Progress, no_progress
from cnnviz.data.sources import class_folders, parquet, torchvision_layout
from cnnviz.data.store import FileFacts
from cnnviz.errors import CorruptDataError

_READERS: Final = {
    "torchvision": torchvision_layout.read_split,
    "parquet": parquet.read_split,
    "folders": class_folders.read_split,
}


@dataclass(frozen=True, slots=True, eq=False)
class FreshSplit:
    """What was read: in the source's order, with the order and the digest that it should have."""

    images: Images
    labels: Labels
    order: npt.NDArray[np.intp]
    digest: str


def list_files(location: DataLocation, split: SplitName) -> Iterator[FileFacts]:
    """Every file that `read_location` would open, as it is now; raises OSError."""
    for path in location.files(split).files:
        if location.layout == "folders":
            # Tens of thousands of files: without a Path for each it takes a fifth of the time.
            for entry in class_folders.list_images(path):
                status = entry.stat()
                yield f"{path.name}/{entry.name}", status.st_size, status.st_mtime_ns
        else:
            status = path.stat()
            yield path.name, status.st_size, status.st_mtime_ns


def read_location(
    location: DataLocation, split: SplitName, progress: Progress = no_progress
) -> FreshSplit:
    """Reads a split that is complete there; CorruptDataError names a file that will not do.

    A source that has as many images as the data set, but other ones, is refused too. Class
    folders are not: images of one's own under the names of the classes are welcome there.
    """
    info = DATASETS[location.dataset]
    images, labels = _READERS[location.layout](location, split, info, progress)
    progress("Putting the images in order", 1.0)
    order = canonical_order(images, labels)
    digest = digest_in_order(images, labels, order)
    expected = info.digest(split)
    if location.layout != "folders" and len(labels) == info.count(split) and digest != expected:
        raise CorruptDataError(_not_the_same(location, split, info, digest))
    return FreshSplit(images, labels, order, digest)


def _not_the_same(location: DataLocation, split: SplitName, info: DatasetInfo, digest: str) -> str:
    files = location.files(split).files
    named = torchvision_layout.not_the_official_ones(files) or files
    return (
        f"{', '.join(str(file) for file in named)}: there are {info.count(split):,} images, as "
        f"{info.title} ({split}) has, but not the same ones. Their digest is {digest[:16]}..., "
        f"it should be {info.digest(split)[:16]}... . Remove what is there, or put a whole copy "
        f"in its place."
    )
