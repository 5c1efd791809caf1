"""Step and epoch records that no training told, for tests of what is made of records."""

from __future__ import annotations

from typing import Any

from cnnviz.training.records import EpochRecord, NormSummary, StepRecord, Summary


def step_record(step: int, **changes: Any) -> StepRecord:
    content: dict[str, Any] = {
        "step": step,
        "epoch": step / 100,
        "loss": 2.3 / (1 + step / 50),
        "accuracy": 1 - 0.9 / (1 + step / 50),
        "learning_rate": 0.1,
        "weight_decay": 5e-4,
        "gradient_norm": 1.5,
        "images_per_s": 1000.0 + step,
        "elapsed_s": step * 0.25,
        "remaining_s": 100.0,
        "fraction_done": min(1.0, step / 1000),
        **changes,
    }
    return StepRecord(**content)


def epoch_record(epoch: int, **changes: Any) -> EpochRecord:
    content: dict[str, Any] = {
        "epoch": epoch,
        "step": epoch * 100,
        "train_loss": 2 / epoch,
        "train_accuracy": 1 - 1 / (1 + epoch),
        "validation_loss": 2.1 / epoch,
        "validation_accuracy": 1 - 1.1 / (1 + epoch),
        "per_class_accuracy": tuple(label / 10 for label in range(10)),
        "batch_norm": {"norm1": NormSummary(0.1, 0.2, 1.0)},
        "weights": {"conv1.weight": Summary(0.0, 0.1, -0.5, 0.5, 0.0)},
        "activations": {"relu1": Summary(0.4, 0.5, 0.0, 3.0, 0.5)},
        "learning_rate": 0.05,
        "elapsed_s": epoch * 25.0,
        **changes,
    }
    return EpochRecord(**content)
