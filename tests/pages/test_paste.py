"""The view "Paste your own": a mistake marked and mended, refusals, examples and links."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.model_text.blueprint import read_network
from cnnviz.model_text.examples import EXAMPLES
from cnnviz.model_text.settings import PasteSettings
from cnnviz.model_text.trace import trace_text
from cnnviz.ui import warm_up
from cnnviz.ui.training.service import training_service

TINY = """nn.Sequential(
    nn.Conv2d(1, 4, 5, stride=4),
    nn.Flatten(),
    nn.Linear(144, 10),
)"""


@pytest.fixture(name="at")
def _at(project: Path, no_data: None) -> AppTest:
    assert warm_up.wait_for_torch(60)
    at = AppTest.from_file(str(project / "pages" / "architectures.py"), default_timeout=30)
    at.query_params["view"] = "paste"
    return at


def bodies(at: AppTest) -> list[str]:
    return [str(each.proto.body) for each in at.get("html")]


def table(at: AppTest) -> str:
    assert not at.exception
    return next(b for b in bodies(at) if "<table" in b)


def listing(at: AppTest) -> str:
    return next(b for b in bodies(at) if "<ol>" in b)


def write(at: AppTest, text: str) -> AppTest:
    return at.text_area[0].set_value(text).run()


def test_the_mistake_is_marked_and_mended(at: AppTest, project: Path) -> None:
    at.run()
    (error,) = at.error
    assert "fc1 expects 256 numbers, but 16·5·5 = 400 arrive" in error.value
    assert "nn.Linear(400, 120)" in error.value
    assert next(code.value for code in at.code) == (
        "mat1 and mat2 shapes cannot be multiplied (2x400 and 256x120)"
    )
    assert "<mark>nn.Linear(256, 120)</mark>" in listing(at)
    assert "does not fit" in table(at)
    next(button for button in at.button if button.label == "Mend it").click().run()
    assert not at.error
    assert "nn.Linear(400, 120)" in str(at.text_area[0].value)
    traced = trace_text(read_network(EXAMPLES["lenet5"].text), (3, 32, 32))
    html = table(at)
    for step in traced.steps:
        assert " × ".join(map(str, step.output)) in html
    assert f"{traced.parameters:,}" in html
    # Its own text is kept in the link, which opens it elsewhere.
    packed = at.query_params["text"]
    kept = at.text_area[0].value
    other = AppTest.from_file(str(project / "pages" / "architectures.py"), default_timeout=30)
    other.query_params["view"] = "paste"
    other.query_params["text"] = packed
    assert other.run().text_area[0].value == kept


def test_a_refusal_names_the_line_and_nothing_is_lost(at: AppTest) -> None:
    write(at.run(), "import os\nnn.Sequential(nn.ReLU())")
    (error,) = at.error
    assert "Line 1: the import of os is not allowed" in error.value
    assert "wrong" in listing(at)
    write(at, "nn.ReLU()\x00")
    assert "belongs in no text" in at.error[0].value
    assert at.text_area[0].value == "nn.ReLU()\x00"  # to be mended by the viewer
    write(at, TINY)
    assert "1 channel, but 3 arrive" in at.error[0].value
    at.number_input[0].set_value(1).run()
    at.number_input[1].set_value(28).run()
    at.number_input[2].set_value(28).run()
    assert not at.error
    assert {at.query_params[key] for key in ("c", "h", "w")} == {"1", "28"}
    control = next(each for each in at.segmented_control if each.label == "Picture that goes in")
    assert control.value == (1, 28, 28)


def test_examples_all_fit_but_the_mistake(at: AppTest) -> None:
    at.run()
    for name in EXAMPLES:
        begin = next(each for each in at.segmented_control if each.label == "Begin with")
        begin.set_value(name).run()
        assert not at.exception
        assert bool(at.error) == (name == "fc")
        assert at.query_params.get("example", "fc") == name


def test_nonsense_in_a_link_is_said(at: AppTest) -> None:
    for name, value in {"text": "%%%", "c": "99", "example": "cat"}.items():
        at.query_params[name] = value
    at.run()
    said = "".join(each.value for each in at.text)
    assert "text: this link holds no whole text of a network" in said
    assert "c=99 is now 16" in said
    assert at.text_area[0].value == PasteSettings().text


def test_a_network_goes_to_the_training_page(
    project: Path, no_data: None, idle_queue: None
) -> None:
    assert warm_up.wait_for_torch(60)
    at = AppTest.from_file(str(project / "app.py"), default_timeout=60)
    at.switch_page("pages/architectures.py")
    for name, value in PasteSettings(TINY, 1, 28, 28).to_query().items():
        at.query_params[name] = value
    at.query_params["view"] = "paste"
    at.run()
    assert not at.exception
    train = next(button for button in at.button if button.label == "Train it on MNIST")
    train.click().run()
    assert not at.exception
    # What the browser does when it is sent there; AppTest stays where it is.
    at.query_params.clear()
    at.switch_page("pages/training.py").run()
    start = at.button(key="training.new.start")
    assert start.label.startswith("Start · Pasted network on MNIST")
    start.click().run()
    assert not at.exception
    (run,) = training_service().store.list_runs()
    assert run.config.network_text == TINY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TINY.replace(", 10)", ", 11)"), "puts out 11"),
        (TINY.replace("1, 4, 5", "1, 4, 6"), "To train it, choose the pictures of MNIST"),
    ],
)
def test_what_cannot_be_trained_says_why(at: AppTest, text: str, said: str) -> None:
    side = 29 if "choose" in said else 28
    for name, value in PasteSettings(text, 1, side, side).to_query().items():
        at.query_params[name] = value
    at.run()
    assert not at.error
    assert any(said in caption.value for caption in at.caption)
