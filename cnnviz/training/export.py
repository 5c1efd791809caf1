"""The records of a run for other programs: as tables, one for steps and one for epochs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from cnnviz.data.catalogue import find_dataset
from cnnviz.training.records import EpochRecord, StepRecord

_PER_LAYER = ("batch_norm", "weights", "activations")


def steps_csv(steps: Sequence[StepRecord]) -> str:
    """One line for each step record, under the names of its fields.

    Numbers have all their digits. One that is not finite, which is how a run that fails ends, is
    left empty.
    """
    columns = [field.name for field in fields(StepRecord)]
    return _write(columns, [asdict(record) for record in steps])


def epochs_csv(epochs: Sequence[EpochRecord], dataset: str) -> str:
    """One line for each epoch record; also what it says of classes and layers.

    Such columns are `accuracy/CLASS` and `GROUP/LAYER/NUMBER`: weights/conv1.bias/mean. What is
    None or not finite is left empty.
    """
    names = find_dataset(dataset).class_names
    rows = [_flat(record, names) for record in epochs]
    columns = [
        field.name
        for field in fields(EpochRecord)
        if field.name not in (*_PER_LAYER, "per_class_accuracy")
    ]
    # In the order in which they first occur: a run that was resumed may have told of more.
    columns = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    return _write(columns, rows)


def _flat(record: EpochRecord, class_names: Sequence[str]) -> dict[str, object]:
    content = asdict(record)
    per_class = content.pop("per_class_accuracy")
    groups = {name: content.pop(name) for name in _PER_LAYER}
    if per_class is not None:
        for name, accuracy in zip(class_names, per_class, strict=True):
            content[f"accuracy/{name}"] = accuracy
    for group, layers in groups.items():
        for layer, numbers in layers.items():
            content |= {f"{group}/{layer}/{name}": number for name, number in numbers.items()}
    return content


def _write(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    is_number = isinstance(value, float) and math.isfinite(value)
    return value if is_number or isinstance(value, int) else ""
