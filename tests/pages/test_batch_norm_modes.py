"""Train against eval, and running statistics, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.norms.modes_settings import ModesSettings
from cnnviz.norms.network_settings import DEFAULT_MODEL
from cnnviz.ui import warm_up
from cnnviz.ui.shipped import shown_split, trained_card, trained_network


@pytest.fixture(autouse=True)
def _torch_is_here(no_data: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: True)
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: False)


def open_view(project: Path, view: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(project / "pages" / "batch_norm.py"), default_timeout=60)
    for key, value in {"view": view, **query}.items():
        app.query_params[key] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def press(app: AppTest, title: str) -> AppTest:
    next(button for button in app.button if button.label == title).click()
    return run(app)


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def answer(app: AppTest) -> str:
    (html,) = (e.proto.body for e in app.get("html") if "cnnviz-asked" in e.proto.body)
    found = re.search(r'class="answer">([^<]+)<', html)
    assert found
    return found.group(1)


# --------------------------------------------------------------------------------- train and eval


def test_neighbours_change_the_answer_until_eval_is_on(project: Path) -> None:
    app = open_view(project, "modes")
    answers = [answer(app)]
    for _ in range(3):
        answers.append(answer(press(app, "Other neighbours")))
    assert len(set(answers)) > 1
    assert "In 4 batches the same picture was cat" in said(app)
    mode = next(e for e in app.segmented_control if e.label == "Mode")
    mode.set_value("eval")
    calm = {answer(run(app))}
    for _ in range(3):
        calm.add(answer(press(app, "Other neighbours")))
    assert len(calm) == 1
    assert "no neighbour counts" in said(app)
    assert app.query_params["mode"] == "eval"
    assert app.query_params["draw"] == "6"


def test_the_answer_is_that_of_the_network(project: Path) -> None:
    from cnnviz.norms.batch_effects import draw_neighbours
    from cnnviz.norms.neighbours import judge_batch
    from cnnviz.training.pictures import Normalization

    split, card = shown_split("cifar10"), trained_card(DEFAULT_MODEL)
    neighbours = draw_neighbours(split.labels, 15, seed=2, only=5, without=9)
    images = split.images[np.concatenate([[9], neighbours])]
    found = judge_batch(trained_network(DEFAULT_MODEL), images, Normalization(card.mean, card.std))
    for mode, expected in (("train", found.train), ("eval", found.evaluation)):
        app = open_view(project, "modes", n="16", draw="2", only="dog", picture="9", mode=mode)
        assert answer(app) == f"{100 * expected[0, split.labels[9]]:.1f} %"


def test_another_picture_and_a_batch_of_one(project: Path) -> None:
    app = press(open_view(project, "modes"), "Another one")
    labels = shown_split("cifar10").labels
    first, second = np.flatnonzero(labels == 3)[:2]
    assert app.query_params["picture"] == str(second)
    assert labels[first] == labels[second]
    app = open_view(project, "modes", n="1")
    assert "A batch of one" in said(app)
    assert "No neighbours." in said(app)
    assert next(b for b in app.button if b.label == "Other neighbours").disabled


def test_all_batch_sizes_on_demand(project: Path) -> None:
    app = open_view(project, "modes")
    count = len(app.get("plotly_chart"))
    press(app, "Run all batch sizes")
    assert len(app.get("plotly_chart")) == count + 1
    assert "in batches of 256 between" in said(app)


def test_a_network_without_a_record(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnviz.ui.batch_norm import modes_costs

    monkeypatch.setattr(modes_costs, "load_forgotten_eval", lambda folder, card: None)
    assert "forgotten-eval plain_cnn-norm-cifar10" in said(open_view(project, "modes"))


def test_bad_links_are_said(project: Path) -> None:
    app = open_view(project, "modes", n="7", only="<b>", picture="99999", model="nobody")
    words = "\n".join(element.value for element in app.text)
    for part in ("n=7 is now 8", "no picture 99999", "model=nobody"):
        assert part in words
    assert answer(app)
    assert ModesSettings(model=DEFAULT_MODEL).picture == -1


# ------------------------------------------------------------------------------ running statistics


def test_batches_are_fed_one_by_one(project: Path) -> None:
    app = open_view(project, "running")
    assert "Feed a batch" in said(app)
    assert not app.latex
    press(app, "Feed a batch")
    assert "After 1 batch the running mean" in said(app)
    assert len(app.latex) == 3
    press(app, "Feed ten")
    assert app.query_params["fed"] == "11"
    assert "(1 − 0.1)¹¹" in said(app)
    press(app, "Start anew")
    assert "fed" not in app.query_params


def test_axes_hold_still_while_batches_are_fed(project: Path) -> None:
    import json

    def ranges(app: AppTest) -> list[object]:
        specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
        return [(s["layout"]["xaxis"]["range"], s["layout"]["yaxis"]["range"]) for s in specs]

    app = open_view(project, "running", fed="1")
    before = ranges(app)
    assert ranges(press(app, "Feed ten")) == before


def test_brighter_pictures_are_noticed_and_the_darker_forgotten(project: Path) -> None:
    app = open_view(project, "running", shift="80", fed="26")
    assert "**90 %** is still in the running statistics" in said(app)
    press(app, "Feed ten")
    assert "**31.4 %**" in said(app)


def test_bad_links_to_running_statistics(project: Path) -> None:
    app = open_view(project, "running", momentum="7", layer="none", channel="5000", fed="9999")
    words = "\n".join(element.value for element in app.text)
    for part in ("momentum", "layer=none", "channel=5000", "fed"):
        assert part in words
    assert len(app.get("plotly_chart")) == 2
