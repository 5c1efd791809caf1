"""The very pictures that something was computed on, if they are on this machine."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from cnnviz.data.by_digest import find_by_digest
from cnnviz.data.catalogue import MNIST
from cnnviz.data.datasets import load_split
from cnnviz.errors import CorruptDataError


def test_the_starter_set_is_found_by_its_digest(tmp_path: Path) -> None:
    starter = load_split("mnist", "train", source="starter")
    found = find_by_digest("mnist", "train", starter.digest, app_folder=tmp_path)
    assert found is not None
    assert found.digest == starter.digest
    np.testing.assert_array_equal(found.images, starter.images)


def test_what_is_not_here_is_none(tmp_path: Path) -> None:
    """Neither the whole split, nor a training split of CIFAR-10, of which there is no starter."""
    for split in ("train", "test"):
        digest = MNIST.digest(split)
        assert find_by_digest("mnist", split, digest, app_folder=tmp_path) is None
    assert find_by_digest("cifar10", "train", "0" * 64, app_folder=tmp_path) is None


def test_damaged_data_are_told(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (raw / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(b"no digits"))
    with pytest.raises(CorruptDataError, match="idx"):
        find_by_digest("mnist", "test", MNIST.test_digest, app_folder=tmp_path)
