"""The view "In a real network" by AppTest: its numbers are the network's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.errors import CheckpointError
from cnnviz.norms.channel_words import share_text, signed
from cnnviz.norms.picture_batch import draw_batch
from cnnviz.ui import warm_up
from cnnviz.ui.batch_norm import networks
from cnnviz.ui.batch_norm.network_view import LAB
from cnnviz.ui.training.packing import unpack
from tests.pages.norm_page import (
    DEFAULT,
    LIMIT_S,
    STARTERS,
    control,
    notes,
    open_view,
    run,
    url,
)


@pytest.fixture(autouse=True)
def _alone(no_data: None, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starter pictures; programs are run beside app.py."""
    warm_up.wait_for_torch(LIMIT_S)
    monkeypatch.chdir(project)


def numbers_of(at: AppTest) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float32]]]:
    """What the component was given: its text, and its numbers by name, as in norm_lab.js."""
    assert not at.exception
    content, numbers = unpack(at.get("bidi_component")[0].proto.bytes)
    channels, bins = content["channels"], content["bins"]
    counts = {"shares": 3 * channels * bins, "mean": 3 * channels, "std": 3 * channels}
    counts |= dict.fromkeys(
        ("batch mean", "running mean", "batch std", "running std", "zeros"), channels
    )
    ends = np.cumsum(list(counts.values()))
    assert ends[-1] == len(numbers)
    parts = dict(zip(counts, np.split(numbers, ends[:-1]), strict=True))
    return content, {
        name: part.reshape(3, channels, -1).squeeze() if part.size > channels else part
        for name, part in parts.items()
    }


