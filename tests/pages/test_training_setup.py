"""The view "New training", by AppTest: what it prepares, starts, refuses and keeps."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.data import background
from cnnviz.data.availability import find_availability
from cnnviz.data.background import BackgroundFetch
from cnnviz.data.locations import DataLocation, DataReport, SplitFiles
from cnnviz.errors import DataError
from cnnviz.runs.limits import Limits
from cnnviz.runs.plan import Plan
from cnnviz.runs.run import Run
from cnnviz.training.presets import PRESETS
from cnnviz.training.recipes import recipe
from cnnviz.ui import data_offer, warm_up
from cnnviz.ui.training import schedule_line, setup_view, start_bar
from cnnviz.ui.training import service as services
from cnnviz.ui.training.service import TrainingService, training_service

LIMITS = Limits(free_disk_mb=0, open_per_owner=2)
START = "training.new.start"


def page() -> None:
    import streamlit as st

    from cnnviz.ui.training import setup_view
    from cnnviz.ui.url_state import open_page_state

    is_entered = "entered" not in st.session_state
    st.session_state["entered"] = True
    setup_view.show(open_page_state("training", is_entered=is_entered))


@pytest.fixture(autouse=True)
def _places(no_data: None, runs_apart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data, runs in a folder of the test's own, and no training that really starts."""
    monkeypatch.setattr(services, "load_limits", lambda: LIMITS)
    monkeypatch.setattr(warm_up, "status", lambda: "ready")
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: True)


