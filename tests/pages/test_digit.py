"""The view "Draw a digit" without a browser: what it is given, keeps and refuses."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.digits.examples import DIGITS
from cnnviz.digits.settings import DigitSettings, write_strokes
from cnnviz.errors import SettingError
from cnnviz.predictions import predict_logits
from cnnviz.training.pictures import Normalization
from cnnviz.ui import warm_up
from cnnviz.ui.architecture import digit_view
from cnnviz.ui.architecture.digit_view import PAD
from cnnviz.ui.drawn_digit import KEY
from cnnviz.ui.training.packing import unpack

LIMIT_S = 30
NAMES = ("lenet5-mnist", "improved_lenet-mnist")
SETTINGS = DigitSettings(strokes=DIGITS[2], networks=NAMES)


@pytest.fixture(name="at")
def _at(project: Path, no_data: None) -> AppTest:
    warm_up.wait_for_torch(LIMIT_S)
    at = AppTest.from_file(str(project / "pages" / "architectures.py"), default_timeout=LIMIT_S)
    at.query_params["view"] = "digit"
    return at


def pad(at: AppTest) -> tuple[dict[str, Any], int]:
    """What the component was given: its text, and how many numbers."""
    assert not at.exception
    content, numbers = unpack(at.get("bidi_component")[0].proto.bytes)
    return content, len(numbers)


def send(at: AppTest, project: Path, settings: DigitSettings, /, **changes: Any) -> AppTest:
    """As the browser would, with the logits that PyTorch computes."""
    pixels = settings.pixels
    logits = {}
    for name in settings.networks:
        network, card = load_checkpoint(project / "checkpoints", name)
        normalization = Normalization(card.mean, card.std)
        logits[name] = predict_logits(network, pixels[None, ..., None], normalization)[0].tolist()
    content, _ = pad(at)
    report = {
        "id": "t-1",
        "version": content["version"],
        "settings": settings.to_json(),
        "answer": {"pixels": base64.b64encode(pixels.tobytes()).decode(), "logits": logits},
        "has": [network["id"] for network in content["networks"]],
    }
    at.session_state[PAD] = {"report": report | changes}
    return at.run()


def test_a_drawing_is_judged_kept_and_given_to_other_views(at: AppTest, project: Path) -> None:
    content, numbers = pad(at.run())
    assert [network["name"] for network in content["networks"]] == list(NAMES)
    assert numbers == sum(network["count"] for network in content["networks"]) > 100_000
    send(at, project, SETTINGS)
    content, numbers = pad(at)
    assert content["verdict"]["text"] == "✓ browser = PyTorch"
    assert numbers == 0  # the browser has them
    assert dict(at.query_params) == {"view": "digit", "strokes": write_strokes(DIGITS[2])}
    assert np.array_equal(at.session_state[KEY], SETTINGS.pixels)
    assert SETTINGS.pixels[14].tobytes().hex() in at.code[0].value
    assert "strokes=" in at.code[1].value
    send(at, project, replace(SETTINGS, strokes=()))
    assert KEY not in at.session_state


def test_a_link_opens_its_drawing_and_says_what_it_changed(at: AppTest, project: Path) -> None:
    for name, value in {"strokes": "-", "pen": "99", "networks": NAMES[1]}.items():
        at.query_params[name] = value
    content, _ = pad(at.run())
    assert (content["settings"]["strokes"], content["settings"]["pen"]) == ([], 48)
    assert [network["name"] for network in content["networks"]] == [NAMES[1]]
    assert "pen=99 is now 48" in "".join(text.value for text in at.text)
    send(at, project, SETTINGS, version=-1)  # sent before the link was opened
    assert pad(at)[0]["settings"]["strokes"] == []


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"settings": {"strokes": 3}}, "differ"),
        ({"answer": None}, "differ"),
        ({"answer": {"pixels": base64.b64encode(bytes(784)).decode(), "logits": {}}}, "differ"),
        ({"has": 7}, "agree"),
    ],
)
def test_a_report_may_hold_anything(
    at: AppTest, project: Path, changes: dict[str, Any], state: str
) -> None:
    at.run()
    send(at, project, SETTINGS, **changes)
    assert pad(at)[0]["verdict"]["state"] == state


def test_without_torch_one_can_draw_already(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "status", lambda: "loading")
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: False)
    content, numbers = pad(at.run())
    assert (content["networks"], numbers) == ([], 0)
    assert content["waiting"].endswith("Draw already.")


def test_a_network_that_no_browser_can_run_is_said_once(
    at: AppTest, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnviz.digits import browser_net

    def refuse(*_: object) -> None:
        raise SettingError("conv9 is a layer that is not run in the browser")

    digit_view._asked_network.clear()
    monkeypatch.setattr(browser_net, "browser_net", refuse)
    content, _ = pad(at.run())
    assert (content["networks"], len(at.error)) == ([], len(NAMES))
    send(at, project, SETTINGS)
    assert pad(at)[0]["verdict"]["text"] == "✓ same picture"  # nobody else was asked
    assert len(at.error) == len(NAMES)
