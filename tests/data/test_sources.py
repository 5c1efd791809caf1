"""The same images from every layout are the same arrays with the same digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz.data.canonical import canonical_order, split_digest
from cnnviz.data.catalogue import CIFAR10, DATASETS, MNIST, DatasetInfo, SplitName
from cnnviz.data.sources.decode import NotThisImageError, decode_image
from cnnviz.errors import CorruptDataError
from tests.data import layouts
from tests.data.conftest import Load
from tests.data.layouts import Pictures, invent, png


def parquet(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
    layouts.write_parquet(root / info.name, "train", train)
    layouts.write_parquet(root / info.name, "test", test)


def parquet_in_parts(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
    below = root / info.name / ("plain_text" if info is CIFAR10 else "mnist")
    layouts.write_parquet(below, "train", train, parts=3, image_column="image")
    layouts.write_parquet(below, "test", test, parts=2, image_column="image")


def bare_parquet(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
    """Images without the structure around them, labels in 8 bits."""
    for split, (images, labels) in (("train", train), ("test", test)):
        columns = {"img": [png(image) for image in images], "label": labels.astype(np.uint8)}
        layouts.write_table(root / info.name / f"{split}-00000-of-00001.parquet", columns)


def class_folders(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
    layouts.write_class_folders(root / info.name / "train", info, train)
    layouts.write_class_folders(root / info.name / "test", info, test)


def loud_class_folders(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
    folder = root / info.name.upper()
    layouts.write_class_folders(folder / "Train", info, train, upper=True)
    layouts.write_class_folders(folder / "TEST", info, test, upper=True)
    (folder / "Train" / ".hidden").mkdir()
    (folder / "Train" / "notes.txt").write_text("what the classes are")
    (folder / "TEST" / info.class_names[0].upper() / ".DS_Store").write_bytes(b"x")
    (folder / "TEST" / info.class_names[0].upper() / "Thumbs.db").write_bytes(b"x")


def pickles(
    protocol: int, *, as_bytes: bool = False
) -> Callable[[Path, DatasetInfo, Pictures, Pictures], None]:
    def write(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
        layouts.write_pickles(root, train, test, protocol=protocol, as_bytes=as_bytes)

    return write


def idx(*, packed: bool) -> Callable[[Path, DatasetInfo, Pictures, Pictures], None]:
    def write(root: Path, info: DatasetInfo, train: Pictures, test: Pictures) -> None:
        layouts.write_idx(root, "train", train, packed=packed)
        layouts.write_idx(root, "test", test, packed=packed)

    return write


WRITERS = [
    *(
        pytest.param(info, writer, kind, id=f"{info.name}-{writer.__name__}")
        for info in DATASETS.values()
        for writer, kind in (
            (parquet, "parquet"),
            (parquet_in_parts, "parquet"),
            (bare_parquet, "parquet"),
            (class_folders, "folders"),
            (loud_class_folders, "folders"),
        )
    ),
    *(
        pytest.param(CIFAR10, pickles(protocol), "torchvision", id=f"pickle-protocol-{protocol}")
        for protocol in range(2, 6)
    ),
    pytest.param(CIFAR10, pickles(2, as_bytes=True), "torchvision", id="pickle-keys-as-bytes"),
    pytest.param(MNIST, idx(packed=True), "torchvision", id="idx-packed"),
    pytest.param(MNIST, idx(packed=False), "torchvision", id="idx-plain"),
]


@pytest.mark.parametrize(("info", "write", "kind"), WRITERS)
def test_every_layout_gives_the_same_split(
    info: DatasetInfo,
    write: Callable[[Path, DatasetInfo, Pictures, Pictures], None],
    kind: str,
    named: Path,
    load: Load,
) -> None:
    given: dict[SplitName, Pictures] = {"train": invent(info, 50, 1), "test": invent(info, 20, 2)}
    write(named, info, given["train"], given["test"])
    for name, (images, labels) in given.items():
        split = load(info.name, name)
        order = canonical_order(images, labels)
        np.testing.assert_array_equal(split.images, images[order])
        np.testing.assert_array_equal(split.labels, labels[order])
        assert split.digest == split_digest(images, labels)
        assert (split.dataset, split.name, split.source) == (info.name, name, kind)
        assert split.class_names == info.class_names
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
        assert not split.is_complete


def test_a_pickle_of_python_2(named: Path, load: Load) -> None:
    train, test = invent(CIFAR10, 50, 1), invent(CIFAR10, 20, 2)
    folder = layouts.write_pickles(named, train, test)
    (folder / "test_batch").write_bytes(layouts.python_2_batch(test))
    assert load("cifar10", "test").digest == split_digest(*test)


def test_progress_grows_to_one(named: Path, load: Load) -> None:
    parquet_in_parts(named, CIFAR10, invent(CIFAR10, 50), invent(CIFAR10, 20))
    told: list[tuple[str, float]] = []
    load("cifar10", "train", progress=lambda message, share: told.append((message, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.5
    assert shares[-1] == 1
    assert all(message for message, _ in told)


COLOUR = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
GREY = np.random.default_rng(4).integers(0, 256, (28, 28, 1), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode_image(png(COLOUR, kind, **options), CIFAR10), COLOUR)
    np.testing.assert_array_equal(decode_image(png(GREY, kind, **options), MNIST), GREY)


def test_jpeg_is_read_as_pillow_reads_it() -> None:
    assert decode_image(png(GREY, "JPEG"), MNIST).shape == (28, 28, 1)
    assert decode_image(png(COLOUR, "JPEG"), CIFAR10).shape == (32, 32, 3)


def test_grey_and_colour_are_turned_into_each_other_where_nothing_is_lost() -> None:
    grey_as_rgb = np.repeat(GREY, 3, axis=2)
    np.testing.assert_array_equal(decode_image(png(grey_as_rgb), MNIST), GREY)
    grey = COLOUR[..., :1]
    np.testing.assert_array_equal(decode_image(png(grey), CIFAR10), np.repeat(grey, 3, axis=2))
    opaque = np.dstack([COLOUR, np.full((32, 32), 255, np.uint8)])
    np.testing.assert_array_equal(decode_image(png(opaque), CIFAR10), COLOUR)


def animated() -> bytes:
    import io

    buffer = io.BytesIO()
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    frames[0].save(buffer, format="PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


SIXTEEN_BIT = np.zeros((28, 28, 1), dtype=np.uint16)


@pytest.mark.parametrize(
    ("data", "info", "why"),
    [
        (b"", CIFAR10, "no PNG"),
        (b"not an image", CIFAR10, "no PNG"),
        (png(COLOUR)[:-40], CIFAR10, "damaged"),
        (b"x" * (2**20 + 1), CIFAR10, "more than 1,048,576 bytes"),
        (png(COLOUR[:31]), CIFAR10, "has 32 × 31 pixels; CIFAR-10 has 32 × 32"),
        (png(GREY), CIFAR10, "has 28 × 28 pixels"),
        (png(COLOUR[:28, :28]), MNIST, "has colours; grey is needed"),
        (png(np.dstack([COLOUR, COLOUR[..., :1]])), CIFAR10, "see-through"),
        (png(SIXTEEN_BIT), MNIST, "more than 8 bits"),
        (png(COLOUR, "GIF"), CIFAR10, "no PNG"),
        (animated(), CIFAR10, "animated"),
    ],
)
def test_what_is_no_image_of_the_data_set_is_refused(
    data: bytes, info: DatasetInfo, why: str
) -> None:
    with pytest.raises(NotThisImageError, match=why):
        decode_image(data, info)


def test_only_the_kind_of_source_that_is_asked_for_is_taken(named: Path, load: Load) -> None:
    parquet(named, MNIST, invent(MNIST), invent(MNIST, 20))
    loaded = load("mnist", "test", source="parquet")
    assert loaded.source == "parquet"
    layouts.write_class_folders(named / "mnist" / "train", MNIST, invent(MNIST, 0))
    with pytest.raises(CorruptDataError, match="holds no images"):
        load("mnist", "train", source="folders")
