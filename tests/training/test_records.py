"""Records as JSON and back, numbers that are not finite included."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.records import (
    EndRecord,
    EpochRecord,
    NormSummary,
    Record,
    StartRecord,
    StepRecord,
    Summary,
    from_json,
    to_json,
)
from tests.training.splits import digits, invented

NAN, INFINITY = math.nan, math.inf
START = StartRecord(
    "cuda:0", "GPU", "bfloat16", 2, 61706, 55000, 5000, 214, 2140, "ab" * 32, (0.1,), (0.3,), 0
)
STEP = StepRecord(10, 0.5, 1.5, 0.25, 0.1, 5e-4, 3.25, 1000.5, 2.5, 7.5, 0.25)
EPOCH = EpochRecord(
    epoch=1,
    step=20,
    train_loss=1.25,
    train_accuracy=0.5,
    validation_loss=1.0,
    validation_accuracy=0.6,
    per_class_accuracy=(0.5, 0.7),
    batch_norm={"norm1": NormSummary(0.1, 0.2, 0.9)},
    weights={"fc1.weight": Summary(0.0, 1.0, -3.0, 3.0, 0.0)},
    activations={"relu1": Summary(0.5, 0.5, 0.0, 4.0, 0.5)},
    learning_rate=0.1,
    elapsed_s=12.0,
)
UNSEEN = replace(EPOCH, validation_loss=None, validation_accuracy=None, per_class_accuracy=None)
END = EndRecord("finished", "All 10 epochs are done.", 200, 60.5)


def there_and_back(record: Record) -> Record:
    text = json.dumps(to_json(record), allow_nan=False)
    return from_json(json.loads(text))


@pytest.mark.parametrize(
    "record", [START, STEP, EPOCH, UNSEEN, END], ids=lambda r: type(r).__name__
)
def test_there_and_back(record: Record) -> None:
    assert there_and_back(record) == record
    assert there_and_back(there_and_back(record)) == record
    again = there_and_back(record)
    assert [type(getattr(again, f.name)) for f in fields(again)] == [
        type(getattr(record, f.name)) for f in fields(record)
    ]


def same(one: Any, other: Any) -> bool:
    """Equal, where nan equals nan."""
    if is_dataclass(one):
        names = [field.name for field in fields(one)]
        return type(one) is type(other) and all(
            same(getattr(one, name), getattr(other, name)) for name in names
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
@pytest.mark.parametrize(
    ("record", "name"),
    [
        (record, field.name)
        for record in (STEP, EPOCH, END)
        for field in fields(record)
        if isinstance(getattr(record, field.name), float)
    ],
    ids=str,
)
def test_what_is_not_finite_comes_back_as_nan(record: Record, name: str, value: float) -> None:
    back = there_and_back(replace(record, **{name: value}))  # type: ignore[arg-type]
    assert same(back, replace(record, **{name: NAN}))  # type: ignore[arg-type]


def test_what_is_not_finite_inside_comes_back_as_nan() -> None:
    summary = Summary(NAN, NAN, -INFINITY, INFINITY, 0.0)
    unknown = Summary(NAN, NAN, NAN, NAN, 0.0)
    record = replace(
        EPOCH,
        per_class_accuracy=(0.5, NAN),
        batch_norm={"norm1": NormSummary(INFINITY, 0.2, NAN)},
        weights={"fc1.weight": summary},
        activations={"relu1": summary},
    )
    expected = replace(
        record,
        batch_norm={"norm1": NormSummary(NAN, 0.2, NAN)},
        weights={"fc1.weight": unknown},
        activations={"relu1": unknown},
    )
    assert same(there_and_back(record), expected)


def test_json_names_the_kind() -> None:
    kinds = [to_json(record)["kind"] for record in (START, STEP, EPOCH, END)]
    assert kinds == ["start", "step", "epoch", "end"]
    with pytest.raises(KeyError):
        from_json({"kind": "rumour"})


@pytest.mark.parametrize("learning_rate", [0.05, 1000.0])
def test_all_records_of_a_training(learning_rate: float) -> None:
    config = TrainingConfig(
        model="plain_cnn",
        dataset="mnist",
        epochs=2,
        batch_size=16,
        validation_count=20,
        learning_rate=learning_rate,
        device="cpu",
        precision="float32",
    )
    records = list(train(config, digits(10)))
    for record in records:
        plain = from_json(json.loads(json.dumps(to_json(record), allow_nan=False)))
        if learning_rate < 1:
            assert plain == record
        assert type(plain) is type(record)


def test_a_class_of_which_none_is_held_out() -> None:
    """Its accuracy is not known: nan, in the record and after it was written and read."""
    config = TrainingConfig(
        model="lenet5",
        dataset="cifar10",
        epochs=1,
        batch_size=16,
        validation_count=4,
        device="cpu",
        precision="float32",
    )
    (epoch,) = (r for r in train(config, invented("cifar10", 40)) if isinstance(r, EpochRecord))
    for record in (epoch, there_and_back(epoch)):
        assert isinstance(record, EpochRecord)
        assert record.per_class_accuracy is not None
        assert [math.isnan(share) for share in record.per_class_accuracy] == [False] * 4 + [
            True
        ] * 6
