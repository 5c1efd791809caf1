"""The view "One step": walking through the stages, and what changes the numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.one_step.network import take_step
from cnnviz.one_step.settings import StepSettings
from cnnviz.one_step.stages import stages_of
from cnnviz.one_step.words import text

GRID = "architectures.step.grid"


@pytest.fixture(name="at")
def _at(project: Path) -> AppTest:
    at = AppTest.from_file(str(project / "pages" / "architectures.py"), default_timeout=30)
    at.query_params["view"] = "step"
    return at


def board(at: AppTest) -> str:
    assert not at.exception
    return next(each.value for each in at.markdown if "cnnviz-told" in each.value)


def numbers(html: str, name: str) -> list[str]:
    """What a table of the board shows."""
    table = re.search(f'<table [^>]*aria-label="{name}">(.*?)</table>', html)
    assert table is not None
    return re.findall(r">([^<>]+)</td>", table[1])


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def test_numbers_appear_as_they_are_computed(at: AppTest) -> None:
    settings = StepSettings()
    step = take_step(settings)
    stages = stages_of(settings, step)
    html = board(at.run())
    assert set(numbers(html, "z")) == {"·"}
    for number, stage in enumerate(stages):
        html = board(at)
        assert f"{number + 1} of {len(stages)} · {stage.phase}: {stage.title}" in html
        if stage.key == "loss":
            assert numbers(html, "L") == [text(step.forward.loss)]
            assert set(numbers(html, "derivative of the loss by s")) == {"·"}
        if stage.key == "update":
            gradient = step.backward.parameters.w
            assert numbers(html, "derivative of the loss by w") == [text(g) for g in gradient.flat]
            new = [text(w) for w in step.new_parameters.w.flat]
            assert numbers(html, "after the step, w") == new
        if number < len(stages) - 1:
            press(at, "Next")
    assert numbers(board(at), "L") == [text(step.new_forward.loss)]
    assert at.query_params["stage"] == "13"
    press(at, "Keep this step, tell the next")
    html = board(at)
    assert "1 step is done already" in html
    assert numbers(html, "w") == new
    assert (at.query_params["steps"], "stage" in at.query_params) == ("1", False)
    press(at, "Begin again (1 done)")
    assert "steps" not in at.query_params


def test_controls_and_typed_pixels(at: AppTest) -> None:
    at.query_params["stage"] = "4"
    at.run()
    (picture,) = [box for box in at.selectbox if box.label == "Picture"]
    picture.set_value("level").run()
    assert at.query_params["target"] == "1"  # the class of that picture
    cells = [[0.0] * 6 for _ in range(6)]
    cells[0][0] = -2.5
    at.session_state[GRID] = {"typed": {"n": 1, "cells": cells}}
    html = board(at.run())
    assert numbers(html, "x")[0] == "−2.5"
    assert at.query_params["cells"].startswith("-2.5_0_")
    assert next(box for box in at.selectbox if box.label == "Picture").value == "your own"
    next(box for box in at.selectbox if box.label == "Pooling").set_value("none").run()
    assert len(numbers(board(at), "x")) == 16
    assert "cells" not in at.query_params  # they were for another size
    at.segmented_control[2].set_value(2).run()  # classes
    assert len(numbers(board(at), "y")) == 2


@pytest.mark.parametrize(
    "sent", [7, {"n": 2}, {"n": 2, "cells": [["cat"]]}, {"n": 2, "cells": [[1]]}]
)
def test_a_grid_may_send_anything(at: AppTest, sent: Any) -> None:
    before = board(at.run())
    at.session_state[GRID] = {"typed": sent}
    assert board(at.run()) == before


def test_nonsense_in_a_link_is_said(at: AppTest) -> None:
    for name, value in {"rate": "7", "stage": "99", "cells": "cat", "pool": "none"}.items():
        at.query_params[name] = value
    html = board(at.run())
    assert "12 of 12" in html
    said = "".join(each.value for each in at.text)
    assert "rate=7 is now 2" in said
    assert "cells=cat is left out" in said
    assert at.query_params["rate"] == "2"
