"""Recorded runs compared: those that ship, and invented ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError, CnnvizError, SettingError
from cnnviz.norms.comparison import (
    NormComparison,
    ToldRun,
    convolutions,
    drift,
    gradient_norm_line,
    loss_line,
    read_run,
    shipped_comparison,
    validation_line,
)
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import Summary
from tests.training.invented_records import epoch_record, step_record


def a_run(*, batch_norm: bool, **changes: Any) -> ToldRun:
    config = TrainingConfig(model="plain_cnn", dataset="cifar10", batch_norm=batch_norm, **changes)
    layers = ["conv1_1", *(["norm1_1"] if batch_norm else []), "relu1_1", "fc1"]
    epochs = tuple(
        epoch_record(
            number,
            activations={
                layer: Summary(number * (place + 1.0), 2.0**number, -1, 1, 0.0)
                for place, layer in enumerate(layers)
            },
        )
        for number in (1, 2, 4)
    )
    return ToldRun("with" if batch_norm else "without", config, (step_record(5),), epochs)


def test_the_runs_that_ship() -> None:
    found = shipped_comparison(PROJECT / SHIPPED)
    assert [difference.field for difference in found.differences] == ["batch_norm"]
    for run in found.runs:
        assert len(run.epochs) == run.config.epochs == 20
        assert convolutions(run) == tuple(f"conv{s}_{n}" for s in (1, 2, 3) for n in (1, 2))
        line = loss_line(run)
        assert line.x[-1] == run.epochs[-1].step
        assert line.y[0] > line.y[-1]
        assert (gradient_norm_line(run).y > 0).all()
        assert (validation_line(run).y > 0.2).all()
        for layer in convolutions(run):
            for place in ("convolution", "activation input"):
                told = drift(run, layer, place)
                assert len(told.epochs) == 20
                assert len(told.moves) == len(told.stretches) == 19
    # Normalized numbers have a known scale (gamma's), those of the other network have not.
    with_norm, without = (drift(run, "conv3_2") for run in found.runs)
    assert not np.allclose(with_norm.std, without.std)


def test_where_a_layer_is_looked_at() -> None:
    run = a_run(batch_norm=True)
    assert convolutions(run) == ("conv1_1",)
    told = drift(run, "conv1_1", "convolution")
    assert told.epochs.tolist() == [1, 2, 4]
    assert told.mean.tolist() == [1, 2, 4]
    assert told.std.tolist() == [2, 4, 16]
    assert told.moves.tolist() == [0.5, 0.5]
    assert told.stretches.tolist() == [2, 4]
    assert drift(run, "conv1_1").mean.tolist() == [2, 4, 8]  # the normalization's output
    assert drift(a_run(batch_norm=False), "conv1_1").mean.tolist() == [1, 2, 4]


def test_no_held_out_images() -> None:
    run = a_run(batch_norm=True)
    epochs = tuple(replace(epoch, validation_accuracy=None) for epoch in run.epochs)
    assert np.isnan(validation_line(replace(run, epochs=epochs)).y).all()
    empty = replace(run, epochs=(), steps=())
    assert loss_line(empty).x.shape == (0,)
    assert convolutions(empty) == ()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: NormComparison(a_run(batch_norm=False), a_run(batch_norm=True)),
            SettingError,
            "use one run with batch normalization, then one without",
        ),
        (
            lambda: NormComparison(a_run(batch_norm=True), a_run(batch_norm=False, seed=1)),
            SettingError,
            "differ in seed too",
        ),
        (lambda: drift(a_run(batch_norm=True), "fc1"), SettingError, "use one of conv1_1"),
        (
            lambda: read_run(Path("/nowhere"), "a"),
            CheckpointError,
            "run.json is no plan of a training",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[CnnvizError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("records", ["[]\n", "{}\n", "cat\n", '{"kind": "step"}\n'])
def test_a_damaged_run(tmp_path: Path, records: str) -> None:
    folder = tmp_path / "a.run"
    folder.mkdir()
    shipped = PROJECT / SHIPPED / "plain_cnn-cifar10.run" / "run.json"
    (folder / "run.json").write_bytes(shipped.read_bytes())
    (folder / "records.jsonl").write_text(records)
    with pytest.raises(CheckpointError, match=r"records.jsonl has no records of a run"):
        read_run(tmp_path, "a")
