"""The views "At inference" and "Its relatives" by AppTest."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.norms import folded_network
from cnnviz.norms.channel_words import power_text
from cnnviz.norms.folded_network import SpeedGain
from cnnviz.norms.relatives import KINDS
from cnnviz.norms.relatives_lesson import RelativesSettings, draw_tensor, relate_all
from cnnviz.ui import warm_up
from cnnviz.ui.batch_norm import inference_network, inference_view, networks, relatives_view

LIMIT_S = 60
DEFAULT = "plain_cnn-norm-cifar10"
STARTERS = "The test pictures are not on this machine"


@pytest.fixture(autouse=True)
def _alone(no_data: None, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starter pictures; programs are run beside app.py."""
    warm_up.wait_for_torch(LIMIT_S)
    monkeypatch.chdir(project)


def open_view(view: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(Path.cwd() / "pages" / "batch_norm.py"), default_timeout=LIMIT_S)
    for key, value in {"view": view, **query}.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def control(at: AppTest, view: str, name: str) -> Any:
    every = (*at.selectbox, *at.segmented_control, *at.button, *at.number_input)
    return next(each for each in every if each.key == f"batch_norm.{view}.{name}")


def lab(at: AppTest) -> dict[str, Any]:
    """What the component was given."""
    assert not at.exception
    content: dict[str, Any] = json.loads(at.get("bidi_component")[0].proto.json)
    return content


def said(at: AppTest) -> str:
    return "\n".join(each.value for each in (*at.markdown, *at.info, *at.caption))


def notes(at: AppTest) -> str:
    return "\n".join(text.value for text in at.text)


def url(at: AppTest) -> Mapping[str, Any]:
    return {key: value for key, value in dict(at.query_params).items() if key != "view"}


def run(program: str) -> tuple[dict[str, Any], str]:
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(program, "<snippet>", "exec"), names)
    return names, printed.getvalue()


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
    for at in (open_view("inference"), open_view("relatives", source="network")):
        assert "No trained network here has batch normalization." in said(at)
        assert not at.get("bidi_component")
    control(at, "relatives", "source").set_value("lot").run()
    assert lab(at)["shape"] == [3, 6, 2, 2]


# --------------------------------------------------------------------------------- its relatives


def test_the_four_are_pytorch_s() -> None:
    at = open_view("relatives", n="2", side="3", groups="3", draw="4", cell="7")
    settings = RelativesSettings(pictures=2, side=3, groups=3, draw=4, cell=7)
    x = draw_tensor(settings)
    shown = lab(at)
    assert (shown["shape"], shown["groups"], shown["cell"]) == ([2, 6, 3, 3], 3, 7)
    assert shown["values"] == x.reshape(-1).tolist()
    panels = [*shown["panels"][:3], shown["variants"][shown["choices"].index(3)]]
    names, printed = run(at.code[0].value)
    for panel, kind in zip(panels, KINDS, strict=True):
        output = names["outputs"][kind].detach()
        np.testing.assert_allclose(panel["output"], output.flatten(), atol=1e-12)
        sets = np.array(panel["sets"])
        for number, (mean, variance) in enumerate(
            zip(panel["means"], panel["variances"], strict=True)
        ):
            members = x.reshape(-1)[sets == number]
            assert len(members) == panel["count"]
            assert (members.mean(), members.var()) == pytest.approx((mean, variance))
        assert kind in printed
    assert at.code[1].value.endswith("?view=relatives&n=2&side=3&groups=3&draw=4&cell=7")


def test_choices_and_reports_of_the_relatives() -> None:
    at = open_view("relatives", cell="70")
    told = {"n": 1, "id": lab(at)["id"], "cell": 3, "groups": 6}
    at.session_state[relatives_view.LAB.key] = {"picked": told}
    at.run()
    assert url(at) == {"groups": "6", "cell": "3"}
    for nonsense in ({"cell": 72}, {"groups": 4}, {"groups": True}, {"cell": None}):
        at.session_state[relatives_view.LAB.key] = {"picked": told | {"cell": 5} | nonsense}
        at.run()
        assert url(at) == {"groups": "6", "cell": "3"}
    values = lab(at)["values"]
    control(at, "relatives", "other").click().run()
    assert lab(at)["values"] != values
    control(at, "relatives", "pictures").set_value(1).run()
    assert "With one picture" in said(at)
    assert lab(at)["cell"] == 0  # what was pointed at may be gone
    control(at, "relatives", "side").set_value(1).run()
    assert [panel["output"] is None for panel in lab(at)["panels"]] == [True, False, True, False]
    assert url(at) == {"n": "1", "side": "1", "groups": "6", "draw": "1"}


def test_a_real_activation_is_the_network_s(project: Path) -> None:
    at = open_view("relatives", source="network", n="4", side="2")
    assert STARTERS in said(at)
    shown = np.reshape(lab(at)["values"], (4, 6, 2, 2))
    network, card = load_checkpoint(project / "checkpoints", DEFAULT)
    caught: list[torch.Tensor] = []
    network.get_submodule("norm2_2").register_forward_hook(
        lambda _, inputs, output: caught.append(inputs[0])
    )
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
    pixels = torch.tensor(load_split("cifar10", "test").images).permute(0, 3, 1, 2)
    with torch.no_grad():
        network((pixels / 255 - mean) / std)
    every = caught[0][:, :6, 7:9, 7:9].double().numpy().round(2)
    for picture in shown:  # drawn by lot from all that are here
        assert np.abs(every - picture).reshape(len(every), -1).max(axis=1).min() < 0.011
    theirs = relate_all(shown, 2)["group"].output
    assert theirs is not None
    np.testing.assert_allclose(lab(at)["variants"][1]["output"], theirs.reshape(-1))


@pytest.mark.parametrize(
    ("query", "note", "left"),
    [
        ({"n": "7"}, "n=7 is now 4", {"n": "4"}),
        ({"groups": "4"}, "groups=4 is now 3", {"groups": "3"}),
        ({"source": "moon"}, "source=moon", {}),
        ({"side": "1", "cell": "40"}, "cell=40 is now 17", {"side": "1", "cell": "17"}),
    ],
)
def test_a_link_to_no_such_tensor(query: dict[str, str], note: str, left: dict[str, str]) -> None:
    at = open_view("relatives", **query)
    assert note in notes(at)
    assert url(at) == left
