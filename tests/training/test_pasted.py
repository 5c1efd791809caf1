"""A pasted network is trained like any other: to the end, after a stop, by its script."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from cnnviz.checkpoints.store import describe_hardware, load_checkpoint, save_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.models.registry import build_model
from cnnviz.runs.limits import Limits
from cnnviz.runs.pasted import check_pasted
from cnnviz.training.command import command_line
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.run_folder import RunFolder, RunPlan
from cnnviz.training.script import training_script
from cnnviz.training.state import TrainingState
from tests.training.splits import assert_same_state, digits, end_in, run, steps_in, without_times
from tests.training.test_script import assert_same
from tests.training.tiny import tiny

SMALL = """
import torch.nn as nn
import torch.nn.functional as f

class Net(nn.Module):
    '''With its own dropout, a shortcut and batch normalization.'''

    def __init__(self, channels=4):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 5, stride=2)
        self.norm = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.fc = nn.Linear(channels * 6 * 6, 10)
        self.drop = nn.Dropout(0.25)

    def forward(self, x):
        x = f.relu(self.norm(self.conv1(x)))
        x = x + self.conv2(x)
        x = f.max_pool2d(x, 2)
        return self.fc(self.drop(torch.flatten(x, 1)))
"""
CHAIN = "nn.Sequential(\n    nn.Flatten(),\n    nn.Linear(784, 10),\n)"
NAMED = f"WIDTH = 784\nmodel = {CHAIN.replace('784', 'WIDTH')}"


def pasted(text: str = SMALL, **changes: Any) -> TrainingConfig:
    return tiny(model="pasted", network_text=text, **changes)


def test_it_learns_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    config = pasted(averaging="lookahead", shift=1, epochs=4)
    whole = train(config, digits(10))
    records = run(whole)
    assert end_in(records).reason == "finished"
    losses = [step.loss for step in steps_in(records)]
    assert losses[-1] < losses[0]
    stopped = train(config, digits(10))
    while stopped.step < 7:
        next(stopped)
    stopped.state().save(tmp_path / "state.safetensors")
    state = TrainingState.load(tmp_path / "state.safetensors")
    assert state.progress.config == config
    resumed = train(state.progress.config, digits(10), state=state)
    _, *rest = [without_times(each) for each in run(resumed)]
    assert rest == [without_times(each) for each in records][-len(rest) :]
    assert_same_state(resumed.state(), whole.state())


@pytest.mark.parametrize("text", [SMALL, CHAIN, NAMED], ids=["class", "chain", "named"])
def test_its_script_trains_the_same_without_cnnviz(text: str) -> None:
    config = pasted(text, record_every=1)
    script = training_script(config)
    assert_same(config, script)
    for line in text.strip().split("\n"):
        assert line.strip() in script


def test_it_is_kept_and_loaded_as_a_checkpoint(tmp_path: Path) -> None:
    training = train(pasted(), digits(10))
    run(training)
    test = load_split("mnist", "test", source="starter")
    hardware = describe_hardware(torch.device("cpu"), "float32")
    plan = RunPlan(training.config, "mine", "trained", False)
    command = command_line(plan, hardware, tmp_path)
    assert "--model pasted --dataset mnist --name mine --network-text mine.py" in command
    save_checkpoint(
        tmp_path,
        "mine",
        training.network,
        test,
        config=training.config,
        normalization=training.normalization,
        train_digest=training.digest,
        command=command,
        epochs=2,
        train_s=1.0,
        hardware=hardware,
    )
    network, card = load_checkpoint(tmp_path, "mine")
    assert card.config == training.config
    assert card.spec.text == training.config.network_text
    assert card.spec.batch_norm
    for name, values in training.network.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], values)
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(network(images), training.network.eval()(images))

    def forge(change: Callable[[dict[str, Any]], Any]) -> None:
        content = json.loads((tmp_path / "mine.json").read_bytes())
        change(content["config"])
        content["model"]["text"] = content["config"]["network_text"]
        (tmp_path / "forged.json").write_text(json.dumps({**content, "name": "forged"}))
        for suffix in ("safetensors", "npz"):
            (tmp_path / f"forged.{suffix}").write_bytes((tmp_path / f"mine.{suffix}").read_bytes())

    # A card may come from anywhere: its text is read anew, and never executed.
    text = training.config.network_text
    for hostile in (f"import os\n{text}", f"{text}\n__import__('os').system('true')"):
        forge(lambda config, hostile=hostile: config.update(network_text=hostile))  # type: ignore[misc]
        with pytest.raises(CheckpointError, match=r"config makes no sense: line"):
            load_checkpoint(tmp_path, "forged")
    forge(lambda config: config.update(network_text=text.replace("6 * 6", "7 * 6")))
    with pytest.raises(CheckpointError, match=r"no such network.*fc expects 168 numbers"):
        load_checkpoint(tmp_path, "forged")


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    config = pasted(SMALL)
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    folder = RunFolder(tmp_path / "run")
    folder.begin(RunPlan(config, "mine", "trained", False))
    assert folder.plan().config == config
    assert config.network_text == SMALL.strip()
    assert "network_text" not in tiny().to_json()  # files of before stay as they were
    assert "text" not in tiny().spec.to_json()
    assert asdict(tiny())["network_text"] == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network_text": ""}, "the text is empty"),
        ({"network_text": "import os\n" + CHAIN}, "line 1: the import of os is not allowed"),
        ({"network_text": CHAIN, "batch_norm": True}, "the text of the network says otherwise"),
        ({"network_text": CHAIN, "dropout": 0.5}, r"write nn\.Dropout\(0\.5\) into the text"),
        ({"network_text": CHAIN, "model": "lenet5"}, "LeNet-5 is known without"),
    ],
)
def test_refused_without_pytorch(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        TrainingConfig.from_json({"model": "pasted", "dataset": "mnist", **changes})


def in_class(line: str, forward: str) -> str:
    return (
        "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.fc = nn.Linear(784, 10)\n        {line}\n"
        f"    def forward(self, x):\n        x = torch.flatten(x, 1)\n        {forward}\n"
        "        return self.fc(x)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHAIN.replace("784", "400"), "line 3: .* expects 400 numbers, but 1·28·28 = 784 arrive"),
        (CHAIN.replace("10", "11"), "puts out 11 for each picture of 1 × 28 × 28: end with 10"),
        ("nn.Flatten()", "puts out 784"),
        (in_class("self.more = nn.Linear(3, 3)", "pass"), "weights of more have no part"),
        (in_class("pass", "x = torch.tanh(x) + 0 * self.fc(x).mean(1, keepdim=True)"), ""),
        (
            in_class("self.a = nn.Linear(784, 784)", "x = torch.tanh(self.a(x))\n        x += 1"),
            "inpl",
        ),
    ],
)
def test_what_cannot_be_trained_is_said_before(text: str, message: str) -> None:
    config = pasted(text)
    if not message:
        build_model(config.spec)
        return
    for check in (lambda: build_model(config.spec), lambda: check_pasted(config, Limits())):
        with pytest.raises(SettingError, match=message):
            check()


def test_a_server_bounds_what_it_trains() -> None:
    config = pasted(CHAIN, batch_size=500)
    check_pasted(config, Limits())
    check_pasted(tiny(), Limits(network_mb=1))  # of those that are not pasted it says nothing
    with pytest.raises(SettingError, match=r"about 5 MB with 500 pictures .* at most 1 on this"):
        check_pasted(config, Limits(network_mb=1))
    convolutions = "nn.Conv2d(1, 64, 3), nn.Conv2d(64, 64, 3)"
    wide = f"nn.Sequential({convolutions}, nn.Flatten(), nn.Linear(36864, 10))"
    with pytest.raises(SettingError, match="takes 21 million multiply-accumulates"):
        check_pasted(pasted(wide), Limits(network_mmacs=20))
    huge = "nn.Sequential(nn.Flatten(), nn.Linear(784, 70000), nn.Linear(70000, 10))"
    with pytest.raises(SettingError, match="it may have 50,000,000"):
        check_pasted(pasted(huge), Limits())
