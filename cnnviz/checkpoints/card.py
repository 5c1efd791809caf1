"""The card of a checkpoint: what it is, how it was made, how well it does; to JSON and back.

A card may come from anywhere, so nothing in it is believed before it was checked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from cnnviz.checkpoints.folders import WHAT_WOULD_DO, card_file, check_name, read_bytes
from cnnviz.data.catalogue import DATASETS, DatasetInfo, find_dataset
from cnnviz.errors import CheckpointError, CnnvizError
from cnnviz.evaluation import Accuracy, AccuracyTable
from cnnviz.models.registry import ModelSpec
from cnnviz.settings import shown
from cnnviz.training.config import TrainingConfig

StoredPrecision = Literal["float32", "float16"]

FORMAT: Final = 1
MAX_TEST_COUNT: Final = 1_000_000
_MAX_CARD_BYTES: Final = 1_000_000
_MAX_TEXT: Final = 4000
_MAX_WHOLE: Final = 2**53  # JSON's numbers are exact up to there
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DIGITS: Final = 6  # of accuracies in the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a network was trained on."""

    processor: str
    cores: int
    """That could be used."""
    device: str
    """cpu, cuda:0, mps"""
    device_name: str
    precision: str
    """That it was trained in: float32 or bfloat16."""
    threads: int
    torch_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointCard:
    """Everything that is known of a checkpoint without loading it."""

    name: str
    created: str
    """Date and time with its zone, ISO 8601."""
    command: str
    """The shell's line that made it."""
    config: TrainingConfig
    train_digest: str
    """Of the training split, validation included."""
    test_digest: str
    """Of the pictures that the accuracies are of."""
    test_count: int
    mean: tuple[float, ...]
    """Of each channel, of pixels from 0 to 1: the network is fed (pixel - mean) / std."""
    std: tuple[float, ...]
    weights_sha256: str
    logits_sha256: str
    stored_precision: StoredPrecision
    parameters: int
    """Weights and biases, trained or not."""
    macs: int
    """Multiply-accumulates for one image."""
    epochs: int
    train_s: float
    """Wall time of the training."""
    hardware: Hardware
    single_view: AccuracyTable
    """Of each picture as it is."""
    with_flip: AccuracyTable
    """By the mean of the logits of a picture and its mirror image."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def spec(self) -> ModelSpec:
        """The network's architecture."""
        return self.config.spec

    @property
    def dataset(self) -> DatasetInfo:
        """The data set that it was trained on."""
        return find_dataset(self.config.dataset)

    @property
    def is_of_complete_test(self) -> bool:
        """Whether the accuracies are of the data set's whole test split."""
        return self.test_digest == self.dataset.test_digest

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.created)

    def test_labels(self) -> npt.NDArray[np.int64]:
        """Labels (N,) of the test pictures: in canonical order they are sorted."""
        counts = [accuracy.count for accuracy in self.single_view.per_class]
        return np.repeat(np.arange(len(counts), dtype=np.int64), counts)

    def to_json(self) -> dict[str, Any]:
        """The card as JSON has it."""
        names = self.dataset.class_names
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            "format": FORMAT,
            **plain,
            "config": self.config.to_json(),
            "model": self.spec.to_json(),  # for readers; it follows from the configuration
            "mean": list(self.mean),
            "std": list(self.std),
            "hardware": asdict(self.hardware),
            "single_view": _table_to_json(self.single_view, names),
            "with_flip": _table_to_json(self.with_flip, names),
        }

    @classmethod
    def from_json(cls, content: object) -> CheckpointCard:
        """The card that `to_json` gave; CheckpointError says what is wrong with any other."""
        plain = dict(_mapping("the card", content))
        if (format_ := plain.pop("format", None)) != FORMAT or isinstance(format_, bool):
            raise CheckpointError(f"format is {shown(format_)}: this cnnviz reads {FORMAT}")
        model = plain.pop("model", None)
        _require_fields("the card", plain, {field.name for field in fields(cls)})
        try:
            config = TrainingConfig.from_json(_mapping("config", plain.pop("config")))
        except (CnnvizError, TypeError) as error:
            raise CheckpointError(f"config makes no sense: {error}") from None
        if model != config.spec.to_json():
            raise CheckpointError("model is not the network of config")
        hardware = _mapping("hardware", plain.pop("hardware"))
        _require_fields("hardware", hardware, {field.name for field in fields(Hardware)})
        names = find_dataset(config.dataset).class_names
        return cls(
            config=config,
            hardware=Hardware(**hardware),
            single_view=_table("single_view", plain.pop("single_view"), names),
            with_flip=_table("with_flip", plain.pop("with_flip"), names),
            mean=tuple(_number("mean", v, 0, 1) for v in _sequence("mean", plain.pop("mean"))),
            std=tuple(_number("std", v, 0, 1) for v in _sequence("std", plain.pop("std"))),
            **plain,
        )


