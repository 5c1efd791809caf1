"""Data sets as folders of images, one folder for each class: `cifar10/train/airplane/*.png`.

Read: .png, .jpg, .jpeg, .bmp and .webp files, in the order of their names. Hidden files and folders
are passed over, and so is what operating systems leave behind; anything else is refused by name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from cnnviz.data.canonical import Images, Labels
from cnnviz.data.catalogue import DatasetInfo, SplitName
from cnnviz.data.locations import DataLocation
from cnnviz.data.progress import Progress
from cnnviz.data.sources import checked_count, corrupt, unreadable
from cnnviz.data.sources.decode import MAX_BYTES, NotThisImageError, decode_image

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_LEFT_BEHIND: Final = ("thumbs.db", "desktop.ini", "__macosx")


def read_split(
    location: DataLocation, split: SplitName, info: DatasetInfo, progress: Progress
) -> tuple[Images, Labels]:
    """Images and labels, class by class."""
    folders = location.files(split).files
    _refuse_other_folders(folders[0].parent, folders)
    files = [
        (Path(entry.path), label)
        for label, folder in enumerate(folders)
        for entry in list_images(folder)
    ]
    count = checked_count(folders[0].parent, len(files))
    images: Images = np.empty((count, *info.image_shape), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    for index, (file, label) in enumerate(files):
        try:
            with open(file, "rb") as stream:
                images[index] = decode_image(stream.read(MAX_BYTES + 1), info)
        except NotThisImageError as error:
            raise corrupt(file, str(error)) from None
        except OSError as error:
            raise unreadable(file, error) from None
        labels[index] = label
        if index % 500 == 0:
            progress(f"Reading {folders[label]}", index / count)
    return images, labels


def list_images(folder: Path) -> list[os.DirEntry[str]]:
    """The images in the folder of a class, by name; refuses what is no image."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(folder, error) from None
    images = []
    for entry in found:
        if _is_passed_over(entry.name):
            continue
        is_file = entry.is_file()
        if not is_file or not entry.name.lower().endswith(SUFFIXES):
            what = "is no image" if is_file else "is no file"
            raise corrupt(Path(entry.path), f"{what}; {', '.join(SUFFIXES)} files are read here")
        images.append(entry)
    if not images:
        raise corrupt(folder, "holds no images")
    return images


def _refuse_other_folders(parent: Path, folders: tuple[Path, ...]) -> None:
    known = {folder.name for folder in folders}
    for name in sorted(os.listdir(parent)):
        if name not in known and not _is_passed_over(name) and (parent / name).is_dir():
            raise corrupt(parent / name, "is no class of this data set")


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_BEHIND
