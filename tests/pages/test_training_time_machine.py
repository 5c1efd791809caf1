"""The view "time machine", by AppTest: what it is given, keeps, and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnnviz.checkpoints.card import load_card
from cnnviz.models.registry import build_model
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.permissions import Operator
from cnnviz.runs.store import RunStore
from cnnviz.training.snapshot import Snapshot
from cnnviz.training.state import half_precision
from cnnviz.ui import warm_up
from cnnviz.ui.training import keep_run
from cnnviz.ui.training.time_machine_view import MACHINE_KEY
from tests.runs.invented_history import CONFIG, invented_snapshot, logits_after, past_run
from tests.runs.patience import wait_for

SHIPPED = ["plain_cnn-cifar10", "plain_cnn-norm-cifar10"]


def page() -> None:
    import streamlit as st

    from cnnviz.ui.training import time_machine_view
    from cnnviz.ui.url_state import open_page_state

    is_entered = "entered" not in st.session_state
    st.session_state["entered"] = True
    time_machine_view.show(open_page_state("training", is_entered=is_entered))


@pytest.fixture(autouse=True)
def _places(
    no_data: None, idle_queue: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No data but the starter sets, runs in a folder of the test's own, nothing that trains."""
    monkeypatch.setattr(keep_run, "FOLDERS", (tmp_path / "trained", tmp_path / "checkpoints"))
    monkeypatch.setattr(warm_up, "wait_for_torch", lambda timeout_s=None: True)
    monkeypatch.setattr(Operator, "recognises", lambda self, **given: True)
    st.cache_resource.clear()  # held-out pictures: other tests may have had the data


def open_view(**query: str) -> AppTest:
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def machines(at: AppTest) -> list[Any]:
    """The components that are a time machine: there is one or none."""
    found = at.get("bidi_component")
    return [one for one in found if "time_machine" in one.proto.component_name]


def machine(at: AppTest) -> dict[str, Any]:
    """What the component was given."""
    assert not at.exception
    (found,) = machines(at)
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def report(at: AppTest, **changes: Any) -> dict[str, Any]:
    """Let the browser report, and run again."""
    data = machine(at)
    at.session_state[MACHINE_KEY] = {
        "at": {"version": data["version"], "run": data["run"], "epoch": 2, "picture": 0} | changes
    }
    return machine(at.run())


def query(at: AppTest) -> dict[str, str]:
    return {name: "".join(value) for name, value in at.query_params.items()}


# ------------------------------------------------------------------------------------ which run


def test_without_runs_it_opens_one_that_comes_with_cnnviz() -> None:
    at = open_view()
    assert machine(at)["run"] == SHIPPED[0]
    assert machine(at)["frames"]["epochs"] == list(range(1, 21))
    assert machine(at)["frames"]["pictures"] == []  # no CIFAR-10 here, but its labels are known
    assert machine(at)["frames"]["overall"][-1] > 7500
    assert query(at) == {"view": "time", "run": SHIPPED[0]}
    assert any("came with cnnviz" in caption.value for caption in at.caption)
    assert not at.get("download_button")


def test_the_newest_run_comes_first(store: RunStore) -> None:
    past_run(store, name="older")
    past_run(store, name="newer")
    at = open_view()
    assert at.selectbox[0].options[:2] == ["2 · newer · finished", "1 · older · finished"]
    assert len(at.selectbox[0].options) == 4
    assert machine(at)["run"] == "2"
    assert machine(at)["epoch"] is None  # the last
    assert machine(at)["frames"]["epochs"] == [0, 1, 2, 3, 4]


def test_another_run_begins_at_its_last_epoch(store: RunStore) -> None:
    past_run(store)
    past_run(store)
    at = open_view(view="time", run="2", epoch="1")
    before = machine(at)
    at.selectbox[0].set_value("1").run()
    assert (machine(at)["run"], machine(at)["epoch"]) == ("1", None)
    assert machine(at)["version"] > before["version"]
    assert query(at) == {"view": "time", "run": "1"}
    at.selectbox[0].set_value(SHIPPED[1]).run()
    assert machine(at)["run"] == SHIPPED[1]
    at.run()
    assert machine(at)["run"] == SHIPPED[1]


