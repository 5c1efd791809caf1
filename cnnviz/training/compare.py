"""In which settings several trainings differ, in words; what they share is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from cnnviz.data.catalogue import find_dataset
from cnnviz.models.registry import find_model
from cnnviz.training.config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not the same in all trainings."""

    field: str
    """As `TrainingConfig` has it."""
    words: str
    """What it is called: learning rate."""
    values: tuple[str, ...]
    """In words and units, one of each training, in their order."""


def differences(configs: Sequence[TrainingConfig]) -> tuple[Difference, ...]:
    """The settings in which trainings differ, in the order of the configuration's fields.

    Batch normalization that is left to the network counts as what the network then has.
    """
    found = []
    for field in fields(TrainingConfig):
        values = [_value(config, field.name) for config in configs]
        if any(value != values[0] for value in values):
            words, write = _WORDS[field.name]
            texts = tuple(write(value) for value in values)
            found.append(Difference(field.name, words, texts))
    return tuple(found)


def _value(config: TrainingConfig, name: str) -> Any:
    return config.spec.batch_norm if name == "batch_norm" else getattr(config, name)


# ------------------------------------------------------------------------------------------- words


def _number(value: float) -> str:
    """All digits, as a person writes them: 0.00005 and 1,500, not 5e-05."""
    return format(Decimal(repr(value)), ",f").removesuffix(".0")


def _share(value: float) -> str:
    return f"{_number(round(100.0 * value, 10))} %"


def _counted(unit: str, none: str) -> Callable[[float], str]:
    """Writes numbers with a unit, in the singular for 1, and `none` for 0."""

    def write(value: float) -> str:
        if value == 0:
            return none
        return f"{_number(value)} {unit if value == 1 else unit + 's'}"

    return write


def _named(**names: str) -> Callable[[str], str]:
    """Writes a choice by its longer name, where it has one."""

    def write(value: str) -> str:
        return names.get(value, value)

    return write


def _or_none(write: Callable[[float], str]) -> Callable[[float], str]:
    def chosen(value: float) -> str:
        return write(value) if value else "none"

    return chosen


def _square(side: int) -> str:
    return f"{side} x {side} pixels" if side else "none"


def _text_words(text: str) -> str:
    """How long it is, and letters by which two texts are told apart."""
    if not text:
        return "none"
    lines = text.count("\n") + 1
    mark = sha256(text.encode()).hexdigest()[:6]
    return f"{lines} line{'' if lines == 1 else 's'} ({mark})"


def _told(every: int) -> str:
    if every == 0:
        return "about forty times an epoch"
    return "each step" if every == 1 else f"every {_number(every)} steps"


_WORDS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "model": ("network", lambda name: find_model(name).title),
    "dataset": ("data set", lambda name: find_dataset(name).title),
    "batch_norm": ("batch normalization", lambda on: "on" if on else "off"),
    "dropout": ("dropout", _or_none(_share)),
    "network_text": ("text of the network", _text_words),
    "epochs": ("epochs", _number),
    "batch_size": ("batch size", _counted("image", "")),
    "seed": ("seed", str),
    "validation_count": ("held out", _counted("image", "none")),
    "optimizer": ("optimizer", _named(sgd="SGD with momentum", adamw="AdamW")),
    "learning_rate": ("highest learning rate", _number),
    "bias_learning_rate_factor": (
        "learning rate of batch norm's biases",
        lambda factor: f"{_number(factor)} times the others'",
    ),
    "momentum": ("momentum", _number),
    "weight_decay": ("weight decay", _number),
    "label_smoothing": ("label smoothing", _or_none(_share)),
    "schedule": ("schedule of the learning rate", _named()),
    "warmup": ("warm-up", lambda share: f"{_share(share)} of the steps" if share else "none"),
    "final_learning_rate": ("last learning rate", lambda share: f"{_share(share)} of the highest"),
    "averaging": ("averaging of weights", _named()),
    "flip": ("mirroring", _named()),
    "shift": ("shift", _counted("pixel", "none")),
    "rotation_deg": ("rotation", _counted("degree", "none")),
    "scaling": ("scaling", _or_none(_share)),
    "cutout": ("cutout", _square),
    "device": ("device", _named(auto="the best there is", cpu="CPU", cuda="CUDA", mps="MPS")),
    "precision": ("precision", _named(auto="the faster, as measured")),
    "record_every": ("records", _told),
}
"""What each setting is called, and how its value is written. A test sees that none is missing."""