def by_hooks(
    project: Path, name: str, layer: str, count: int, mode: str, **draw: Any
) -> tuple[tuple[torch.Tensor, ...], nn.BatchNorm2d]:
    """What goes in, comes out, and is left by the activation after it: by PyTorch alone."""
    network, card = load_checkpoint(project / "checkpoints", name)
    batch = draw_batch(load_split("cifar10", "test"), count, **draw)
    pixels = torch.tensor(batch.images).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
    norm: Any = network.get_submodule(layer)
    found: list[torch.Tensor] = []
    norm.register_forward_hook(
        lambda _, inputs, output: found.extend((inputs[0].clone(), output.clone()))
    )
    kept = nn.BatchNorm2d(norm.num_features)
    kept.load_state_dict(norm.state_dict(), strict=False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(mode == "train")
    with torch.no_grad():
        network((pixels - mean) / std)
    return (*found, found[1].clamp(min=0)), kept


@pytest.mark.parametrize(
    ("query", "mode", "count"),
    [
        ({}, "train", 20),  # fewer than asked for: those that come with cnnviz
        ({"mode": "eval", "layer": "norm1_2", "n": "8", "draw": "2"}, "eval", 8),
        ({"model": "vgg16-cifar10", "layer": "norm5_3", "n": "2", "channel": "300"}, "train", 2),
    ],
)
def test_its_numbers_are_the_network_s(
    project: Path, query: dict[str, str], mode: str, count: int
) -> None:
    at = open_view("network", **query)
    content, shown = numbers_of(at)
    name, layer = query.get("model", DEFAULT), query.get("layer", "norm2_2")
    assert control(at, "network", "model").value == name
    assert control(at, "network", "layer").value == layer
    draw = int(query.get("draw", 0))
    stages, norm = by_hooks(project, name, layer, count, mode, draw=draw)
    for stage, numbers in enumerate(stages):
        flat = numbers.double().transpose(0, 1).flatten(1)
        np.testing.assert_allclose(shown["mean"][stage], flat.mean(dim=1), atol=2e-4)
        np.testing.assert_allclose(shown["std"][stage], flat.std(dim=1, correction=0), atol=2e-4)
    before, _, activated = stages
    np.testing.assert_allclose(shown["batch mean"], before.mean(dim=(0, 2, 3)), atol=2e-4)
    np.testing.assert_allclose(shown["batch std"], before.std(dim=(0, 2, 3)), atol=2e-4)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    np.testing.assert_allclose(shown["running mean"], norm.running_mean.numpy())
    np.testing.assert_allclose(shown["running std"], norm.running_var.sqrt(), rtol=1e-6)
    zero = activated == 0
    np.testing.assert_allclose(shown["zeros"], zero.float().mean(dim=(0, 2, 3)), atol=2e-4)
    dead = zero.all(dim=0)
    assert f"{int(dead.sum()):,} of {dead.numel():,} units" in content["summary"][1]
    assert (shown["shares"].sum(axis=-1) <= 1 + 1e-6).all()
    assert STARTERS in at.info[0].value
    assert any(f"{count} test pictures: " in caption.value for caption in at.caption)
    assert url(at) == {"layer": layer, **query}


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(("layer", "count"), [("norm2_2", "64"), ("norm3_2", "2")])
def test_the_program_prints_what_is_on_the_screen(layer: str, count: str, mode: str) -> None:
    at = open_view("network", layer=layer, channel="3", n=count, mode=mode)
    content, shown = numbers_of(at)
    _, printed = run(at.code[0].value)
    told = printed.replace("-", "−")
    before, after, left = content["sentences"][3]
    for stage, name in enumerate(("before", "after", "activated")):
        mean, std = (shown[part][stage, 3] for part in ("mean", "std"))
        assert f"{name}: mean {signed(mean)}, sigma {signed(std)}\n" in told
    running = told.split("running: mean ")[1].split("\n")[0].replace("sigma", "σ")
    assert f"running mean {running}" in before
    assert left.startswith(f"{told.split('exactly 0: ')[1].splitlines()[0]} of them")
    assert f"mean {signed(shown['mean'][1, 3])}" in after
    shift, dead = content["summary"]
    away = told.split("a channel's mean is ")[1].split(" ")[0]
    assert f"in this batch is {away} running σ away" in shift
    count_dead, units = map(int, told.split("dead units: ")[1].split(" of "))
    assert f"{count_dead:,} of {units:,} units ({share_text(count_dead / units)})" in dead


def test_each_choice_is_shown_and_written_into_the_url() -> None:
    at = open_view("network")
    assert url(at) == {"layer": "norm2_2"}
    control(at, "network", "mode").set_value("eval").run()
    assert numbers_of(at)[0]["titles"][1].startswith("2. Normalized by the running statistics")
    control(at, "network", "pictures").set_value(8).run()
    assert any("8 test pictures" in caption.value for caption in at.caption)
    words = [caption.value for caption in at.caption]
    control(at, "network", "other").click().run()
    assert [caption.value for caption in at.caption] != words
    control(at, "network", "only").set_value("frog").run()
    assert any(caption.value.endswith("frog.") for caption in at.caption)
    control(at, "network", "layer").set_value("norm1_1").run()
    assert numbers_of(at)[0]["titles"][0] == "1. What goes into norm1_1"
    expected = {"layer": "norm1_1", "n": "8", "only": "frog", "draw": "1", "mode": "eval"}
    assert url(at) == expected
    assert at.code[-1].value.endswith("?view=network&n=8&only=frog&draw=1&mode=eval&layer=norm1_1")
    control(at, "network", "model").set_value("fast_cnn-cifar10").run()
    assert "3. After GELU" in numbers_of(at)[0]["titles"]
    assert {"layer", "model"} <= set(url(at))
    assert "only" not in url(at)


def report(at: AppTest, **changes: Any) -> AppTest:
    told = {"n": 1, "id": numbers_of(at)[0]["id"], "channel": 7} | changes
    at.session_state[LAB.key] = {"picked": told}
    return at.run()


def test_a_channel_that_is_chosen_in_the_browser_is_kept() -> None:
    at = open_view("network")
    before = numbers_of(at)[0]["version"]
    report(at)
    assert url(at)["channel"] == "7"
    assert numbers_of(at)[0]["version"] == before  # it is shown already
    assert "[:, 7]" in at.code[0].value
    control(at, "network", "layer").set_value("norm3_1").run()
    assert numbers_of(at)[0]["channel"] == 7
    assert url(at)["channel"] == "7"


@pytest.mark.parametrize(
    "change",
    [{"channel": 32}, {"channel": -1}, {"channel": "7"}, {"channel": None}, {"id": "another"}],
)
def test_a_report_that_makes_no_sense_harms_nothing(change: dict[str, Any]) -> None:
    at = report(open_view("network"), **change)
    assert url(at) == {"layer": "norm2_2"}


@pytest.mark.parametrize(
    ("query", "note", "left"),
    [
        ({"model": "lenet5-mnist"}, f"model=lenet5-mnist is now {DEFAULT}", {"layer": "norm2_2"}),
        ({"layer": "conv1_1"}, "layer=conv1_1 is now norm2_2", {"layer": "norm2_2"}),
        (
            {"channel": "32"},
            "channel=32 is now 31 (norm2_2 has channels 0 to 31)",
            {"layer": "norm2_2", "channel": "31"},
        ),
        ({"channel": "cat"}, "channel=cat is not a", {"layer": "norm2_2"}),
        ({"only": "unicorn"}, "There are no pictures of unicorn", {"layer": "norm2_2"}),
        ({"n": "0", "mode": "x"}, "mode=x", {"layer": "norm2_2", "n": "2"}),
    ],
)
def test_a_link_to_what_is_not_there(
    query: dict[str, str], note: str, left: dict[str, str]
) -> None:
    at = open_view("network", **query)
    assert note in notes(at)
    assert url(at) == left
    numbers_of(at)


def test_without_networks_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "trained_networks", lambda: ())
    at = open_view("network", layer="norm1_1")
    assert at.info[0].value == "No trained network here has batch normalization."
    assert not at.get("bidi_component")


def test_a_damaged_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(name: str) -> nn.Module:
        raise CheckpointError(f"{name} was cut short")

    monkeypatch.setattr(networks, "trained_network", damaged)
    at = open_view("network")
    assert at.error[0].value == f"{DEFAULT} was cut short"


def test_until_torch_is_here_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: False)
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: True)
    assert "PyTorch is loading" in open_view("network").caption[-1].value
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: False)
    assert "PyTorch is not available here" in open_view("network").error[0].value


def test_all_pictures_where_they_are(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a whole test split: 64 pictures, and nothing said of starters."""
    from tests.norms.networks import a_split

    monkeypatch.setattr(networks, "shown_split", lambda name: a_split(200))
    at = open_view("network", n="64")
    assert not at.info
    assert any("64 test pictures" in caption.value for caption in at.caption)
