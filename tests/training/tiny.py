"""A training that takes a second or less."""

from __future__ import annotations

from typing import Any

from cnnviz.training.config import TrainingConfig


def tiny(**changes: Any) -> TrainingConfig:
    """LeNet-5 on a hundred digits, the same on every processor, with these changes.

    Of `splits.digits(10)` it trains on 80: five steps in an epoch.
    """
    content: dict[str, Any] = {
        "model": "lenet5",
        "dataset": "mnist",
        "epochs": 2,
        "batch_size": 16,
        "validation_count": 20,
        "device": "cpu",
        "precision": "float32",
        "record_every": 2,
    }
    return TrainingConfig(**content | changes)
