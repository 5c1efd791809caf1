"""The same invented images in every layout that is read."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from PIL import Image

from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import CIFAR10, DatasetInfo

Pictures = tuple[Images, Labels]

CIFAR10_NAMES = [*(f"data_batch_{part}" for part in range(1, 6)), "test_batch"]
MNIST_STEMS = {"train": "train", "test": "t10k"}


def invent(info: DatasetInfo, count: int = 40, seed: int = 0) -> Pictures:
    """Noise of a data set's size; every class is there."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, *info.image_shape), dtype=np.uint8)
    labels = random.permutation(np.arange(count, dtype=np.int64) % len(info.class_names))
    return images, labels


def png(image: npt.NDArray[Any], file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(picture).save(buffer, format=file_format, **options)
    return buffer.getvalue()


def write_parquet(
    folder: Path, split: str, pictures: Pictures, *, parts: int = 1, image_column: str = "img"
) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for part in range(parts):
        images, labels = (array[part::parts] for array in pictures)
        cells = [{"bytes": png(image), "path": f"{n}.png"} for n, image in enumerate(images)]
        file = folder / f"{split}-{part:05}-of-{parts:05}.parquet"
        write_table(file, {image_column: cells, "label": labels.tolist()})
        files.append(file)
    return files


def write_table(file: Path, columns: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file, row_group_size=10)
    return file


def write_class_folders(
    folder: Path, info: DatasetInfo, pictures: Pictures, *, upper: bool = False
) -> list[Path]:
    """Some of the files as PNG, some as BMP; both keep every pixel."""
    files = []
    for name in info.class_names:
        (folder / (name.upper() if upper else name)).mkdir(parents=True, exist_ok=True)
    for number, (image, label) in enumerate(zip(*pictures, strict=True)):
        name = info.class_names[label]
        kind = ("PNG", "BMP")[number % 2]
        suffix = kind.upper() if upper else kind.lower()
        file = folder / (name.upper() if upper else name) / f"{number:04}.{suffix}"
        file.write_bytes(png(image, kind))
        files.append(file)
    return files


def write_pickles(
    root: Path, train: Pictures, test: Pictures, *, protocol: int = 2, as_bytes: bool = False
) -> Path:
    """The folder cifar-10-batches-py; the training images spread over five files."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [(train[0][part::5], train[1][part::5]) for part in range(5)]
    for name, pictures in zip(CIFAR10_NAMES, [*parts, test], strict=True):
        batch = batch_of(pictures)
        content: Any = {key.encode(): value for key, value in batch.items()} if as_bytes else batch
        (folder / name).write_bytes(pickle.dumps(content, protocol))
    names = list(CIFAR10.class_names)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, protocol))
    return folder


def batch_of(pictures: Pictures) -> dict[str, Any]:
    images, labels = pictures
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # (N, C, H, W)
    return {"data": planes.reshape(len(images), -1), "labels": labels.tolist(), "filenames": ["x"]}


def python_2_batch(pictures: Pictures) -> bytes:
    """A batch as Python 2's cPickle wrote it, which is how CIFAR-10 is distributed."""
    batch = batch_of(pictures)
    rows, values = batch["data"].shape
    pixels = bytes(batch["data"].tobytes())
    numbers = b"".join(b"K" + bytes([label]) for label in batch["labels"])
    return (
        b"\x80\x02}q\x01(U\x04dataq\x02"
        b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05"
        b"(K\x01" + b"K" + bytes([rows]) + b"M" + struct.pack("<H", values) + b"\x86"
        b"cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + struct.pack("<i", len(pixels)) + pixels + b"tb"
        b"U\x06labelsq\x08](" + numbers + b"eu."
    )


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + bytes(array.tobytes())


def write_idx(root: Path, split: str, pictures: Pictures, *, packed: bool) -> tuple[Path, Path]:
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = pictures
    contents = {
        f"{MNIST_STEMS[split]}-images-idx3-ubyte": idx(images[..., 0]),
        f"{MNIST_STEMS[split]}-labels-idx1-ubyte": idx(labels.astype(np.uint8)),
    }
    files = []
    for name, content in contents.items():
        file = folder / (f"{name}.gz" if packed else name)
        file.write_bytes(gzip.compress(content, 1) if packed else content)
        files.append(file)
    return files[0], files[1]
