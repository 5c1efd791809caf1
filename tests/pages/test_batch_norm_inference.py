"""The view "At inference" by AppTest: its filter is PyTorch's, its outputs agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.norms import folded_network
from cnnviz.norms.channel_words import power_text
from cnnviz.norms.folded_network import SpeedGain
from cnnviz.ui import warm_up
from cnnviz.ui.batch_norm import inference_network, inference_view, networks
from tests.pages.norm_page import (
    DEFAULT,
    LIMIT_S,
    STARTERS,
    control,
    lab,
    notes,
    open_view,
    run,
    said,
    url,
)


@pytest.fixture(autouse=True)
def _alone(no_data: None, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starter pictures; programs are run beside app.py."""
    warm_up.wait_for_torch(LIMIT_S)
    monkeypatch.chdir(project)


def fused(project: Path, name: str, convolution: str, norm: str) -> nn.Conv2d:
    """By PyTorch's own function, in float64."""
    network = load_checkpoint(project / "checkpoints", name)[0].double()
    one, other = (network.get_submodule(layer) for layer in (convolution, norm))
    assert isinstance(one, nn.Conv2d)
    assert isinstance(other, nn.BatchNorm2d)
    if other.weight is None or other.bias is None:
        raise AssertionError("fuse_conv_bn_eval takes both")
    return fuse_conv_bn_eval(one, other)


# --------------------------------------------------------------------------------- at inference


@pytest.mark.parametrize(
    ("name", "norm", "convolution", "channel"),
    [
        (DEFAULT, "norm2_2", "conv2_2", 0),
        (DEFAULT, "norm1_1", "conv1_1", 15),
        ("vgg16-cifar10", "norm5_3", "conv5_3", 511),
    ],
)
def test_the_new_filter_is_pytorch_s(
    project: Path, name: str, norm: str, convolution: str, channel: int
) -> None:
    at = open_view("inference", model=name, layer=norm, channel=str(channel))
    shown = lab(at)
    theirs = fused(project, name, convolution, norm)
    assert theirs.bias is not None
    np.testing.assert_allclose(shown["fresh"], theirs.weight[channel].detach(), atol=1e-12)
    bias = f"{float(theirs.bias[channel].detach()):.4g}".replace("-", "−")
    assert shown["numbers"]["new_bias"] == bias
    network = load_checkpoint(project / "checkpoints", name)[0]
    old = network.get_submodule(convolution).get_parameter("weight")[channel].detach()
    np.testing.assert_allclose(shown["old"], old.double())
    assert f"Filter {channel} of {convolution} takes over" in [h.value for h in at.subheader]


@pytest.mark.parametrize("name", [DEFAULT, "vgg16-cifar10", "fast_cnn-cifar10"])
def test_the_whole_network_agrees_and_the_program_shows_it(name: str) -> None:
    at = open_view("inference", model=name, channel="1", plane="2")
    network, card = load_checkpoint(Path("checkpoints"), name)
    count = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert f"{count} of {count} normalizations are gone" in said(at)
    assert STARTERS in said(at)
    images = load_split("cifar10", "test")
    told = re.search(
        r"for (\d+) pictures differ by at most \*\*(.*)\*\*, .* is ([\d.]+):", said(at)
    )
    assert told is not None
    assert int(told[1]) == len(images) == 20
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
    pixels = torch.tensor(images.images).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = network((pixels / 255 - mean) / std)
    assert float(told[3]) == pytest.approx(float(logits.abs().max()), rel=0.01)
    assert "No picture is decided otherwise." in said(at)

    names, printed = run(at.code[0].value)
    folded = names["folded"]
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert 0 < names["difference"] < 1e-5 * float(logits.abs().max())
    # Rounding in another order is of the same size.
    exponents = ["⁻⁴", "⁻⁵", "⁻⁶", "⁻⁷"]
    assert any(told[2].endswith(exponent) for exponent in exponents)
    assert any(power_text(names["difference"]).endswith(exponent) for exponent in exponents)
    shown = lab(at)
    assert f"new bias: {shown['numbers']['new_bias']}".replace("−", "-") in printed
    for words, kept in (("old", shown["old"]), ("new", shown["fresh"])):
        np.testing.assert_allclose(names[words].weight[1, 2].detach(), kept[2], atol=1e-6)
        assert f"{words} weights: tensor(" in printed


