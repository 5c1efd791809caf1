"""Times the steps and the epoch of one loop, in this process."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import torch

from benchmarks.training_images import random_split, take_evenly
from benchmarks.training_results import LoopName, Mark, Speed, mean_step_s
from benchmarks.tutorial_loop import WORKERS, TutorialTraining
from cnnviz.data.canonical import Split
from cnnviz.data.datasets import load_split
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import choose_device, device_name
from cnnviz.training.loop import train
from cnnviz.training.pictures import hold_out
from cnnviz.training.recipes import recipe
from cnnviz.training.records import EpochRecord, StepRecord


def measure_speed(
    loop: LoopName,
    model: str,
    device: str,
    steps: int | None,
    warm_up: int,
    changes: dict[str, Any],
    random_images: int | None,
    workers: int = WORKERS,
) -> Speed:
    """The speed of a loop with the network, the batch size and the images of the model's recipe.

    steps: of the epoch; None for all. warm_up: steps that are run before. changes: to the recipe.
    random_images: train on that many random ones instead of CIFAR-10.
    """
    config = recipe(model, "cifar10", device=device, **changes)
    data = load_split("cifar10", "train") if random_images is None else random_split(random_images)
    steps_per_epoch = (len(data) - config.validation_count) // config.batch_size
    steps = min(steps or steps_per_epoch, steps_per_epoch)
    if loop == "ours":
        return _measure_ours(config, data, steps, steps_per_epoch, warm_up)
    return _measure_tutorial(config, data, steps, steps_per_epoch, warm_up, workers)


def _measure_ours(
    config: TrainingConfig, data: Split, steps: int, steps_per_epoch: int, warm_up: int
) -> Speed:
    first = train(config, data)
    for record in first:
        if isinstance(record, StepRecord) and record.step >= warm_up:
            break
    whole = steps == steps_per_epoch
    # Fewer images make a shorter epoch. It has the validation and the rate of records of a whole.
    images = config.validation_count + steps * config.batch_size
    training = train(
        replace(config, epochs=1, record_every=first.record_every, precision=first.precision),
        data if whole else take_evenly(data, images),
    )
    del first
    began = time.perf_counter()
    marks: list[Mark] = [(0, 0.0)]
    for record in training:
        seconds = time.perf_counter() - began
        if isinstance(record, StepRecord):
            marks.append((record.step, seconds))
        elif isinstance(record, EpochRecord):
            break
    return Speed(
        batch_size=config.batch_size,
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        step_s=mean_step_s(marks),
        wall_s=seconds,
        precision=training.precision,
        device=training.device.type,
        device_name=device_name(training.device),
        threads=torch.get_num_threads(),
    )


def _measure_tutorial(
    config: TrainingConfig,
    data: Split,
    steps: int,
    steps_per_epoch: int,
    warm_up: int,
    workers: int,
) -> Speed:
    indices, _ = hold_out(data.labels, config.validation_count)  # the images that ours trains on
    device = choose_device(config.device)
    training = TutorialTraining(
        config.spec,
        data.images[indices],
        data.labels[indices],
        config.batch_size,
        device,
        workers=workers,
    )
    for step, _ in enumerate(training.epoch(), start=1):
        if step >= warm_up:
            break
    began = time.perf_counter()
    marks: list[Mark] = [(0, 0.0)]
    for step, _ in enumerate(training.epoch(), start=1):
        marks.append((step, time.perf_counter() - began))
        if step == steps < steps_per_epoch:
            break
    seconds = time.perf_counter() - began  # to the end of the workers, where it is a whole epoch
    return Speed(
        batch_size=config.batch_size,
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        step_s=mean_step_s(marks),
        wall_s=seconds,
        precision="float32",
        device=device.type,
        device_name=device_name(device),
        threads=torch.get_num_threads(),
    )
