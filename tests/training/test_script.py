"""The program of a run: it is executed, and gives the losses and the weights that cnnviz gives."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from cnnviz.data.canonical import Split, canonical_order
from cnnviz.data.catalogue import DatasetName
from cnnviz.models.registry import MODELS, ModelName
from cnnviz.runs.run import Event
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.recipes import recipe
from cnnviz.training.records import Record, StartRecord
from cnnviz.training.script import training_script
from tests.training.splits import epochs_in, invented, split_of, steps_in

PAIRS = [(card.name, dataset) for card in MODELS.values() for dataset in card.datasets]
SMALL: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "validation_count": 20,
    "record_every": 1,
    "device": "cpu",
    "precision": "float32",
}


def small_split(dataset: DatasetName, count: int = 80) -> Split:
    split = invented(dataset, count)
    order = canonical_order(split.images, split.labels)
    return split_of(dataset, split.images[order], split.labels[order])


def names_of(script: str) -> dict[str, Any]:
    """What the program defines, without running its `main`."""
    names: dict[str, Any] = {"__name__": "script"}
    exec(compile(script, "<script>", "exec"), names)
    return names


def run(script: str, split: Split) -> tuple[dict[str, torch.Tensor], list[float], str]:
    """Weights, losses and what it printed, from the images in another order."""
    shuffled = np.random.default_rng(1).permutation(len(split))
    with redirect_stdout(io.StringIO()) as printed, torch.random.fork_rng(devices=[]):
        network, _, losses = names_of(script)["train"](
            split.images[shuffled], split.labels[shuffled]
        )
    return network.state_dict(), losses, printed.getvalue()


def assert_same(config: TrainingConfig, script: str, *, changes: tuple[Event, ...] = ()) -> None:
    split = small_split(config.dataset)  # type: ignore[arg-type]
    training, records = train(config, split), list[Record]()
    for record in training:
        records.append(record)
        for change in changes:
            if change.step == training.step:
                training.change(
                    learning_rate=change.learning_rate, weight_decay=change.weight_decay
                )
    weights, losses, printed = run(script, split)
    expected = [step.loss for step in steps_in(records)]
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    ours = training.network.state_dict()
    assert weights.keys() == ours.keys()
    for name, values in ours.items():
        torch.testing.assert_close(weights[name], values, rtol=1e-5, atol=1e-6)
    told = [float(number) for number in re.findall(r"loss (\d+\.\d+)", printed)]
    said = [
        loss
        for epoch in epochs_in(records)
        for loss in (epoch.train_loss, epoch.validation_loss)
        if loss is not None
    ]
    np.testing.assert_allclose(told, said, atol=1e-4)


@pytest.mark.parametrize(("model", "dataset"), PAIRS)
def test_each_recipe_trains_the_same_network(model: ModelName, dataset: DatasetName) -> None:
    config = recipe(model, dataset, **SMALL)
    assert_same(config, training_script(config))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(
    ("model", "batch_norm"),
    [
        (card.name, batch_norm)
        for card in MODELS.values()
        for batch_norm in (False, True)
        if card.batch_norm_is_optional or batch_norm == card.batch_norm
    ],
)
def test_the_first_weights_are_the_same_to_the_bit(
    model: ModelName, dropout: float, batch_norm: bool
) -> None:
    changes = {**SMALL, "dropout": dropout, "batch_norm": batch_norm, "learning_rate": 0.0}
    config = recipe(model, "cifar10", **changes)
    split = small_split("cifar10")
    first = train(config, split).network
    names = names_of(training_script(config))
    names["EPOCHS"] = 0
    with torch.random.fork_rng(devices=[]):
        weights = names["train"](split.images, split.labels)[0].state_dict()
    for name, values in first.state_dict().items():
        assert torch.equal(weights[name], values), name
    trained = {name for name, p in first.named_parameters() if p.requires_grad}
    with torch.random.fork_rng(devices=[]):
        theirs = names["build_network"]()
    assert {name for name, p in theirs.named_parameters() if p.requires_grad} == trained
    assert [type(m).__name__ for m in theirs] == [type(m).__name__ for m in first.children()]


@pytest.mark.parametrize(
    "changes",
    [
        {"flip": "random"},
        {"flip": "alternating", "seed": 7},
        {"shift": 3},
        {"flip": "random", "shift": 2, "rotation_deg": 15, "scaling": 0.2, "cutout": 8},
        {"rotation_deg": 30.0},
        {"cutout": 5, "validation_count": 0},
        {"dropout": 0.5, "batch_norm": True, "seed": 3},
        {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
        {"momentum": 0.0},
        {"batch_norm": True, "bias_learning_rate_factor": 8.0, "momentum": 0.8},
        {"bias_learning_rate_factor": 8.0},
        {"averaging": "lookahead", "batch_norm": True},
        {"label_smoothing": 0.2, "validation_count": 33},
        {"schedule": "constant", "warmup": 0.0},
        {"schedule": "cosine", "final_learning_rate": 0.1},
        {"schedule": "cosine", "warmup": 0.0},
        {"schedule": "step", "warmup": 0.3},
        {"schedule": "triangular", "warmup": 0.0, "final_learning_rate": 0.05},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_each_option_is_repeated(changes: dict[str, Any]) -> None:
    config = TrainingConfig(**{"model": "lenet5", "dataset": "cifar10", **SMALL, **changes})
    assert_same(config, training_script(config))


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_changes_while_it_went_on_are_repeated(factor: float) -> None:
    config = TrainingConfig(
        model="lenet5",
        dataset="mnist",
        batch_norm=True,
        bias_learning_rate_factor=factor,
        **SMALL,
    )
    changes = (
        Event(2, "changed", 0.0, 0.0, 0.02, 5e-4),
        Event(4, "changed", 0.0, 0.0, 0.01, 0.05),
    )
    events = (Event(0, "started", 0.0, 0.0, 0.1, 5e-4), *changes)
    script = training_script(config, events=events)
    assert "    4: (0.01, 0.05)," in script
    assert "as it was changed while the run went on" in " ".join(script.split())
    assert_same(config, script, changes=changes)


def test_bfloat16_agrees_as_far_as_it_can() -> None:
    config = recipe("lenet5", "cifar10", **{**SMALL, "precision": "bfloat16", "epochs": 1})
    split = small_split("cifar10")
    script = training_script(config)
    _, losses, _ = run(script, split)
    expected = [step.loss for step in steps_in(train(config, split))]
    np.testing.assert_allclose(losses, expected, rtol=0.02)
    assert "In bfloat16" in script


@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_it_runs_from_beginning_to_end(
    dataset: DatasetName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With torchvision's data sets replaced by small ones of the same form."""
    split = small_split(dataset)

    def stand_in(root: str, train: bool, download: bool) -> SimpleNamespace:
        if dataset == "cifar10":
            return SimpleNamespace(data=split.images.copy(), targets=split.labels.tolist())
        pixels = torch.tensor(split.images[..., 0].copy())
        return SimpleNamespace(data=pixels, targets=torch.tensor(split.labels.copy()))

    kind = {"cifar10": "CIFAR10", "mnist": "MNIST"}[dataset]
    monkeypatch.setattr(torchvision.datasets, kind, stand_in)
    monkeypatch.chdir(tmp_path)
    names = names_of(training_script(recipe("lenet5", dataset, **SMALL)))
    with redirect_stdout(io.StringIO()) as printed, torch.random.fork_rng(devices=[]):
        names["main"]()
    assert (
        len(re.findall(r"^epoch +\d+   training: .* right   held out: ", printed.getvalue(), re.M))
        == 2
    )
    assert "test split: loss" in printed.getvalue()
    weights = torch.load(tmp_path / f"lenet5-{dataset}.pt", weights_only=True)
    names["build_network"]().load_state_dict(weights)