def test_choices_reports_and_the_url() -> None:
    at = open_view("inference")
    assert url(at) == {"layer": "norm2_2"}
    control(at, "inference", "channel").set_value(5).run()
    assert url(at) == {"layer": "norm2_2", "channel": "5"}
    told = {"n": 1, "id": lab(at)["id"], "plane": 9}
    at.session_state[inference_view.LAB.key] = {"picked": told}
    at.run()
    assert url(at) == {"layer": "norm2_2", "channel": "5", "plane": "9"}
    at.session_state[inference_view.LAB.key] = {"picked": told | {"plane": 32}}
    at.run()
    assert url(at)["plane"] == "9"
    control(at, "inference", "layer").set_value("norm1_1").run()
    assert url(at) == {"layer": "norm1_1", "channel": "5"}  # its convolution reads 3 maps
    assert len(lab(at)["old"]) == 3
    control(at, "inference", "model").set_value("fast_cnn-cifar10").run()
    assert "Folded past a pooling: norm1_1, norm2_1, norm3_1." in said(at)
    assert url(at)["model"] == "fast_cnn-cifar10"


def test_the_time_is_measured_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[nn.Module, nn.Module, int, float]] = []

    def measure(one: nn.Module, other: nn.Module, batch: torch.Tensor, **given: Any) -> SpeedGain:
        asked.append((one, other, len(batch), given["budget_s"]))
        return SpeedGain(before_s=0.012, after_s=0.008, batch_size=len(batch), repeats=15)

    monkeypatch.setattr(folded_network, "measure_speed", measure)
    at = open_view("inference")
    assert not at.metric
    assert not asked
    assert "Batches of 20 pictures" in said(at)  # there are no more
    control(at, "inference", "measure").click().run()
    assert [each.value for each in at.metric] == ["12 ms", "8 ms"]
    count = len(load_split("cifar10", "test"))
    assert f"**1.50 times as fast** for a batch of {count}: " in said(at)
    ((one, other, size, budget),) = asked
    assert (size, budget) == (count, inference_network.BUDGET_S)
    kinds = [{type(module) for module in network.modules()} for network in (one, other)]
    assert [nn.BatchNorm2d in kind for kind in kinds] == [True, False]
    control(at, "inference", "channel").set_value(3).run()
    assert at.metric  # it stands while something else is chosen
    control(at, "inference", "model").set_value("vgg16-cifar10").run()
    assert not at.metric  # of another network nothing was measured


@pytest.mark.parametrize(
    ("query", "note", "left"),
    [
        ({"model": "lenet5-mnist"}, f"model=lenet5-mnist is now {DEFAULT}", {}),
        ({"layer": "fc9"}, "layer=fc9 is now norm2_2", {}),
        ({"channel": "-1"}, "channel=-1 is now 0", {}),
        ({"channel": "900"}, "channel=900 is now 31", {"channel": "31"}),
        ({"plane": "77"}, "plane=77 is now 31", {"plane": "31"}),
    ],
)
def test_a_link_to_what_is_not_there(query: dict[str, str], note: str, left: Any) -> None:
    at = open_view("inference", **query)
    assert note in notes(at)
    assert url(at) == {"layer": "norm2_2", **left}


def test_what_cannot_be_folded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The normalizations of a network whose convolutions they do not follow."""

    def unfoldable(network: nn.Module, norm: Any) -> str:
        return f"{norm.name} does not stand behind a convolution."

    monkeypatch.setattr(folded_network, "why_not", unfoldable)
    inference_network._whole.clear()
    at = open_view("inference")
    assert "It cannot: norm2_2 does not stand behind a convolution." in said(at)
    assert "0 of 6 normalizations are gone" in said(at)
    assert "Not folded: norm1_1 does not stand" in said(at)
    assert len(at.code) == 1  # the link alone
    inference_network._whole.clear()


def test_without_networks_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "trained_networks", lambda: ())
    at = open_view("inference", layer="norm1_1")
    assert "No trained network here has batch normalization." in said(at)
    assert not at.get("bidi_component")
