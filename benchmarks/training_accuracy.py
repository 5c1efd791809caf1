"""Trains once, in this process, and evaluates the test split outside of the training's time."""

from __future__ import annotations

import sys
import time
from typing import Final

import torch

from benchmarks.training_results import Curve, LoopName, Point
from benchmarks.tutorial_loop import WORKERS, TutorialTraining
from cnnviz.data.datasets import load_split
from cnnviz.predictions import run_network
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import choose_device, device_name
from cnnviz.training.loop import Training, train
from cnnviz.training.pictures import DeviceImages
from cnnviz.training.recipes import recipe
from cnnviz.training.records import EpochRecord

_UNBOUNDED: Final = 10_000
"""Epochs of a tutorial loop that ends by its time or its accuracy."""


def measure_accuracy(
    loop: LoopName,
    model: str,
    device: str,
    seed: int,
    epochs: int | None = None,
    every_epoch: bool = False,
    enough: float = 1.0,
    limit_s: float = float("inf"),
    workers: int = WORKERS,
) -> Curve:
    """Trains on CIFAR-10 and evaluates the test split.

    ours: by the model's recipe in that many epochs; evaluated at the end, or after each epoch. The
    tutorial has no schedule: it is evaluated after each epoch, and ends above `enough` or after
    `limit_s` seconds.
    """
    if loop == "tutorial":
        config = recipe(model, "cifar10", device=device, seed=seed)
        return _measure_tutorial(config, enough, limit_s, workers)
    changes = {} if epochs is None else {"epochs": epochs}
    config = recipe(model, "cifar10", device=device, seed=seed, **changes)
    return _measure_ours(config, every_epoch)


def _measure_ours(config: TrainingConfig, every_epoch: bool) -> Curve:
    data, test = load_split("cifar10", "train"), load_split("cifar10", "test")
    began = time.perf_counter()
    training = train(config, data)
    setup_s = time.perf_counter() - began
    views = DeviceImages(test.images, test.labels, training.normalization, training.device)
    points = []
    for record in training:  # its clock stands still in the body of this loop
        if isinstance(record, EpochRecord) and (every_epoch or record.epoch == config.epochs):
            seconds = setup_s + training.elapsed_s
            points.append(Point(record.epoch, seconds, _accuracy(training, views)))
            _tell(config.model, "ours", points[-1])
    return _curve(
        setup_s, points, setup_s + training.elapsed_s, training.precision, training.device
    )


def _accuracy(training: Training, images: DeviceImages) -> float:
    logits = run_network(training.network, images, precision=training.precision)
    return float((logits.argmax(1) == images.labels).float().mean())


def _measure_tutorial(config: TrainingConfig, enough: float, limit_s: float, workers: int) -> Curve:
    data, test = load_split("cifar10", "train"), load_split("cifar10", "test")
    torch.manual_seed(config.seed)
    began = time.perf_counter()
    training = TutorialTraining(
        config.spec,
        data.images,
        data.labels,
        config.batch_size,
        choose_device(config.device),
        workers=workers,
    )
    setup_s = trained_s = time.perf_counter() - began
    points: list[Point] = []
    for epoch in range(1, _UNBOUNDED):
        began = time.perf_counter()
        for _ in training.epoch():
            pass
        trained_s += time.perf_counter() - began
        points.append(Point(epoch, trained_s, training.accuracy(test.images, test.labels)))
        _tell(config.model, "tutorial", points[-1])
        if points[-1].accuracy > enough or trained_s > limit_s:
            break
    return _curve(setup_s, points, trained_s, "float32", training.device)


def _curve(
    setup_s: float, points: list[Point], trained_s: float, precision: str, device: torch.device
) -> Curve:
    return Curve(
        setup_s,
        tuple(points),
        trained_s,
        precision,
        device.type,
        device_name(device),
        torch.get_num_threads(),
    )


def _tell(model: str, loop: LoopName, point: Point) -> None:
    text = f"  {model}, {loop}: epoch {point.epoch}, {point.seconds:.1f} s, {point.accuracy:.2%}"
    print(text, file=sys.stderr, flush=True)
