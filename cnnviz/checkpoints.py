"""The trained networks that lie in a folder: NAME.safetensors with its card, NAME.json.

Nothing is loaded here, and nothing that could execute is ever looked at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A pair of files, NAME.safetensors and NAME.json."""

    name: str
    bytes: int
    """Size of the weights alone."""


def list_checkpoints(folder: Path) -> tuple[CheckpointFile, ...]:
    """Every complete pair in the folder, by name; nothing if the folder cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            sizes = {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
    except OSError:
        return ()
    names = sorted(name.removesuffix(".safetensors") for name in sizes if _has_card(name, sizes))
    return tuple(CheckpointFile(name, sizes[f"{name}.safetensors"]) for name in names)


def _has_card(weights: str, sizes: dict[str, int]) -> bool:
    stem = weights.removesuffix(".safetensors")
    return weights.endswith(".safetensors") and bool(stem) and f"{stem}.json" in sizes