def load_card(folder: Path, name: str) -> CheckpointCard:
    """The card of a checkpoint; CheckpointError names the file if it is none that can be believed.

    SettingError for a name that is a path.
    """
    file = card_file(folder, name)
    try:
        content = json.loads(read_bytes(file, _MAX_CARD_BYTES))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CheckpointError(f"{file} is no JSON ({reason}). {WHAT_WOULD_DO}") from None
    try:
        card = CheckpointCard.from_json(content)
        if card.name != name:
            raise CheckpointError(
                f"the name in it is {card.name}: a checkpoint's files are renamed all together, "
                "and in the card too"
            )
    except CheckpointError as error:
        raise CheckpointError(f"{file} is no card of a checkpoint: {error}") from None
    return card


def pack_card(card: CheckpointCard) -> bytes:
    """The content of the card's file."""
    return (json.dumps(card.to_json(), indent=1, allow_nan=False) + "\n").encode()


def _check(card: CheckpointCard) -> None:
    try:
        check_name(card.name)
    except CnnvizError as error:
        raise CheckpointError(str(error)) from None
    for field in ("created", "command"):
        _text(field, getattr(card, field))
    try:
        aware = datetime.fromisoformat(card.created).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise CheckpointError(
            f"created is {shown(card.created)}: use a date and time with its zone, such as "
            "2026-01-31T12:00:00+00:00"
        )
    for field in ("train_digest", "test_digest", "weights_sha256", "logits_sha256"):
        value = getattr(card, field)
        if not (isinstance(value, str) and _DIGEST.fullmatch(value)):
            raise CheckpointError(f"{field} is {shown(value)}: use 64 hexadecimal digits")
    _whole("test_count", card.test_count, 1, MAX_TEST_COUNT)
    _whole("parameters", card.parameters, 1, _MAX_WHOLE)
    _whole("macs", card.macs, 1, _MAX_WHOLE)
    _whole("epochs", card.epochs, 0, card.config.epochs)
    _number("train_s", card.train_s, 0, 1e9)
    if card.stored_precision not in get_args(StoredPrecision):
        raise CheckpointError(
            f"stored_precision is {shown(card.stored_precision)}: use float32 or float16"
        )
    for field, least in (("mean", 0.0), ("std", 1e-6)):
        values = getattr(card, field)
        if len(values) != card.spec.channels:
            raise CheckpointError(
                f"{field} has {len(values)} numbers: use one for each channel, {card.spec.channels}"
            )
        for value in values:
            _number(field, value, least, 1.0)
    for field in ("processor", "device", "device_name", "precision", "torch_version"):
        _text(f"hardware: {field}", getattr(card.hardware, field))
    for field in ("cores", "threads"):
        _whole(f"hardware: {field}", getattr(card.hardware, field), 1, _MAX_WHOLE)
    counts = [[a.count for a in t.per_class] for t in (card.single_view, card.with_flip)]
    if counts[0] != counts[1] or sum(counts[0]) != card.test_count:
        raise CheckpointError(
            f"the tables count {sum(counts[0]):,} and {sum(counts[1]):,} pictures: each must count "
            f"the {card.test_count:,} test pictures, in the same classes"
        )
    if len(counts[0]) != card.spec.classes:
        raise CheckpointError(f"the tables have {len(counts[0])} classes: use {card.spec.classes}")
    if card.is_of_complete_test and card.test_count != DATASETS[card.dataset.name].test_count:
        raise CheckpointError(
            f"test_count is {card.test_count:,}, but test_digest is that of "
            f"{card.dataset.test_count:,} pictures"
        )


