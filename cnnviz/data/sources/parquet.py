"""Data sets as Hugging Face keeps them: parquet files with encoded images and labels.

Columns: `img` or `image`, a structure with the encoded image in `bytes` (or the bytes themselves),
and `label`, a whole number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import DatasetInfo, SplitName
from cnnviz.data.locations import DataLocation
from cnnviz.data.progress import Progress
from cnnviz.data.sources import checked_count, checked_labels, corrupt, joined, unreadable
from cnnviz.data.sources.decode import NotThisImageError, decode_image

IMAGE_COLUMNS: Final = ("img", "image")
LABEL_COLUMNS: Final = ("label", "labels")
_BATCH: Final = 500


def read_split(
    location: DataLocation, split: SplitName, info: DatasetInfo, progress: Progress
) -> tuple[Images, Labels]:
    """Images and labels in the order in which the files have them."""
    files = location.files(split).files
    parts = []
    for index, file in enumerate(files):

        def told(message: str, share: float, index: int = index) -> None:
            progress(message, (index + share) / len(files))

        parts.append(_read_part(file, info, told))
    return joined(parts)


def _read_part(file: Path, info: DatasetInfo, progress: Progress) -> tuple[Images, Labels]:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        with pq.ParquetFile(file) as table:
            count = checked_count(file, table.metadata.num_rows)
            names = table.schema_arrow.names
            image_column = _column(file, names, IMAGE_COLUMNS)
            label_column = _column(file, names, LABEL_COLUMNS)
            images: Images = np.empty((count, *info.image_shape), dtype=np.uint8)
            labels = np.empty(count, dtype=np.int64)
            done = 0
            for batch in table.iter_batches(_BATCH, columns=[image_column, label_column]):
                end = done + len(batch)
                if end > count:
                    break
                labels[done:end] = checked_labels(
                    file, batch[label_column].to_numpy(zero_copy_only=False), info
                )
                for row, cell in enumerate(batch[image_column].to_pylist(), start=done):
                    images[row] = _image(file, row, cell, info)
                done = end
                progress(f"Reading {file.name}", done / count)
    except pa.ArrowException as error:
        words = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise corrupt(file, f"is no whole parquet file, damaged or cut short ({words})") from None
    except OSError as error:
        if error.errno is None:  # Arrow's own: a page that cannot be unpacked
            raise corrupt(file, f"is damaged ({str(error)[:120]})") from None
        raise unreadable(file, error) from None
    if done != count:
        raise corrupt(file, f"does not hold the {count:,} rows that it names")
    return images, labels


def _column(file: Path, names: list[str], wanted: tuple[str, ...]) -> str:
    for name in wanted:
        if name in names:
            return name
    raise corrupt(
        file,
        f"has the columns {', '.join(names)[:120] or '(none)'}; "
        f"one of them should be {' or '.join(wanted)}",
    )


def _image(file: Path, row: int, cell: Any, info: DatasetInfo) -> Images:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(data, bytes):
        raise corrupt(file, f"has no image in row {row}")
    try:
        return decode_image(data, info)
    except NotThisImageError as error:
        raise corrupt(file, f"is wrong in row {row}: the image {error}") from None
