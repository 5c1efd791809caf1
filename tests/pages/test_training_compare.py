"""The view "compare", by AppTest: what is ticked, drawn, told apart, renamed and deleted."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.errors import RunError
from cnnviz.runs.store import RunStore
from cnnviz.ui.training.live_records import LiveRecords
from cnnviz.ui.training.run_table import TABLE_KEY
from tests.runs.invented_history import CONFIG, past_run


def page() -> None:
    import streamlit as st

    from cnnviz.ui.training import compare_view
    from cnnviz.ui.url_state import open_page_state

    is_entered = "entered" not in st.session_state
    st.session_state["entered"] = True
    compare_view.show(open_page_state("training", is_entered=is_entered))


@pytest.fixture(autouse=True)
def _places(idle_queue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in a folder of the test's own, and nothing that trains."""
    monkeypatch.delenv("CNNVIZ_OPERATOR_PASSPHRASE", raising=False)


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks may do all; AppTest has no address by which a viewer is known."""
    monkeypatch.setattr("cnnviz.runs.permissions.Operator.recognises", lambda *_, **__: True)


def open_view(**query: str) -> AppTest:
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def tick(at: AppTest, *rows: int) -> AppTest:
    """As the browser reports it: places in the table, from 0."""
    selection = {"rows": list(rows), "columns": [], "cells": []}
    at.session_state[TABLE_KEY] = {"selection": selection}
    at.run()
    assert not at.exception
    return at


def figures(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def curves(figure: dict[str, Any]) -> list[str]:
    return [trace["name"] for trace in figure["data"] if trace.get("showlegend", True)]


def query(at: AppTest) -> dict[str, str]:
    return {name: "".join(value) for name, value in at.query_params.items()}


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label == label]
    button.click().run()
    assert not at.exception
    return at


def differences(at: AppTest) -> str:
    return " ".join(html.proto.body for html in at.get("html") if "<table>" in html.proto.body)


# -------------------------------------------------------------------------------------- the table


def test_without_runs_it_says_so() -> None:
    at = open_view()
    assert "There are no runs yet" in at.info[0].value
    assert not at.dataframe


def test_all_runs_are_listed_newest_first(store: RunStore) -> None:
    past_run(store, name="older")
    past_run(store, name="newer", ended=False)
    store.set_note(1, "why")
    at = open_view()
    (table,) = at.dataframe
    assert table.value["Run"].tolist() == [2, 1]
    assert table.value["Name"].tolist() == ["newer", "older"]
    assert table.value["Network"].tolist() == ["LeNet-5", "LeNet-5"]
    assert table.value["Dataset"].tolist() == ["MNIST", "MNIST"]
    assert table.value["Status"].tolist() == ["Trains", "Finished"]
    assert table.value["Epochs"].tolist() == ["4 of 4", "4 of 4"]
    assert table.value["Held out"].tolist() == pytest.approx([94, 94])
    assert table.value["Note"].tolist() == ["", "why"]
    assert "No run is ticked" in at.info[0].value
    assert query(at) == {"view": "compare"}


def test_hundreds_of_runs_open_in_a_moment(store: RunStore) -> None:
    with store.connections.writing() as connection:
        columns = "owner, name, note, config, status, message, created_s, version, rewound"
        row = ("ada", "x", "", json.dumps(CONFIG.to_json()), "finished", "", 1e9, 1, 1)
        marks = ", ".join("?" * len(row))
        for _ in range(600):
            connection.execute(f"INSERT INTO runs ({columns}) VALUES ({marks})", row)
    at = open_view()
    assert len(at.dataframe[0].value) == 600
    began = time.perf_counter()
    tick(at, 3, 5)
    assert time.perf_counter() - began < 5  # 0.3 s on an idle core
    assert query(at)["runs"] == "597,595"


# --------------------------------------------------------------------------------------- ticking


def test_one_run_is_drawn_alone(store: RunStore) -> None:
    past_run(store, name="only")
    at = tick(open_view(), 0)
    assert query(at) == {"view": "compare", "runs": "1"}
    loss, accuracy = figures(at)
    assert curves(loss) == ["training", "held out"]
    assert accuracy["layout"]["yaxis"]["title"]["text"] == "accuracy"
    assert any("Tick another one" in caption.value for caption in at.caption)


def test_two_runs_lie_over_each_other_and_their_differences_are_told(store: RunStore) -> None:
    past_run(store, name="slow", config=replace(CONFIG, learning_rate=0.01))
    past_run(store, name="fast", config=replace(CONFIG, learning_rate=0.5, flip="random"))
    at = tick(open_view(), 0, 1)
    assert query(at)["runs"] == "2,1"
    for figure in figures(at):
        assert curves(figure) == [
            "2 fast, training",
            "2 fast, held out",
            "1 slow, training",
            "1 slow, held out",
        ]
    told = differences(at)
    assert ">2 fast</th>" in told
    assert "<td>0.5</td><td>0.01</td>" in told
    assert "<td>random</td><td>none</td>" in told
    assert "momentum" not in told  # the same in both
    assert told.count("<tr>") == 3


def test_runs_of_the_same_settings(store: RunStore) -> None:
    past_run(store)
    past_run(store)
    at = tick(open_view(), 0, 1)
    assert any("In nothing" in caption.value for caption in at.caption)


def test_the_order_is_that_of_ticking_and_a_new_run_moves_nothing(store: RunStore) -> None:
    for _ in range(3):
        past_run(store)
    at = tick(open_view(), 2)
    tick(at, 0, 2)
    assert query(at)["runs"] == "1,3"
    past_run(store)  # all rows move down by one
    at.run()
    assert query(at)["runs"] == "1,3"
    assert at.session_state[TABLE_KEY]["selection"]["rows"] == [1, 3]
    tick(at, 1)
    assert query(at)["runs"] == "3"
    tick(at)
    assert query(at) == {"view": "compare"}


def test_more_than_can_be_told_apart(store: RunStore) -> None:
    for _ in range(10):
        past_run(store, epochs=(0, 1))
    at = tick(open_view(), *range(10))
    assert "10 runs are ticked; the first 8" in at.warning[0].value
    assert len(curves(figures(at)[0])) == 16


def test_names_are_shown_as_they_are(store: RunStore) -> None:
    name = '<a href="https://x.y">*A* & b</a>'
    past_run(store, name=name, config=replace(CONFIG, seed=1))
    past_run(store)
    at = tick(open_view(), 0, 1)
    assert "&lt;a href=" in differences(at)
    assert "<a " not in differences(at)
    assert all("<a" not in curve for figure in figures(at) for curve in curves(figure))


def test_a_run_that_is_deleted_while_its_curves_are_read(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_run(store)

    def gone(*_: Any, **__: Any) -> Any:
        raise RunError("there is no run 1: it may have been deleted")

    monkeypatch.setattr(LiveRecords, "told", gone)
    at = tick(open_view(), 0)
    assert at.error[0].value.startswith("there is no run 1")


# ----------------------------------------------------------------------------------------- links


def test_a_link_opens_its_runs_and_look(store: RunStore) -> None:
    for _ in range(3):
        past_run(store)
    at = open_view(view="compare", runs="1,3", axis="epoch", smooth="50", log="1")
    loss, accuracy = figures(at)
    assert curves(loss)[0].startswith("1 ")
    assert loss["layout"]["xaxis"]["title"]["text"] == "epoch"
    assert (loss["layout"]["yaxis"]["type"], accuracy["layout"]["yaxis"].get("type")) == (
        "log",
        None,
    )
    # The raw curves stand behind the smoothed ones.
    assert sum(trace.get("showlegend") is False for trace in loss["data"]) == 2
    assert at.session_state[TABLE_KEY]["selection"]["rows"] == [0, 2]
    assert query(at) == {
        "view": "compare",
        "runs": "1,3",
        "axis": "epoch",
        "smooth": "50",
        "log": "1",
    }


def test_a_hostile_link_opens_and_says_what_is_not_there(store: RunStore) -> None:
    past_run(store)
    at = open_view(view="compare", runs="1,99,<b>,1", axis="up", smooth="-3")
    assert query(at) == {"view": "compare", "runs": "1"}
    said = at.text[0].value
    assert "runs: 99, <b> is not on this server" in said
    assert "axis=up is now step" in said


def test_the_axis_can_be_chosen(store: RunStore) -> None:
    past_run(store)
    at = tick(open_view(), 0)
    at.segmented_control[0].set_value("seconds").run()
    assert query(at)["axis"] == "seconds"
    assert figures(at)[0]["layout"]["xaxis"]["title"]["text"] == "seconds of training"


# ------------------------------------------------------------------------ name, note, end of a run


@pytest.mark.usefixtures("operator")
def test_a_run_is_renamed_and_noted(store: RunStore) -> None:
    past_run(store)
    at = tick(open_view(), 0)
    at.text_input[0].set_value("better")
    at.text_area[0].set_value("two\nlines")
    press(at, "Save name and note")
    run = store.get_run(1)
    assert (run.name, run.note) == ("better", "two\nlines")
    at.text_input[0].set_value("  ")
    press(at, "Save name and note")
    assert "needs a name" in at.error[0].value
    assert store.get_run(1).name == "better"


@pytest.mark.usefixtures("operator")
def test_deleting_asks_first_and_says_what_is_lost(store: RunStore) -> None:
    past_run(store)
    past_run(store)
    at = tick(open_view(), 0)
    press(at, "Delete this run …")
    said = " ".join(text.value for text in at.markdown)
    assert "snapshots of 4 epochs" in said
    assert "kB) are lost for good" in said
    assert len(store.list_runs()) == 2
    press(at, "Delete for good")
    assert [run.id for run in store.list_runs()] == [1]
    assert not store.folder_of(2).path.exists()
    at.run()
    assert query(at) == {"view": "compare"}


@pytest.mark.usefixtures("operator")
def test_a_running_one_is_to_be_stopped_first(store: RunStore) -> None:
    past_run(store, ended=False)
    at = tick(open_view(), 0)
    press(at, "Delete this run …")
    assert any("stop it first" in text.value for text in at.markdown)
    assert "Delete for good" not in [button.label for button in at.button]
    press(at, "Stop it")
    assert store.stops_pending() == {1}


def test_what_is_another_viewers_can_be_looked_at_only(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_run(store, owner="bob")
    store.set_note(1, "mine")
    monkeypatch.setattr("cnnviz.runs.permissions.Operator.recognises", lambda *_, **__: False)
    at = tick(open_view(), 0)
    labels = [button.label for button in at.button]
    assert "Watch" in labels
    assert "Delete this run …" not in labels
    assert "Save name and note" not in labels
    assert any("another viewer's" in caption.value for caption in at.caption)
    assert any(text.value == "mine" for text in at.text)
