"""The convolution page by AppTest: every view, its links, and what the browser reports."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.convolution_judge import compute
from cnnviz.convolution_lesson import LessonSettings, View, opening_settings
from cnnviz.exercises import make_question
from cnnviz.ui import url_state, warm_up

LIMIT_S = 30
VIEWS = ("hand", "picture", "colour", "pooling", "transposed", "backwards", "quiz")


def open_page(project: Path, **query: str) -> AppTest:
    at = AppTest.from_file(str(project / "pages" / "convolution.py"), default_timeout=LIMIT_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def lab_data(at: AppTest) -> dict[str, Any]:
    """What Python gave to the component."""
    component = at.get("bidi_component")[0]
    data: dict[str, Any] = json.loads(component.proto.json)
    return data


def send(at: AppTest, view: View, settings: LessonSettings, /, **changes: Any) -> AppTest:
    """As the browser would: the settings on its screen and the output that it computed."""
    report = {
        "id": "1",
        "version": lab_data(at)["version"],
        "settings": settings.to_json(),
        "output": compute(settings).tolist(),
    }
    at.session_state[f"window_lab.{view}"] = {"report": report | changes}
    return at.run()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens(project: Path, view: str) -> None:
    at = open_page(project, view=view)
    assert not at.exception
    assert at.title[0].value == "Convolution"
    assert at.get("bidi_component") or view == "backwards"


def test_the_opening_state_is_the_classic_lesson(project: Path) -> None:
    data = lab_data(open_page(project))
    assert LessonSettings.from_json(data["settings"]) == opening_settings("hand")
    assert data["bounds"]["stride"] == [1, 5]
    assert data["verdict"] is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"stride": "0"}, "stride=0 is now 1"),
        ({"padding": "-1"}, "padding=-1 is now 0"),
        ({"kernel": "1e9"}, "kernel=1e9 is now 7"),
        ({"kernel": "cat"}, "kernel=cat is not a number: 3 is kept"),
        ({"image": "<script>alert(1)</script>"}, "image=<script>alert(1)</script… is left out"),
        ({"view": "nonsense"}, "view=nonsense is now hand"),
        ({"view": "quiz", "question": "-5"}, "question=-5 is now 1"),
        ({"view": "backwards", "from": "0"}, "from=0 is now 1"),
        ({"view": "picture", "stride": "99"}, "stride=99"),
    ],
)
def test_nonsense_in_the_url_is_said_and_can_be_closed(
    project: Path, query: dict[str, str], said: str
) -> None:
    at = open_page(project, **query)
    assert not at.exception
    assert any(said in text.value for text in at.text), [text.value for text in at.text]
    next(button for button in at.button if button.label == "Understood").click().run()
    assert not any(said in text.value for text in at.text)


def test_a_report_is_judged_kept_and_written_into_the_url(project: Path) -> None:
    warm_up.wait_for_torch(LIMIT_S)
    at = open_page(project)
    opening = opening_settings("hand")
    moved = LessonSettings.from_json(opening.to_json() | {"stride": 2, "padding": 1, "step": 4})
    send(at, "hand", moved)
    assert not at.exception
    assert dict(at.query_params) == {"stride": "2", "padding": "1", "step": "4"}
    data = lab_data(at)
    assert data["verdict"]["text"] == "✓ browser = cnnviz = PyTorch"
    assert LessonSettings.from_json(data["settings"]) == moved
    assert "stride=2, padding=1" in at.code[0].value
    assert at.code[1].value.endswith("?stride=2&padding=1&step=4")


def test_a_wrong_browser_is_contradicted(project: Path) -> None:
    at = open_page(project)
    opening = opening_settings("hand")
    wrong = (compute(opening) + 1).tolist()
    send(at, "hand", opening, output=wrong)
    assert lab_data(at)["verdict"]["state"] == "differ"


@pytest.mark.parametrize(
    "report",
    [{"settings": None}, {"settings": {"view": "hand"}}, {"settings": 7}, {"output": "cat"}],
)
def test_a_report_that_makes_no_sense_harms_nothing(project: Path, report: dict[str, Any]) -> None:
    at = open_page(project)
    send(at, "hand", opening_settings("hand"), **report)
    assert not at.exception
    assert lab_data(at)["verdict"]["state"] == "differ"


def test_a_report_from_before_a_new_link_is_ignored(project: Path) -> None:
    at = open_page(project, stride="2")
    send(at, "hand", opening_settings("hand"), version=-1)
    assert dict(at.query_params) == {"stride": "2"}
    assert lab_data(at)["verdict"] is None


def test_each_view_keeps_its_own_state(project: Path) -> None:
    at = open_page(project, stride="2")
    at.segmented_control[0].set_value("pooling").run()
    assert dict(at.query_params) == {"view": "pooling"}
    assert lab_data(at)["settings"]["view"] == "pooling"
    at.segmented_control[0].set_value("hand").run()
    assert dict(at.query_params) == {"stride": "2"}
    assert lab_data(at)["settings"]["stride"] == 2


def test_the_quiz_hides_its_answer_and_keeps_score(project: Path) -> None:
    at = open_page(project, view="quiz", question="3")
    answer = make_question(3).answer
    assert lab_data(at)["question"] == {"kind": "size", "hidden": True}

    def press(label: str) -> None:
        next(button for button in at.button if button.label == label).click().run()

    press("Check")
    assert "whole number first" in at.info[0].value
    at.number_input[0].set_value(answer + 1)
    press("Check")
    assert "is not it" in at.warning[0].value
    assert lab_data(at)["question"]["hidden"]
    assert any("Score: 0 of 1" in text.value for text in at.markdown)
    at.number_input[0].set_value(answer)
    press("Check")
    assert f"Right: {answer}" in at.success[0].value
    assert not lab_data(at)["question"]["hidden"]
    assert any("Score: 0 of 1" in text.value for text in at.markdown)  # the first try counts
    press("Next question")
    assert dict(at.query_params) == {"view": "quiz", "question": "4"}
    at.number_input[0].set_value(make_question(4).answer)
    press("Check")
    assert any("Score: 1 of 2" in text.value for text in at.markdown)
    press("Next question")
    press("Show me")
    assert f"The answer is {make_question(5).answer}" in at.info[0].value
    assert any("Score: 1 of 3" in text.value for text in at.markdown)


def test_backwards_lists_settings_and_opens_small_ones_by_hand(project: Path) -> None:
    at = open_page(project, view="backwards")
    table = at.dataframe[0].value
    assert set(zip(table["kernel"], table["stride"], table["padding"], strict=True)) >= {
        (2, 2, 0),
        (3, 2, 1),
    }
    assert at.code[0].value.startswith("nn.Conv2d(3, 16")
    assert not any(button.label == "Walk this window by hand" for button in at.button)
    at.number_input[0].set_value(5).run()
    at.number_input[1].set_value(3).run()
    assert dict(at.query_params)["from"] == "5"
    next(b for b in at.button if b.label == "Walk this window by hand").click().run()
    assert at.segmented_control[0].value == "hand"
    settings = LessonSettings.from_json(lab_data(at)["settings"])
    assert compute(settings).shape == (1, 3, 3)


def test_backwards_says_what_is_within_reach(project: Path) -> None:
    at = open_page(project, view="backwards", to="40")
    assert "nearest sizes that one does reach: 38" in at.info[0].value


def test_opening_does_not_wait_for_torch(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: False)
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: True)
    at = open_page(project)
    send(at, "hand", opening_settings("hand"))
    verdict = lab_data(at)["verdict"]
    assert (verdict["state"], verdict["text"]) == (
        "waiting",
        "✓ browser = cnnviz · PyTorch is loading …",
    )
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: False)
    at.run()
    assert "PyTorch is not available here" in lab_data(at)["verdict"]["text"]


def test_going_back_is_told_from_an_echo(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(project)
    moved = LessonSettings.from_json(opening_settings("hand").to_json() | {"stride": 2})
    send(at, "hand", moved)
    at.query_params.clear()
    at.run()  # a request that was under way when the URL was written
    assert dict(at.query_params) == {"stride": "2"}
    monkeypatch.setattr(url_state, "ECHO_S", -1.0)  # as if time had passed
    at.query_params.clear()
    at.run()
    assert dict(at.query_params) == {}
    assert lab_data(at)["settings"]["stride"] == 1
