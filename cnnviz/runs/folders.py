"""The folder of all runs: where it is, how large it may grow, how a run leaves it.

runs/
    runs.sqlite          the store: what every run is and told
    queue.lock           locked by the one queue that schedules
    reserve              room for the last words of a run when the disk is full
    run-000012/          what belongs to one run: `cnnviz.training.run_folder`
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cnnviz.data.datasets import PROJECT
from cnnviz.errors import RunError
from cnnviz.training.run_folder import RunFolder, file_sizes, names_in

VARIABLE: Final = "CNNVIZ_RUNS"
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


def folder_of(root: Path, run_id: int) -> RunFolder:
    """The folder of a run in the folder of all."""
    return RunFolder(root / f"run-{run_id:06}")


def total_bytes(root: Path) -> int:
    """Size of everything in the folder of all runs."""
    return sum(file_sizes(root))


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
    for name in names_in(root):
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
