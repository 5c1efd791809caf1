"""Which precision a training takes if it is left to it: measured once on a machine, then kept.

A measurement that comes out close would otherwise decide one way today and the other tomorrow, and
two runs of one configuration would not be the same.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Final, get_args

import torch

from cnnviz.atomic_files import write_atomically
from cnnviz.data.locations import user_cache
from cnnviz.models.registry import ModelSpec
from cnnviz.training.device import Precision, device_name, measure_precision

FILE: Final = "precision.json"


def choose_precision(
    spec: ModelSpec, device: torch.device, batch_size: int, *, cache_folder: Path | None = None
) -> Precision:
    """What was measured for this network on this machine and torch; measured now if it never was.

    cache_folder: where it is kept; the user's cache unless given. Removing precision.json there
    makes it measure again. A cache that cannot be written costs the measurement each time.
    """
    file = (cache_folder or user_cache().parent) / FILE
    facts = [torch.__version__, device_name(device), torch.get_num_threads(), batch_size]
    key = hashlib.sha256(json.dumps([*facts, spec.to_json()]).encode()).hexdigest()[:16]
    known = _read(file)
    if key not in known:
        known[key] = measure_precision(spec, device, batch_size)
        with suppress(OSError):
            write_atomically(file, json.dumps(known, indent=1).encode())
    return known[key]


def _read(file: Path) -> dict[str, Precision]:
    try:
        content = json.loads(file.read_bytes())
        return {str(key): value for key, value in content.items() if value in get_args(Precision)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
