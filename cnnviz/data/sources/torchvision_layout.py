"""CIFAR-10 and MNIST as torchvision keeps them: `cifar-10-batches-py` and `MNIST/raw`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import DatasetInfo, SplitName
from cnnviz.data.locations import CIFAR10_META, DataLocation
from cnnviz.data.progress import Progress
from cnnviz.data.sources import checked_count, checked_labels, corrupt, joined
from cnnviz.data.sources.idx import read_idx
from cnnviz.data.sources.pickles import as_uint8, read_pickle

# torchvision.datasets.CIFAR10.train_list and test_list
MD5: Final = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


def read_split(
    location: DataLocation, split: SplitName, info: DatasetInfo, progress: Progress
) -> tuple[Images, Labels]:
    """Images and labels in the order in which the files have them."""
    files = location.files(split).files
    if info.name == "mnist":
        images_file, labels_file = files
        progress(f"Reading {images_file.name}", 0.0)
        images = read_idx(images_file, (info.height, info.width))  # (N, 28, 28)
        labels = checked_labels(labels_file, read_idx(labels_file, ()), info)
        if len(labels) != len(images):
            raise corrupt(
                labels_file,
                f"has {len(labels):,} labels for {len(images):,} images in {images_file.name}",
            )
        return images[..., None], labels
    parts: list[tuple[Images, Labels]] = []
    for index, file in enumerate(files):
        progress(f"Reading {file.name}", index / len(files))
        if file.name == CIFAR10_META:
            _check_class_names(file, info)
        else:
            parts.append(_read_batch(file, info))
    return joined(parts)


def not_the_official_ones(files: tuple[Path, ...]) -> list[Path]:
    """Those of the files whose MD5 is known and is another."""
    return [
        file
        for file in files
        if file.name in MD5 and hashlib.md5(file.read_bytes()).hexdigest() != MD5[file.name]
    ]


def _read_batch(file: Path, info: DatasetInfo) -> tuple[Images, Labels]:
    content = read_pickle(file)
    if missing := {"data", "labels"} - content.keys():
        raise corrupt(file, f"has no {' and no '.join(sorted(missing))}")
    data = as_uint8(file, content["data"])
    values = info.channels * info.height * info.width
    if data.ndim != 2 or data.shape[1] != values:
        raise corrupt(file, f"has data of shape {data.shape}; (N, {values}) is needed")
    count = checked_count(file, len(data))
    names = content["labels"]
    if not isinstance(names, list) or not all(type(label) is int for label in names):
        raise corrupt(file, "has labels that are not a list of whole numbers")
    if len(names) != count:
        raise corrupt(file, f"has {len(names):,} labels for {count:,} images")
    planes = data.reshape(count, info.channels, info.height, info.width)  # (N, C, H, W)
    return planes.transpose(0, 2, 3, 1), checked_labels(file, names, info)


def _check_class_names(file: Path, info: DatasetInfo) -> None:
    names = read_pickle(file).get("label_names")
    if not isinstance(names, list):
        raise corrupt(file, "has no label_names")
    text = tuple(name.decode("latin-1") if isinstance(name, bytes) else name for name in names)
    if text != info.class_names:
        raise corrupt(file, f"names other classes, or in another order, than {info.title} has")
