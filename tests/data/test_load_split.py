"""Which source is taken, what the starter sets hold, and what is said when there is nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from cnnviz.data.canonical import canonical_order, split_digest
from cnnviz.data.catalogue import CIFAR10, MNIST, DatasetInfo
from cnnviz.data.sources import starter
from cnnviz.errors import CorruptDataError, DataError, SettingError
from tests.data import layouts
from tests.data.conftest import Load
from tests.data.layouts import invent

FETCH = r"`python -m cnnviz data fetch cifar10` downloads it; or set CNNVIZ_DATA to a folder"


# ----------------------------------------------------------------------------------- starter sets


@pytest.mark.parametrize(
    ("dataset", "split", "count", "digest"),
    [
        ("cifar10", "test", 20, "5ebf447c9501d083ade6ee035a8bffb651693e651f50f31267daf420dc1b0849"),
        (
            "mnist",
            "train",
            4000,
            "9ce9f78f47e47455e355f604cb24c719a7aea250b31a30f4c0d77e5cd66ef279",
        ),
        ("mnist", "test", 1000, "262139bf5b4a9a0aa7d0a4219dea431cc95e74673242d8966a2e8844c41bbd29"),
    ],
)
def test_starter_sets_need_neither_data_nor_network(
    load: Load, cache: Path, dataset: str, split: str, count: int, digest: str
) -> None:
    loaded = load(dataset, split)
    assert (loaded.source, len(loaded), loaded.digest) == ("starter", count, digest)
    assert not loaded.is_complete
    assert loaded.notes[0].startswith("The starter set: ")
    order = canonical_order(loaded.images, loaded.labels)
    np.testing.assert_array_equal(order, np.arange(count))
    assert not loaded.images.flags.writeable
    assert not cache.exists()


def test_the_digits_of_the_starter_are_divided_evenly(load: Load) -> None:
    train, test = load("mnist", "train"), load("mnist", "test")
    assert np.bincount(train.labels).tolist() == [400] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    both = {image.tobytes() for split in (train, test) for image in split.images}
    assert len(both) == 5000


def test_classes_of_the_starter_images(load: Load) -> None:
    counts = np.bincount(load("cifar10", "test").labels, minlength=10)
    absent = [CIFAR10.class_names[label] for label in np.flatnonzero(counts == 0)]
    assert absent == ["bird", "deer"]  # as the note says


def test_a_split_that_the_starter_lacks(load: Load) -> None:
    with pytest.raises(DataError, match=rf"^CIFAR-10 \(train\) is not on this machine\. {FETCH}"):
        load("cifar10", "train")
    with pytest.raises(DataError, match=rf"no starter set of CIFAR-10 \(train\)\. {FETCH}"):
        load("cifar10", "train", source="starter")


def test_the_starter_can_be_asked_for(named: Path, load: Load) -> None:
    layouts.write_parquet(named / "mnist", "test", invent(MNIST))
    assert load("mnist", "test").source == "parquet"
    assert load("mnist", "test", source="starter").source == "starter"


def test_a_damaged_starter_is_named(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "FOLDER", tmp_path)
    file = tmp_path / "mnist.npz"
    for content in (None, b"", b"PK", (Path(__file__).parent / "layouts.py").read_bytes()):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CorruptDataError, match=r"mnist\.npz is damaged or missing"):
            load("mnist", "test")
    np.savez(file, test_images=np.array([{}], dtype=object), test_labels=np.zeros(1))
    with pytest.raises(CorruptDataError, match=r"mnist\.npz is damaged"):
        load("mnist", "test")
    np.savez(file, test_images=np.zeros((2, 32, 32, 3), np.uint8), test_labels=np.zeros(2, int))
    with pytest.raises(CorruptDataError, match=r"mnist\.npz holds uint8"):
        load("mnist", "test")


# ------------------------------------------------------------------------------------ what is taken


def test_the_order_of_the_places(named: Path, load: Load, tmp_path: Path, cache: Path) -> None:
    places = (named, tmp_path / "app" / "data", cache)
    given = [invent(MNIST, 20, seed) for seed in range(3)]
    for place, pictures in zip(places, given, strict=True):
        layouts.write_idx(place, "test", pictures, packed=True)
    for place, pictures in zip(places, given, strict=True):
        assert load("mnist", "test").digest == split_digest(*pictures)
        shutil.rmtree(place / "MNIST")


def test_the_order_of_the_layouts(named: Path, load: Load) -> None:
    for kind in ("folders", "parquet", "torchvision"):
        if kind == "folders":
            layouts.write_class_folders(named / "mnist" / "test", MNIST, invent(MNIST, 20))
        elif kind == "parquet":
            layouts.write_parquet(named / "mnist", "test", invent(MNIST, 20))
        else:
            layouts.write_idx(named, "test", invent(MNIST, 20), packed=True)
        assert load("mnist", "test").source == kind
    assert load("mnist", "test", source="folders").source == "folders"
    assert load("mnist", "test", source="parquet").source == "parquet"


def test_a_place_that_lacks_files_gives_way_to_one_that_has_them(
    named: Path, load: Load, cache: Path
) -> None:
    folder = layouts.write_pickles(named, invent(CIFAR10, 50), invent(CIFAR10, 20))
    (folder / "data_batch_3").unlink()
    assert load("cifar10", "test").source == "torchvision"  # the test batch is there
    with pytest.raises(DataError, match=rf"{folder} lacks data_batch_3\. {FETCH}"):
        load("cifar10", "train")
    layouts.write_parquet(cache / "cifar10", "train", invent(CIFAR10, 30))
    assert load("cifar10", "train").source == "parquet"


def test_the_starter_does_not_hide_that_files_are_missing(named: Path, load: Load) -> None:
    _, labels = layouts.write_idx(named, "test", invent(MNIST), packed=True)
    labels.unlink()
    with pytest.raises(DataError, match=r"MNIST/raw lacks t10k-labels-idx1-ubyte\."):
        load("mnist", "test")


def test_the_starter_does_not_hide_a_wrong_cnnviz_data(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", "/nowhere/at/all")
    with pytest.raises(DataError, match="CNNVIZ_DATA names /nowhere/at/all, which does not exist"):
        load("mnist", "test")


def complete(monkeypatch: pytest.MonkeyPatch, info: DatasetInfo, digest: str) -> None:
    monkeypatch.setattr("cnnviz.data.catalogue.DatasetInfo.digest", lambda *_: digest)


def test_the_store_of_a_complete_source_serves_on_without_it(
    named: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = invent(CIFAR10)
    layouts.write_parquet(named / "cifar10", "train", pictures)
    load("cifar10", "train")
    shutil.rmtree(named / "cifar10")
    with pytest.raises(DataError, match="is not on this machine"):  # images of one's own do not
        load("cifar10", "train")
    complete(monkeypatch, CIFAR10, split_digest(*pictures))
    again = load("cifar10", "train")
    assert again.digest == split_digest(*pictures)
    assert again.is_complete
    with pytest.raises(DataError, match="as torchvision is not on this machine"):
        load("cifar10", "train", source="torchvision")


def test_wrong_names(load: Load) -> None:
    with pytest.raises(SettingError, match="dataset is 'CIFAR'"):
        load("CIFAR", "train")
    with pytest.raises(SettingError, match="split is 'valid'"):
        load("cifar10", "valid")
    with pytest.raises(SettingError, match="source is 'internet': use torchvision, parquet"):
        load("cifar10", "train", source="internet")


def test_class_folders_of_as_many_images_as_the_data_set_may_be_ones_own(
    named: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnviz.data.catalogue.DatasetInfo.count", lambda *_: 20)
    layouts.write_class_folders(named / "mnist" / "test", MNIST, invent(MNIST, 20))
    assert not load("mnist", "test").is_complete
