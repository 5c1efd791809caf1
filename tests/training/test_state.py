"""States and snapshots as files: whole or refused, and never executed."""

from __future__ import annotations

import errno
import json
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from cnnviz.errors import CheckpointError
from cnnviz.training.loop import train
from cnnviz.training.state import (
    Progress,
    Snapshot,
    TrainingState,
    half_precision,
)
from tests.training.splits import assert_same_state, digits, run
from tests.training.tiny import tiny

CONFIG = tiny(batch_norm=True, epochs=1, averaging="lookahead")


@cache
def trained() -> tuple[TrainingState, Snapshot]:
    training = train(CONFIG, digits(10))
    run(training)
    return training.state(), training.snapshot()


def load_state(file: Path) -> object:
    return TrainingState.load(file)


def load_snapshot(file: Path) -> object:
    return Snapshot.load(file)


LOADERS = [load_state, load_snapshot]
Load = Callable[[Path], object]


@pytest.fixture
def saved(tmp_path: Path) -> dict[Load, Path]:
    """A whole file of each kind."""
    state, snapshot = trained()
    files = {load_state: tmp_path / "state.safetensors", load_snapshot: tmp_path / "epoch"}
    state.save(files[load_state])
    snapshot.save(files[load_snapshot])
    return files  # type: ignore[return-value]


def refused(load: Load, file: Path, why: str = "is no (state|snapshot) of a training") -> None:
    with pytest.raises(CheckpointError, match=why) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 1000


# ------------------------------------------------------------------------------------- round trips


def test_a_state_there_and_back(tmp_path: Path) -> None:
    state, _ = trained()
    file = tmp_path / "new folder" / "state.safetensors"
    state.save(file)
    loaded = TrainingState.load(file)
    assert loaded.progress == state.progress
    assert_same_state(loaded, state)
    groups = {name.split("/")[0] for name in loaded.tensors}
    assert groups == {"model", "optimizer", "lookahead"}


def test_a_state_does_not_change_when_the_training_goes_on() -> None:
    training = train(CONFIG, digits(10))
    next(training)
    next(training)
    state = training.state()
    kept = {name: tensor.clone() for name, tensor in state.tensors.items()}
    run(training)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in state.tensors.items())


def test_a_state_of_a_loss_that_is_no_number(tmp_path: Path) -> None:
    state, _ = trained()
    for value in (float("nan"), float("inf"), -3.0):
        progress = replace(state.progress, loss_sum=value)
        TrainingState(progress, state.tensors).save(tmp_path / "state")
        loaded = TrainingState.load(tmp_path / "state").progress.loss_sum
        np.testing.assert_equal(loaded, value)


def test_a_snapshot_there_and_back(tmp_path: Path) -> None:
    state, snapshot = trained()
    snapshot.save(tmp_path / "epoch")
    loaded = Snapshot.load(tmp_path / "epoch")
    assert (loaded.epoch, loaded.step) == (1, 5)
    model = {
        name.removeprefix("model/"): tensor.numpy()
        for name, tensor in state.tensors.items()
        if name.startswith("model/")
    }
    assert loaded.weights.keys() == model.keys()
    for name, array in loaded.weights.items():
        if name.endswith("num_batches_tracked"):
            assert array.dtype == np.int64
            assert int(array) == 5
        elif name.endswith("running_var"):
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, model[name])
        else:
            assert array.dtype == np.float16
            np.testing.assert_array_equal(array, model[name].astype(np.float16))
    assert loaded.validation_logits is not None
    assert loaded.validation_logits.dtype == np.float16
    assert loaded.validation_logits.shape == (20, 10)
    np.testing.assert_array_equal(loaded.validation_logits, snapshot.validation_logits)


def test_a_snapshot_without_held_out_images(tmp_path: Path) -> None:
    replace(trained()[1], validation_logits=None).save(tmp_path / "epoch")
    assert Snapshot.load(tmp_path / "epoch").validation_logits is None


