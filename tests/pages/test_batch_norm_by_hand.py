"""The page on batch normalization by AppTest: the batch by hand, and the questions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.norms.by_hand import OPENING, HandSettings, new_layer
from cnnviz.norms.by_hand_judge import compute
from cnnviz.norms.exercises import TOPICS, make_question
from cnnviz.ui import warm_up

LIMIT_S = 30


def open_page(project: Path, **query: str) -> AppTest:
    at = AppTest.from_file(str(project / "pages" / "batch_norm.py"), default_timeout=LIMIT_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def lab_data(at: AppTest) -> dict[str, Any]:
    """What Python gave to the component."""
    data: dict[str, Any] = json.loads(at.get("bidi_component")[0].proto.json)
    return data


def answer(shown: HandSettings) -> dict[str, list[float]]:
    """As the browser would report it."""
    numbers = compute(shown).tolist()
    channels = shown.shape[1]
    return {
        "output": numbers[: -2 * channels],
        "running_mean": numbers[-2 * channels : -channels],
        "running_variance": numbers[-channels:],
    }


def send(at: AppTest, shown: HandSettings, /, **changes: Any) -> AppTest:
    """As the browser would: the settings on its screen, and what it computed."""
    report = {"id": "1", "version": lab_data(at)["version"], "settings": shown.to_json()}
    report["answer"] = answer(shown)
    at.session_state["batch_lab.hand"] = {"report": report | changes}
    return at.run()


def test_it_is_the_page_s_first_view(project: Path) -> None:
    at = open_page(project)
    assert not at.exception
    assert at.segmented_control[0].value == "hand"
    data = lab_data(at)
    assert HandSettings.from_json(data["settings"]) == OPENING
    assert (data["verdict"], data["question"]) == (None, None)
    assert dict(at.query_params) == {}


def test_a_report_is_judged_kept_and_written_into_the_url(project: Path) -> None:
    warm_up.wait_for_torch(LIMIT_S)
    at = open_page(project)
    moved = replace(OPENING, gamma=(2.0, 1.0), eps=0.5, mode="eval", cell=5)
    send(at, moved)
    assert not at.exception
    assert dict(at.query_params) == {"gamma": "2_1", "eps": "0.5", "mode": "eval", "cell": "5"}
    data = lab_data(at)
    assert data["verdict"]["text"] == "✓ browser = cnnviz = PyTorch"
    assert HandSettings.from_json(data["settings"]) == moved
    names: dict[str, Any] = {}
    exec(compile(at.code[0].value, "<snippet>", "exec"), names)
    assert names["output"].flatten().tolist() == pytest.approx(answer(moved)["output"])
    assert at.code[1].value.endswith("?gamma=2_1&eps=0.5&cell=5&mode=eval")
    # Another view and back: what was left is there, in the URL too.
    at.segmented_control[0].set_value("quiz").run()
    at.segmented_control[0].set_value("hand").run()
    assert HandSettings.from_json(lab_data(at)["settings"]) == moved
    assert at.query_params["eps"] == "0.5"


def test_a_link_is_opened_and_nonsense_in_it_is_said(project: Path) -> None:
    at = open_page(project, n="1", side="1", x="5_6", eps="cat")
    assert lab_data(at)["settings"]["x"] == [[[[0]], [[12]]]]
    said = "\n".join(text.value for text in at.text)
    assert "x=5_6 is left out" in said
    assert "eps=cat is not a number" in said


@pytest.mark.parametrize(
    "report", [{"settings": None}, {"settings": {"x": []}}, {"answer": "cat"}, {"answer": None}]
)
def test_a_report_that_makes_no_sense_harms_nothing(project: Path, report: dict[str, Any]) -> None:
    at = open_page(project)
    send(at, OPENING, **report)
    assert not at.exception
    assert lab_data(at)["verdict"]["state"] == "differ"


def test_a_report_from_before_a_new_link_is_ignored(project: Path) -> None:
    at = open_page(project, eps="2")
    send(at, new_layer(OPENING.x), version=-1)
    assert dict(at.query_params) == {"eps": "2"}
    assert lab_data(at)["verdict"] is None


def test_the_quiz_hides_its_answer_and_keeps_score(project: Path) -> None:
    def press(label: str) -> None:
        next(button for button in at.button if button.label == label).click().run()

    number = TOPICS.index("output") + 1
    at = open_page(project, view="quiz", question=str(number))
    question = make_question(number)
    assert lab_data(at)["question"] == {"hidden": True}
    press("Check")
    assert at.info[0].value == "Type a number first."
    at.number_input[0].set_value(question.answer + 0.5)
    press("Check")
    assert question.hint in at.warning[0].value
    assert lab_data(at)["question"] == {"hidden": True}
    at.number_input[0].set_value(question.answer)
    press("Check")
    assert f"Right: {question.answer:g}" in at.success[0].value
    assert lab_data(at)["question"] == {"hidden": False}
    press("Next question")
    assert dict(at.query_params) == {"view": "quiz", "question": str(number + 1)}
    following = make_question(number + 1)
    assert following.settings is None  # of a shape alone: no lab, and words instead
    assert not at.get("bidi_component")
    assert following.explanation not in [text.value for text in at.markdown]
    at.number_input[0].set_value(int(following.answer))
    press("Check")
    assert following.explanation in [text.value for text in at.markdown]
    assert any("Score: 1 of 2" in text.value for text in at.markdown)
