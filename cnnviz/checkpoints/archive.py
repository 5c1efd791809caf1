"""The three files of a checkpoint as one file to take away."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from cnnviz.checkpoints.folders import card_file, logits_file, weights_file
from cnnviz.errors import CheckpointError


def checkpoint_zip(folder: Path, name: str) -> bytes:
    """A zip file that holds them, not compressed: numbers shrink by little, and slowly.

    Unpacked into `trained/` of another cnnviz they are a checkpoint there. CheckpointError names
    the file that cannot be read.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for place in (card_file, weights_file, logits_file):
            file = place(folder, name)
            try:
                archive.write(file, file.name)
            except OSError as error:
                reason = error.strerror or error
                raise CheckpointError(f"{file} cannot be read ({reason})") from None
    return packed.getvalue()
