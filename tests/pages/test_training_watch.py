"""The view "Watch", by AppTest: what it shows of runs of every kind, and who may do what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.data.datasets import load_split
from cnnviz.errors import RunError
from cnnviz.figures.curves import CurveRun, run_curves
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.limits import Limits
from cnnviz.runs.run import Command, Run
from cnnviz.runs.store import RunStore
from cnnviz.training.held_out import hold_out
from cnnviz.training.held_out_pictures import choose_pictures
from cnnviz.training.snapshot import Snapshot
from cnnviz.ui import warm_up
from cnnviz.ui.training import service as services
from cnnviz.ui.training.compare_view import Comparison
from cnnviz.ui.training.live_records import LiveRecords
from cnnviz.ui.training.packing import unpack
from cnnviz.ui.training.service import training_service
from tests.runs.invented import CONFIG, epoch_record, event, start_record, step_record
from tests.runs.patience import wait_for

BUTTONS = ("Play", "Pause", "Step one batch", "Stop", "Resume")
HELD_OUT = replace(CONFIG, validation_count=500)
"""The starter digits have no 5,000 to hold out."""
SOMEONE = "0" * 32


def page() -> None:
    import streamlit as st

    from cnnviz.ui.training import watch_view
    from cnnviz.ui.url_state import open_page_state

    is_entered = "entered" not in st.session_state
    st.session_state["entered"] = True
    watch_view.show(open_page_state("training", is_entered=is_entered))


@pytest.fixture(autouse=True)
def _places(no_data: None, runs_apart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data, runs in a folder of the test's own, no training that really starts, no operator."""
    limits = Limits(free_disk_mb=0, loopback_may_stop=False)
    monkeypatch.setattr(services, "load_limits", lambda: limits)
    monkeypatch.setattr(warm_up, "status", lambda: "ready")


@pytest.fixture(name="app")
def _app() -> AppTest:
    return AppTest.from_function(page, default_timeout=30)


def owner_of(app: AppTest) -> str:
    """By what runs name the viewer of this session."""
    import hashlib

    app.run()
    secret: str = app.session_state["training.viewer"]
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def begin(owner: str = SOMEONE, config: Any = CONFIG, digest: str = "0" * 64) -> Attempt:
    """A run whose training has begun; what it tells is up to the test."""
    service = training_service()
    submitted = service.queue.submit(config, owner)

    def look() -> Run | None:
        run = service.store.get_run(submitted.id)
        return run if run.status == "running" and run.handle else None

    run = wait_for("the queue to start a run", look)
    attempt = Attempt(service.store, run.id, run.attempt)
    attempt.begin(replace(start_record(), train_digest=digest), 0, event())
    return attempt


def component(app: AppTest, name: str) -> Any:
    """What a component was given; None if it is not there."""
    assert not app.exception
    for found in app.get("bidi_component"):
        if found.proto.component_name.endswith(name):
            return found.proto
    return None


def board(app: AppTest) -> tuple[dict[str, Any], npt.NDArray[np.float32]]:
    return unpack(component(app, "live_feed").bytes)


def learned(app: AppTest) -> dict[str, Any]:
    content, _ = unpack(component(app, "learned_board").bytes)
    return content


def curve(app: AppTest, panel: str, kind: str) -> tuple[Any, Any]:
    """The points of a curve, as the browser gets them."""
    content, floats = board(app)
    (found,) = [
        one
        for spec in content["panels"]
        if spec["name"] == panel
        for one in spec["curves"]
        if one["kind"] == kind
    ]
    start, count = found["start"], found["count"]
    return floats[start : start + count].tolist(), floats[
        start + count : start + 2 * count
    ].tolist()


def said(app: AppTest) -> str:
    """All words on the page."""
    texts = [*app.markdown, *app.caption, *app.error, *app.text]
    return " ".join([text.value for text in texts] + [html.proto.body for html in app.get("html")])


def possible(app: AppTest) -> list[str]:
    """The buttons that can be pressed."""
    return [
        button.label for button in app.button if button.label in BUTTONS and not button.disabled
    ]


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    button.click().run()
    return app


def query(app: AppTest) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else value[-1]
        for key, value in app.query_params.items()
    }


# ------------------------------------------------------------------------------------ every status


def test_no_run_yet(app: AppTest) -> None:
    app.run()
    assert "No training was started on this server yet" in said(app)
    assert component(app, "live_board") is None
    press(app, "New training")
    assert app.session_state["training.view"] == "new"
    assert query(app) == {"view": "watch"}


