"""Random numbers that depend on the run's seed and on what they are for, and on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def seed_number(seed: int, purpose: str, number: int = 0) -> int:
    """A seed for torch, different for each purpose and number; the same on every machine."""
    digest = hashlib.sha256(f"cnnviz {seed} {purpose} {number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1  # torch takes 63 bits everywhere


def generator_for(seed: int, purpose: str, number: int = 0) -> torch.Generator:
    """A CPU generator of its own, seeded by `seed_number`."""
    return torch.Generator().manual_seed(seed_number(seed, purpose, number))


@contextmanager
def seeded_global(seed: int, purpose: str, number: int, device: torch.device) -> Iterator[None]:
    """Seeds torch's global random numbers, for layers that use these; restores them afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        if device.type == "cpu":  # torch.manual_seed would seed the GPUs as well
            torch.default_generator.manual_seed(seed_number(seed, purpose, number))
        else:
            torch.manual_seed(seed_number(seed, purpose, number))
        yield