def test_a_run_chosen_in_another_view_wins_over_a_shipped_one(store: RunStore) -> None:
    past_run(store)
    past_run(store)
    at = open_view(view="time", run=SHIPPED[0])
    assert machine(at)["run"] == SHIPPED[0]
    at.session_state["training.run"] = 1
    assert machine(at.run())["run"] == "1"


# -------------------------------------------------------------------------------- links and reports


def test_a_link_opens_its_epoch_and_picture(store: RunStore) -> None:
    past_run(store)
    at = open_view(view="time", run="1", epoch="3", picture="5")
    assert (machine(at)["epoch"], machine(at)["picture"]) == (3, 4)
    assert query(at) == {"view": "time", "run": "1", "epoch": "3", "picture": "5"}


def test_a_hostile_link_opens_and_says_what_is_not_there(store: RunStore) -> None:
    past_run(store)
    at = open_view(view="time", run="<b>9", epoch="1e9", picture="17")
    assert (machine(at)["run"], machine(at)["epoch"], machine(at)["picture"]) == ("1", None, 0)
    said = at.text[0].value
    assert "run=<b>9 is not on this server" in said
    assert "epoch=1e9 is left out" in said
    assert "picture=17 is left out (whole numbers from 1 to 16)" in said


def test_what_the_browser_reports_is_kept_and_put_in_the_url(store: RunStore) -> None:
    past_run(store)
    at = open_view()
    before = machine(at)
    after = report(at, epoch=2, picture=7)
    assert query(at) == {"view": "time", "run": "1", "epoch": "2", "picture": "8"}
    # The browser keeps its own state; what it was given did not become new.
    assert (after["version"], after["id"]) == (before["version"], before["id"])
    assert any("Epoch 2 as a checkpoint" in text.value for text in at.markdown)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"version": 99},
        {"run": "2"},
        {"epoch": "2", "picture": None},
        {"epoch": -1, "picture": 16},
        {"epoch": True, "picture": 1.0},
        {"epoch": 10**30, "picture": 10**30},
    ],
)
def test_a_report_that_makes_no_sense_changes_nothing(store: RunStore, nonsense: Any) -> None:
    past_run(store)
    at = open_view(view="time", run="1", epoch="3")
    report(at, **nonsense)
    assert query(at) == {"view": "time", "run": "1", "epoch": "3"}


# ------------------------------------------------------------------------------ what may be missing


def test_epochs_that_were_thinned_out(store: RunStore) -> None:
    past_run(store, epochs=(0, 2, 4))
    at = open_view(view="time", run="1", epoch="3")
    assert machine(at)["frames"]["epochs"] == [0, 2, 4]
    assert machine(at)["epoch"] == 3  # the browser shows the nearest, and so does the rest
    assert any("Epoch 2 as a checkpoint" in text.value for text in at.markdown)


def test_a_run_that_goes_on_and_then_ends(store: RunStore) -> None:
    past_run(store, epochs=(0, 1), ended=False)
    at = open_view()
    first = machine(at)
    assert first["frames"]["epochs"] == [0, 1]
    invented_snapshot(2).save(store.folder_of(1).snapshot(2))
    second = machine(at.run())
    assert second["frames"]["epochs"] == [0, 1, 2]
    assert second["id"] != first["id"]
    assert second["version"] == first["version"]  # the browser stays at its epoch
    Attempt(store, 1, 1).end("stopped", "Stopped.")
    assert machine(at.run())["frames"]["epochs"] == [0, 1, 2]
    assert at.selectbox[0].options[0].endswith("stopped")


def test_a_run_that_is_deleted_while_one_looks_at_it(store: RunStore) -> None:
    past_run(store)
    past_run(store)
    at = open_view(view="time", run="2")
    assert machine(at)["run"] == "2"
    store.delete(2)
    assert machine(at.run())["run"] == "1"
    assert at.error[0].value == "Run 2 is gone: it was deleted."


def test_a_run_of_which_nothing_is_kept_yet(store: RunStore) -> None:
    store.create_run(CONFIG, "ada")
    at = open_view(view="time", run="1")
    assert not machines(at)
    assert "Nothing is kept of this run yet" in at.info[0].value


