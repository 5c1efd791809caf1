"""The benchmark of the confusion page: arithmetic, tables and verdicts by hand; one quick run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest
from streamlit.proto.Delta_pb2 import Delta

from benchmarks.confusion_apart import METHODS, is_alike
from benchmarks.confusion_measurements import FULL, QUICK, SESSIONS
from benchmarks.confusion_results import (
    GOALS_MS,
    Answer,
    Results,
    Speed,
    answer_from,
    answer_table,
    comparison_table,
    judgement,
    speed_table,
    thirty_text,
    to_json,
    to_text,
)
from benchmarks.confusion_sessions import Thirty, chart_of
from benchmarks.machine_facts import TOO_MUCH
from benchmarks.plotly_numbers import numbers_of
from benchmarks.process_use import PROC, tree_seconds
from cnnviz.attribution.methods import METHODS as CARDS
from cnnviz.confusion.look import OPENING
from cnnviz.figures.attribution import map_figure


def cells(table: str) -> dict[str, list[str]]:
    """First column -> the others."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {row[0]: row[1:] for row in rows}


# ------------------------------------------------------------------------------------- arithmetic

TOLD: dict[str, Any] = {
    "press": 100.0,
    "sends": [90.0, 110.0, 300.0],
    "arrivals": [95.0, 130.0, 180.0, 400.0],
    "painted": {"gallery": 200.0},
}


def test_an_answer_begins_with_the_press_and_ends_with_the_paint() -> None:
    # The message of 90 ms was before the press; what arrived at 400 ms came after the paint.
    assert answer_from(TOLD, "gallery", from_press=True) == Answer(100.0, 70.0)
    assert answer_from(TOLD, "gallery", from_press=False) == Answer(200.0, 90.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"press": 0}, "no press"),
        ({"sends": [90.0]}, "not asked"),
        ({"arrivals": []}, "not asked"),
        ({"arrivals": [105.0]}, "not asked"),
    ],
)
def test_what_was_no_answer_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        answer_from({**TOLD, **change}, "gallery", from_press=True)


def test_numbers_are_read_as_plotly_writes_them() -> None:
    values = np.arange(6, dtype=np.float64).reshape(2, 3) / 7
    figure = go.Figure(go.Heatmap(z=values))
    trace = json.loads(plotly.io.to_json(figure))["data"][0]
    np.testing.assert_array_equal(numbers_of(trace["z"]), values)
    np.testing.assert_array_equal(numbers_of(values.tolist()), values)


def test_maps_are_alike_but_for_rounding() -> None:
    one = np.array([[1.0, -2.0]])
    assert is_alike(one, one + 1e-4)
    assert not is_alike(one, one + 0.01)
    assert not is_alike(one, one[:, ::-1])
    assert not is_alike(one, one.T)


def test_a_map_is_recognised_by_its_key() -> None:
    picture = np.full((2, 2, 3), 7, np.uint8)
    values = np.array([[1.0, 2.0], [3.0, -4.0]])
    figure = map_figure(picture, "cat", values)
    delta = Delta()
    delta.new_element.plotly_chart.spec = plotly.io.to_json(figure)
    delta.new_element.plotly_chart.id = "$$ID-0a1b-confusion.map.guided_grad_cam.2"
    found = chart_of(delta)
    assert found is not None
    name, chart = found
    assert name == "guided_grad_cam.2"
    np.testing.assert_array_equal(numbers_of(chart["numbers"]), values)
    assert chart["source"] == figure.data[0].source
    delta.new_element.plotly_chart.id = "$$ID-0a1b-confusion.trust.0"
    assert chart_of(delta) is None
    delta.new_element.markdown.body = "confusion.map.grad_cam.0"
    assert chart_of(delta) is None


def test_it_measures_the_maps_with_which_the_page_opens() -> None:
    assert METHODS == OPENING
    assert CARDS["integrated_gradients"].parameter("steps").default == 50


def test_both_plans_measure_everything() -> None:
    assert SESSIONS == 30
    for plan in (QUICK, FULL):
        assert min(plan.pages, plan.cells, plan.pictures, plan.starts, plan.direct) > 0
    assert FULL.most is None


@pytest.mark.skipif(not PROC.exists(), reason="the system has no /proc")
def test_the_time_of_those_who_ended_is_not_that_of_others() -> None:
    before = tree_seconds(os.getpid())
    assert before is not None
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    after = tree_seconds(os.getpid())
    assert after is not None
    assert after - before > 0.05
    assert tree_seconds(2**22 + 1) is None  # no process has such a number


# ----------------------------------------------------------------------------------------- report


THIRTY = Thirty((1.0, 3.0, 2.0), 3.5, (700.0, 750.4, 720.0), 18, ())


def results_of(gallery_ms: float = 250.0) -> Results:
    results = Results(thirty=THIRTY)
    for whole in (900.0, 900.0):
        results.add("matrix", "warm", Answer(whole, 200.0))
    results.add("matrix", "fresh server", Answer(2000.0, 500.0))
    results.add("gallery", "warm", Answer(gallery_ms, 40.0))
    results.ordinary["gallery"] = [Answer(500.0, 100.0)]
    results.directly["gallery"] = [2.5]
    results.speeds.append(Speed("fast", 500, 10_000, 0.1, 2.0, 1))
    return results


