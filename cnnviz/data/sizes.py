"""Sizes of files, for people."""

from __future__ import annotations


def format_bytes(count: int) -> str:
    """A size in decimal units, as disks are sold: 999 B, 1.2 kB, 34 MB."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    digits = 1 if unit != "B" and size < 9.95 else 0
    return f"{size:.{digits}f} {unit}"
