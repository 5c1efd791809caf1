"""Logits, labels and predictions, without a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.predictions import Predictions
from cnnviz.data.catalogue import CIFAR10, DatasetInfo

Integers = npt.NDArray[np.int64]


def some_logits(
    count: int, classes: int, seed: int = 0, *, sureness: float = 2.0
) -> tuple[npt.NDArray[np.float32], Integers]:
    """Logits (count, classes), right more often than not, and labels; ascending as in a split."""
    random = np.random.default_rng(seed)
    labels = np.sort(random.integers(0, classes, count)).astype(np.int64)
    logits = random.normal(size=(count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += np.float32(sureness)
    return logits, labels


def logits_for(predictions: npt.NDArray[Any], classes: int) -> npt.NDArray[np.float32]:
    """Logits (N, classes) whose predicted classes are these."""
    logits = np.zeros((len(predictions), classes), dtype=np.float32)
    logits[np.arange(len(predictions)), predictions] = 1
    return logits


def some_predictions(
    count: int = 200,
    seed: int = 0,
    *,
    info: DatasetInfo = CIFAR10,
    step: int = 1,
    digest: str = "d" * 64,
    **changes: Any,
) -> Predictions:
    """Predictions about every `step`th picture of a split."""
    logits, labels = some_logits(count, len(info.class_names), seed)
    return Predictions(
        **{
            "key": f"invented-{seed}",
            "title": f"Invented {seed}",
            "dataset": info,
            "split": "test",
            "digest": digest,
            "indices": np.arange(0, count * step, step, dtype=np.int64),
            "labels": labels,
            "logits": logits,
            "note": f"It was asked about {count} invented pictures.",
            **changes,
        }
    )