def test_a_run_that_waits_knows_its_place(app: AppTest, store: RunStore) -> None:
    begin()
    queue = training_service().queue
    runs = [queue.submit(CONFIG, f"owner {number}") for number in range(3)]
    app.query_params["run"] = str(runs[2].id)
    app.run()
    assert "Waits, third in the queue" in said(app)
    assert "Waits for its turn." in said(app)
    assert component(app, "live_board") is None
    store.send(runs[0].id, Command("stop"))
    app.run()
    assert "Waits, second in the queue" in said(app)


def test_what_a_training_tells_is_shown(app: AppTest) -> None:
    attempt = begin()
    attempt.add([step_record(step, loss=2 / step) for step in (5, 10, 15)])
    app.run()
    assert "Trains" in said(app)
    content, _ = board(app)
    assert content["said"] == "Trains on a processor."
    assert content["progress"] == "Epoch 1 of 4, step 15 of 200"
    assert content["fraction"] == 0.075
    assert dict(content["numbers"]) == {
        "Right, training": "50.0 %",
        "Right, held out": "–",
        "Time left": "18 s",
        "Images per second": "1,000",
        "Learning rate": "0.1",
        "Weight decay": "0.0005",
        "Gradient norm": "2",
    }
    assert curve(app, "loss", "training") == ([5, 10, 15], pytest.approx([0.4, 0.2, 2 / 15]))
    assert curve(app, "accuracy", "held-out") == ([], [])
    attempt.add([step_record(50, loss=0.1), epoch_record(1)])
    app.run()
    assert curve(app, "loss", "training")[0] == [5, 10, 15, 50]
    assert curve(app, "loss", "held-out") == ([50], pytest.approx([0.4]))
    assert dict(board(app)[0]["numbers"])["Right, held out"] == "91.0 %"


def test_a_training_that_has_told_nothing_yet(app: AppTest) -> None:
    begin()
    app.run()
    content, floats = board(app)
    assert len(floats) == 0
    assert content["x_end"] == 1
    assert dict(content["numbers"])["Time left"] == "–"


def test_a_loss_that_is_not_finite_is_a_gap(app: AppTest) -> None:
    attempt = begin()
    attempt.add([step_record(5), step_record(10, loss=float("nan")), step_record(15)])
    app.run()
    _, losses = curve(app, "loss", "training")
    assert losses[0] == losses[2] == 1
    assert np.isnan(losses[1])


def test_the_curve_says_where_the_rates_were_changed(app: AppTest) -> None:
    attempt = begin()
    attempt.add([step_record(5)])
    changed = replace(event(7), kind="changed", learning_rate=0.02, weight_decay=0.001)
    attempt.note(changed, "running", "Trains.")
    app.run()
    assert board(app)[0]["marks"] == [{"x": 7.0, "words": "learning rate 0.02, weight decay 0.001"}]


def test_a_run_that_failed_says_why_and_shows_its_log(app: AppTest, store: RunStore) -> None:
    attempt = begin()
    run = attempt.run()
    attempt.add([step_record(5)])
    folder = store.folder_of(run.id)
    folder.path.mkdir()
    folder.log.write_text("first line\n" * 2000 + "the *last* line\n")
    attempt.end("failed", "The loss is no longer <b>finite</b>: use a lower learning rate.")
    app.run()
    assert "Failed" in said(app)
    assert "no longer &lt;b&gt;finite&lt;/b&gt;: use a lower learning rate." in said(app)
    (log,) = app.code
    assert log.value.endswith("the *last* line")
    assert len(log.value) < 7000
    assert curve(app, "loss", "training") == ([5], [1])  # it is still drawn
    assert dict(board(app)[0]["numbers"])["Training took"] == "0 s"


def test_a_run_that_was_interrupted_has_no_log(app: AppTest) -> None:
    attempt = begin()
    attempt.end("interrupted", "The server ended after step 5.")
    app.run()
    assert "Interrupted" in said(app)
    assert "The server ended after step 5." in said(app)
    assert not app.code


def test_a_run_that_finished_leads_on(app: AppTest) -> None:
    attempt = begin()
    attempt.add([step_record(50), epoch_record(1)])
    attempt.end("finished", "All 4 epochs are done.")
    app.run()
    assert "All 4 epochs are done." in said(app)
    press(app, "Time machine")
    assert app.session_state["training.view"] == "time"
    press(app, "Compare with other runs")
    assert app.session_state["training.view"] == "compare"
    assert kept_runs(app) == (1,)


def kept_runs(app: AppTest) -> tuple[int, ...]:
    """What the view "Compare" will tick."""
    comparison: Comparison = app.session_state["training.compare"]
    return comparison.runs


