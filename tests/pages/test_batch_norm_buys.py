"""The view "What it buys" by AppTest: each look, its links, and what is missing."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.norms import bought
from cnnviz.norms.buys_settings import LOOKS
from cnnviz.norms.comparison import shipped_comparison
from cnnviz.norms.experiment_records import ExperimentKind, experiment_file, load_experiment
from cnnviz.runs.limits import Limits
from cnnviz.runs.plan import read_plan
from cnnviz.training.compare import differences
from cnnviz.ui.batch_norm import buys_records

CHARTS = {"learning": 2, "rates": 2, "drift": 1, "gradients": 1, "along": 1, "noise": 2}


@pytest.fixture(autouse=True)
def _alone(no_data: None, runs_apart: Path) -> None:
    """Nothing that this machine has beyond what comes with cnnviz."""


def open_look(project: Path, look: str, **query: str) -> AppTest:
    """As part of the app, so that the links to the training page are known."""
    at = AppTest.from_file(str(project / "app.py"), default_timeout=30)
    at.run()
    at.switch_page("pages/batch_norm.py")
    for key, value in {"view": "buys", "look": look, **query}.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    return "\n".join(element.value for element in (*at.markdown, *at.caption, *at.info))


def charts(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.spec) for element in at.get("plotly_chart")]


def race(at: AppTest) -> list[dict[str, str]]:
    """The queries of the links to a training to be prepared."""
    links = [element.proto for element in at.get("page_link") if element.proto.page == "training"]
    pairs = [[part.split("=") for part in link.query_string.split("&")] for link in links]
    found = [dict(pair) for pair in pairs]
    assert found.pop() == {"view": "compare"}
    return found


def recorded(project: Path, kind: ExperimentKind) -> Any:
    found = load_experiment(experiment_file(project, kind))
    assert found is not None
    return found


def test_each_look_says_what_the_records_say_and_offers_a_race(project: Path) -> None:
    compared = shipped_comparison(project / SHIPPED)
    counts = bought.noise_counts(recorded(project, "noise"))
    assert counts is not None
    expected = {
        "learning": bought.learning_words(compared),
        "rates": bought.rates_words(recorded(project, "learning-rates")),
        "drift": bought.drift_words(compared, "activation input"),
        "gradients": bought.gradients_words(compared),
        "along": bought.along_words(recorded(project, "gradient")),
        "noise": bought.noise_conclusion(counts),
    }
    assert set(expected) == set(LOOKS)
    at = open_look(project, "learning")
    look_at = next(c for c in at.segmented_control if c.key == "batch_norm.buys.look")
    for look, words in expected.items():
        look_at.set_value(look).run()
        assert not at.exception
        assert words in said(at)
        assert len(charts(at)) == CHARTS[look]
        plans = [read_plan(query, Limits(), first="minute") for query in race(at)]
        assert [notes for _, notes in plans] == [(), ()]
        configs = [plan.config for plan, _ in plans]
        assert [found.field for found in differences(configs)] == ["batch_norm"]
        assert [config.spec.batch_norm for config in configs] == [True, False]
        if look != "rates":
            for config, run in zip(configs, compared.runs, strict=True):
                assert differences([config, run.config]) == ()  # the seed included
        assert ("import torch" in at.code[0].value) == (look in ("along", "noise"))
        look_at = next(c for c in at.segmented_control if c.key == "batch_norm.buys.look")


def test_a_learning_rate_is_drawn_on_the_same_axes_and_raced(project: Path) -> None:
    at = open_look(project, "rates", rate="0.4")
    assert "rate=0.4 is now 0.5" in "\n".join(text.value for text in at.text)
    ranges = [charts(at)[0]["layout"]["yaxis"]["range"]]
    control = next(c for c in at.segmented_control if c.key == "batch_norm.buys.rate")
    control.set_value(0.005).run()
    assert dict(at.query_params) == {"view": "buys", "look": "rates", "rate": "0.005"}
    ranges.append(charts(at)[0]["layout"]["yaxis"]["range"])
    assert ranges[0] == ranges[1]
    runs = [r for r in recorded(project, "learning-rates").runs if r.config.learning_rate == 0.005]
    for query, run in zip(race(at), sorted(runs, key=lambda r: r.variant), strict=True):
        config = read_plan(query, Limits(), first="minute")[0].config
        assert (config.epochs, config.learning_rate) == (run.config.epochs, 0.005)
        assert config.spec.batch_norm == run.config.spec.batch_norm


def test_drift_and_noise_show_what_is_chosen(project: Path) -> None:
    at = open_look(project, "drift", side="before")
    compared = shipped_comparison(project / SHIPPED)
    assert bought.drift_words(compared, "convolution") in said(at)
    at = open_look(project, "noise", layer="relu2_1", channel="2")
    run = next(r for r in recorded(project, "noise").runs if r.variant == "batch norm")
    course = run.channel_course("relu2_1", 2)
    means = charts(at)[1]["data"][0]
    assert means["name"] == "with batch normalization"
    y = np.frombuffer(base64.b64decode(means["y"]["bdata"]), means["y"]["dtype"])
    np.testing.assert_array_equal(y, course[:, 1])
    next(c for c in at.segmented_control if c.key == "batch_norm.buys.channel").set_value(0).run()
    assert dict(at.query_params) == {"view": "buys", "look": "noise", "layer": "relu2_1"}


@pytest.mark.parametrize(
    ("look", "command"),
    [
        ("noise", "batch-norm experiment noise"),
        ("along", "batch-norm experiment gradient"),
        ("rates", "batch-norm experiment learning-rates"),
        ("gradients", "--run checkpoints/plain_cnn-cifar10.run"),
    ],
)
def test_what_is_not_there_says_how_to_record_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str, command: str
) -> None:
    monkeypatch.setattr(buys_records, "PROJECT", tmp_path)
    at = open_look(project, look)
    assert "To record it:" in said(at)
    assert command in at.code[0].value
    assert not charts(at)


def test_a_damaged_record_is_a_sentence(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "experiments").mkdir()
    experiment_file(tmp_path, "noise").write_text("{}")
    monkeypatch.setattr(buys_records, "PROJECT", tmp_path)
    assert "cannot be used" in said(open_look(project, "noise"))
