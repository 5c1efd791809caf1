"""Data sets recognised by the shape of their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz.data.catalogue import CIFAR10
from cnnviz.data.catalogue import MNIST as MNIST_CLASSES
from cnnviz.data.locations import DataLocation, find_data, user_cache
from cnnviz.ui.machine_card import describe_data

CIFAR = [*(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta"]
MNIST = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]
PARQUET = [
    "train-00000-of-00002.parquet",
    "train-00001-of-00002.parquet",
    "test-00000-of-00001.parquet",
]


def fill(folder: Path, names: list[str], size: int = 10) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x" * size)
    return folder


def facts(location: DataLocation) -> tuple[str, str, Path, bool, int | None]:
    return (
        location.dataset,
        location.layout,
        location.folder,
        location.complete,
        location.bytes,
    )


def find(root: Path, named: str | None = None) -> tuple[DataLocation, ...]:
    environment = {"CNNVIZ_DATA": str(root) if named is None else named}
    report = find_data(root / "app", environment=environment, cache_folder=root / "cache")
    assert report.problems == ()
    return report.locations


def test_torchvision_cifar10(tmp_path: Path) -> None:
    folder = fill(tmp_path / "cifar-10-batches-py", [*CIFAR, "readme.html"])
    (location,) = find(tmp_path)
    assert facts(location) == ("cifar10", "torchvision", folder, True, 70)
    assert location.title == "CIFAR-10"
    assert [file.name for file in location.train.files] == [*CIFAR[:5], CIFAR[6]]
    assert [file.name for file in location.test.files] == CIFAR[5:]


@pytest.mark.parametrize("missing", CIFAR)
def test_cifar10_with_a_file_missing_is_incomplete(tmp_path: Path, missing: str) -> None:
    fill(tmp_path / "cifar-10-batches-py", [name for name in CIFAR if name != missing])
    (location,) = find(tmp_path)
    assert not location.complete
    assert missing in location.train.missing + location.test.missing
    assert location.files("train").complete is (missing == "test_batch")
    assert location.files("test").complete is missing.startswith("data_batch")


def test_an_empty_file_is_incomplete(tmp_path: Path) -> None:
    folder = fill(tmp_path / "cifar-10-batches-py", CIFAR)
    (folder / "test_batch").write_bytes(b"")
    (location,) = find(tmp_path)
    assert not location.complete
    assert location.test.missing == ("test_batch",)


def test_parquet_in_parts(tmp_path: Path) -> None:
    folder = fill(tmp_path / "cifar10", [*PARQUET, "README.md"])
    (location,) = find(tmp_path)
    assert facts(location) == ("cifar10", "parquet", folder, True, 30)
    assert [file.name for file in location.train.files] == PARQUET[:2]


@pytest.mark.parametrize("below", ["cifar10/plain_text", "mnist", "mnist/mnist"])
def test_parquet_where_hugging_face_puts_it(tmp_path: Path, below: str) -> None:
    folder = fill(tmp_path / below, PARQUET)
    (location,) = find(tmp_path)
    assert facts(location) == (below.split("/")[0], "parquet", folder, True, 30)


def test_parquet_that_names_far_too_many_parts(tmp_path: Path) -> None:
    fill(tmp_path / "cifar10", ["train-00000-of-99999.parquet", "test-00000-of-00001.parquet"])
    (location,) = find(tmp_path)
    assert not location.train.complete
    assert location.test.complete


def test_parquet_of_two_divisions_is_incomplete(tmp_path: Path) -> None:
    fill(tmp_path / "cifar10", ["test-00000-of-00001.parquet", "test-00000-of-00002.parquet"])
    (location,) = find(tmp_path)
    assert location.test.missing == ("test-00001-of-00002.parquet",)


@pytest.mark.parametrize("missing", PARQUET)
def test_parquet_with_a_part_missing_is_incomplete(tmp_path: Path, missing: str) -> None:
    fill(tmp_path / "cifar10", [name for name in PARQUET if name != missing])
    (location,) = find(tmp_path)
    assert not location.complete


@pytest.mark.parametrize("packed", [0, 1, 2, 4])
def test_mnist_packed_or_not(tmp_path: Path, packed: int) -> None:
    names = [f"{name}.gz" for name in MNIST[:packed]] + MNIST[packed:]
    folder = fill(tmp_path / "MNIST" / "raw", names)
    (location,) = find(tmp_path)
    assert facts(location) == ("mnist", "torchvision", folder, True, 40)
    assert [*location.train.files, *location.test.files] == [folder / name for name in names]


def test_mnist_packed_and_unpacked_is_read_unpacked(tmp_path: Path) -> None:
    folder = fill(tmp_path / "MNIST" / "raw", [*MNIST, *(f"{name}.gz" for name in MNIST)])
    (folder / MNIST[0]).write_bytes(b"")
    (location,) = find(tmp_path)
    assert [file.name for file in location.train.files] == [f"{MNIST[0]}.gz", MNIST[1]]


@pytest.mark.parametrize("missing", range(4))
def test_mnist_with_a_file_missing_is_incomplete(tmp_path: Path, missing: int) -> None:
    fill(tmp_path / "MNIST" / "raw", MNIST[:missing] + MNIST[missing + 1 :])
    (location,) = find(tmp_path)
    assert not location.complete


def fill_classes(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    "folders", [("cifar10", "train", "test"), ("CIFAR10", "Train", "TEST")], ids=str
)
def test_class_folders(tmp_path: Path, folders: tuple[str, str, str]) -> None:
    folder = tmp_path / folders[0]
    for split in folders[1:]:
        fill_classes(folder / split, (*CIFAR10.class_names[:9], "TRUCK"))
    (location,) = find(tmp_path)
    assert facts(location) == ("cifar10", "folders", folder, True, None)
    assert location.train.files[-2:] == (
        folder / folders[1] / "ship",
        folder / folders[1] / "TRUCK",
    )


def test_a_class_without_a_folder_is_incomplete(tmp_path: Path) -> None:
    fill_classes(tmp_path / "mnist" / "train", MNIST_CLASSES.class_names)
    fill_classes(tmp_path / "mnist" / "test", MNIST_CLASSES.class_names[1:])
    (location,) = find(tmp_path)
    assert location.train.complete
    assert location.test.missing == ("folder 0",)


def test_folders_that_are_no_classes_are_no_data(tmp_path: Path) -> None:
    fill_classes(tmp_path / "cifar10" / "train", ("plane", "car"))
    fill_classes(tmp_path / "mnist", ("0", "1"))
    fill(tmp_path / "mnist" / "train", ["2"])
    assert find(tmp_path) == ()


def test_two_layouts_in_one_folder_are_both_found(tmp_path: Path) -> None:
    fill(tmp_path / "cifar10", PARQUET)
    fill_classes(tmp_path / "cifar10" / "train", CIFAR10.class_names)
    assert [location.layout for location in find(tmp_path)] == ["parquet", "folders"]


def test_order_is_variable_then_app_then_cache(tmp_path: Path) -> None:
    named = fill(tmp_path / "named" / "cifar10", PARQUET)
    beside = fill(tmp_path / "app" / "data" / "cifar10", PARQUET)
    cached = fill(tmp_path / "cache" / "cifar10", PARQUET)
    found = find(tmp_path, str(tmp_path / "named"))
    assert [location.folder for location in found] == [named, beside, cached]


def test_a_folder_that_is_named_twice_is_listed_once(tmp_path: Path) -> None:
    beside = fill(tmp_path / "app" / "data" / "cifar10", PARQUET)
    found = find(tmp_path, str(tmp_path / "app" / "data"))
    assert [location.folder for location in found] == [beside]


@pytest.mark.parametrize("named", ["", "   "])
def test_an_empty_variable_names_nothing(tmp_path: Path, named: str) -> None:
    assert find(tmp_path, named) == ()


def problems(tmp_path: Path, named: str) -> tuple[str, ...]:
    report = find_data(tmp_path, environment={"CNNVIZ_DATA": named}, cache_folder=tmp_path)
    assert report.locations == ()
    return report.problems


def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    assert problems(tmp_path, "/no/such") == ("CNNVIZ_DATA names /no/such, which does not exist.",)


def test_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (problem,) = problems(tmp_path, str(tmp_path / "file"))
    assert problem.endswith("which is a file; it should be a folder.")


@pytest.mark.parametrize("named", ["null\0character", "x" * 5000, "~no-such-user-anywhere/data"])
def test_a_hostile_name_is_a_sentence(tmp_path: Path, named: str) -> None:
    assert len(problems(tmp_path, named)) == 1


def test_a_folder_that_may_not_be_read_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("os.scandir", refuse)
    (problem,) = problems(tmp_path, str(tmp_path))
    assert problem.endswith("which this user may not read.")


def test_user_cache(tmp_path: Path) -> None:
    assert user_cache({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "cnnviz" / "data"
    assert user_cache({}).parts[-3:] == (".cache", "cnnviz", "data")


def test_the_home_page_says_what_was_found(tmp_path: Path) -> None:
    parquet = fill(tmp_path / "cifar10", PARQUET)
    raw = fill(tmp_path / "MNIST" / "raw", MNIST[:2])
    for split in ("train", "test"):
        fill_classes(tmp_path / "mnist" / split, MNIST_CLASSES.class_names)
    report = find_data(tmp_path, environment={"CNNVIZ_DATA": str(tmp_path)}, cache_folder=tmp_path)
    assert describe_data(report) == [
        f"MNIST, torchvision, incomplete: {raw}",
        f"CIFAR-10, parquet, 30 B: {parquet}",
        f"MNIST, class folders: {tmp_path / 'mnist'}",
    ]
