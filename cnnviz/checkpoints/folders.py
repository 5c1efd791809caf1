"""Which checkpoints there are, and where. Nothing is opened here but by `read_bytes`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cnnviz.errors import CheckpointError, SettingError
from cnnviz.settings import shown

TRAINED: Final = "trained"
"""The folder for what the user trains."""
SHIPPED: Final = "checkpoints"
"""The folder of the networks that come with cnnviz."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """Where a checkpoint lies."""

    folder: Path
    name: str
    bytes: int
    """Size of the weights alone."""


def checkpoint_folders(project: Path) -> tuple[Path, Path]:
    """The two folders that are looked through, in this order; `project` holds app.py."""
    return project / TRAINED, project / SHIPPED


def list_checkpoints(*folders: Path) -> tuple[CheckpointFile, ...]:
    """Every pair of weights and card, by name; a name that an earlier folder has hides a later one.

    A folder that cannot be listed has none.
    """
    found: dict[str, CheckpointFile] = {}
    for folder in reversed(folders):
        found |= {file.name: file for file in _list_folder(folder)}
    return tuple(found[name] for name in sorted(found))


def find_checkpoint(name: str, folders: Sequence[Path]) -> CheckpointFile:
    """The checkpoint of that name; CheckpointError that says which there are for any other."""
    there = list_checkpoints(*folders)
    for file in there:
        if file.name == name:
            return file
    places = " or ".join(str(folder) for folder in folders)
    choices = f"use {', '.join(file.name for file in there)}" if there else "there are none at all"
    raise CheckpointError(f"there is no checkpoint {shown(name)} in {places}: {choices}")


def check_name(name: object) -> str:
    """`name` if it can be that of a checkpoint, which is never a path; else SettingError."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise SettingError(
        f"the checkpoint's name is {shown(name)}: use up to 100 letters, digits, dots, hyphens and "
        "underscores, a letter or digit first"
    )


def weights_file(folder: Path, name: str) -> Path:
    """Where the weights lie."""
    return folder / f"{check_name(name)}.safetensors"


def card_file(folder: Path, name: str) -> Path:
    """Where the card lies."""
    return folder / f"{check_name(name)}.json"


def logits_file(folder: Path, name: str) -> Path:
    """Where the logits lie."""
    return folder / f"{check_name(name)}.npz"


def read_bytes(file: Path, most: int) -> bytes:
    """A file of at most so many bytes; CheckpointError names it otherwise."""
    try:
        with open(file, "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror or error})") from None
    if len(data) > most:
        raise CheckpointError(
            f"{file} is larger than the {most:,} bytes that belong in it: this is another file"
        )
    return data


def require_digest(file: Path, data: bytes, sha256: str) -> None:
    """CheckpointError unless that is the SHA-256 of the data."""
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise CheckpointError(
            f"{file} is not the file that its card was written for (SHA-256 {found[:16]}..., the "
            f"card has {sha256[:16]}...): it was cut short, changed or exchanged. {WHAT_WOULD_DO}"
        )


WHAT_WOULD_DO: Final = (
    "Get the checkpoint's files again, or train it again by the command in its card."
)


def _list_folder(folder: Path) -> list[CheckpointFile]:
    try:
        with os.scandir(folder) as entries:
            sizes = {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
    except OSError:
        return []
    return [
        CheckpointFile(folder, stem, sizes[f"{stem}.safetensors"])
        for stem in (name.removesuffix(".json") for name in sizes if name.endswith(".json"))
        if f"{stem}.safetensors" in sizes and _NAME.fullmatch(stem)
    ]
