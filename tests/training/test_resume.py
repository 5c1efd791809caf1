"""Stop, pause and go on: the same as never having stopped, to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cnnviz.data.canonical import Split
from cnnviz.errors import CheckpointError
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import Training, train
from cnnviz.training.records import Record, StartRecord
from cnnviz.training.state import TrainingState
from tests.training.splits import (
    assert_same_state,
    digits,
    end_in,
    invented,
    run,
    steps_in,
    without_times,
)
from tests.training.tiny import tiny

EVERYTHING = tiny(
    model="plain_cnn",
    dropout=0.3,
    epochs=3,
    optimizer="sgd",
    averaging="lookahead",
    bias_learning_rate_factor=8.0,
    label_smoothing=0.1,
    flip="alternating",
    shift=2,
    rotation_deg=10,
    scaling=0.1,
    cutout=5,
    record_every=3,
)
ADAMW = tiny(
    batch_norm=True,
    dropout=0.2,
    epochs=3,
    seed=5,
    optimizer="adamw",
    learning_rate=0.003,
    weight_decay=0.05,
    schedule="cosine",
    flip="random",
    shift=1,
    record_every=3,
)
WHITENED = tiny(
    model="fast_cnn",
    dataset="cifar10",
    batch_size=8,
    validation_count=10,
    learning_rate=0.05,
    averaging="lookahead",
    flip="alternating",
    shift=2,
)
CASES = [
    pytest.param(EVERYTHING, digits(10), id="sgd with everything"),
    pytest.param(ADAMW, digits(10), id="adamw"),
    pytest.param(WHITENED, invented("cifar10", 34), id="fast_cnn"),
    pytest.param(replace(WHITENED, precision="bfloat16"), invented("cifar10", 34), id="bfloat16"),
]


def run_with_states(training: Training, folder: Path) -> tuple[list[Record], list[Path]]:
    """The records, and a file with the state right after each of them."""
    records, files = [], []
    for number, record in enumerate(training):
        records.append(record)
        files.append(folder / f"{number}.safetensors")
        training.state().save(files[-1])
    return records, files


@pytest.mark.parametrize(("config", "data"), CASES)
def test_going_on_from_any_place_equals_never_having_stopped(
    tmp_path: Path, config: TrainingConfig, data: Split
) -> None:
    whole = train(config, data)
    records, files = run_with_states(whole, tmp_path)
    kinds = [type(record).__name__ for record in records]
    one_epoch = ["StepRecord", "StepRecord", "EpochRecord"]
    assert kinds == ["StartRecord", *one_epoch * config.epochs, "EndRecord"]
    for number, file in enumerate(files):
        state = TrainingState.load(file)
        resumed = train(config, data, state=state)
        assert_same_state(resumed.state(), state)
        start, *rest = run(resumed)
        assert isinstance(start, StartRecord)
        assert start.first_step == state.progress.step
        expected = records[number + 1 :] if number < len(files) - 1 else records[-1:]
        assert [without_times(r) for r in rest] == [without_times(r) for r in expected], number
        assert_same_state(resumed.state(), whole.state())
        assert end_in(rest).elapsed_s > state.progress.elapsed_s


@pytest.mark.parametrize(("config", "data"), CASES[:2])
def test_stopping_at_every_record(tmp_path: Path, config: TrainingConfig, data: Split) -> None:
    """Each record by a Training of its own, from the file of the one before."""
    whole = train(config, data)
    expected = run(whole)
    training = train(config, data)
    records, file = [next(training)], tmp_path / "state.safetensors"
    while len(records) < len(expected):
        training.state().save(file)
        training = train(config, data, state=TrainingState.load(file))
        next(training)
        records.append(next(training))
    assert [without_times(r) for r in records[1:]] == [without_times(r) for r in expected[1:]]
    assert_same_state(training.state(), whole.state())


def test_going_on_in_another_process(tmp_path: Path, project: Path) -> None:
    """All that the result depends on is in the configuration, the images and the file."""
    whole = train(EVERYTHING, digits(10))
    _, files = run_with_states(whole, tmp_path)
    program = """
