"""Whatever is wrong with a source, it is refused by the name of the file and the reason.

The pickles have a file of their own, test_pickles.py.
"""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnviz.data import sources
from cnnviz.data.catalogue import CIFAR10, MNIST
from cnnviz.errors import CorruptDataError, DataError
from tests.data import layouts
from tests.data.conftest import Load, refused
from tests.data.layouts import invent, png

# ------------------------------------------------------------------------------------------- idx


@pytest.fixture
def digits(named: Path) -> tuple[Path, Path]:
    """Images and labels of twenty digits, plain."""
    return layouts.write_idx(named, "test", invent(MNIST, 20), packed=False)


def test_idx_cut_short(digits: tuple[Path, Path], load: Load) -> None:
    digits[0].write_bytes(digits[0].read_bytes()[:-1])
    refused(
        load, "mnist", "test", digits[0], "cut short: its header names 20 entries, 15,680 bytes"
    )


def test_idx_that_goes_on(digits: tuple[Path, Path], load: Load) -> None:
    digits[1].write_bytes(digits[1].read_bytes() + b"\0")
    refused(load, "mnist", "test", digits[1], "goes on after the 20 entries")


@pytest.mark.parametrize("count", [21, 2**31, 2**32 - 1])
def test_idx_whose_header_claims_more(digits: tuple[Path, Path], load: Load, count: int) -> None:
    content = digits[0].read_bytes()
    digits[0].write_bytes(content[:4] + struct.pack(">I", count) + content[8:])
    why = "cut short" if count == 21 else "says that it holds .* images; up to 500,000 are read"
    refused(load, "mnist", "test", digits[0], why)


def test_idx_with_fewer_labels(digits: tuple[Path, Path], load: Load) -> None:
    digits[1].write_bytes(layouts.idx(np.zeros(19, np.uint8)))
    refused(load, "mnist", "test", digits[1], "has 19 labels for 20 images in t10k-images")


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"", r"starts with the bytes \(none\)"),
        (b"\0\0", "starts with the bytes 00 00;"),
        (b"\0\0\x08\x01\0\0\0\x14", "starts with the bytes 00 00 08 01; .* 3 dimensions"),
        (b"\0\0\x0d\x03" + struct.pack(">3I", 20, 28, 28), "starts with the bytes 00 00 0d 03"),
        (b"\x1f\x8b\x08\x00", "starts with the bytes 1f 8b 08 00"),
        (b"\0\0\x08\x03" + struct.pack(">2I", 20, 28), "cut short within its header"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 20, 32, 32), "images of 32 × 32 pixels; 28 × 28"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 0, 28, 28), "holds no images"),
    ],
)
def test_idx_with_a_wrong_header(
    digits: tuple[Path, Path], load: Load, header: bytes, why: str
) -> None:
    digits[0].write_bytes(header)
    if header:
        refused(load, "mnist", "test", digits[0], why)
    else:  # an empty file is as good as none
        with pytest.raises(DataError, match="lacks t10k-images-idx3-ubyte"):
            load("mnist", "test")


def test_idx_with_a_label_that_is_no_digit(digits: tuple[Path, Path], load: Load) -> None:
    labels = np.zeros(20, np.uint8)
    labels[7] = 10
    digits[1].write_bytes(layouts.idx(labels))
    refused(load, "mnist", "test", digits[1], "label 10 at position 7; MNIST has 0 to 9")


@pytest.mark.parametrize("keep", [5, 20, -200, -9, -1])
def test_gzip_cut_short(named: Path, load: Load, keep: int) -> None:
    file, _ = layouts.write_idx(named, "train", invent(MNIST, 20), packed=True)
    file.write_bytes(file.read_bytes()[:keep])
    refused(load, "mnist", "train", file, "damaged or cut short")


@pytest.mark.parametrize("at", [0, 5000, -6, -2])
def test_gzip_with_a_wrong_byte(named: Path, load: Load, at: int) -> None:
    """Within the header, the data, the checksum and the length."""
    file, _ = layouts.write_idx(named, "train", invent(MNIST, 20), packed=True)
    content = bytearray(file.read_bytes())
    content[at] ^= 0x55
    file.write_bytes(content)
    refused(load, "mnist", "train", file, "damaged")


def test_gzip_that_unpacks_to_far_too_much(named: Path, load: Load) -> None:
    file, _ = layouts.write_idx(named, "train", invent(MNIST, 20), packed=True)
    content = layouts.idx(invent(MNIST, 20)[0][..., 0]) + bytes(50_000_000)
    file.write_bytes(gzip.compress(content, 9))
    refused(load, "mnist", "train", file, "goes on after the 20 entries")


# --------------------------------------------------------------------------------------- parquet


@pytest.mark.parametrize("keep", [3, 100, -1, -8, -200])
def test_parquet_cut_short(named: Path, load: Load, keep: int) -> None:
    _, file = layouts.write_parquet(named / "cifar10", "test", invent(CIFAR10, 20), parts=2)
    file.write_bytes(file.read_bytes()[:keep])
    refused(load, "cifar10", "test", file, "no whole parquet file|is damaged")


def test_parquet_with_wrong_bytes(named: Path, load: Load) -> None:
    (file,) = layouts.write_parquet(named / "cifar10", "test", invent(CIFAR10, 20))
    content = bytearray(file.read_bytes())
    content[2000:4000] = b"\xff" * 2000
    file.write_bytes(content)
    refused(load, "cifar10", "test", file, "no whole parquet file|is damaged|is wrong in row")


