"""The view "Its relatives" by AppTest: its four are PyTorch's, its activation the network's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.norms.relatives import KINDS
from cnnviz.norms.relatives_lesson import RelativesSettings, draw_tensor, relate_all
from cnnviz.ui import warm_up
from cnnviz.ui.batch_norm import networks, relatives_view
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


def test_without_networks_there_are_numbers_by_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "trained_networks", lambda: ())
    at = open_view("relatives", source="network")
    assert "No trained network here has batch normalization." in said(at)
    assert not at.get("bidi_component")
    control(at, "relatives", "source").set_value("lot").run()
    assert lab(at)["shape"] == [3, 6, 2, 2]
