"""The networks of the pad: what they read, what a browser is told of them, what is judged."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.digits.browser_net import browser_net
from cnnviz.digits.examples import DIGITS, EXAMPLES
from cnnviz.digits.ink import render
from cnnviz.digits.judge import ROUNDING, judge
from cnnviz.digits.settings import DigitSettings
from cnnviz.digits.snippet import digit_snippet
from cnnviz.errors import SettingError
from cnnviz.predictions import predict_logits
from cnnviz.training.pictures import Normalization

NAMES = ("lenet5-mnist", "improved_lenet-mnist")


@pytest.mark.parametrize("name", NAMES)
def test_ten_drawn_digits_are_read(project: Path, name: str) -> None:
    network, card = load_checkpoint(project / "checkpoints", name)
    drawn = np.stack([render(strokes, 24) for strokes in DIGITS])[..., None]
    logits = predict_logits(network, drawn, Normalization(card.mean, card.std))
    assert logits.argmax(1).tolist() == list(range(10))
    corner = next(example for example in EXAMPLES if example.key == "corner")
    both = np.stack([render(corner.strokes, 24, fit) for fit in ("mnist", "raw")])[..., None]
    logits = predict_logits(network, both, Normalization(card.mean, card.std))
    assert logits[0].argmax() == 3
    assert logits[1].argmax() != 3  # which is what scaling and centring is for


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_is_told_every_number(project: Path, name: str) -> None:
    network, card = load_checkpoint(project / "checkpoints", name)
    net = browser_net(network, card)
    assert len(net.numbers) == card.parameters
    assert np.array_equal(
        net.numbers[:5], network.get_parameter("conv1.weight").detach().numpy().ravel()[:5]
    )
    assert [layer["kind"] for layer in net.layers].count("linear") == 3


def test_a_layer_that_no_browser_knows_is_named(project: Path) -> None:
    network, card = load_checkpoint(project / "checkpoints", NAMES[0])
    network.set_submodule("relu1", nn.Hardswish())
    with pytest.raises(SettingError, match="relu1 is a layer that is not run in the browser"):
        browser_net(network, card)


def test_the_snippet_gives_the_same_logits(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    pixels = render(DIGITS[5], 30)
    names: dict[str, Any] = {}
    exec(compile(digit_snippet(pixels, "checkpoints", NAMES[1]), "<snippet>", "exec"), names)
    network, card = load_checkpoint(project / "checkpoints", NAMES[1])
    ours = predict_logits(network, pixels[None, ..., None], Normalization(card.mean, card.std))[0]
    torch.testing.assert_close(names["logits"], torch.from_numpy(ours), rtol=1e-4, atol=1e-4)


def test_picture_and_logits_are_judged() -> None:
    settings = DigitSettings()
    logits = np.array([3.0, -20.0])

    def answer(pixels: Any = settings.pixels, **given: Any) -> dict[str, Any]:
        return {"pixels": base64.b64encode(pixels.tobytes()).decode(), "logits": given}

    def state(browser: object, **asked: Any) -> str:
        return judge(settings, browser, ask=lambda _: {"net": logits}, **asked).state

    near, far = (logits + factor * ROUNDING * 21 for factor in (0.5, 2))
    assert state(answer(net=near.tolist())) == "agree"
    assert state(answer(net=far.tolist())) == "differ"
    assert state(answer(net=[3.0, float("nan")])) == "differ"
    assert state(answer(other=[1.0])) == "differ"
    assert state(answer()) == "waiting"
    assert judge(settings, answer(net=[0]), ask=None, why_no_torch="soon").text.endswith("soon")
    shifted = np.roll(settings.pixels, 1)
    assert state(answer(shifted, net=logits.tolist())) == "differ"
    for nonsense in (None, {"pixels": "AAAA", "logits": {}}, answer(net=["cat"]), {"pixels": 3}):
        with pytest.raises(SettingError, match="makes no sense"):
            state(nonsense)
