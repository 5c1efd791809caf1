"""The store: built once, atomically, opened at once, built again when it or its source changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnviz.data import reading, store
from cnnviz.data.canonical import Split, canonical_order, split_digest
from cnnviz.data.catalogue import CIFAR10, MNIST
from cnnviz.data.sources import torchvision_layout
from tests.data import layouts
from tests.data.conftest import Load
from tests.data.layouts import Pictures, invent

DIGITS = invent(MNIST, 30)


@pytest.fixture
def digits(named: Path) -> Path:
    """A file of MNIST's training images; its labels lie beside it."""
    return layouts.write_idx(named, "train", DIGITS, packed=False)[0]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows each time a source of torchvision's layout is read."""
    seen: list[str] = []

    def counted(location: Any, split: Any, *rest: Any) -> Any:
        seen.append(split)
        return torchvision_layout.read_split(location, split, *rest)

    monkeypatch.setitem(reading._READERS, "torchvision", counted)
    return seen


def folders(cache: Path) -> list[Path]:
    """What lies in the store, hidden or not."""
    return sorted((cache / "store").iterdir())


def same(split: Split, pictures: Pictures = DIGITS) -> bool:
    order = canonical_order(*pictures)
    return bool(
        np.array_equal(split.images, pictures[0][order])
        and np.array_equal(split.labels, pictures[1][order])
        and split.digest == split_digest(*pictures)
    )


def test_the_source_is_read_once(digits: Path, load: Load, cache: Path, reads: list[str]) -> None:
    first, second = load("mnist", "train"), load("mnist", "train")
    assert reads == ["train"]
    assert same(first)
    assert same(second)
    assert first.notes == second.notes == ()
    (folder,) = folders(cache)
    assert {file.name for file in folder.iterdir()} == {
        "images.npy",
        "labels.npy",
        "manifest.json",
    }


def test_images_are_mapped_and_not_read(digits: Path, load: Load) -> None:
    split = load("mnist", "train")
    base = split.images.base
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert type(split.images) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        split.images.flags.writeable = True


def test_two_splits_and_two_sets_lie_side_by_side(named: Path, load: Load, cache: Path) -> None:
    given: dict[tuple[str, str], Pictures] = {}
    for name, info in (("cifar10", CIFAR10), ("mnist", MNIST)):
        for split in ("train", "test"):
            pictures = given[name, split] = invent(info, 20, len(given))
            layouts.write_parquet(named / name, split, pictures)
    loaded = {key: load(*key) for key in given}
    assert all(same(loaded[key], pictures) for key, pictures in given.items())
    assert len(folders(cache)) == 4


@pytest.mark.parametrize("change", ["content", "time", "other place"])
def test_a_source_that_changed_is_read_again(
    digits: Path, load: Load, cache: Path, reads: list[str], change: str, named: Path
) -> None:
    load("mnist", "train")
    other = invent(MNIST, 31 if change == "content" else 30, 9)
    before = digits.stat().st_mtime_ns
    if change == "other place":
        moved = named.with_name("elsewhere")
        shutil.move(named, moved)
        shutil.copytree(moved, named)
        layouts.write_idx(named, "train", other, packed=False)
    else:
        layouts.write_idx(named, "train", other, packed=False)
        os.utime(digits, ns=(before, before + (10**9 if change == "time" else 0)))
    assert same(load("mnist", "train"), other)
    assert reads == ["train", "train"]
    # The store of what the source was before is of no use to anybody.
    assert len(folders(cache)) == 1


def test_images_that_moved_to_another_class_are_noticed(named: Path, load: Load) -> None:
    root = named / "mnist" / "train"
    files = layouts.write_class_folders(root, MNIST, DIGITS)
    before = load("mnist", "train").labels.sum()
    for file in files:
        if file.parent.name == "1":
            status = file.stat()
            file.rename(root / "8" / file.name)
            os.utime(root / "8" / file.name, ns=(status.st_atime_ns, status.st_mtime_ns))
            break
    assert load("mnist", "train").labels.sum() == before + 7


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "images cut short": lambda folder: cut(folder / "images.npy"),
    "images empty": lambda folder: (folder / "images.npy").write_bytes(b""),
    "images gone": lambda folder: (folder / "images.npy").unlink(),
    "labels cut short": lambda folder: cut(folder / "labels.npy"),
    "labels gone": lambda folder: (folder / "labels.npy").unlink(),
    "images of another shape": lambda folder: other_shape(folder),
    "labels of another type": lambda folder: other_type(folder),
    "a pickle among the arrays": lambda folder: pickled(folder),
    "manifest gone": lambda folder: (folder / "manifest.json").unlink(),
    "manifest empty": lambda folder: (folder / "manifest.json").write_bytes(b""),
    "manifest cut short": lambda folder: cut(folder / "manifest.json"),
    "manifest is a list": lambda folder: (folder / "manifest.json").write_text("[]"),
    "manifest without a size": lambda folder: change_manifest(folder, bytes={}),
    "manifest of the future": lambda folder: change_manifest(folder, format=2),
    "manifest of another set": lambda folder: change_manifest(folder, dataset="cifar10"),
    "manifest with nonsense": lambda folder: change_manifest(folder, shape="large"),
    "manifest with too much": lambda folder: change_manifest(folder, extra=1),
    "a file in its place": lambda folder: replace_by_file(folder),
    "an empty folder in its place": lambda folder: replace_by_nothing(folder),
}


