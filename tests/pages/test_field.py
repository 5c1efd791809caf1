"""The view "Receptive field": what it shows of a network, by link and by its controls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.ui import warm_up

LIMIT_S = 60


@pytest.fixture(name="at")
def _at(project: Path, no_data: None) -> AppTest:
    warm_up.wait_for_torch(LIMIT_S)
    at = AppTest.from_file(str(project / "pages" / "architectures.py"), default_timeout=LIMIT_S)
    at.query_params["view"] = "field"
    return at


def figures(at: AppTest) -> list[str]:
    """What is said of each drawing."""
    assert not at.exception
    html = next(each.value for each in at.markdown if "cnnviz-fields" in each.value)
    return re.findall(r'aria-label="([^"]*)"', html)


def test_theory_untrained_and_trained(at: AppTest) -> None:
    theory, before, after = figures(at.run())
    assert theory.startswith("In theory: every pixel within 24 × 24 counts")
    assert re.match(r"Before training: 95 % in \d+ pixels.*central half", before)
    assert after.startswith("Trained: 95 % in")
    assert before.removeprefix("Before training") != after.removeprefix("Trained")
    assert at.get("plotly_chart")  # its epochs were kept
    assert "conv3_1 sees 24 × 24 pixels" in at.markdown[0].value
    assert "20 that come with cnnviz" in at.info[0].value  # the starter pictures
    assert at.query_params["row"] == "4"


def test_an_epoch_and_another_unit(at: AppTest) -> None:
    at.run()
    at.select_slider[0].set_value(0).run()
    _, before, after = figures(at)
    assert before == after  # both are the network as it began
    at.select_slider[0].set_value(3).run()
    assert figures(at)[2].startswith("After epoch 3: ")
    assert at.query_params["epoch"] == "3"
    layer = next(box for box in at.selectbox if box.label == "Layer")
    layer.set_value("mean").run()
    assert "60 × 60 pixels, of which 1,024" in at.markdown[0].value
    assert not at.slider  # one unit alone
    network = next(box for box in at.selectbox if box.label == "Network")
    network.set_value("lenet5-mnist").run()
    figures(at)
    assert not at.get("plotly_chart")
    assert "layer" in at.query_params
    assert "epoch" not in at.query_params


def test_a_link_to_what_is_not_there(at: AppTest) -> None:
    for name, value in {"model": "lenet5-mnist", "layer": "conv9", "row": "400"}.items():
        at.query_params[name] = value
    figures(at.run())
    said = "".join(text.value for text in at.text)
    assert "layer=conv9 is not in the network" in said
    assert "row=400 is now" in said
    assert at.query_params["layer"] == "conv2"
