"""`python -m cnnviz train`: to a checkpoint, stopped and gone on with, and what it refuses."""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnviz import cli
from cnnviz.checkpoints.card import Hardware, load_card
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.training.command import TRAINED, add_command, command_line, default_name
from cnnviz.training.config import CHOICES, TrainingConfig
from cnnviz.training.recipes import recipe
from cnnviz.training.records import EndRecord, EpochRecord, StartRecord, StepRecord
from cnnviz.training.run_folder import RunFolder, RunPlan
from cnnviz.training.state import TrainingState

QUICK = (
    "--model lenet5 --dataset mnist --epochs 2 --batch-size 250 --validation-count 500 "
    "--rotation-deg 0 --scaling 0 --precision float32 --record-every 5 --threads 1"
)


@pytest.fixture(autouse=True)
def _only_the_starter_digits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # In its own process the command keeps what it frees; the tests' process should not.
    monkeypatch.setattr("cnnviz.training.memory.keep_freed_memory", lambda: True)


def run(tmp_path: Path, options: str) -> int:
    return cli.main(["train", *shlex.split(options), "--out", str(tmp_path / "out")])


def test_from_nothing_to_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    assert run(tmp_path, f"{QUICK} --run {folder.path}") == 0
    out = capsys.readouterr().out
    assert "3,500 images to train on, 500 held out" in out
    assert out.count("epoch ") == 2
    assert "On the test split, 1,000 pictures that it has never seen" in out

    card = load_card(tmp_path / "out", "lenet5-mnist")
    assert card.epochs == 2
    assert card.test_count == 1000
    assert not card.is_of_complete_test
    assert f"{100 * card.single_view.overall.share:.2f} %" in out

    records = list(folder.records())
    assert isinstance(records[0], StartRecord)
    assert isinstance(records[-1], EndRecord)
    assert [r.epoch for r in records if isinstance(r, EpochRecord)] == [1, 2]
    assert sum(isinstance(r, StepRecord) for r in records) == 6  # 14 steps an epoch, every fifth
    assert folder.snapshot_epochs() == [1, 2]
    assert not folder.state.exists()  # nothing goes on from here


def test_the_recipe_fits_the_starter_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--model lenet5 --dataset mnist --epochs 1 --precision float32 --threads 1"
    assert run(tmp_path, f"{options} --run {tmp_path / 'run'}") == 0
    assert "3,600 images to train on, 400 held out" in capsys.readouterr().out
    assert "--validation-count 400" in load_card(tmp_path / "out", "lenet5-mnist").command


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(safetensors.torch.load_file(folder / "lenet5-mnist.safetensors"))


def test_ctrl_c_and_resume_give_the_same_network(project: Path, tmp_path: Path) -> None:
    assert run(tmp_path, f"{QUICK} --run {tmp_path / 'whole'}") == 0
    undisturbed = weights(tmp_path / "out")

    options = f"{QUICK} --run {tmp_path / 'run'} --out {tmp_path / 'out2'}"
    command = [sys.executable, "-m", "cnnviz", "train", *shlex.split(options)]
    process = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    records = tmp_path / "run" / "records.jsonl"
    deadline = time.monotonic() + 120
    while not (records.exists() and records.read_text().count("\n") >= 2):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED, err
    words = out.splitlines()
    stopped = next(number for number, line in enumerate(words) if line.startswith("Stopped after"))
    again = shlex.split(words[stopped + 1])

    folder = RunFolder(tmp_path / "run")
    progress = TrainingState.load(folder.state).progress
    assert 0 < progress.step < 28
    with pytest.raises(CheckpointError, match="holds a training that has not ended"):
        folder.refuse_unfinished()
    assert cli.main(again[3:]) == 0
    for name, tensor in weights(tmp_path / "out2").items():
        assert torch.equal(tensor, undisturbed[name]), name
    steps = [r.step for r in folder.records() if isinstance(r, StepRecord)]
    assert steps == sorted(set(steps))  # none twice
    assert steps[-1] == 28


