"""Data sets: where they lie on this machine (locations)."""
