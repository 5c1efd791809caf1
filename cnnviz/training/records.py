"""What a training tells while it goes on: plain numbers, without torch, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

EndReason = Literal["finished", "non_finite", "out_of_memory"]


@dataclass(frozen=True, slots=True)
class StartRecord:
    """The first record: what was decided before the first step."""

    device: str
    """cpu, cuda:0, mps"""
    device_name: str
    precision: Literal["float32", "bfloat16"]
    threads: int
    parameters: int
    """Numbers that are trained."""
    train_count: int
    validation_count: int
    steps_per_epoch: int
    total_steps: int
    train_digest: str
    """Of the training split that the images, and those held out, come from."""
    mean: tuple[float, ...]
    """Of each channel of the training images, pixels from 0 to 1: what the network is fed is
    (pixel - mean) / std."""
    std: tuple[float, ...]
    first_step: int
    """0, or the step from which an earlier training goes on."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """Every few steps: how it goes. The means are over the steps since the record before."""

    step: int
    """Steps done, from 1."""
    epoch: float
    """Epochs done, with their fraction."""
    loss: float
    """Mean cross-entropy of the training images, in nats, label smoothing included."""
    accuracy: float
    """Share of these images that the network got right, as they were augmented, 0 to 1."""
    learning_rate: float
    weight_decay: float
    gradient_norm: float
    """Euclidean norm of the last step's gradient, over all parameters."""
    images_per_s: float
    """Since the record before; without what happens between epochs."""
    elapsed_s: float
    """Time spent training, without pauses."""
    remaining_s: float
    """Expected."""
    fraction_done: float
    """0 to 1"""


@dataclass(frozen=True, slots=True)
class Summary:
    """Many numbers in a few: weights of a layer, or what it puts out."""

    mean: float
    std: float
    minimum: float
    maximum: float
    zeros: float
    """Share that is exactly zero, 0 to 1: what ReLU shut off."""


@dataclass(frozen=True, slots=True)
class NormSummary:
    """The running statistics of one batch normalization, each averaged over its channels."""

    mean: float
    """Mean over the channels of the running mean."""
    mean_spread: float
    """Standard deviation of the running mean over the channels."""
    variance: float
    """Mean over the channels of the running variance."""


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """The end of an epoch. What concerns validation is None if no images are held out."""

    epoch: int
    """Epochs done, from 1."""
    step: int
    train_loss: float
    """Mean over the epoch, of the augmented images and the weights as they changed."""
    train_accuracy: float
    validation_loss: float | None
    """Mean cross-entropy in nats, without label smoothing, of one view of each image."""
    validation_accuracy: float | None
    per_class_accuracy: tuple[float, ...] | None
    """Of the held-out images, in the data set's class order."""
    batch_norm: Mapping[str, NormSummary]
    """By layer."""
    weights: Mapping[str, Summary]
    """By parameter."""
    activations: Mapping[str, Summary]
    """By layer, in evaluation, of the first held-out (else training) images."""
    learning_rate: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class EndRecord:
    """The last record, unless the consumer stopped before."""

    reason: EndReason
    message: str
    """A sentence for people; says what would do if the training failed."""
    step: int
    elapsed_s: float


Record = StartRecord | StepRecord | EpochRecord | EndRecord

_KINDS: dict[str, type[Record]] = {
    "start": StartRecord,
    "step": StepRecord,
    "epoch": EpochRecord,
    "end": EndRecord,
}


def to_json(record: Record) -> dict[str, Any]:
    """The record as JSON has it, with its kind. A number that is not finite becomes None."""
    kind = next(name for name, type_ in _KINDS.items() if isinstance(record, type_))
    plain: dict[str, Any] = _finite({"kind": kind, **asdict(record)})
    return plain


def from_json(content: Mapping[str, Any]) -> Record:
    """The record that `to_json` gave; None where it was not finite comes back as nan."""
    fields = dict(content)
    kind = _KINDS[fields.pop("kind")]
    if kind is EpochRecord:
        per_class = fields.pop("per_class_accuracy")
        validation = ("validation_loss", "validation_accuracy")
        absent = {name: fields.pop(name) for name in validation} if per_class is None else {}
        fields = _numbers(fields) | absent
        fields["per_class_accuracy"] = None if per_class is None else tuple(map(_number, per_class))
        fields["batch_norm"] = {
            name: NormSummary(**_numbers(values)) for name, values in fields["batch_norm"].items()
        }
        for group in ("weights", "activations"):
            fields[group] = {
                name: Summary(**_numbers(values)) for name, values in fields[group].items()
            }
        return EpochRecord(**fields)
    if kind is StartRecord:
        fields |= {name: tuple(fields[name]) for name in ("mean", "std")}
    return kind(**_numbers(fields))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None  # nan and infinity have no JSON
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value


def _numbers(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in fields.items()}


def _number(value: Any) -> Any:
    return float("nan") if value is None else value
