"""The whole of CIFAR-10 and MNIST, where CNNVIZ_DATA has them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cnnviz.data.canonical import Split, canonical_order, split_digest
from cnnviz.data.catalogue import DATASETS, SPLITS, SplitName
from cnnviz.data.datasets import load_split
from cnnviz.data.locations import find_data

pytestmark = pytest.mark.data

ENVIRONMENT = dict(os.environ)  # before any test changes it
ALL = [(name, split) for name in DATASETS for split in SPLITS]
NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Split]:
    """Every complete split, read anew into a store of this module's own."""
    named = ENVIRONMENT.get("CNNVIZ_DATA", "")
    cache = tmp_path_factory.mktemp("cache")
    environment = {"CNNVIZ_DATA": named}
    report = find_data(NOWHERE, environment=environment, cache_folder=NOWHERE)
    there = {location.dataset for location in report.locations if location.complete}
    if there != set(DATASETS):
        absent = sorted(set(DATASETS) - there)
        pytest.skip(f"CNNVIZ_DATA ({named or 'not set'}) has no complete {' and '.join(absent)}")
    return {
        (name, split): load_split(
            name, split, app_folder=NOWHERE, environment=environment, cache_folder=cache
        )
        for name, split in ALL
    }


@pytest.mark.parametrize(("name", "split"), ALL)
def test_the_digest_is_the_one_in_the_catalogue(
    splits: dict[tuple[str, str], Split], name: str, split: SplitName
) -> None:
    loaded = splits[name, split]
    info = DATASETS[loaded.dataset]
    assert loaded.digest == info.digest(split)
    assert split_digest(loaded.images, loaded.labels) == info.digest(split)
    assert loaded.is_complete
    assert loaded.images.shape == (info.count(split), *info.image_shape)
    order = canonical_order(loaded.images, loaded.labels)
    np.testing.assert_array_equal(loaded.images[order], loaded.images)


def mean_and_deviation(images: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Of pixels / 255, from whole numbers, without a copy of the images in float64."""
    counts = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), 1000):
        counts += np.bincount(images[start : start + 1000].reshape(-1), minlength=256)
    levels = np.arange(256) / 255
    mean = float((counts * levels).sum() / counts.sum())
    return mean, float((counts * (levels - mean) ** 2).sum() / counts.sum()) ** 0.5


def test_means_and_deviations_are_those_that_everybody_quotes(
    splits: dict[tuple[str, str], Split],
) -> None:
    """To eight digits, which a single other picture would change."""
    images = splits["cifar10", "train"].images
    quoted = ((0.49139968, 0.24703223), (0.48215841, 0.24348513), (0.44653091, 0.26158784))
    for channel, expected in enumerate(quoted):
        assert mean_and_deviation(images[..., channel]) == pytest.approx(expected, abs=5e-9)
    digits = mean_and_deviation(splits["mnist", "train"].images)
    assert digits == pytest.approx((0.1306604762738429, 0.3081078038564622), abs=1e-12)


def test_a_thousand_or_so_of_each_class(splits: dict[tuple[str, str], Split]) -> None:
    assert np.bincount(splits["cifar10", "train"].labels).tolist() == [5000] * 10
    assert np.bincount(splits["cifar10", "test"].labels).tolist() == [1000] * 10
    digits = np.bincount(splits["mnist", "test"].labels)
    assert digits.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def hashes(split: Split) -> dict[bytes, int]:
    return {
        hashlib.sha256(image.tobytes()).digest(): int(label)
        for image, label in zip(split.images, split.labels, strict=True)
    }


def test_the_twenty_starter_images_are_test_images(splits: dict[tuple[str, str], Split]) -> None:
    every = hashes(splits["cifar10", "test"])
    starter = hashes(load_split("cifar10", "test", source="starter"))
    assert len(starter) == 20
    assert starter.items() <= every.items()


def test_the_starter_digits_are_all_training_images(
    splits: dict[tuple[str, str], Split],
) -> None:
    every = hashes(splits["mnist", "train"])
    for split in SPLITS:  # as the starter's README and its note say
        starter = hashes(load_split("mnist", split, source="starter"))
        assert starter.items() <= every.items()
    assert not hashes(splits["mnist", "test"]).keys() & every.keys()


def test_the_second_opening_takes_milliseconds(
    splits: dict[tuple[str, str], Split], tmp_path: Path
) -> None:
    environment = {"CNNVIZ_DATA": ENVIRONMENT["CNNVIZ_DATA"]}
    options = {"app_folder": NOWHERE, "environment": environment, "cache_folder": tmp_path}
    load_split("cifar10", "test", **options)  # type: ignore[arg-type]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        load_split("cifar10", "test", **options)  # type: ignore[arg-type]
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
