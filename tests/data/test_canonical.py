"""The canonical order and the digest: the same whatever order the images come in."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnnviz.data.canonical import Split, canonical_order, split_digest
from cnnviz.data.catalogue import CIFAR10, DATASETS, MNIST, find_dataset, find_split
from cnnviz.errors import SettingError, ShapeError
from tests.data.layouts import invent

# Few values and few labels, so that equal images and equal labels are frequent.
PICTURES = st.integers(0, 12).flatmap(
    lambda count: st.tuples(
        hnp.arrays(np.uint8, (count, 2, 1, 1), elements=st.integers(0, 2)),
        hnp.arrays(np.int64, (count,), elements=st.integers(0, 2)),
        st.permutations(range(count)),
    )
)


@settings(max_examples=200)
@given(PICTURES)
def test_order_and_digest_do_not_depend_on_the_order_given(
    given_: tuple[np.ndarray, np.ndarray, list[int]],
) -> None:
    images, labels, permutation = given_
    shuffled = np.array(permutation, dtype=np.intp)
    once, again = (
        canonical_order(images, labels),
        canonical_order(images[shuffled], labels[shuffled]),
    )
    np.testing.assert_array_equal(images[once], images[shuffled][again])
    np.testing.assert_array_equal(labels[once], labels[shuffled][again])
    assert split_digest(images, labels) == split_digest(images[shuffled], labels[shuffled])


@settings(max_examples=100)
@given(PICTURES)
def test_order_is_by_label_and_then_by_sha256(
    given_: tuple[np.ndarray, np.ndarray, list[int]],
) -> None:
    images, labels, _ = given_
    keys = [
        (int(labels[index]), hashlib.sha256(images[index].tobytes()).digest())
        for index in canonical_order(images, labels)
    ]
    assert keys == sorted(keys)


def test_digest_is_what_its_docstring_says() -> None:
    images, labels = invent(MNIST, 30)
    order = sorted(
        range(30), key=lambda i: (labels[i], hashlib.sha256(images[i].tobytes()).digest())
    )
    content = b"cnnviz split 1\n" + struct.pack("<4q", 30, 28, 28, 1)
    content += b"".join(struct.pack("<q", labels[index]) for index in order)
    content += b"".join(images[index].tobytes() for index in order)
    assert split_digest(images, labels) == hashlib.sha256(content).hexdigest()


def test_digest_of_these_images_never_changes() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(3, 2, 2, 2)
    labels = np.array([1, 0, 1], dtype=np.int64)
    expected = "b21cbd41d528cb2b459eadbb6ee6d6a2ff371f8f1ce96e18956fee4d9b9eeff3"
    assert split_digest(images, labels) == expected


def test_images_need_not_be_contiguous() -> None:
    images, labels = invent(CIFAR10, 20)
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    assert split_digest(planes.transpose(0, 2, 3, 1), labels) == split_digest(images, labels)


@pytest.mark.parametrize("change", ["a pixel", "a label", "one less"])
def test_digest_tells_every_change(change: str) -> None:
    images, labels = invent(MNIST, 20)
    before = split_digest(images, labels)
    if change == "a pixel":
        images[7, 3, 4, 0] ^= 1
    elif change == "a label":
        labels[7] = (labels[7] + 1) % 10
    else:
        images, labels = images[:-1], labels[:-1]
    assert split_digest(images, labels) != before


def test_what_does_not_fit_is_refused() -> None:
    images, labels = invent(MNIST, 10)
    with pytest.raises(ShapeError, match=r"images are float64 \(10, 28, 28, 1\): use uint8"):
        split_digest(images.astype(float), labels)
    with pytest.raises(ShapeError, match=r"images are uint8 \(10, 28, 28\)"):
        split_digest(images[..., 0], labels)
    with pytest.raises(ShapeError, match=r"labels are int64 \(9,\): use int64 \(10,\)"):
        split_digest(images, labels[:-1])
    with pytest.raises(ShapeError, match="labels are int32"):
        split_digest(images, labels.astype(np.int32))


def test_a_split_is_read_only_and_says_whether_it_is_complete() -> None:
    images, labels = invent(MNIST, 10)
    names = MNIST.class_names
    split = Split("mnist", "test", images, labels, names, split_digest(images, labels), "parquet")
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 0
    assert len(split) == 10
    assert not split.is_complete
    assert Split("mnist", "test", images, labels, names, MNIST.test_digest, "parquet").is_complete
    assert not Split(
        "mnist", "train", images, labels, names, MNIST.test_digest, "parquet"
    ).is_complete


def test_catalogue() -> None:
    assert find_dataset("cifar10") is CIFAR10
    assert find_dataset("mnist") is MNIST
    assert find_split("test") == "test"
    assert CIFAR10.class_names[3:6:2] == ("cat", "dog")
    assert (CIFAR10.count("train"), CIFAR10.image_shape) == (50_000, (32, 32, 3))
    assert (MNIST.count("train"), MNIST.image_shape) == (60_000, (28, 28, 1))
    digests = {info.digest(split) for info in DATASETS.values() for split in ("train", "test")}
    assert {len(digest) for digest in digests} == {64}
    assert len(digests) == 4


@pytest.mark.parametrize("name", ["CIFAR-10", "imagenet", "", "x" * 500, None])
def test_a_wrong_name_is_answered_by_the_choices(name: str) -> None:
    with pytest.raises(SettingError, match=r"dataset is .*: use cifar10 or mnist$"):
        find_dataset(name)
    with pytest.raises(SettingError, match=r"split is .*: use train or test$"):
        find_split(name)
