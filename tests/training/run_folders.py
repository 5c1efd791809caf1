"""Folders of runs that nobody trained."""

from __future__ import annotations

from cnnviz.training.run_folder import RunFolder


def with_snapshots(folder: RunFolder, count: int, size: int = 1000) -> RunFolder:
    """The folder, with that many files that have the names of snapshots."""
    folder.snapshots.mkdir(parents=True)
    for epoch in range(count):
        folder.snapshot(epoch).write_bytes(bytes(size))
    return folder