def test_a_run_is_compared_with_those_that_are_ticked_already(app: AppTest) -> None:
    attempt = begin()
    attempt.add([step_record(50), epoch_record(1)])
    attempt.end("finished", "Done.")
    app.session_state["training.compare"] = Comparison((7, 1, 8), "epoch")
    press(app.run(), "Compare with other runs")
    assert kept_runs(app) == (1, 7, 8)
    assert app.session_state["training.compare"].axis == "epoch"


def test_a_run_that_was_deleted_meanwhile_is_said(app: AppTest, store: RunStore) -> None:
    other, mine = store.create_run(CONFIG, SOMEONE), store.create_run(CONFIG, SOMEONE)
    app.query_params["run"] = str(mine.id)
    app.run()
    store.delete(mine.id)
    app.run()
    assert not app.exception
    assert app.error[0].value == "Run 2 is gone: it was deleted."
    assert app.selectbox[0].value == other.id
    assert not app.run().error


def test_a_store_that_fails_while_one_watches(app: AppTest, store: RunStore) -> None:
    begin().add([step_record(1)])
    app.run()
    store.close()
    app.run()
    assert not app.exception
    assert "was closed by this process" in app.error[0].value


def test_a_store_that_fails_between_two_looks(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin().add([step_record(1)])

    def fails(*_: Any, **__: Any) -> Any:
        raise RunError("the store is in use by another process for long: try again")

    monkeypatch.setattr(LiveRecords, "made", fails)
    app.run()
    assert not app.exception
    assert "in use by another process" in app.error[0].value


def test_what_is_said_of_a_run_is_no_markup(app: AppTest) -> None:
    attempt = begin(owner_of(app))
    training_service().store.rename(1, "![x](http://x.y/z) $1 and $2 *b*")
    app.run()
    (pause,) = [button for button in app.button if button.label == "Pause"]
    attempt.end("finished", "Done.")
    pause.click().run()
    assert r"!\[x\](http\://x.y/z) \$1 and \$2 \*b\* is finished: it" in app.error[0].value


def test_a_store_that_cannot_be_opened(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "a file"))
    app.run()
    assert not app.exception
    assert "Nothing can be trained on this server" in app.error[0].value


# ------------------------------------------------------------------------------------- who may what


def test_buttons_are_disabled_where_they_make_no_sense(app: AppTest, store: RunStore) -> None:
    me = owner_of(app)
    attempt = begin(me)
    app.run()
    assert possible(app) == ["Pause", "Step one batch", "Stop"]
    attempt.note(replace(event(), kind="paused"), "paused", "Paused.")
    app.run()
    assert possible(app) == ["Play", "Step one batch", "Stop"]
    assert "Paused" in said(app)
    waiting = training_service().queue.submit(CONFIG, me)
    app.run()  # a list that was drawn before does not have it
    app.selectbox[0].set_value(waiting.id).run()
    assert possible(app) == ["Stop"]
    press(app, "Stop")
    assert "Stopped before its turn came." in said(app)
    assert possible(app) == ["Resume"]
    assert [button.label for button in app.button if button.label in BUTTONS] == list(BUTTONS)
    press(app, "Resume")
    assert store.get_run(waiting.id).status == "waiting"
    app.selectbox[0].set_value(1).run()
    attempt.end("finished", "Done.")
    app.run()
    assert possible(app) == []


def test_what_is_pressed_reaches_the_worker(app: AppTest) -> None:
    attempt = begin(owner_of(app))
    app.run()
    for label in ("Pause", "Step one batch"):
        press(app, label)
    attempt.note(replace(event(), kind="paused"), "paused", "Paused.")
    app.run()
    for label in ("Play", "Stop"):
        press(app, label)
    told = [command.kind for _, command in attempt.commands_after(0)]
    assert told == ["pause", "step", "play", "stop"]


def test_rates_are_changed_and_what_stays_is_left_empty(app: AppTest) -> None:
    attempt = begin(owner_of(app))
    attempt.add([step_record(5)])
    app.run()
    rate, decay = app.number_input
    assert (rate.value, decay.value) == (None, None)
    rate.set_value(0.025)
    press(app, "Change")
    assert [command for _, command in attempt.commands_after(0)] == [
        Command("change", learning_rate=0.025)
    ]
    assert app.number_input[0].value is None
    app.number_input[1].set_value(11.0)
    press(app, "Change")
    assert "weight_decay is 11.0: use a number from 0 to 10" in app.error[0].value
    assert app.number_input[1].value == 11.0  # what was typed is not lost
    app.number_input[1].set_value(None)
    press(app, "Change")
    assert "nothing is to change" in app.error[0].value
    assert len(attempt.commands_after(0)) == 1