def test_answers_stand_beside_their_part_at_the_server() -> None:
    rows = cells(answer_table(results_of()))
    assert rows["page to first matrix, warm"] == ["2", "900 / 900", "900", "200 / 200"]
    assert rows["page to first matrix, fresh server"][0] == "1"
    assert "picture to Grad-CAM, warm" not in rows


def test_the_page_is_compared_with_others() -> None:
    rows = cells(comparison_table(results_of()))
    gallery = rows["click on a cell to gallery"]
    assert gallery == [
        "250 / 250",
        "500 / 500",
        "2.0× / 2.0×",
        "2.5 / 2.5",
        "248",
    ]
    assert rows["page to first matrix"][1:] == ["", "", "", ""]


def test_goals_are_met_or_missed() -> None:
    lines = judgement(results_of()).splitlines()
    assert lines[0].startswith("met, 1,000 ms: page to first matrix, p95 of 2: 900 ms")
    assert lines[1].startswith("met, 300 ms: click on a cell to gallery, p95 of 1: 250 ms")
    assert lines[2] == "met, results not mixed: 18 maps of thirty sessions"
    assert judgement(results_of(300.5)).splitlines()[1].startswith("MISSED, 300 ms")
    assert judgement(results_of(300.0)).splitlines()[1].startswith("met")
    assert len(GOALS_MS) == 4


def test_mixed_maps_are_told() -> None:
    mixed = Thirty((1.0,), 1.0, None, 5, ("grad_cam.0 of picture 7",))
    assert "WRONG: grad_cam.0 of picture 7." in thirty_text(mixed)
    assert judgement(Results(thirty=mixed)).startswith("MISSED, results not mixed")
    assert judgement(Results(thirty=Thirty((), 0.0, None, 0, ()))).startswith("MISSED")


def test_thirty_are_described() -> None:
    text = thirty_text(THIRTY)
    assert text.startswith("3 sessions, each with a picture of its own")
    assert "the last had them after 3.5 s, half of them after 2.0 s." in text
    assert "700 MB before, at most 750 MB, and 720 MB five seconds later" in text
    assert text.endswith(
        "18 maps are those of the session's own picture, computed apart; none is another's."
    )


def test_thirty_beside_a_training_are_told_apart() -> None:
    results = Results(thirty=THIRTY, thirty_beside=replace(THIRTY, last_s=12.5, wrong=("a map",)))
    text = to_text(results, {})
    assert "While another process trained as fast as it could:\n3 sessions" in text
    assert "the last had them after 12.5 s" in text
    assert judgement(results).splitlines() == [
        "met, results not mixed: 18 maps of thirty sessions",
        "MISSED, results not mixed: 18 maps of thirty sessions beside a training",
    ]
    written = json.loads(json.dumps(to_json(results, {})))
    assert written["thirty_beside"]["last_s"] == 12.5


def test_speed_counts_both_views() -> None:
    rows = cells(speed_table([Speed("a", 500, 500, 0.1, 2.0, 0), *results_of().speeds]))
    assert rows["a"] == ["500", "0.10", "2.0", "500", "0"]
    assert rows["fast"][0] == "500 of 10,000"


def test_report_is_whole() -> None:
    results = results_of()
    results.left_out.append("evaluation of vgg16-cifar10")
    text = to_text(results, {"processor": "a test", "others during the run": f"1.00{TOO_MUCH}"})
    assert text.startswith("- processor: a test")
    assert "These verdicts do not count" in text
    assert text.endswith("Left out: evaluation of vgg16-cifar10")
    results.broken_off = "the server is gone"
    last = to_text(results, {}).splitlines()[-1]
    assert last == "BROKEN OFF, the rest was not measured: the server is gone"
    written = json.loads(json.dumps(to_json(results, {})))
    assert written["answers"][0]["samples"][0] == {"whole_ms": 900.0, "server_ms": 200.0}
    assert written["speeds"][0]["images_per_s"] == 500.0
    assert written["thirty"]["last_s"] == 3.5


def test_nothing_measured_is_no_error() -> None:
    assert to_text(Results(), {"processor": "a test"}) == "- processor: a test"
    assert to_json(Results(), {})["answers"] == []


# ---------------------------------------------------------------------------------------- command


def test_help_works(project: Path) -> None:
    command = [sys.executable, "benchmarks/confusion_page.py", "--help"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    options = ("--quick", "--minutes", "--models", "--out FILE")
    assert all(option in done.stdout for option in options)


def test_an_unknown_checkpoint_is_refused(project: Path) -> None:
    command = [sys.executable, "benchmarks/confusion_page.py", "--models", "resnet900"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no checkpoint resnet900: use " in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium on the path")
def test_a_quick_run_measures_everything(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "benchmarks/confusion_page.py", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if "test pictures of CIFAR-10 are not here" in done.stderr:
        pytest.skip("the test pictures of CIFAR-10 are not here")
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["left_out"] == []
    conditions = {(each["what"], each["condition"]) for each in found["answers"]}
    for what in GOALS_MS:
        assert {(what, "warm"), (what, "fresh server")} <= conditions
    samples = [one for each in found["answers"] for one in each["samples"]]
    assert all(0 < one["server_ms"] < one["whole_ms"] for one in samples)
    assert set(found["ordinary"]) == {"matrix", "gallery"}
    assert set(found["directly_ms"]) == set(GOALS_MS)
    assert found["thirty"]["wrong"] == []
    assert found["thirty"]["maps_alike"] == 30 * 6
    assert all(speed["images_per_s"] > 0 for speed in found["speeds"])