def test_a_record_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert run(tmp_path, f"{QUICK} --run {folder.path}") == 0
    records = list(folder.records())
    with (folder.path / "records.jsonl").open("a") as stream:
        stream.write('{"kind": "step", "st')  # the process was killed
    assert list(folder.records()) == records


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model lenet5", "a training needs --model and --dataset, or --resume"),
        ("--model vgg16 --dataset mnist", "VGG-16 is not made for MNIST: use CIFAR-10"),
        (f"{QUICK} --epochs 0", "epochs is 0: use a whole number from 1 up"),
        (f"{QUICK} --batch-size 5000", "batch_size is 5000, but there are 3,500 images"),
        (f"{QUICK} --validation-count 4000", "validation_count is 4000, but there are 4,000"),
        (f"{QUICK} --name ../up", "the checkpoint's name is '../up'"),
        (f"{QUICK} --threads 0", "threads is 0: use a whole number from 1 up"),
        ("--resume nowhere", "run.json is no plan of a training"),
        ("--model fast_cnn --dataset cifar10 --no-batch-norm", "is defined with batch_norm True"),
        ("--model lenet5 --dataset cifar10", "CIFAR-10 (train) is not on this machine"),
    ],
)
def test_what_is_refused_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    assert run(tmp_path, f"{options} --run {tmp_path / 'run'}") == cli.FAILED
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "out").exists()


def test_a_training_that_fails_says_what_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"{QUICK} --learning-rate 1000 --warmup 0 --run {tmp_path / 'run'}"
    assert run(tmp_path, options) == cli.FAILED
    assert "grew beyond all bounds. Use a learning rate below 857" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def parse(line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    return parser.parse_args(shlex.split(line)[3:])


def hardware(threads: int = 2) -> Hardware:
    return Hardware(
        processor="a test",
        cores=2,
        device="cpu",
        device_name="a test",
        precision="bfloat16",
        threads=threads,
        torch_version="2.14.1",
    )


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "epochs": st.integers(1, 500),
        "seed": st.integers(0, 2**40),
        "learning_rate": st.floats(1e-6, 10),
        "weight_decay": st.floats(0, 1),
        "batch_norm": st.booleans(),
        "dropout": st.floats(0, 0.9),
        "flip": st.sampled_from(CHOICES["flip"]),
        "optimizer": st.sampled_from(CHOICES["optimizer"]),
        "validation_count": st.integers(0, 10_000),
    },
)


@given(CHANGES, st.booleans(), st.sampled_from(["lenet5-cifar10", "another.name"]))
def test_the_command_in_a_card_repeats_the_configuration(
    changes: dict[str, object], half: bool, name: str
) -> None:
    config = recipe("lenet5", "cifar10", **changes)
    plan = RunPlan(config, name, "checkpoints", half)
    parsed = parse(command_line(plan, hardware(), PROJECT / "checkpoints" / "kept.run"))
    given_ = {
        key: value
        for key, value in vars(parsed).items()
        if key in config.to_json() and value is not None
    }
    again = recipe(given_.pop("model"), given_.pop("dataset"), **given_)
    assert again.to_json() == {**config.to_json(), "precision": "bfloat16"}
    assert parsed.half is half
    assert (parsed.name or default_name(config)) == name
    assert parsed.out == Path("checkpoints")
    assert parsed.run_folder == Path("checkpoints/kept.run")


def test_the_command_leaves_out_what_is_usual(tmp_path: Path) -> None:
    usual = RunPlan(recipe("lenet5", "mnist"), "lenet5-mnist", "trained", False)
    start = "python -m cnnviz train --model lenet5 --dataset mnist --seed 0 --precision bfloat16"
    assert command_line(usual, hardware(), TRAINED / "lenet5-mnist.run") == start
    elsewhere = RunPlan(usual.config, "other", str(tmp_path / "a b"), True)
    line = command_line(elsewhere, hardware(threads=3), tmp_path / "run")
    assert line == (
        f"{start.replace('--seed', '--name other --seed')} --half --threads 3 "
        f"--out '{tmp_path}/a b' --run {tmp_path}/run"
    )


def test_every_setting_has_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    out = capsys.readouterr().out
    for name in TrainingConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in out


def test_recipes_exist_for_every_pair_and_no_other() -> None:
    with pytest.raises(SettingError, match="Fast CNN is not made for MNIST"):
        recipe("fast_cnn", "mnist")
    with pytest.raises(SettingError, match="a training has no setting 'speed'"):
        recipe("lenet5", "mnist", speed=3)