@pytest.fixture
def all_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both data sets seem to be there; nothing reads them."""
    files = SplitFiles((tmp_path / "file",), ())
    locations = tuple(
        DataLocation(name, "parquet", tmp_path, files, files, 1) for name in ("cifar10", "mnist")
    )
    monkeypatch.setattr(
        "cnnviz.data.availability.find_data", lambda *_, **__: DataReport(locations, ())
    )


def open_view(**query: str) -> AppTest:
    at = AppTest.from_function(page, default_timeout=120)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def service() -> TrainingService:
    opened: TrainingService = training_service()
    return opened


def runs() -> list[Run]:
    return service().store.list_runs()


def field(at: AppTest, name: str) -> Any:
    """The widget of a setting."""
    kinds = (at.selectbox, at.number_input, at.text_input, at.toggle)
    found = [
        w for kind in kinds for w in kind if (w.key or "").startswith(f"training.new.field.{name}.")
    ]
    assert len(found) == 1, name
    return found[0]


def start(at: AppTest) -> AppTest:
    at.button(key=START).click().run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    return "\n".join(e.value for kind in (at.markdown, at.caption, at.text) for e in kind)


@pytest.mark.usefixtures("all_data")
@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_hands_in_what_it_says(key: str) -> None:
    at = open_view(preset=key)
    preset = PRESETS[key]
    assert preset.sentence in said(at)
    label = at.button(key=START).label
    assert label.startswith("Start · ")
    assert f"{preset.config.epochs} epochs" in label
    start(at)
    (run,) = runs()
    assert run.config == preset.config
    assert run.name in label
    assert at.session_state["training.view"] == "watch"
    assert at.session_state["training.run"] == run.id


@pytest.mark.usefixtures("all_data")
def test_it_opens_with_one_minute_and_a_preset_is_a_click_away() -> None:
    at = open_view()
    assert dict(at.query_params) == {"view": "new", "preset": "minute"}
    assert at.button(key=START).label == "Start · LeNet-5 on CIFAR-10, 12 epochs"
    at.segmented_control[0].set_value("94-percent").run()
    assert dict(at.query_params) == {"view": "new", "preset": "94-percent"}
    assert field(at, "model").value == "fast_cnn"
    assert field(at, "learning_rate").value == 1.5
    assert field(at, "batch_norm").disabled
    assert "14 epochs" in at.button(key=START).label
    assert "94.13 %" in said(at)


@pytest.mark.usefixtures("all_data")
def test_a_link_prepares_a_training() -> None:
    query = {"view": "new", "preset": "norm", "epochs": "1", "seed": "7", "name": "Ada's"}
    at = open_view(**query)
    assert dict(at.query_params) == query
    assert field(at, "epochs").value == 1
    assert field(at, "seed").value == 7
    assert field(at, "name").value == "Ada's"
    assert "epochs 1 instead of 20; seed 7 instead of 0" in said(at)
    assert at.button(key=START).label == "Start · Plain CNN on CIFAR-10, 1 epoch"
    start(at)
    (run,) = runs()
    assert run.config == replace(PRESETS["norm"].config, epochs=1, seed=7)
    assert run.name == "Ada's"
    assert field(at, "name").value == ""  # the next one is not Ada's
    assert field(at, "epochs").value == 1


@pytest.mark.usefixtures("all_data")
def test_fields_change_the_plan_and_the_url() -> None:
    at = open_view(preset="minute")
    field(at, "epochs").set_value(3).run()
    field(at, "optimizer").set_value("adamw").run()
    field(at, "learning_rate").set_value(0.003).run()
    field(at, "batch_norm").set_value(True).run()
    field(at, "name").set_value("mine").run()
    assert dict(at.query_params) == {
        "view": "new",
        "preset": "minute",
        "epochs": "3",
        "opt": "adamw",
        "lr": "0.003",
        "norm": "1",
        "name": "mine",
    }
    at.button(key="training.new.undo").click().run()
    assert dict(at.query_params) == {"view": "new", "preset": "minute", "name": "mine"}
    assert field(at, "epochs").value == 12


@pytest.mark.usefixtures("all_data")
def test_another_network_brings_its_recipe_and_keeps_what_was_typed() -> None:
    at = open_view(preset="lenet-1998")
    field(at, "epochs").set_value(2).run()
    field(at, "model").set_value("vgg16").run()
    assert not at.exception
    assert field(at, "dataset").options == ["CIFAR-10"]
    assert field(at, "epochs").value == 2
    assert at.segmented_control[0].value == "own"
    start(at)
    assert runs()[0].config == recipe("vgg16", "cifar10", epochs=2)


@pytest.mark.usefixtures("all_data")
@pytest.mark.parametrize(
    ("query", "note"),
    [
        ({"preset": "cat"}, "preset=cat is now minute"),
        ({"epochs": "-3"}, "epochs=-3 is now 1"),
        ({"net": "vgg16", "data": "mnist"}, "data=mnist is now cifar10"),
        ({"lr": "<b>"}, "lr=<b> is not a number"),
        ({"batch": "1e300"}, "batch=1e300 is now 2048"),
    ],
)
def test_nonsense_in_the_url_is_said_and_the_rest_holds(query: dict[str, str], note: str) -> None:
    at = open_view(seed="5", **query)
    assert note in said(at)
    assert field(at, "seed").value == 5
    start(at)
    assert len(runs()) == 1


@pytest.mark.usefixtures("all_data")
def test_a_refusal_is_shown_and_nothing_is_lost() -> None:
    at = open_view(preset="minute", epochs="3")
    for _ in range(LIMITS.open_per_owner):
        start(at)
    at.session_state["training.view"] = "new"
    field(at, "name").set_value("one too many").run()
    start(at)
    assert len(runs()) == LIMITS.open_per_owner
    (error,) = at.error
    assert f"this server allows {LIMITS.open_per_owner}" in error.value
    assert at.session_state["training.view"] == "new"
    assert field(at, "name").value == "one too many"
    assert field(at, "epochs").value == 3


@pytest.mark.usefixtures("all_data")
def test_what_is_typed_and_started_at_once_is_what_is_started() -> None:
    """Both reach the server in one message, since the field reports when it loses the focus."""
    at = open_view(preset="minute")
    field(at, "epochs").set_value(2)
    field(at, "name").set_value("in a hurry")
    start(at)
    (run,) = runs()
    assert (run.config.epochs, run.name) == (2, "in a hurry")
    field(at, "model").set_value("vgg16")
    start(at)
    assert runs()[0].config == recipe("vgg16", "cifar10", epochs=2)


@pytest.mark.usefixtures("all_data")
def test_the_server_s_limits_bound_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = Limits(max_epochs=5, min_batch_size=16, max_batch_size=64, free_disk_mb=0)
    monkeypatch.setattr(services, "load_limits", lambda: narrow)
    at = open_view(preset="minute")
    assert (field(at, "epochs").value, field(at, "epochs").max) == (5, 5)
    batch = field(at, "batch_size")
    assert (batch.value, batch.min, batch.max) == (64, 16, 64)
    assert "This server allows at most 5 epochs." in said(at)
    assert not [button for button in at.button if button.key == "training.new.undo"]
    start(at)
    assert runs()[0].config.epochs == 5


@pytest.mark.usefixtures("all_data")
def test_another_network_s_recipe_stays_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = Limits(max_epochs=13, max_batch_size=512, free_disk_mb=0)
    monkeypatch.setattr(services, "load_limits", lambda: narrow)
    at = open_view(preset="minute")
    assert field(at, "epochs").value == 12
    field(at, "model").set_value("vgg16").run()  # its recipe has 18
    assert not at.exception
    assert field(at, "epochs").value == 13
    field(at, "model").set_value("fast_cnn")  # with batches of 1,024; and starts at once
    start(at)
    assert runs()[0].config.batch_size == 512


def test_it_says_who_is_ahead_on_so_many_devices() -> None:
    one, two = start_bar.queue_words(1, 0, devices=1), start_bar.queue_words(1, 0, devices=2)
    assert one == "1 training is ahead of yours."
    assert two == "1 training is under way, and there is room for yours: it starts at once."
    assert start_bar.queue_words(2, 0, devices=2) == "2 trainings are ahead of yours."
    assert start_bar.queue_words(1, 1, devices=2) == "2 trainings are ahead of yours."


@pytest.mark.usefixtures("all_data")
def test_it_says_how_many_are_ahead() -> None:
    at = open_view()
    assert "Nothing else is being trained" in said(at)
    config = recipe("lenet5", "mnist", epochs=1)
    for owner in ("ada", "bob"):
        service().store.create_run(config, owner)
    at.run()
    assert "2 trainings are ahead of yours." in said(at)


@pytest.mark.usefixtures("all_data")
def test_the_network_is_listed_layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_view(preset="minute")
    table = next(h.proto.body for h in at.get("html") if "cnnviz-layers-box" in h.proto.body)
    for part in ("conv1", "6 × 28 × 28", "456", "2,416", "62,006", "651,720"):
        assert part in table
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: False)
    monkeypatch.setattr(warm_up, "status", lambda: "loading")
    assert "as soon as PyTorch is loaded" in said(open_view(preset="minute"))
    monkeypatch.setattr(warm_up, "status", lambda: "failed: OSError: libtorch")
    assert "OSError: libtorch" in said(open_view(preset="minute"))


def test_the_learning_rate_is_drawn() -> None:
    config = replace(recipe("lenet5", "cifar10"), warmup=0.25, final_learning_rate=0.5)
    drawn = schedule_line.schedule_html(config)
    assert "Learning rate over 40 epochs: triangular, at most 0.1 after 25&nbsp;% of" in drawn
    points = [
        [float(part) for part in pair.split(",")]
        for pair in drawn.split('points="')[1].split('"')[0].split()
    ]
    heights = [40 - y for _, y in points]
    assert max(heights) == pytest.approx(38, abs=0.1)
    assert heights.index(max(heights)) / len(heights) == pytest.approx(0.25, abs=0.01)
    assert heights[-1] == pytest.approx(19, abs=0.3)
    assert "nan" not in schedule_line.schedule_html(replace(config, learning_rate=0.0))


def test_without_data_it_trains_on_the_starter_digits() -> None:
    at = open_view()
    assert dict(at.query_params)["preset"] == "lenet-1998"
    assert "4,000 of its 60,000 training pictures" in said(at)
    assert at.button(key=START).label == "Start · LeNet-5 on MNIST (starter set), 20 epochs"
    start(at)
    (run,) = runs()
    assert run.config == replace(PRESETS["lenet-1998"].config, validation_count=400)
    assert field(at, "validation_count").value == 5000  # the plan is as it was


def test_without_cifar10_nothing_is_trained_on_it() -> None:
    at = open_view(preset="minute")
    assert "Nothing can be trained on it" in said(at)
    assert "20 of its 10,000 test pictures" in said(at)
    assert at.button(key=START).disabled
    assert "no pictures of CIFAR-10 to train on" in said(at)
    field(at, "dataset").set_value("mnist").run()
    assert not at.button(key=START).disabled


def test_the_download_is_offered_shared_cancelled_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going = threading.Event()

    def slow(dataset: str, tell: Any) -> Path:
        tell("Fetching a file, 43 MB of 170 MB", 0.25)
        assert going.wait(60)
        tell("Fetching a file", 0.5)
        raise AssertionError("it was cancelled")

    fetch = BackgroundFetch("cifar10", fetch_now=slow)
    monkeypatch.setitem(background._FETCHES, "cifar10", fetch)
    at, other = open_view(preset="minute"), open_view(preset="minute")
    button = at.button(key="data-offer.start.cifar10")
    assert button.label == "Download: CIFAR-10, 170 MB"
    button.click().run()
    while fetch.status().share < 0.25:
        time.sleep(0.01)
    for viewer in (at.run(), other.run()):
        assert not viewer.exception
        (bar,) = viewer.get("progress")
        assert (bar.proto.value, bar.proto.text) == (25, "Fetching a file, 43 MB of 170 MB …")
    # The others wait for it: whoever began it, and no other student, may cancel it.
    assert "data-offer.cancel.cifar10" not in [button.key for button in other.button]
    at.button(key="data-offer.cancel.cifar10").click().run()
    assert at.run().button(key="data-offer.cancel.cifar10").disabled
    going.set()
    assert fetch.wait(60).state == "cancelled"
    assert "goes on from there" in said(at.run())
    assert at.button(key="data-offer.start.cifar10").label.startswith("Try again: CIFAR-10")


def test_a_download_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(dataset: str, tell: Any) -> Path:
        raise DataError("this machine seems to have no network")

    fetch = BackgroundFetch("cifar10", fetch_now=fails)
    monkeypatch.setitem(background._FETCHES, "cifar10", fetch)
    at = open_view(preset="minute")
    at.button(key="data-offer.start.cifar10").click().run()
    fetch.wait(60)
    at.run()
    assert [error.value for error in at.error] == ["this machine seems to have no network"]
    assert at.button(key="data-offer.start.cifar10").label.startswith("Try again")


def test_runs_that_cannot_be_kept_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "file" / "runs"))
    at = open_view()
    assert "cannot be made for the runs" in at.error[0].value


@pytest.mark.usefixtures("all_data")
def test_it_is_the_page_s_first_view(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "start", lambda: None)
    at = AppTest.from_file(str(project / "pages" / "training.py"), default_timeout=120).run()
    assert not at.exception
    assert at.title[0].value == "Training"
    assert at.segmented_control[0].value == "new"
    assert at.button(key=START).label == "Start · LeNet-5 on CIFAR-10, 12 epochs"
    field(at, "epochs").set_value(4).run()
    at.segmented_control[0].set_value("compare").run()
    at.segmented_control[0].set_value("new").run()
    assert field(at, "epochs").value == 4  # the fields were gone meanwhile


@pytest.mark.usefixtures("all_data")
def test_it_opens_from_another_view_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "start", lambda: None)
    at = AppTest.from_file(str(project / "pages" / "training.py"), default_timeout=120)
    at.query_params["view"] = "compare"
    at.run().segmented_control[0].set_value("new").run()
    assert not at.exception
    assert dict(at.query_params) == {"view": "new", "preset": "minute"}


def test_the_first_preset_is_one_that_can_be_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert setup_view.first_preset() == "lenet-1998"
    monkeypatch.setenv("CNNVIZ_DATA", "/nowhere/at/all")  # then there is no starter set either
    assert setup_view.first_preset() == "minute"


def test_what_is_offered_is_in_words() -> None:
    there = find_availability("mnist")
    assert data_offer.describe_availability(there).startswith("**MNIST is not on this machine.**")
    gone = replace(there, train=None, test=None)
    assert "Nothing can be trained" in data_offer.describe_availability(gone)
    half = replace(there, train="parquet", test=None)
    assert "test pictures of MNIST" in data_offer.describe_availability(half)


PASTED = "nn.Sequential(\n    nn.Flatten(),\n    nn.Linear({numbers}, 10),\n)"


def test_a_pasted_network_is_started_with_its_text(all_data: None) -> None:
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in Plan.of_text(PASTED.format(numbers=784), "mnist").to_query().items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    assert at.button(key=START).label == "Start · Pasted network on MNIST, 5 epochs"
    (norm,) = at.toggle
    assert (norm.value, norm.disabled) == (False, True)
    assert next(each for each in at.number_input if each.label == "Dropout").disabled
    at.button(key=START).click().run()
    (run,) = training_service().store.list_runs()
    assert run.config.network_text == PASTED.format(numbers=784)
    assert run.name == "Pasted network on MNIST"


def test_a_pasted_network_that_does_not_fit_is_not_started(all_data: None) -> None:
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in Plan.of_text(PASTED.format(numbers=400), "mnist").to_query().items():
        at.query_params[name] = value
    at.run().button(key=START).click().run()
    assert not at.exception
    said = [error.value for error in at.error]
    assert any("expects 400 numbers, but 1·28·28 = 784 arrive" in each for each in said)
    assert not training_service().store.list_runs()
