"""Records as tables: what is read back is what was told."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import SettingError
from cnnviz.training.export import epochs_csv, steps_csv
from cnnviz.training.records import EpochRecord, NormSummary, StepRecord, Summary
from tests.training.invented_records import epoch_record, step_record

numbers = st.floats()
counts = st.integers(1, 10**9)


def number(cell: str) -> float:
    return float(cell) if cell else math.nan


def same(one: float | None, other: float) -> bool:
    """Equal to the last bit; what is no finite number comes back as nan."""
    return one == other if one is not None and math.isfinite(one) else math.isnan(other)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@given(
    st.lists(
        st.builds(
            StepRecord,
            **{f.name: counts if f.name == "step" else numbers for f in fields(StepRecord)},
        ),
        max_size=5,
    )
)
def test_steps_come_back_to_the_last_bit(steps: list[StepRecord]) -> None:
    rows = read(steps_csv(steps))
    assert len(rows) == len(steps)
    for row, record in zip(rows, steps, strict=True):
        assert list(row) == [field.name for field in fields(StepRecord)]
        assert int(row["step"]) == record.step
        for name, value in asdict(record).items():
            assert same(value, number(row[name])), name


def test_what_is_not_finite_is_empty() -> None:
    lines = steps_csv([step_record(1, loss=math.nan, gradient_norm=math.inf)]).splitlines()
    assert lines[0].startswith("step,epoch,loss,accuracy,")
    assert lines[1].startswith("1,0.01,,")
    assert "inf" not in lines[1]
    assert "nan" not in lines[1]


def test_no_records_leave_the_columns() -> None:
    assert len(steps_csv([]).splitlines()) == 1
    assert epochs_csv([], "mnist").startswith("epoch,step,train_loss,")


@given(st.builds(Summary, *[numbers] * 5), st.builds(NormSummary, *[numbers] * 3), counts)
def test_epochs_come_back_to_the_last_bit(summary: Summary, norm: NormSummary, epoch: int) -> None:
    record = epoch_record(
        epoch, weights={"conv1.weight": summary}, batch_norm={"norm1": norm}, activations={}
    )
    (row,) = read(epochs_csv([record], "cifar10"))
    assert int(row["epoch"]) == epoch
    for name in ("train_loss", "validation_accuracy", "learning_rate", "elapsed_s"):
        assert same(getattr(record, name), number(row[name]))
    for name, value in asdict(summary).items():
        assert same(value, number(row[f"weights/conv1.weight/{name}"]))
    for name, value in asdict(norm).items():
        assert same(value, number(row[f"batch_norm/norm1/{name}"]))
    assert record.per_class_accuracy is not None
    for name, accuracy in zip(CIFAR10.class_names, record.per_class_accuracy, strict=True):
        assert number(row[f"accuracy/{name}"]) == accuracy


def test_epochs_that_tell_more_than_others() -> None:
    changes: dict[str, Any] = {
        "validation_loss": None,
        "validation_accuracy": None,
        "per_class_accuracy": None,
        "batch_norm": {},
    }
    records: list[EpochRecord] = [epoch_record(1, **changes), epoch_record(2)]
    first, second = read(epochs_csv(records, "cifar10"))
    assert first.keys() == second.keys()
    assert first["validation_loss"] == first["accuracy/cat"] == ""
    assert first["batch_norm/norm1/mean"] == ""
    assert second["accuracy/cat"] == "0.3"


def test_a_data_set_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingError, match="use cifar10 or mnist"):
        epochs_csv([], "imagenet")
