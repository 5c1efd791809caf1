"""Where runs lie: the folder of all runs, and what lies in that of each.

runs/
    runs.sqlite          the store: what every run is and told
    queue.lock           locked by the one queue that schedules
    reserve              room for the last words of a run when the disk is full
    run-000012/
        state.safetensors            all that is needed to go on
        snapshots/epoch-000.safetensors, ...   the network before training, and after each epoch
        log.txt                      what the worker printed; tracebacks
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cnnviz.data.datasets import PROJECT
from cnnviz.errors import RunError

VARIABLE: Final = "CNNVIZ_RUNS"
_SNAPSHOT: Final = re.compile(r"epoch-(\d{3,})\.safetensors")
_RESERVE: Final = "reserve"
_RESERVE_BYTES: Final = 2**20
_DISCARDED: Final = ".discarded-"


def runs_folder(*, app_folder: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of all runs; it need not exist.

    What CNNVIZ_RUNS names; else `runs/` beside app.py if it can be written; else
    `cnnviz/runs` in the user's folder for states (XDG_STATE_HOME, ~/.local/state).
    """
    named = environment.get(VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    beside = app_folder / "runs"
    if os.access(beside if beside.exists() else app_folder, os.W_OK | os.X_OK):
        return beside
    state = environment.get("XDG_STATE_HOME", "")
    return (Path(state) if state else Path("~/.local/state").expanduser()) / "cnnviz" / "runs"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run; it need not exist."""

    path: Path

    @property
    def state(self) -> Path:
        """`cnnviz.training.state.TrainingState`, the last that was kept."""
        return self.path / "state.safetensors"

    @property
    def snapshots(self) -> Path:
        """The folder of `cnnviz.training.state.Snapshot`s."""
        return self.path / "snapshots"

    @property
    def log(self) -> Path:
        """What the worker printed."""
        return self.path / "log.txt"

    def snapshot(self, epoch: int) -> Path:
        """The snapshot after that many epochs; 0 is the network before training."""
        return self.snapshots / f"epoch-{epoch:03}.safetensors"

    def snapshot_epochs(self) -> list[int]:
        """The epochs of which there are snapshots, in order."""
        found = (_SNAPSHOT.fullmatch(name) for name in _names(self.snapshots))
        return sorted(int(match[1]) for match in found if match)

    def remove_after(self, epoch: int) -> None:
        """Removes those of later epochs, and what a killed process left half-written."""
        for later in self.snapshot_epochs():
            if later > epoch:
                self.snapshot(later).unlink(missing_ok=True)
        for folder in (self.path, self.snapshots):
            for name in _names(folder):
                if name.startswith(".") and ".safetensors-" in name:
                    (folder / name).unlink(missing_ok=True)

    def thin_snapshots(self, most_bytes: int) -> None:
        """Keeps every second, every fourth ... and the last, until they are small enough.

        Once it kept only every second, it goes on so: the first two of them say how far apart.
        """
        epochs = self.snapshot_epochs()
        if len(epochs) < 3:
            return
        first, stride, last = epochs[0], epochs[1] - epochs[0], epochs[-1]
        while True:
            kept = [epoch for epoch in epochs if (epoch - first) % stride == 0 or epoch == last]
            if len(kept) <= 2 or self._bytes_of(kept) <= most_bytes:
                break
            stride *= 2
        for epoch in set(epochs) - set(kept):
            self.snapshot(epoch).unlink(missing_ok=True)

    def _bytes_of(self, epochs: list[int]) -> int:
        return sum(self.snapshot(epoch).stat().st_size for epoch in epochs)

    def bytes(self) -> int:
        """Size of its files."""
        return sum(_sizes(self.path))


def folder_of(root: Path, run_id: int) -> RunFolder:
    """The folder of a run in the folder of all."""
    return RunFolder(root / f"run-{run_id:06}")


def total_bytes(root: Path) -> int:
    """Size of everything in the folder of all runs."""
    return sum(_sizes(root))


def free_bytes(root: Path) -> int:
    """What is free on its disk for this user."""
    return shutil.disk_usage(root).free


def discard(folder: RunFolder) -> None:
    """Removes the folder of a run as a whole; RunError names it if that fails."""
    root = folder.path.parent
    try:
        # Renamed first: a run of which some files are gone should not be seen under its name.
        aside = Path(tempfile.mkdtemp(prefix=_DISCARDED, dir=root))
        with suppress(FileNotFoundError):
            folder.path.rename(aside / folder.path.name)
        shutil.rmtree(aside)
    except OSError as error:
        raise RunError(f"{folder.path} cannot be removed ({error.strerror or error})") from None


def remove_discarded(root: Path) -> None:
    """Removes what was being discarded when a process was killed."""
    for name in _names(root):
        if name.startswith(_DISCARDED):
            shutil.rmtree(root / name, ignore_errors=True)


def keep_reserve(root: Path) -> None:
    """Keeps a file of 1 MiB that can be given up when the disk is full, if there is room for it."""
    file = root / _RESERVE
    with suppress(OSError):
        if not file.exists() and free_bytes(root) > 8 * _RESERVE_BYTES:
            file.write_bytes(os.urandom(_RESERVE_BYTES))  # zeros may take no room


def give_up_reserve(root: Path) -> None:
    """Makes room for a few last words on a full disk."""
    with suppress(OSError):
        (root / _RESERVE).unlink(missing_ok=True)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _sizes(root: Path) -> Iterator[int]:
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                yield os.lstat(os.path.join(folder, name)).st_size