def test_a_damaged_epoch_is_named_and_left_out(store: RunStore) -> None:
    past_run(store)
    store.folder_of(1).snapshot(2).write_bytes(b"not a snapshot")
    at = open_view()
    assert machine(at)["frames"]["epochs"] == [0, 1, 3, 4]
    assert "epoch-002.safetensors is no snapshot" in at.warning[0].value


def test_without_held_out_pictures_there_are_filters(store: RunStore) -> None:
    past_run(store, config=replace(CONFIG, validation_count=0))
    at = open_view()
    assert machine(at)["frames"]["overall"] == [None] * 5
    assert machine(at)["frames"]["labels"] == []
    assert "holds no images out" in at.info[0].value


# -------------------------------------------------------------------------------------- keeping


def test_what_can_be_taken_away(store: RunStore) -> None:
    past_run(store)
    at = open_view()
    labels = [button.proto.label for button in at.get("download_button")]
    assert labels == ["Steps (CSV)", "Epochs (CSV)", "TensorBoard (zip)", "Program (Python)"]
    assert not at.code  # the program is written when it is asked for


def test_someone_else_s_run_is_not_theirs_to_save(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_run(store)
    monkeypatch.setattr(Operator, "recognises", lambda self, **given: False)
    at = open_view()
    assert not at.text_input
    assert any("only they" in caption.value for caption in at.caption)
    assert len(at.get("download_button")) == 4


def test_a_name_that_cannot_be_is_refused_and_kept(store: RunStore, tmp_path: Path) -> None:
    past_run(store)
    at = open_view(view="time", run="1", epoch="3")
    field = at.text_input[0]
    assert field.value == "lenet5-mnist-run1-epoch3"
    field.set_value("../mine")
    at.button[0].click().run()
    assert "the checkpoint's name is '../mine'" in at.error[0].value
    assert at.text_input[0].value == "../mine"
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "mine.json").write_text("{}")
    at.text_input[0].set_value("mine")
    at.button[0].click().run()
    assert "there is a checkpoint mine already: use another name" in at.error[0].value
    assert not (tmp_path / "trained").exists()


def test_the_network_before_training_is_not_kept(store: RunStore) -> None:
    past_run(store)
    at = open_view(view="time", run="1", epoch="0")
    assert not at.text_input
    assert any("before training" in caption.value for caption in at.caption)


def test_an_epoch_is_saved_and_can_be_taken_away(store: RunStore, tmp_path: Path) -> None:
    past_run(store)
    network = build_model(CONFIG.spec)  # it has learned nothing, but it is a whole network
    weights = {name: half_precision(t, name) for name, t in network.state_dict().items()}
    Snapshot(3, 150, weights, logits_after(3)).save(store.folder_of(1).snapshot(3))
    at = open_view(view="time", run="1", epoch="3")
    at.button[0].click().run()
    assert not at.exception
    job = keep_run._JOBS.find((str(store.folder), 1, 3))
    assert job is not None
    wait_for("the job to end", lambda: job.is_done)
    assert job.refusal is None
    at.run()
    assert not at.exception
    (card,) = [load_card(tmp_path / "trained", "lenet5-mnist-run1-epoch3")]
    share = f"{100 * card.single_view.overall.share:.1f} %"
    said = f"Saved as **lenet5-mnist-run1-epoch3**: {share} of 1,000 test pictures right."
    assert said in [text.value for text in at.markdown]
    assert at.get("download_button")[0].proto.label == "Download it (zip)"
    assert not at.text_input  # it is kept; there is nothing to name any more
    # Another epoch is not this one.
    assert open_view(view="time", run="1", epoch="2").text_input


def test_what_cannot_be_saved_says_why(store: RunStore, tmp_path: Path) -> None:
    past_run(store)  # its snapshots have two layers and no more
    at = open_view(view="time", run="1", epoch="2")
    at.button[0].click().run()
    job = keep_run._JOBS.find((str(store.folder), 1, 2))
    assert job is not None
    wait_for("the job to end", lambda: job.is_done)
    at.run()
    assert "epoch 2 of LeNet-5 on MNIST does not hold its network" in at.error[0].value
    assert at.text_input[0].value == "lenet5-mnist-run1-epoch2"
    assert not list((tmp_path / "trained").iterdir())