@pytest.mark.slow
def test_a_run_that_failed_is_resumed_with_another_rate(app: AppTest, store: RunStore) -> None:
    attempt = begin(owner_of(app))
    attempt.end("failed", "The loss is no longer a finite number: use a lower learning rate.")
    app.run()
    app.number_input[0].set_value(0.01)
    press(app, "Resume with these")
    run = wait_for("the queue to start it", lambda: _started(store, 1))
    told = [command for _, command in Attempt(store, 1, run.attempt).commands_after(0)]
    assert told == [Command("change", learning_rate=0.01)]


def _started(store: RunStore, run_id: int) -> Run | None:
    run = store.get_run(run_id)
    return run if run.status == "running" else None


def test_someone_elses_run_is_only_watched(app: AppTest) -> None:
    begin().add([step_record(5)])
    app.run()
    assert not [button for button in app.button if button.label in BUTTONS]
    assert "This is someone else's run" in said(app)
    assert curve(app, "loss", "training") == ([5], [1])
    assert not app.text_input  # this server has no passphrase


def test_the_passphrase_allows_all(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, store: RunStore
) -> None:
    monkeypatch.setenv("CNNVIZ_OPERATOR_PASSPHRASE", "correct horse")
    training_service.clear()
    attempt = begin()
    app.run()
    app.text_input[0].set_value("a wrong one").run()
    assert not possible(app)
    assert "not the passphrase" in app.error[0].value
    app.text_input[0].set_value("correct horse").run()
    assert possible(app) == ["Pause", "Step one batch", "Stop"]
    press(app, "Stop")
    assert [command.kind for _, command in attempt.commands_after(0)] == ["stop"]


def test_what_is_refused_is_said(app: AppTest) -> None:
    attempt = begin(owner_of(app))
    app.run()
    (pause,) = [button for button in app.button if button.label == "Pause"]
    attempt.end("finished", "Done.")  # in the moment before the button is pressed
    pause.click().run()
    assert not app.exception
    assert "is finished: it can be told nothing any more" in app.error[0].value


# -------------------------------------------------------------------------------------- the curves


def test_a_link_opens_its_run_and_its_settings(app: AppTest) -> None:
    first = begin()
    first.add([step_record(step, loss=5 / step) for step in range(1, 100)])
    first.end("stopped", "Stopped.")
    training_service().queue.submit(CONFIG, "bob")
    link = {"view": "watch", "run": "1", "axis": "seconds", "smooth": "20", "log": "1", "more": "1"}
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert query(app) == link
    content, _ = board(app)
    assert (content["run"], content["axis"]) == (1, "seconds")
    assert [panel["name"] for panel in content["panels"]] == [
        "loss",
        "accuracy",
        "learning_rate",
        "gradient_norm",
        "images_per_s",
    ]
    told = training_service().live.told(1)
    run = CurveRun("", told.steps, told.epochs, told.events)
    wanted = run_curves(run, "loss", "seconds", smoothing_steps=20)
    assert curve(app, "loss", "training")[1] == pytest.approx(wanted.smoothed.y.tolist())
    assert curve(app, "loss", "raw")[1] == pytest.approx(wanted.raw.y.tolist())
    assert curve(app, "images_per_s", "training")[1] == [1000] * 99
    low, high = content["panels"][0]["y"]
    assert content["panels"][0]["log"]
    assert low <= np.log10(5 / 99)
    assert high >= np.log10(5)


def test_settings_change_the_curves_and_the_link(app: AppTest) -> None:
    begin().add([step_record(step) for step in (10, 20)])
    app.run()
    assert query(app) == {"view": "watch", "run": "1"}
    app.segmented_control[0].set_value("epoch").run()
    assert curve(app, "loss", "training")[0] == pytest.approx([0.2, 0.4])
    app.select_slider[0].set_value(50).run()
    app.toggle[0].set_value(True).run()
    assert query(app) == {"view": "watch", "run": "1", "axis": "epoch", "smooth": "50", "log": "1"}
    app.segmented_control[0].set_value("step").run()
    assert query(app) == {"view": "watch", "run": "1", "smooth": "50", "log": "1"}


def test_a_hostile_link_opens_and_says_what_it_changed(app: AppTest) -> None:
    begin().add([step_record(5)])
    link = {"run": "<b>7", "axis": "cat", "smooth": "1e9", "log": "maybe"}
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert query(app) == {"view": "watch", "run": "1"}
    words = " ".join(text.value for text in app.text)
    assert "there is no run <b>7 on this server" in words
    assert "axis=cat is now step" in words
    assert "smooth=1e9 is now 0" in words