ALL_OPTIONS: dict[str, Any] = {
    "flip": "random",
    "shift": 2,
    "rotation_deg": 15,
    "cutout": 8,
    "dropout": 0.2,
    "schedule": "cosine",
    "averaging": "lookahead",
    "bias_learning_rate_factor": 2.0,
    "precision": "bfloat16",
}


@pytest.mark.parametrize(
    "config",
    [recipe(*pair) for pair in PAIRS]
    + [recipe("vgg16", "cifar10", **ALL_OPTIONS)]
    + [TrainingConfig(model="lenet5", dataset="mnist", warmup=0.0)],
    ids=str,
)
def test_it_is_tidy_and_needs_no_cnnviz(config: TrainingConfig) -> None:
    events = (Event(5, "changed", 0.0, 0.0, 0.02, 5e-4),)
    for changes in ((), events):
        script = training_script(config, events=changes)
        for command in (
            ["check", "--select", "E,F,W,I,SIM,PT,UP"],
            ["format", "--check"],
        ):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "100", "-"],
                input=script,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        modules = re.findall(r"^(?:import|from) (\w+)", script, re.M)
        assert set(modules) <= {"hashlib", "math", "collections", "numpy", "torch", "torchvision"}
        assert "<" not in re.sub(r"< |<=", "", script)  # no place was left open


def start_record(**changes: Any) -> StartRecord:
    record = next(iter(train(recipe("lenet5", "mnist", **SMALL), small_split("mnist"))))
    assert isinstance(record, StartRecord)
    return replace(record, **changes)


def test_the_header_says_what_is_not_the_same() -> None:
    config = recipe("lenet5", "mnist")
    before = " ".join(training_script(config).split())
    assert "cnnviz measures whether bfloat16 is faster; this is float32" in before
    assert "other images" not in before
    start = start_record(device="cuda:1", precision="bfloat16")
    script = " ".join(training_script(config, start=start).split())
    assert "The run had 80 other images; this program takes all of MNIST." in script
    assert 'DEVICE = "cuda"' in script
    assert "torch.autocast(DEVICE, torch.bfloat16)" in script


@pytest.mark.parametrize(
    "name", ['end """ import os', "back\\slash\\", "two\nlines", "", "Ω" * 300]
)
def test_a_name_cannot_break_out(name: str) -> None:
    script = training_script(recipe("lenet5", "mnist"), name=name)
    names = names_of(script)
    assert names["__doc__"].startswith("Trains LeNet-5 on MNIST, with PyTorch alone.")
    assert "os" not in names
    assert all(len(line) <= 100 for line in script.splitlines())