CELL = {"bytes": png(invent(CIFAR10, 1)[0][0]), "path": "1.png"}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"img": [CELL], "name": [1]}, "has the columns img, name; .* label or labels"),
        ({"picture": [CELL], "label": [1]}, "has the columns picture, label; .* img or image"),
        ({"img": [CELL, CELL], "label": [1, 10]}, "label 10 at position 1"),
        ({"img": [CELL], "label": [-1]}, "label -1 at position 0"),
        ({"img": [CELL], "label": [0.5]}, "labels that are not whole numbers"),
        ({"img": [CELL], "label": ["cat"]}, "labels that are not whole numbers"),
        ({"img": [CELL, CELL], "label": [0, None]}, "labels that are not whole numbers"),
        ({"img": [CELL, None], "label": [0, 1]}, "has no image in row 1"),
        ({"img": [{"bytes": None, "path": "x"}], "label": [0]}, "has no image in row 0"),
        ({"img": ["/etc/passwd"], "label": [0]}, "has no image in row 0"),
        ({"img": [{"bytes": b"x", "path": "x"}], "label": [0]}, "row 0: the image is no PNG"),
        (
            {"img": [CELL, {"bytes": png(invent(MNIST, 1)[0][0])}], "label": [0, 0]},
            "row 1: the image has 28 × 28 pixels; CIFAR-10 has 32 × 32",
        ),
        ({"img": [CELL][:0], "label": [0][:0]}, "holds no images"),
    ],
)
def test_parquet_that_does_not_fit(
    named: Path, load: Load, columns: dict[str, Any], why: str
) -> None:
    file = layouts.write_table(named / "cifar10" / "test-00000-of-00001.parquet", columns)
    refused(load, "cifar10", "test", file, why)


def test_parquet_of_too_many_rows(named: Path, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = layouts.write_parquet(named / "cifar10", "test", invent(CIFAR10, 20))
    monkeypatch.setattr(sources, "MAX_IMAGES", 19)
    refused(load, "cifar10", "test", file, "says that it holds 20 images; up to 19 are read")


# --------------------------------------------------------------------------------- class folders


@pytest.fixture
def folder(named: Path) -> Path:
    """Test images of CIFAR-10 by class."""
    layouts.write_class_folders(named / "cifar10" / "test", CIFAR10, invent(CIFAR10, 20))
    return named / "cifar10" / "test"


def test_a_class_without_a_folder(folder: Path, load: Load) -> None:
    (folder / "cat").rename(folder / "kitten")
    with pytest.raises(DataError, match=r"cifar10 lacks folder cat\."):
        load("cifar10", "test")


def test_a_folder_without_a_class(folder: Path, load: Load) -> None:
    (folder / "unicorn").mkdir()
    refused(load, "cifar10", "test", folder / "unicorn", "is no class of this data set")


def test_a_class_without_images(folder: Path, load: Load) -> None:
    for file in (folder / "ship").iterdir():
        file.unlink()
    refused(load, "cifar10", "test", folder / "ship", "holds no images")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("wrong.png", png(invent(MNIST, 1)[0][0]), "has 28 × 28 pixels; CIFAR-10 has 32 × 32"),
        ("empty.png", b"", "is no PNG"),
        ("text.jpg", b"a cat", "is no PNG"),
        ("cut.png", png(invent(CIFAR10, 1)[0][0])[:500], "damaged"),
        ("moving.gif", png(invent(CIFAR10, 1)[0][0], "GIF"), "is no image; .png"),
        ("readme.txt", b"cats", "is no image"),
    ],
)
def test_a_file_that_is_no_image(
    folder: Path, load: Load, name: str, content: bytes, why: str
) -> None:
    (folder / "cat" / name).write_bytes(content)
    refused(load, "cifar10", "test", folder / "cat" / name, why)


def test_a_folder_within_a_class(folder: Path, load: Load) -> None:
    (folder / "cat" / "more").mkdir()
    refused(load, "cifar10", "test", folder / "cat" / "more", "is no file")


# ----------------------------------------------------------------------------------- in general


def deny(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Nobody may read the file; root may read all, so its permissions would not do."""
    original = open

    def guarded(path: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(path, str | os.PathLike) and Path(os.fspath(path)) == file:
            raise PermissionError(13, "Permission denied", str(file))
        return original(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", guarded)


def test_a_file_that_may_not_be_read(
    named: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = layouts.write_idx(named, "test", invent(MNIST, 20), packed=True)
    plain, _ = layouts.write_idx(named, "train", invent(MNIST, 20), packed=False)
    batches = layouts.write_pickles(named, invent(CIFAR10, 50), invent(CIFAR10, 20))
    for file, dataset, split in (
        (images, "mnist", "test"),
        (labels, "mnist", "test"),
        (plain, "mnist", "train"),
        (batches / "data_batch_3", "cifar10", "train"),
    ):
        with monkeypatch.context() as patch:
            deny(patch, file)
            refused(load, dataset, split, file, r"cannot be read \(Permission denied\)")


def test_an_image_file_that_may_not_be_read(
    folder: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sorted((folder / "dog").iterdir())[0]
    deny(monkeypatch, file)
    refused(load, "cifar10", "test", file, "cannot be read")


def test_as_many_images_as_the_data_set_but_other_ones(
    named: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bit that fell over in a file of the right length: only the digest tells."""
    folder = layouts.write_pickles(named, invent(CIFAR10, 50), invent(CIFAR10, 20))
    monkeypatch.setattr("cnnviz.data.catalogue.DatasetInfo.count", lambda info, split: 20)
    refused(
        load, "cifar10", "test", folder / "test_batch", "20 images, as CIFAR-10 .test. has, but"
    )


def test_nothing_is_kept_of_a_source_that_was_refused(
    digits: tuple[Path, Path], load: Load, cache: Path
) -> None:
    digits[0].write_bytes(digits[0].read_bytes()[:-1])
    with pytest.raises(CorruptDataError):
        load("mnist", "test")
    assert not cache.exists()
