"""The page on confusions by AppTest: every view, its links, and what the browser reports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.confusion.pictures import STARTER_PLACES
from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.selection import Selection, select
from cnnviz.confusion.sources import (
    PredictionSource,
    SourceList,
    list_sources,
    load_predictions,
)
from cnnviz.data.datasets import load_split
from cnnviz.errors import CheckpointError
from cnnviz.evaluation import Accuracy
from cnnviz.runs.store import RunStore
from cnnviz.ui.confusion import networks
from cnnviz.ui.confusion.gallery import GALLERY
from cnnviz.ui.confusion.library import Library
from cnnviz.ui.confusion.matrix_panel import MATRIX
from cnnviz.ui.training.service import training_service
from tests.runs.invented_history import LABELS, past_run

VIEWS = ("matrix", "classes", "calibration", "two", "own")
CAT, DOG, SHIP = 3, 5, 8
LENET, VGG, RUN = "lenet5-cifar10", "vgg16-cifar10", "run~plain_cnn-norm-cifar10"


@pytest.fixture(autouse=True)
def _places(no_data: None, idle_queue: None) -> None:
    """No data but the starter sets, runs in a folder of the test's own, nothing that trains."""


def open_page(project: Path, **query: str) -> AppTest:
    at = AppTest.from_file(str(project / "pages" / "confusion.py"), default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def predictions(key: str, **options: Any) -> Predictions:
    return load_predictions(list_sources().find(key), **options)


def query(at: AppTest) -> dict[str, str]:
    return {name: "".join(value) for name, value in at.query_params.items()}


def matrix(at: AppTest) -> dict[str, Any]:
    """What the matrix was given."""
    found = [
        e.proto for e in at.get("bidi_component") if "confusion_table" in e.proto.component_name
    ]
    data: dict[str, Any] = json.loads(found[0].json)
    return data


@dataclass
class Sent:
    """What the gallery was given."""

    content: dict[str, Any]
    pixels: npt.NDArray[np.uint8]

    @property
    def indices(self) -> list[int]:
        return [picture[0] for picture in self.content["pictures"]]


def gallery(at: AppTest) -> Sent | None:
    found = [
        e.proto for e in at.get("bidi_component") if "picture_gallery" in e.proto.component_name
    ]
    if not found:
        return None
    data = found[0].bytes
    length = int.from_bytes(data[:4], "little")
    content = json.loads(data[4 : 4 + length])
    pixels = np.frombuffer(data[4 + length :], dtype=np.uint8)
    if "shape" in content:
        pixels = pixels.reshape(-1, *content["shape"])
    return Sent(content, pixels)


def there(at: AppTest) -> Sent:
    found = gallery(at)
    assert found is not None
    return found


def press(at: AppTest, n: int, true: object, taken_for: object) -> AppTest:
    """As the browser reports a press of the matrix."""
    at.session_state[MATRIX] = {"pressed": {"n": n, "true": true, "taken_for": taken_for}}
    at.run()
    assert not at.exception
    return at


def report(at: AppTest, name: str, **told: object) -> AppTest:
    """As the browser reports of the gallery."""
    at.session_state[GALLERY] = {name: told}
    at.run()
    assert not at.exception
    return at


def choose(at: AppTest, label: str, value: object) -> AppTest:
    (box,) = [box for box in at.selectbox if box.label == label]
    box.set_value(value).run()
    assert not at.exception
    return at


def click(at: AppTest, label: str) -> AppTest:
    (button,) = [b for b in at.button if b.label.replace("\N{NO-BREAK SPACE}", " ") == label]
    button.click().run()
    assert not at.exception
    return at


def html(at: AppTest) -> str:
    return " ".join(element.proto.body for element in at.get("html"))


def segments(at: AppTest) -> list[Any]:
    """The controls made of segments; the first is that of the views."""
    return list(at.get("button_group"))


def figures(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


# -------------------------------------------------------------------------------------- the views


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "asked",
    [{}, {"against": VGG, "flip": "1"}, {"model": RUN, "epoch": "3"}, {"model": "lenet5-mnist"}],
)
def test_every_view_opens(project: Path, view: str, asked: dict[str, str]) -> None:
    at = open_page(project, view=view, **asked)
    assert at.title[0].value == "Confusion"
    first = {} if view == "matrix" else {"view": view}
    assert query(at) == first | asked
    assert not at.error


def test_the_matrix_is_the_first_thing_and_is_whole_without_the_data(project: Path) -> None:
    at = open_page(project)
    shown, known = matrix(at), predictions(LENET)
    confusion = known.judgements.confusion
    assert shown["names"] == list(known.class_names)
    assert shown["texts"] == [[f"{count:,}" for count in row] for row in confusion]
    assert shown["cells"][CAT][DOG] == (
        f"cat taken for dog: {confusion[CAT, DOG]} of 1,000 pictures "
        f"({confusion[CAT, DOG] / 10:.1f} %)"
    )
    assert shown["chosen"] == [None, None]
    right = Accuracy(int(known.judgements.is_correct.sum()), len(known)).share
    assert any(f"{100 * right:.1f} % right" in caption.value for caption in at.caption)
    assert query(at) == {}


def test_shares_order_and_diagonal(project: Path) -> None:
    at = open_page(project, numbers="of_true", order="similarity", diagonal="0")
    shown, known = matrix(at), predictions(LENET)
    assert sorted(shown["names"]) == sorted(known.class_names)
    assert shown["names"] != list(known.class_names)
    place = [shown["names"].index(name) for name in ("cat", "dog")]
    assert abs(place[0] - place[1]) == 1  # alike, so neighbours
    assert shown["texts"][0][0] == ""
    share = known.judgements.confusion[CAT, DOG] / 1000
    assert shown["texts"][place[0]][place[1]] == str(round(100 * share))
    numbers, order = segments(at)[1:3]
    assert (numbers.value, order.value) == ("of_true", "similarity")
    at.checkbox[1].set_value(True).run()
    assert "diagonal" not in query(at)
    assert matrix(at)["texts"][0][0] != ""


def test_nonsense_in_the_url_is_told_and_mended(project: Path) -> None:
    at = open_page(
        project,
        view="matrix",
        model="<b>",
        true="elephant",
        which="?",
        picture="99999999",
        sort="x",
    )
    said = at.text[0].value
    assert "model=<b> is now lenet5-cifar10: there is no such network here." in said
    assert "true=elephant is now any" in said
    assert "picture=10000000 is now 9999, the nearest picture that there is." in said
    assert query(at) == {"picture": "9999"}
    assert "This picture is not on this machine" in html(at)
    click(at, "Understood")
    assert "elephant" not in " ".join(text.value for text in at.text)


# ----------------------------------------------------------------------------- what is selected


def test_a_press_selects_and_the_select_boxes_follow(project: Path) -> None:
    at = press(open_page(project), 1, CAT, DOG)
    assert query(at) == {"true": "cat", "taken": "dog"}
    assert matrix(at)["chosen"] == [CAT, DOG]
    assert [box.value for box in at.selectbox[2:4]] == [CAT, DOG]
    known = predictions(LENET)
    count = known.judgements.confusion[CAT, DOG]
    assert any(f"**{count} pictures:** cat taken for dog" in m.value for m in at.markdown)
    choose(at, "True class", -1)
    assert query(at) == {"taken": "dog"}  # the press is not heeded twice
    press(at, 2, None, None)
    assert query(at) == {}


@pytest.mark.parametrize(
    "told", [(1, 10, 0), (1, -1, 0), (1, "cat", 0), (1, True, 0), (1, 3.0, 5), ("1", 3, 5)]
)
def test_a_press_that_cannot_be_is_none(project: Path, told: tuple[Any, Any, Any]) -> None:
    assert query(press(open_page(project), *told)) == {}


def test_the_select_boxes_select_too(project: Path) -> None:
    at = choose(open_page(project), "True class", CAT)
    choose(at, "Taken for", DOG)
    choose(at, "Which", "near")
    choose(at, "Sorted by", ("margin", True))
    assert query(at) == {
        "true": "cat",
        "taken": "dog",
        "which": "near",
        "sort": "margin",
        "reverse": "1",
    }
    press(at, 1, DOG, None)  # all of what is clicked, in the order chosen
    assert query(at) == {"true": "dog", "sort": "margin", "reverse": "1"}


def test_close_calls_ask_how_close(project: Path) -> None:
    at = choose(open_page(project), "Which", "close")
    at.slider[0].set_value(25).run()
    assert query(at) == {"which": "close", "margin": "25"}
    known = predictions(LENET)
    close = int((known.judgements.margin < 0.25).sum())
    assert any(f"**{close:,} pictures:**" in markdown.value for markdown in at.markdown)


def test_the_most_frequent_confusions_select(project: Path) -> None:
    at = open_page(project)
    confusion = predictions(LENET).judgements.confusion
    sentence = f"Cat taken for dog: {confusion[3, 5]} of 1,000 pictures ({confusion[3, 5] / 10} %)."
    click(at, sentence)
    assert query(at) == {"true": "cat", "taken": "dog"}


# ----------------------------------------------------------------------- pictures, without the data


def test_the_gallery_has_the_starter_pictures_in_order(project: Path) -> None:
    at = open_page(project)
    known, sent = predictions(LENET), there(open_page(project))
    wanted = [int(i) for i in select(Selection(), known) if i in STARTER_PLACES]
    assert sent.indices == wanted
    assert sent.content["count"] == 20
    starter = load_split("cifar10", "test", source="starter")
    places = [STARTER_PLACES.index(index) for index in wanted]
    assert np.array_equal(sent.pixels, starter.images[places])
    (said,) = [info.value for info in at.info]
    assert said == (
        "20 of these 10,000 pictures are on this machine, of the 20 that come with cnnviz."
    )
    assert any(button.label.startswith("Download: CIFAR-10") for button in at.button)


def test_what_is_said_of_a_picture(project: Path) -> None:
    known = predictions(LENET)
    row = known.row_of(5154)  # a dog that is taken for a cat
    cat, dog = (100 * known.judgements.probabilities[row, place] for place in (CAT, DOG))
    sent = there(open_page(project, true="dog", taken="cat"))
    assert sent.content["pictures"] == [
        [
            5154,
            0,
            [f"cat {cat:.0f} %", f"is dog {dog:.0f} %"],
            f"dog, taken for cat with {cat:.0f} %",
        ]
    ]


def test_a_picture_that_is_picked_is_shown_large(project: Path) -> None:
    at = report(open_page(project, true="dog", taken="cat"), "picked", n=1, picture=5154)
    assert query(at) == {"true": "dog", "taken": "cat", "picture": "5154"}
    assert there(at).content["picked"] == 5154
    assert "pictures" not in there(at).content  # the browser has them
    shown = html(at)
    assert "<b>dog</b> taken for <b>cat</b>. Picture 5,154" in shown
    assert "dog is its second guess" in shown
    assert shown.count('<th scope="row">') == 10
    assert 'src="data:image/png;base64,' in shown
    click(at, "Close")
    assert query(at) == {"true": "dog", "taken": "cat"}
    assert "data:image/png" not in html(at)
    press(report(at, "picked", n=2, picture=5154), 1, SHIP, None)
    assert query(at) == {"true": "ship"}  # it is none of those


@pytest.mark.parametrize(
    "told", [{"n": 1, "picture": "1"}, {"n": 1, "picture": -4}, {"picture": 5}]
)
def test_a_pick_that_cannot_be_is_none(project: Path, told: dict[str, Any]) -> None:
    assert query(report(open_page(project), "picked", **told)) == {}


def test_a_picture_that_is_not_here_has_its_probabilities(project: Path) -> None:
    at = open_page(project, picture="3014")
    assert "This picture is not on this machine" in html(at)
    assert "Picture 3,014" in html(at)
    (eye,) = [button for button in at.button if button.label == "Alike to the eye"]
    assert eye.disabled


def test_likeness_to_the_chosen_picture(project: Path) -> None:
    at = click(open_page(project, picture="5154"), "Alike to the eye")
    assert query(at) == {"sort": "pixels", "like": "5154", "picture": "5154"}
    assert there(at).indices[0] == 5154
    click(at, "Alike to the network")
    assert query(at)["sort"] == "logits"
    known = predictions(LENET)
    order = select(Selection(sort="logits", like=5154), known)
    assert there(at).indices == [int(index) for index in order if index in STARTER_PLACES]
    choose(at, "Sorted by", ("loss", False))
    assert query(at) == {"sort": "loss", "picture": "5154"}


def test_likeness_to_a_picture_that_is_not_here_says_so(project: Path) -> None:
    at = open_page(project, sort="pixels", like="3014")
    assert at.error[0].value.startswith("Picture 3014 is not on this machine")
    assert matrix(at)


def test_the_gallery_sends_what_is_asked_for(project: Path) -> None:
    at = open_page(project)
    name = there(at).content["gallery"]
    at.run()
    assert "pictures" not in there(at).content
    report(at, "wanted", n=1, gallery=name, start=0)
    assert len(there(at).indices) == 20
    at.run()
    assert "pictures" not in there(at).content  # not twice for one request
    for told in ({"gallery": "other", "start": 0}, {"gallery": name, "start": 20}):
        report(at, "wanted", n=2, **told)
        assert "pictures" not in there(at).content


def test_pictures_of_which_none_is_here(project: Path) -> None:
    at = open_page(project, true="cat", taken="dog")
    assert at.info[0].value == (
        "None of these 152 pictures is on this machine: 20 others come with cnnviz."
    )
    assert gallery(at) is None
    click(at, "Show the 20 that are here")
    assert query(at) == {}
    assert len(there(at).indices) == 20


def test_no_picture_at_all(project: Path) -> None:
    at = open_page(project, which="correct", true="cat", taken="dog")
    assert "There is no such picture." in [info.value for info in at.info]
    assert gallery(at) is None
    mnist = open_page(project, model="lenet5-mnist")
    assert "The pictures themselves are not on this machine." in [i.value for i in mnist.info]
    assert matrix(mnist)["names"] == list("0123456789")


# ------------------------------------------------------------------------------------- the networks


def test_another_network_keeps_what_makes_sense(project: Path) -> None:
    at = open_page(project, true="cat", taken="dog", picture="5154", against=VGG, versus="disagree")
    choose(at, "Network", "fast_cnn-cifar10")
    assert query(at) == {
        "model": "fast_cnn-cifar10",
        "against": VGG,
        "true": "cat",
        "taken": "dog",
        "picture": "5154",
        "versus": "disagree",
    }
    choose(at, "Network", RUN)  # asked about other pictures of the same classes
    assert query(at) == {"model": RUN, "true": "cat", "taken": "dog"}
    choose(at, "Network", "lenet5-mnist")
    assert query(at) == {"model": "lenet5-mnist"}


def test_with_flip(project: Path) -> None:
    at = open_page(project)
    (flip,) = [box for box in at.checkbox if box.label == "With flip"]
    flip.set_value(True).run()
    assert query(at) == {"flip": "1"}
    confusion = predictions(LENET, with_flip=True).judgements.confusion
    assert matrix(at)["texts"][CAT][DOG] == str(confusion[CAT, DOG])


def test_an_epoch_of_a_run(project: Path) -> None:
    at = open_page(project, model=RUN, epoch="3")
    (slider,) = at.select_slider
    assert (slider.label, slider.value) == ("Epoch", 3)
    known = predictions(RUN, epoch=3)
    assert matrix(at)["texts"][CAT][DOG] == str(known.judgements.confusion[CAT, DOG])
    slider.set_value(20).run()
    assert query(at) == {"model": RUN}  # the last one
    assert not [box for box in at.checkbox if box.label == "With flip"]


def test_a_run_of_the_store(project: Path, store: RunStore) -> None:
    past_run(store, name="mine")
    at = open_page(project, model="run~1", epoch="2")
    (names,) = [box for box in at.selectbox if box.label == "Network"]
    assert "Run 1: mine" in names.options
    recognised = np.bincount(LABELS[:20], minlength=10)
    shown = matrix(at)["texts"]
    assert [int(shown[place][place]) for place in range(1, 10)] == recognised[1:].tolist()
    assert there(at).content["count"] == 50  # of the starter digits
    store.delete(1)
    at.run()
    assert not at.exception
    assert query(at) == {}


def test_two_epochs_of_a_run_are_two_networks(project: Path) -> None:
    at = open_page(project, view="two", model=RUN, epoch="2", against=RUN)
    assert [slider.value for slider in at.select_slider] == [2, 20]
    at.select_slider[1].set_value(9).run()
    assert query(at)["against_epoch"] == "9"
    first, second = (predictions(RUN, epoch=epoch).judgements.confusion for epoch in (2, 9))
    change = int(second[CAT, CAT] - first[CAT, CAT])
    assert matrix(at)["texts"][CAT][CAT] == f"{'+' if change > 0 else '−'}{abs(change)}"


def test_two_networks(project: Path) -> None:
    at = open_page(project, view="two")
    assert [info.value for info in at.info] == ["Choose a network to compare with."]
    choose(at, "Compare with", VGG)
    assert query(at) == {"view": "two", "against": VGG}
    first, second = predictions(LENET), predictions(VGG)
    change = int((second.judgements.confusion - first.judgements.confusion)[CAT, CAT])
    assert change > 0
    assert matrix(at)["texts"][CAT][CAT] == f"+{change}"
    assert matrix(at)["is_difference"]
    (said,) = [text.value for text in at.text if "McNemar" in text.value]
    assert "McNemar's test, mid-p value below 0.001" in said
    assert "So vgg16-cifar10 (VGG-16 on CIFAR-10) is better on such pictures" in said
    lines = there(at).content["pictures"][0][2]
    assert len(lines) == 3
    assert lines[2].startswith("other: ")
    only = int((first.judgements.is_correct & ~second.judgements.is_correct).sum())
    click(at, f"Only the first is right: {only}")
    assert query(at) == {"view": "two", "against": VGG, "versus": "first_only"}
    assert any(f"**{only} pictures:**" in markdown.value for markdown in at.markdown)
    choose(at, "Compare with", "")
    assert query(at) == {"view": "two"}


def test_the_second_network_says_nothing_in_the_matrix_of_the_first(project: Path) -> None:
    at = open_page(project, against=VGG, versus="disagree")
    assert not matrix(at)["is_difference"]
    assert any("**10,000 pictures:** all pictures" in m.value for m in at.markdown)
    assert not [box for box in at.selectbox if box.label == "The two networks"]


# ----------------------------------------------------------------------------- classes, calibration


def test_the_scores_stand_beside_the_lessons_own(project: Path) -> None:
    at = open_page(project, view="classes")
    known = predictions(LENET).judgements.confusion
    right = Accuracy(int(known[CAT, CAT]), 1000)
    low, high = right.interval
    row = html(at).split('<th scope="row">cat</th>')[1].split("</tr>")[0]
    assert f"{100 * right.share:.1f} % <small>{100 * low:.1f} to {100 * high:.1f} %" in row
    assert row.endswith("<td>50 %</td>")
    assert any("68.94 %" in caption.value for caption in at.caption)
    (figure,) = figures(at)
    assert [trace["name"] for trace in figure["data"]] == ["this network", "the lesson's network"]
    segments(at)[1].set_value("f1").run()
    assert query(at) == {"view": "classes", "measure": "f1"}
    assert "F1" in figures(at)[0]["layout"]["xaxis"]["title"]["text"]


def test_the_lesson_said_nothing_of_other_pictures(project: Path) -> None:
    for model in ("lenet5-mnist", RUN):
        at = open_page(project, view="classes", model=model)
        assert "the lesson" not in html(at)
        assert not any("68.94" in caption.value for caption in at.caption)


def test_scores_of_two_networks(project: Path) -> None:
    at = open_page(project, view="classes", against=VGG)
    assert html(at).count('aria-label="Scores of') == 2
    names = [trace["name"] for trace in figures(at)[0]["data"]]
    assert names == ["first network", "second network", "the lesson's network"]


def test_calibration_of_one_and_of_two(project: Path) -> None:
    at = open_page(project, view="calibration", against=VGG, binning="equal_mass")
    assert len(figures(at)) == 2
    sentences = [m.value for m in at.markdown if "Confidence and accuracy differ by" in m.value]
    assert len(sentences) == 2
    assert [metric.label for metric in at.metric[:2]] == [
        "Expected calibration error",
        "Greatest error",
    ]
    segments(at)[1].set_value("equal_width").run()
    assert query(at) == {"view": "calibration", "against": VGG}
    assert len(figures(open_page(project, view="calibration"))) == 1


# -------------------------------------------------------------------------------- what is not there


def test_no_network_at_all(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Library(SourceList(()), ("one.json is damaged",))
    monkeypatch.setattr(networks, "open_library", lambda: nothing)
    at = open_page(project, model=LENET)
    assert at.info[0].value.startswith("There is no trained network: `python -m cnnviz train`")


def test_a_network_that_is_damaged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(source: PredictionSource, epoch: int | None, *, flip: bool) -> Predictions:
        if source.key == VGG:
            raise CheckpointError("vgg16-cifar10.npz is damaged")
        return load_predictions(source)

    monkeypatch.setattr(networks, "predictions_of", load)
    at = open_page(project, model=VGG, true="cat")
    assert [error.value for error in at.error] == ["vgg16-cifar10.npz is damaged"]
    choose(at, "Network", LENET)
    assert not at.error
    assert query(at) == {"true": "cat"}


def test_a_store_that_cannot_be_opened_costs_only_its_runs(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    training_service.clear()
    (tmp_path / "no-folder").write_text("")
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "no-folder"))
    at = open_page(project)
    assert [expander.label for expander in at.expander] == ["Some networks cannot be read"]
    assert matrix(at)


def test_what_was_left_here_comes_back_with_the_navigation(project: Path) -> None:
    at = open_page(project, true="cat", view="two", against=VGG)
    at.session_state["cnnviz.page"] = "another one"
    at.query_params.clear()
    at.run()
    assert query(at) == {"view": "two", "against": VGG, "true": "cat"}
