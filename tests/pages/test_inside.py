"""The view "Look inside" without a browser: its looks, pictures and links."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.activations.inside_settings import LOOKS
from cnnviz.activations.passage import Passage, pass_through
from cnnviz.activations.patches import Search, find_strongest
from cnnviz.training.pictures import Normalization
from cnnviz.ui import warm_up
from cnnviz.ui.architecture.inside_view import ASKED
from cnnviz.ui.drawn_digit import KEY
from cnnviz.ui.shipped import shown_split, trained_card, trained_network

LENET = "lenet5-cifar10"


@pytest.fixture(autouse=True)
def _torch_is_here(no_data: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: True)
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: False)


def new_app(project: Path, **query: str) -> AppTest:
    app = AppTest.from_file(str(project / "pages" / "architectures.py"), default_timeout=60)
    for key, value in {"view": "inside", **query}.items():
        app.query_params[key] = value
    return app


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    assert not app.error
    return app


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def passage_of(model: str, picture: int) -> Passage:
    card = trained_card(model)
    split = shown_split(card.dataset.name)
    return pass_through(
        trained_network(model), split.images[picture], Normalization(card.mean, card.std)
    )


@pytest.mark.parametrize("model", [LENET, "improved_lenet-mnist", "plain_cnn-norm-cifar10"])
@pytest.mark.parametrize("look", LOOKS)
def test_every_look_of_every_network(project: Path, look: str, model: str) -> None:
    app = run(new_app(project, look=look, model=model))
    assert app.query_params["view"] == "inside"
    assert "that come with cnnviz" in said(app)
    button = [b for b in app.button if b.label.startswith("Search")]
    assert bool(button) == (look == "patches")


def test_the_number_and_the_scores_are_the_networks_own(project: Path) -> None:
    app = run(new_app(project, layer="conv2", channel="5", row="3", column="9", picture="7"))
    passage = passage_of(LENET, 7)
    value = float(passage.layer("conv2").values[5, 3, 9])
    assert "Channel 5 of conv2, row 3, column 9" in said(app)
    assert f"**{value:.3g}**".replace("-", "−") in said(app)
    share = 100 * passage.probabilities.max()
    assert f"<td>{share:.1f} %</td>" in html(app)


def test_no_product_is_minus_nothing(project: Path) -> None:
    products = html(run(new_app(project, layer="conv1", row="14", column="14")))
    assert "<td>0.00</td>" in products
    assert "−0.00" not in products


def test_patches_are_searched_on_demand(project: Path) -> None:
    app = run(new_app(project, look="patches", layer="conv2", channel="3"))
    next(b for b in app.button if b.label.startswith("Search")).click()
    run(app)
    assert "**Channel 3 of conv2**" in said(app)
    assert html(app).count("<figcaption>") == 12
    assert not any(button.label.startswith("Search") for button in app.button)


def test_a_search_that_waited_takes_what_another_found(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnviz.ui.architecture import inside_filters

    known, searches = dict[str, Search](), list[int]()

    def find(network: Any, images: Any, *rest: Any, **named: Any) -> Search:
        searches.append(len(images))
        return find_strongest(network, images, *rest, **named)

    @contextmanager
    def somebody_elses_turn() -> Iterator[None]:
        """Before it is this one's turn, another session has searched the same."""
        card, split = trained_card(LENET), shown_split("cifar10")
        normalization = Normalization(card.mean, card.std)
        key = f"{card.weights_sha256}/{split.digest}"
        known[key] = find_strongest(trained_network(LENET), split.images, normalization)
        yield

    monkeypatch.setattr(inside_filters, "_searches", lambda: known)
    monkeypatch.setattr(inside_filters, "find_strongest", find)
    for turn, expected in ((nullcontext(), [20]), (somebody_elses_turn(), [])):
        known.clear()
        searches.clear()
        monkeypatch.setattr(inside_filters, "_one_at_a_time", turn)
        app = run(new_app(project, look="patches"))
        next(b for b in app.button if b.label.startswith("Search")).click()
        run(app)
        assert searches == expected
        assert html(app).count("<figcaption>") == 12


def test_another_picture_of_the_class(project: Path) -> None:
    app = run(new_app(project))
    labels = shown_split("cifar10").labels
    next(b for b in app.button if b.label == "Another one").click()
    run(app)
    second = int(app.query_params["picture"])
    assert second == np.flatnonzero(labels == labels[0])[1]
    box = next(s for s in app.selectbox if s.label == "Of class")
    box.set_value("cat")
    run(app)
    assert labels[int(app.query_params["picture"])] == 3


def test_a_drawn_digit_is_looked_at_from_inside(project: Path) -> None:
    app = new_app(project)
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:16] = 255
    app.session_state[KEY] = pixels
    app.session_state[ASKED] = True
    app.session_state[f"{ASKED}.model"] = "lenet5-mnist"
    run(app)
    assert app.query_params["model"] == "lenet5-mnist"
    assert app.query_params["source"] == "drawn"
    assert "the digit that was drawn" in html(app)
    card = trained_card("lenet5-mnist")
    expected = pass_through(
        trained_network("lenet5-mnist"), pixels[:, :, None], Normalization(card.mean, card.std)
    )
    assert f"<td>{100 * expected.probabilities.max():.1f} %</td>" in html(app)


def test_nothing_is_drawn_or_brought_yet(project: Path) -> None:
    app = run(new_app(project, source="drawn", model="lenet5-mnist"))
    assert "Nothing is drawn yet." in said(app)
    app = run(new_app(project, source="file"))
    assert "Choose a picture" in said(app)
    app = run(new_app(project, source="drawn"))  # no digits for CIFAR-10
    assert "source" not in app.query_params


def test_bad_links_are_said(project: Path) -> None:
    app = run(new_app(project, model="x", layer="nowhere", look="y", scale="z"))
    words = "\n".join(element.value for element in app.text)
    for part in ("model", "layer=nowhere", "look", "scale"):
        assert part in words
    app = run(new_app(project, layer="fc3", channel="99", row="5", picture="123456"))
    words = "\n".join(element.value for element in app.text)
    for part in ("channel=99", "row=5", "picture"):
        assert part in words
