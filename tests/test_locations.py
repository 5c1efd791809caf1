"""Data sets recognised by the shape of their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz.data.locations import DataLocation, find_data, user_cache

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


def find(root: Path, named: str | None = None) -> tuple[DataLocation, ...]:
    environment = {"CNNVIZ_DATA": str(root) if named is None else named}
    report = find_data(root / "app", environment=environment, cache_folder=root / "cache")
    assert report.problems == ()
    return report.locations


def test_torchvision_cifar10(tmp_path: Path) -> None:
    folder = fill(tmp_path / "cifar-10-batches-py", [*CIFAR, "readme.html"])
    assert find(tmp_path) == (DataLocation("CIFAR-10", "torchvision", folder, True, 70),)


@pytest.mark.parametrize("missing", CIFAR)
def test_cifar10_with_a_file_missing_is_incomplete(tmp_path: Path, missing: str) -> None:
    fill(tmp_path / "cifar-10-batches-py", [name for name in CIFAR if name != missing])
    (location,) = find(tmp_path)
    assert not location.complete


def test_an_empty_file_is_incomplete(tmp_path: Path) -> None:
    folder = fill(tmp_path / "cifar-10-batches-py", CIFAR)
    (folder / "test_batch").write_bytes(b"")
    (location,) = find(tmp_path)
    assert not location.complete


def test_parquet_in_parts(tmp_path: Path) -> None:
    folder = fill(tmp_path / "cifar10", [*PARQUET, "README.md"])
    assert find(tmp_path) == (DataLocation("CIFAR-10", "parquet", folder, True, 30),)


@pytest.mark.parametrize("missing", PARQUET)
def test_parquet_with_a_part_missing_is_incomplete(tmp_path: Path, missing: str) -> None:
    fill(tmp_path / "cifar10", [name for name in PARQUET if name != missing])
    (location,) = find(tmp_path)
    assert not location.complete


@pytest.mark.parametrize("packed", [0, 1, 2, 4])
def test_mnist_packed_or_not(tmp_path: Path, packed: int) -> None:
    names = [f"{name}.gz" for name in MNIST[:packed]] + MNIST[packed:]
    folder = fill(tmp_path / "MNIST" / "raw", names)
    assert find(tmp_path) == (DataLocation("MNIST", "torchvision", folder, True, 40),)


@pytest.mark.parametrize("missing", range(4))
def test_mnist_with_a_file_missing_is_incomplete(tmp_path: Path, missing: int) -> None:
    fill(tmp_path / "MNIST" / "raw", MNIST[:missing] + MNIST[missing + 1 :])
    (location,) = find(tmp_path)
    assert not location.complete


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
