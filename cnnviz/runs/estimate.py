"""How long a training will take, judging by those that ended on the same server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.runs.run import Run
from cnnviz.training.config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of training, and the run that they were taken from."""

    seconds: float
    run_id: int


def estimate_duration(
    config: TrainingConfig, images: int, finished: Iterable[Run]
) -> Estimate | None:
    """The time that the newest run of the same kind took for an image, times all images.

    images: of the training split, held out or not. finished: newest first. Of the same kind are
    runs of the same network on the same images with the same batch size and precision; None if
    there is none. What else may differ costs little.
    """
    trained = (images - config.validation_count) * config.epochs
    for run in finished:
        start = run.start
        if (
            start is not None
            and run.status == "finished"
            and run.step > 0
            and _kind(run.config) == _kind(config)
            and start.train_count + start.validation_count == images
        ):
            seconds = run.elapsed_s / (start.train_count * run.config.epochs)
            return Estimate(seconds * trained, run.id)
    return None


def seconds_by_card(config: TrainingConfig, card: CheckpointCard) -> float:
    """What a training on the whole data set takes at the pace of one that is on record."""
    images = card.dataset.train_count
    paced = card.epochs * (images - card.config.validation_count)
    return card.train_s / paced * config.epochs * (images - config.validation_count)


def format_about(seconds: float) -> str:
    """A duration that is not known to the second: about 40 s, about 7 min, about 2 h 10 min."""
    if seconds < 55:
        return f"about {max(1, round(seconds) if seconds < 10 else 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, minutes = divmod(10 * round(minutes / 10), 60)
    return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"


def _kind(config: TrainingConfig) -> tuple[object, ...]:
    return config.spec, config.batch_size, config.precision, config.device
