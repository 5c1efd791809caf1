"""Runs with snapshots that no training made, so that every number in them can be counted by hand.

Fifty of the starter digits are held out, five of each class. After epoch e the first 10 e of them
are recognised with certainty, and all others are taken for a 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.data.datasets import load_split
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.run import Run
from cnnviz.runs.store import RunStore
from cnnviz.training.config import TrainingConfig
from cnnviz.training.snapshot import Snapshot
from tests.runs.invented import epoch_record, event, start_record, step_record

CONFIG: Final = TrainingConfig(
    model="lenet5", dataset="mnist", epochs=4, batch_size=64, validation_count=50
)
LABELS: Final = np.repeat(np.arange(10), 5)
CERTAIN: Final = 9.0  # the logit of the class that is chosen; the others' are 0


@cache
def starter_digest() -> str:
    return load_split("mnist", "train", source="starter").digest


def logits_after(epoch: int) -> npt.NDArray[np.float16]:
    taken = np.where(np.arange(50) < 10 * epoch, LABELS, 0)
    return (CERTAIN * np.eye(10)[taken]).astype(np.float16)


def filters_after(epoch: int) -> npt.NDArray[np.float16]:
    """(6, 1, 5, 5): all alike, from 0 to 0.4."""
    return np.full((6, 1, 5, 5), epoch / 10, dtype=np.float16)


def invented_snapshot(epoch: int) -> Snapshot:
    weights: dict[str, npt.NDArray[Any]] = {
        "conv1.weight": filters_after(epoch),
        "conv2.weight": np.zeros((16, 6, 5, 5), dtype=np.float16),
    }
    return Snapshot(epoch, 50 * epoch, weights, logits_after(epoch) if epoch else None)


def past_run(
    store: RunStore,
    *,
    owner: str = "ada",
    name: str = "",
    config: TrainingConfig = CONFIG,
    epochs: Sequence[int] = range(5),
    ended: bool = True,
) -> Run:
    """A run that told of its epochs, and kept snapshots of these."""
    made = store.create_run(config, owner, name=name)
    run = store.claim_next("fake", "cpu")
    assert run is not None
    assert run.id == made.id
    attempt = Attempt(store, run.id, run.attempt)
    start = replace(start_record(), train_digest=starter_digest(), validation_count=50)
    attempt.begin(start, 0, event())
    last = max(epochs, default=0)
    steps = [step_record(step, loss=2 / step) for step in range(10, 50 * last + 1, 10)]
    attempt.add([*steps, *(epoch_record(epoch) for epoch in range(1, last + 1))])
    for epoch in epochs:
        invented_snapshot(epoch).save(store.folder_of(run.id).snapshot(epoch))
    if ended:
        attempt.end("finished", "All 4 epochs are done.")
    return store.get_run(run.id)