def test_half_precision() -> None:
    large = torch.tensor([70_000.0, 1.0])
    np.testing.assert_array_equal(half_precision(large, "norm1.running_var"), large.numpy())
    np.testing.assert_array_equal(half_precision(large, "fc1.weight"), [np.inf, 1])
    coarse = torch.tensor([1.5], dtype=torch.bfloat16)
    assert half_precision(coarse, "x.running_var").dtype == np.float32
    assert half_precision(torch.tensor(7), "num_batches_tracked").dtype == np.int64
    last = torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(half_precision(last, "w"), last.numpy())
    kept = half_precision(large, "norm1.running_var")
    large.zero_()
    assert kept[0] == 70_000


# ------------------------------------------------------------------------------------ damaged files


@pytest.mark.parametrize("load", LOADERS)
def test_there_is_none(load: Load, tmp_path: Path) -> None:
    refused(load, tmp_path / "none", "does not exist")
    refused(load, tmp_path)


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 100, 0.5, -1])
def test_cut_short(load: Load, saved: dict[Load, Path], kept: float) -> None:
    data = saved[load].read_bytes()
    length = int(kept * len(data)) if isinstance(kept, float) else kept
    saved[load].write_bytes(data[:length])
    refused(load, saved[load])


@pytest.mark.parametrize("load", LOADERS)
def test_longer_than_it_should_be(load: Load, saved: dict[Load, Path]) -> None:
    saved[load].write_bytes(saved[load].read_bytes() + b"more")
    refused(load, saved[load])


@pytest.mark.parametrize("load", LOADERS)
def test_files_of_another_kind(load: Load, saved: dict[Load, Path], tmp_path: Path) -> None:
    (other,) = set(LOADERS) - {load}
    refused(load, saved[other])
    file = tmp_path / "file"
    safetensors.torch.save_file({"model/w": torch.zeros(3)}, file)
    refused(load, file)
    for data in (b"", b"\x00" * 5000, b"PK\x03\x04" + b"zip" * 50, b"{}", os.urandom(2000)):
        file.write_bytes(data)
        refused(load, file)


class Explosive:
    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


@pytest.mark.parametrize("load", LOADERS)
def test_pickles_are_not_executed(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(pickle.dumps(Explosive()))
    refused(load, file)
    torch.save({"model/w": torch.zeros(3)}, file)
    refused(load, file)


def write_with(file: Path, meta: object, tensors: dict[str, torch.Tensor] | None = None) -> None:
    text = meta if isinstance(meta, str) else json.dumps(meta)
    safetensors.torch.save_file(tensors or {"model/w": torch.zeros(3)}, file, {"cnnviz": text})


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize(
    "meta",
    ["", "nonsense", "NaN", "null", "7", '"text"', "[]", "[1, 2]", "{}", "{" * 9, "[" * 100_000],
)
def test_texts_that_are_no_card(load: Load, tmp_path: Path, meta: str) -> None:
    write_with(tmp_path / "file", meta)
    refused(load, tmp_path / "file")


def good_meta() -> dict[str, Any]:
    return {"format": 1, "kind": "state", **asdict(trained()[0].progress)}


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": None},
        {"kind": "snapshot"},
        {"config": None},
        {"config": []},
        {"config": {}},
        {"config": {"model": "lenet5", "dataset": "mnist", "lr": 1}},
        {"config": CONFIG.to_json() | {"epochs": 0}},
        {"config": CONFIG.to_json() | {"learning_rate": float("nan")}},
        {"config": CONFIG.to_json() | {"learning_rate": 10**400}},
        {"step": -1},
        {"step": 1.5},
        {"step": None},
        {"step": True},
        {"step": "5"},
        {"epochs_done": -1},
        {"correct": float("nan")},
        {"precision": "float64"},
        {"precision": None},
        {"elapsed_s": float("nan")},
        {"elapsed_s": float("inf")},
        {"elapsed_s": -1},
        {"elapsed_s": "1"},
        {"weight_decay": float("nan")},
        {"weight_decay": None},
        {"learning_rate_factor": -1},
        {"learning_rate_factor": [1]},
        {"loss_sum": None},
        {"loss_sum": "0"},
        {"train_digest": None},
        {"more": 1},
    ],
)
def test_cards_that_are_not_right(tmp_path: Path, changes: dict[str, Any]) -> None:
    file = tmp_path / "file"
    write_with(file, good_meta())
    TrainingState.load(file)
    write_with(file, good_meta() | changes)
    refused(load_state, file)