def _accuracy_to_json(accuracy: Accuracy) -> dict[str, Any]:
    low, high = accuracy.interval
    return {
        "correct": accuracy.correct,
        "count": accuracy.count,
        "accuracy": round(accuracy.share, _DIGITS) if accuracy.count else None,
        "low": round(low, _DIGITS),
        "high": round(high, _DIGITS),
    }


def _table_to_json(table: AccuracyTable, names: tuple[str, ...]) -> dict[str, Any]:
    rows = zip(names, table.per_class, strict=True)
    return {
        **_accuracy_to_json(table.overall),
        "per_class": [{"class": name, **_accuracy_to_json(accuracy)} for name, accuracy in rows],
    }


def _table(what: str, content: object, names: tuple[str, ...]) -> AccuracyTable:
    plain = dict(_mapping(what, content))
    rows = _sequence(f"{what}: per_class", plain.pop("per_class", None))
    if len(rows) != len(names):
        raise CheckpointError(f"{what} has {len(rows)} classes: use {len(names)}")
    per_class = []
    for name, row in zip(names, rows, strict=True):
        of_class = dict(_mapping(f"{what}: {name}", row))
        if (given := of_class.pop("class", None)) != name:
            raise CheckpointError(f"{what} has class {shown(given)} where {name} belongs")
        per_class.append(_accuracy(f"{what}: {name}", of_class))
    table = AccuracyTable(tuple(per_class))
    if _accuracy(what, plain) != table.overall:
        raise CheckpointError(f"{what} is not the sum of its classes")
    return table


def _accuracy(what: str, content: Mapping[str, Any]) -> Accuracy:
    _require_fields(what, content, {"correct", "count", "accuracy", "low", "high"})
    count = _whole(f"{what}: count", content["count"], 0, MAX_TEST_COUNT)
    accuracy = Accuracy(_whole(f"{what}: correct", content["correct"], 0, count), count)
    for name, value in _accuracy_to_json(accuracy).items():
        given = content[name]
        if value is None and given is None:
            continue
        if value is None or not math.isclose(
            _number(f"{what}: {name}", given, 0, MAX_TEST_COUNT), value, abs_tol=2 * 10**-_DIGITS
        ):
            raise CheckpointError(
                f"{what}: {name} is {shown(given)}, but {accuracy.correct:,} of {count:,} make "
                f"{value}"
            )
    return accuracy


def _mapping(what: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise CheckpointError(f"{what} is {shown(value)}: use an object with fields")
    return value


def _sequence(what: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise CheckpointError(f"{what} is {shown(value)}: use a list")
    return value


def _require_fields(what: str, content: Mapping[str, Any], wanted: set[str]) -> None:
    if missing := sorted(wanted - set(content)):
        raise CheckpointError(f"{what} lacks {', '.join(missing)}")
    if unknown := sorted(set(content) - wanted):
        raise CheckpointError(f"{what} has {shown(unknown[0])}, which no card has")


def _text(what: str, value: object) -> None:
    # Printable: no control character reaches a terminal.
    if not (isinstance(value, str) and 0 < len(value) <= _MAX_TEXT and value.isprintable()):
        raise CheckpointError(
            f"{what} is {shown(value)}: use one line of up to {_MAX_TEXT} printable characters"
        )


def _whole(what: str, value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise CheckpointError(f"{what} is {shown(value)}: use a whole number, {least} to {most}")
    return value


def _number(what: str, value: object, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise CheckpointError(f"{what} is {shown(value)}: use a number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]
