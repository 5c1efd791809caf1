"""Records as a training would tell them, without one."""

from __future__ import annotations

from cnnviz.runs.run import Event
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import EpochRecord, StartRecord, StepRecord, Summary

CONFIG = TrainingConfig(model="lenet5", dataset="mnist", epochs=4, batch_size=64)


def start_record(first_step: int = 0) -> StartRecord:
    return StartRecord(
        device="cpu",
        device_name="a processor",
        precision="float32",
        threads=1,
        parameters=61_706,
        train_count=3500,
        validation_count=500,
        steps_per_epoch=50,
        total_steps=200,
        train_digest="0" * 64,
        mean=(0.13,),
        std=(0.31,),
        first_step=first_step,
    )


def step_record(step: int, *, loss: float = 1.0) -> StepRecord:
    return StepRecord(
        step=step,
        epoch=step / 50,
        loss=loss,
        accuracy=0.5,
        learning_rate=0.1,
        weight_decay=5e-4,
        gradient_norm=2.0,
        images_per_s=1000.0,
        elapsed_s=step / 10,
        remaining_s=(200 - step) / 10,
        fraction_done=step / 200,
    )


def epoch_record(epoch: int) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        step=50 * epoch,
        train_loss=0.5,
        train_accuracy=0.8,
        validation_loss=0.4,
        validation_accuracy=0.9 + epoch / 100,
        per_class_accuracy=(0.9,) * 10,
        batch_norm={},
        weights={"conv1.weight": Summary(0.0, 1.0, -2.0, 2.0, 0.0)},
        activations={},
        learning_rate=0.1,
        elapsed_s=5.0 * epoch,
    )


def event(step: int = 0) -> Event:
    return Event(step, "started", 1e9, step / 10, 0.1, 5e-4)
