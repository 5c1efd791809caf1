"""The links of the confusion lesson's plan open what they promise, without a single correction."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from cnnviz.confusion.calibration import reliability
from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.settings import ConfusionSettings, fit_settings, from_query, to_query
from cnnviz.confusion.sources import SourceList, list_sources, load_predictions
from cnnviz.ui.confusion_views import CONFUSION_VIEWS

PLAN = (Path(__file__).parents[2] / "docs" / "lessons" / "confusion.md").read_text()
LINKS = {
    link: dict(parse_qsl(urlsplit(link).query))
    for link in re.findall(r"\]\((http://localhost:8501/confusion[^)]*)\)", PLAN)
}


@pytest.fixture(scope="module")
def sources() -> SourceList:
    return list_sources()


def opened(query: dict[str, str], sources: SourceList) -> tuple[ConfusionSettings, Predictions]:
    settings, notes = from_query(query, sources)
    assert not notes
    predictions = load_predictions(sources.find(settings.model))
    settings, notes = fit_settings(settings, predictions)
    assert not notes
    return settings, predictions


@pytest.mark.parametrize("link", LINKS)
def test_every_link_says_exactly_what_is_opened(link: str, sources: SourceList) -> None:
    settings, _ = opened(LINKS[link], sources)
    asked = {key: text for key, text in LINKS[link].items() if key != "view"}
    assert to_query(settings, sources) == asked
    assert LINKS[link].get("view", "matrix") in CONFUSION_VIEWS


def test_the_plan_goes_through_every_view() -> None:
    assert {query.get("view", "matrix") for query in LINKS.values()} == set(CONFUSION_VIEWS)


def test_what_the_plan_says_of_cats_and_dogs_is_so(sources: SourceList) -> None:
    for model, count in (("lenet5-cifar10", 152), ("fast_cnn-cifar10", 63)):
        predictions = load_predictions(sources.find(model))
        cat, dog = (predictions.class_names.index(name) for name in ("cat", "dog"))
        assert predictions.judgements.confusion[cat, dog] == count
        assert re.search(rf"\b{count}\b", PLAN)
    judged = predictions.judgements
    wrong = (predictions.labels == cat) & (judged.predictions == dog)
    surest = predictions.indices[wrong][judged.confidence[wrong].argmax()]
    assert surest == 3014  # the picture that the plan's links open


def test_what_the_plan_says_of_calibration_is_so(sources: SourceList) -> None:
    gaps = {}
    for model in ("lenet5-cifar10", "fast_cnn-cifar10"):
        judged = load_predictions(sources.find(model)).judgements
        gaps[model] = reliability(judged.confidence, judged.is_correct).mean_gap
    assert gaps["fast_cnn-cifar10"] < -0.15
    assert abs(gaps["lenet5-cifar10"]) < 0.05
