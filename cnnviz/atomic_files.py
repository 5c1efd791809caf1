"""Files that are whole: under a file's name there is the old content or the new, never a part."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Any


def write_atomically(file: Path, data: bytes) -> None:
    """Writes a file, and makes the folders above it; OSError leaves an older file as it was.

    It is written as `.NAME-...` and renamed: a process that is killed meanwhile leaves that.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            flush_to_disk(stream)
        os.chmod(name, 0o644)  # mkstemp's files are for their owner alone
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def flush_to_disk(stream: IO[Any]) -> None:
    """Waits until what was written is on the disk, so that no later rename can overtake it."""
    stream.flush()
    os.fsync(stream.fileno())