# --------------------------------------------------------------------------------- what it learned


def keep_snapshot(store: RunStore, run: int, epoch: int, logits: Any, filters: Any) -> None:
    weights = {
        "conv1.weight": filters.astype(np.float16),
        "conv2.weight": np.zeros((16, 6, 5, 5), np.float16),
    }
    Snapshot(epoch, 50 * epoch, weights, logits).save(store.folder_of(run).snapshot(epoch))


def test_what_was_learned_by_the_newest_epoch(app: AppTest, store: RunStore) -> None:
    data = load_split("mnist", "train")
    attempt = begin(config=HELD_OUT, digest=data.digest)
    filters = np.random.default_rng(0).normal(size=(6, 1, 5, 5))
    keep_snapshot(store, 1, 0, None, 2 * filters)
    attempt.add([step_record(5)])
    app.run()
    content = learned(app)
    assert content["epoch"] == 0
    assert len(content["filters"]["tiles"]) == 6
    assert "6 filters of 5×5 before training" in content["notes"]["filters"]
    assert [one["shares"] for one in content["pictures"]] == [None] * 16
    assert content["said"] == ""

    _, held_out = hold_out(data.labels, 500)
    labels = data.labels[held_out]
    logits = np.zeros((500, 10), np.float16)
    logits[np.arange(500), (labels + (labels == 3)) % 10] = 4  # takes every three for a four
    keep_snapshot(store, 1, 1, logits, filters)
    right = tuple(0.0 if label == 3 else 1.0 for label in range(10))
    first = replace(epoch_record(1), per_class_accuracy=(0.5,) * 10)
    attempt.add([step_record(50), first])
    keep_snapshot(store, 1, 2, logits, filters)
    attempt.add([step_record(100), replace(epoch_record(2), per_class_accuracy=right)])
    app.run()
    content = learned(app)
    assert content["epoch"] == 2
    assert [one["now"] for one in content["classes"]] == list(right)
    assert [one["before"] for one in content["classes"]] == [0.5] * 10
    assert content["said"] == "Epoch 2 of 4 is done: 92.0 % of the held-out images are right."
    assert len(content["pictures"]) == 16
    chosen = labels[choose_pictures(labels)].tolist()
    assert [one["label"] for one in content["pictures"]] == chosen
    share = float(np.exp(4) / (np.exp(4) + 9))
    for one in content["pictures"]:
        assert one["best"] == (4 if one["label"] == 3 else one["label"])
        assert one["right"] == (one["label"] != 3)
        assert one["shares"][one["best"]] == pytest.approx(share, abs=1e-3)
        assert one["picture"].startswith("data:image/png;base64,")
    # One scale for all epochs: that of the filters before training.
    assert f"{float(np.abs(2 * filters).max()):.2g}" in content["notes"]["filters"]


def test_pictures_that_are_not_on_this_machine(app: AppTest, store: RunStore) -> None:
    attempt = begin(config=HELD_OUT, digest="f" * 64)
    keep_snapshot(store, 1, 0, None, np.ones((6, 1, 5, 5)))
    attempt.add([step_record(5)])
    app.run()
    content = learned(app)
    assert content["pictures"] == []
    assert "are not on this machine" in content["notes"]["pictures"]
    assert len(content["filters"]["tiles"]) == 6


def test_a_run_without_held_out_images(app: AppTest, store: RunStore) -> None:
    attempt = begin(config=replace(CONFIG, validation_count=0))
    keep_snapshot(store, 1, 1, None, np.ones((6, 1, 5, 5)))
    record = replace(
        epoch_record(1), validation_loss=None, validation_accuracy=None, per_class_accuracy=None
    )
    attempt.add([step_record(50), record])
    app.run()
    content = learned(app)
    assert content["classes"] == content["pictures"] == []
    assert "No images are held out" in content["notes"]["classes"]
    assert "Right, held out" not in dict(board(app)[0]["numbers"])
    assert content["said"] == "Epoch 1 of 4 is done."


def test_a_damaged_snapshot_leaves_the_rest(app: AppTest, store: RunStore) -> None:
    attempt = begin(config=HELD_OUT)
    attempt.add([step_record(5)])
    folder = store.folder_of(1)
    folder.snapshots.mkdir(parents=True)
    folder.snapshot(0).write_bytes(b"PK\x03\x04")
    app.run()
    assert component(app, "learned_board") is None
    assert curve(app, "loss", "training") == ([5], [1])


def test_no_torch_is_needed() -> None:
    import subprocess
    import sys

    code = (
        "import sys, cnnviz.ui.training.watch_view, cnnviz.ui.training.learned\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
