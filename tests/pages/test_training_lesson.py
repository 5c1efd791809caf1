"""The links of the training lesson's plan open what they promise, without a single correction."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.runs.limits import Limits
from cnnviz.runs.plan import Plan, read_plan
from cnnviz.training.presets import PRESETS
from cnnviz.ui.training.past_runs import shipped_runs

PLAN = Path(__file__).parents[2] / "docs" / "lessons" / "training.md"
LINKS = {
    link: dict(parse_qsl(urlsplit(link).query))
    for link in re.findall(r"\]\((http://localhost:8501/training[^)]*)\)", PLAN.read_text())
}


@pytest.fixture(autouse=True)
def _nothing_trains(runs_apart: Path) -> None:
    """Runs in a folder of the test's own, and no training that really starts."""


def prepared(query: dict[str, str]) -> Plan:
    plan, notes = read_plan(query, Limits(), first="minute")
    assert notes == ()
    return plan


@pytest.mark.parametrize("link", LINKS)
def test_every_link_opens_without_a_correction(project: Path, link: str) -> None:
    at = AppTest.from_file(str(project / "pages" / "training.py"), default_timeout=60)
    for name, value in LINKS[link].items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    assert not [text for text in at.markdown if "asked for something" in text.value]
    assert at.segmented_control[0].value == LINKS[link]["view"]


def test_the_plan_goes_through_every_view_and_preset() -> None:
    assert {query["view"] for query in LINKS.values()} == {"new", "watch", "compare", "time"}
    presets = {query["preset"] for query in LINKS.values() if "preset" in query}
    assert presets == set(PRESETS)


def test_what_the_plan_says_of_its_trainings_is_so() -> None:
    named = {query["name"]: prepared(query) for query in LINKS.values() if "name" in query}
    assert named["too high"].config.learning_rate == 2
    assert named["too low"].config.learning_rate == 0.0005
    rest = [plan.changed("learning_rate", 0.1).config for plan in named.values()]
    assert rest[0] == rest[1]
    assert rest[0].dataset == "mnist"  # the digits that come along are enough


def test_the_runs_and_epochs_that_the_plan_names_are_there() -> None:
    runs = {run.key: run for run in shipped_runs()}
    asked = [query for query in LINKS.values() if "run" in query]
    assert len(asked) >= 3
    for query in asked:
        assert int(query["epoch"]) in runs[query["run"]].epochs()