import sys
from pathlib import Path
from cnnviz.training.loop import train
from cnnviz.training.state import TrainingState
from tests.training.splits import digits
state = TrainingState.load(Path(sys.argv[1]))
training = train(state.progress.config, digits(10), state=state)
list(training)
training.state().save(Path(sys.argv[2]))
"""
    end = tmp_path / "end.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", program, str(files[2]), str(end)],
        cwd=project,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # sums are in another order with two
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert_same_state(TrainingState.load(end), whole.state())


def test_going_on_with_two_threads(tmp_path: Path) -> None:
    torch.set_num_threads(2)
    whole = train(ADAMW, digits(10))
    _, files = run_with_states(whole, tmp_path)
    resumed = train(ADAMW, digits(10), state=TrainingState.load(files[4]))
    run(resumed)
    assert_same_state(resumed.state(), whole.state())


@pytest.mark.parametrize(("config", "data"), CASES[:2])
def test_others_may_draw_random_numbers_in_between(config: TrainingConfig, data: Split) -> None:
    alone, disturbed = train(config, data), train(config, data)
    expected = run(alone)
    records: list[Record] = []
    for record in disturbed:
        torch.manual_seed(len(records))
        torch.rand(7)
        disturbed.state()
        disturbed.snapshot()
        records.append(without_times(record))
    assert records == [without_times(record) for record in expected]
    assert_same_state(disturbed.state(), alone.state())


@pytest.mark.parametrize(("config", "data"), CASES)
def test_torchs_random_numbers_are_left_as_they_were(config: TrainingConfig, data: Split) -> None:
    before = torch.random.get_rng_state()
    training = train(config, data)
    assert torch.equal(torch.random.get_rng_state(), before)
    for _ in training:
        assert torch.equal(torch.random.get_rng_state(), before)


def test_how_often_records_are_given_changes_nothing_else() -> None:
    often, seldom = train(EVERYTHING, digits(10)), train(EVERYTHING, digits(10))
    often.record_every, seldom.record_every = 1, 1000
    assert len(steps_in(run(often))) == 15
    assert len(steps_in(run(seldom))) == 3
    one, other = often.state().tensors, seldom.state().tensors
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize("config", [EVERYTHING, ADAMW])
def test_changes_outlive_a_stop(tmp_path: Path, config: TrainingConfig) -> None:
    def changed(training: Training) -> Training:
        for _ in range(3):
            next(training)
        training.change(learning_rate=training.learning_rate / 7, weight_decay=0.01)
        return training

    never_stopped = changed(train(config, digits(10)))
    file = tmp_path / "state.safetensors"
    changed(train(config, digits(10))).state().save(file)
    resumed = train(config, digits(10), state=TrainingState.load(file))
    next(resumed)
    assert resumed.learning_rate == never_stopped.learning_rate
    assert resumed.weight_decay == 0.01
    expected = [without_times(record) for record in never_stopped]
    assert [without_times(record) for record in resumed] == expected
    assert {record.weight_decay for record in steps_in(expected)} == {0.01}
    assert_same_state(resumed.state(), never_stopped.state())


def test_a_pause_is_not_training() -> None:
    training = train(EVERYTHING, digits(10))
    began = time.perf_counter()
    paused_s = 0.0
    records: list[Record] = []
    for record in training:
        records.append(record)
        if len(records) in (1, 2, 4):
            before, elapsed_s = time.perf_counter(), training.elapsed_s
            time.sleep(0.3)
            assert training.elapsed_s == elapsed_s
            paused_s += time.perf_counter() - before
    wall_s = time.perf_counter() - began
    assert 0 < training.elapsed_s <= wall_s - paused_s
    for step in steps_in(records):  # 48 images, in at most the time that was not a pause
        assert step.images_per_s * (wall_s - paused_s) >= 16


def test_time_goes_on_from_where_it_was() -> None:
    training = train(EVERYTHING, digits(10))
    next(training)
    next(training)
    state = training.state()
    resumed = train(EVERYTHING, digits(10), state=state)
    assert resumed.elapsed_s == state.progress.elapsed_s
    for record in run(resumed)[1:]:
        assert not isinstance(record, StartRecord)
        assert record.elapsed_s > state.progress.elapsed_s


def test_a_state_of_something_else_is_refused() -> None:
    state = train(EVERYTHING, digits(10)).state()
    other = TrainingConfig.from_json(EVERYTHING.to_json() | {"seed": 1})
    with pytest.raises(CheckpointError, match="with another configuration"):
        train(other, digits(10), state=state)
    with pytest.raises(CheckpointError, match="on other images"):
        train(EVERYTHING, digits(11), state=state)