def change_manifest(folder: Path, **changes: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def other_shape(folder: Path) -> None:
    images = np.load(folder / "images.npy")
    np.save(folder / "images.npy", images.reshape(15, 56, 28, 1))


def other_type(folder: Path) -> None:
    np.save(folder / "labels.npy", np.load(folder / "labels.npy").astype(np.uint64))


def pickled(folder: Path) -> None:
    np.save(folder / "labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    change_manifest(
        folder,
        bytes={name: (folder / name).stat().st_size for name in ("images.npy", "labels.npy")},
    )


def replace_by_nothing(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def replace_by_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store_is_built_again(
    digits: Path, load: Load, cache: Path, reads: list[str], kind: str
) -> None:
    load("mnist", "train")
    (folder,) = folders(cache)
    DAMAGE[kind](folder)
    assert same(load("mnist", "train"))
    assert same(load("mnist", "train"))
    assert reads == ["train", "train"]
    assert folders(cache) == [folder]


def test_a_cache_that_cannot_be_written(digits: Path, load: Load, tmp_path: Path) -> None:
    (tmp_path / "user").write_text("a file where the cache should be")
    first, second = load("mnist", "train"), load("mnist", "train")
    assert same(first)
    assert same(second)
    place = tmp_path / "temporary" / f"cnnviz-{os.getuid()}" / "store"
    assert len(list(place.iterdir())) == 1
    assert first.notes[0].startswith(f"Kept in {place}, since ")
    assert "could not be written (Not a directory)" in first.notes[0]
    assert second.notes[0].startswith(f"Kept in {place}, since ")
    assert place.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_can_be_written(
    digits: Path, load: Load, tmp_path: Path, reads: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "user").write_text("a file where the cache should be")
    (tmp_path / "temporary").rmdir()
    for _ in range(2):
        split = load("mnist", "train")
        assert same(split)
        assert split.notes[0].startswith("Kept in memory, to be read again at the next start")
        assert not split.images.flags.writeable
    assert reads == ["train", "train"]
    assert "Kept in memory" in caplog.text


def test_the_temporary_folder_of_somebody_else_is_not_trusted(
    digits: Path, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "user").write_text("a file where the cache should be")
    (tmp_path / "temporary" / "cnnviz-12345").mkdir()
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert load("mnist", "train").notes[0].startswith("Kept in memory")
    (tmp_path / "temporary" / "cnnviz-54321").symlink_to(tmp_path)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    assert load("mnist", "train").notes[0].startswith("Kept in memory")


@pytest.mark.parametrize("step", ["_write_array", "flush_to_disk", "_rename"])
def test_a_disk_that_is_full_leaves_nothing_behind(
    digits: Path, load: Load, cache: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, step, full)
    split = load("mnist", "train")
    assert same(split)
    assert "could not be written (No space left on device)" in split.notes[0]
    assert folders(cache) == []


def test_the_loser_of_a_race_takes_what_the_winner_built(
    digits: Path, load: Load, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = store._rename
    raced: list[Path] = []

    def late(building: Path, place: Path) -> None:
        if not raced:
            raced.append(place)
            assert same(load("mnist", "train"))  # another process, from beginning to end
            raced.append(Path(str((place / "images.npy").stat().st_ino)))
        rename(building, place)

    monkeypatch.setattr(store, "_rename", late)
    assert same(load("mnist", "train"))
    place, inode = raced
    assert folders(cache) == [place]
    assert str((place / "images.npy").stat().st_ino) == str(inode)


def test_four_processes_that_build_the_same_store_at_once(
    digits: Path, cache: Path, tmp_path: Path, project: Path
) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cnnviz.data.datasets import load_split\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for _ in range(5):\n"
        "    split = load_split('mnist', 'train', app_folder=Path('nowhere'))\n"
        "    print(split.digest, split.images.sum(), len(split.notes), flush=True)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        answers.append(process.communicate(timeout=60)[0])
        assert process.returncode == 0
    assert set("".join(answers).splitlines()) == {f"{split_digest(*DIGITS)} {DIGITS[0].sum()} 0"}
    assert len(folders(cache)) == 1


def test_what_killed_processes_left_behind_is_removed_after_a_day(
    digits: Path, load: Load, cache: Path
) -> None:
    left = [cache / "store" / f".building-mnist-train-{n}" for n in range(2)]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "images.npy").write_bytes(b"x")
    long_ago = time.time() - 25 * 3600
    os.utime(left[0], (long_ago, long_ago))
    load("mnist", "train")
    assert not left[0].exists()
    assert left[1].exists()  # somebody may be at it