@pytest.mark.parametrize("missing", ["format", "kind", *(field.name for field in fields(Progress))])
def test_cards_that_lack_something(tmp_path: Path, missing: str) -> None:
    meta = good_meta()
    del meta[missing]
    write_with(tmp_path / "file", meta)
    refused(load_state, tmp_path / "file")


@pytest.mark.parametrize("value", [None, -1, 1.5, "1", float("nan"), float("inf"), [1]])
@pytest.mark.parametrize("name", ["epoch", "step"])
def test_cards_of_snapshots(tmp_path: Path, name: str, value: object) -> None:
    meta = {"format": 1, "kind": "snapshot", "epoch": 1, "step": 5}
    write_with(tmp_path / "file", meta)
    Snapshot.load(tmp_path / "file")
    write_with(tmp_path / "file", meta | {name: value})
    refused(load_snapshot, tmp_path / "file")


def test_a_header_that_claims_more_than_there_is(tmp_path: Path) -> None:
    header = json.dumps(
        {
            "__metadata__": {"cnnviz": json.dumps(good_meta())},
            "model/w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]},
        }
    ).encode()
    (tmp_path / "file").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 64)
    refused(load_state, tmp_path / "file")


Tensors = dict[str, torch.Tensor]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t: t.pop("model/fc1.weight"), "fc1.weight"),
        (lambda t: t.update({"model/fc1.weight": torch.zeros(120, 401)}), "fc1.weight"),
        (lambda t: t.update({"model/fc9.weight": torch.zeros(2)}), "fc9.weight"),
        (lambda t: t.pop("optimizer/3/momentum_buffer"), "momentum_buffer is missing"),
        (
            lambda t: t.update({"optimizer/3/momentum_buffer": torch.zeros(5)}),
            r"momentum_buffer is \(5,\)",
        ),
        (lambda t: t.update({"optimizer/x/momentum_buffer": torch.zeros(5)}), "invalid literal"),
        (lambda t: t.pop("lookahead/fc1.bias"), "fc1.bias"),
        (lambda t: t.update({"lookahead/fc1.bias": torch.zeros(1)}), r"fc1.bias is \(1,\)"),
        (lambda t: t.update({"lookahead/fc1.bias": torch.zeros(7)}), r"fc1.bias is \(7,\)"),
    ],
)
def test_tensors_that_do_not_fit_the_network(change: Callable[[Tensors], Any], why: str) -> None:
    state, _ = trained()
    tensors = dict(state.tensors)
    change(tensors)
    with pytest.raises(CheckpointError, match=f"this state does not fit its network: .*{why}"):
        train(CONFIG, digits(10), state=TrainingState(state.progress, tensors))


@pytest.mark.parametrize(
    ("step", "epochs_done"), [(6, 1), (5, 2), (4, 1), (10**9, 0), (10**9, 10**9), (6, 0)]
)
def test_a_step_that_is_not_in_its_epoch(step: int, epochs_done: int) -> None:
    state, _ = trained()
    progress = replace(state.progress, step=step, epochs_done=epochs_done)
    with pytest.raises(CheckpointError, match="this state is damaged: "):
        train(CONFIG, digits(10), state=TrainingState(progress, state.tensors))


# ---------------------------------------------------------------------------------- a full disk


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, snapshot = trained()
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    for save in (state.save, snapshot.save):
        with pytest.raises(OSError, match="No space left on device"):
            save(file)
        assert file.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [file]
