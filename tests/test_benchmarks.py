"""The arithmetic and the tables of the benchmarks; no test asserts a time."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.app_server import ServerError, serve
from benchmarks.clock import Clock
from benchmarks.latency_table import (
    Series,
    format_ms,
    format_pair,
    format_ratio,
    format_table,
    percentile,
    pool_series,
    walk_values,
)
from benchmarks.slider_moves import Move, Walk, Way
from benchmarks.ui_latency import judgement, ordinary_table, slider_tables, to_json, to_text
from benchmarks.ui_measurements import (
    BATCH_SLIDERS,
    BATCH_STATES,
    FAR,
    SLIDERS,
    STATES,
    Results,
    output_numbers,
)
from cnnviz.convolution_lesson import from_query
from cnnviz.norms.by_hand import CHANNELS, PICTURES, SIDES
from cnnviz.norms.by_hand import from_query as batch_from_query

TIMES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@given(TIMES, st.floats(0, 1))
def test_percentile_is_numpy_s(values: list[float], share: float) -> None:
    assert percentile(values, share) == pytest.approx(np.quantile(values, share), abs=1e-6)


def test_percentile_refuses_nothing_and_a_share_in_percent() -> None:
    with pytest.raises(ValueError, match="no percentile of nothing"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match="between 0 and 1, not 95"):
        percentile([1.0], 95)


def test_series_has_statistics_of_all_its_values() -> None:
    series = pool_series("all", [Series("a", (4.0, 1.0)), Series("b", (3.0, 2.0, 100.0))])
    assert (series.count, series.median, series.worst) == (5, 3.0, 100.0)
    assert series.p95 == pytest.approx(80.8)
    assert series.to_json()["values_ms"] == [4.0, 1.0, 3.0, 2.0, 100.0]
    with pytest.raises(ValueError, match="empty: nothing was measured"):
        Series("empty", ())


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(1, 70))
def test_walk_goes_by_single_steps_to_both_ends(start: int, far: int, moves: int) -> None:
    if start == far:
        with pytest.raises(ValueError, match="two ends"):
            walk_values(start, far, moves)
        return
    walk = walk_values(start, far, moves)
    assert all(abs(b - a) == 1 for a, b in pairwise([start, *walk]))
    assert set(walk) == set(range(min(start, far), max(start, far) + 1))
    assert walk[-1] == start
    assert moves <= len(walk) < moves + 2 * abs(far - start)


def test_walk_refuses_no_moves() -> None:
    with pytest.raises(ValueError, match="at least one move, not 0"):
        walk_values(1, 2, 0)


@pytest.mark.parametrize(
    ("ms", "text"), [(0.04, "0.0"), (7.06, "7.1"), (99.94, "99.9"), (100, "100"), (1234.5, "1234")]
)
def test_format_ms(ms: float, text: str) -> None:
    assert format_ms(ms) == text


def test_ratio_is_baseline_over_series() -> None:
    baseline, fast = Series("slow", (200.0, 200.0)), Series("fast", (8.0, 8.0))
    assert format_pair(baseline) == "200 / 200"
    assert format_ratio(baseline, fast) == "25.0× / 25.0×"
    assert format_ratio(fast, baseline) == "0.0× / 0.0×"
    assert format_ratio(Series("slower", (1000.0,)), Series("faster", (4.0,))) == "250× / 250×"


def test_table_is_aligned_markdown() -> None:
    assert format_table(("what", "ms"), [("a", "1.0"), ("longer", "12.0")]).splitlines() == [
        "| what   |   ms |",
        "| :----- | ---: |",
        "| a      |  1.0 |",
        "| longer | 12.0 |",
    ]
    with pytest.raises(ValueError, match="a row has 1 cells where the header has 2"):
        format_table(("what", "ms"), [("a",)])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("slider", SLIDERS)
def test_each_walk_changes_the_output_at_every_step(state: str, slider: str) -> None:
    """A value without output would measure a message instead of grids."""
    start, far = STATES[state][slider], FAR[state][slider]
    shown = []
    for value in (start, *walk_values(start, far, 1)):
        settings = {**STATES[state], slider: value}
        _, notes = from_query("hand", {name: str(number) for name, number in settings.items()})
        assert notes == ()
        shown.append(output_numbers(settings))
    assert all(shown)
    assert all(before != after for before, after in pairwise(shown))


@pytest.mark.parametrize("state", BATCH_STATES)
def test_the_states_of_the_page_on_batch_norm_are_states_of_it(state: str) -> None:
    shown, notes = batch_from_query(dict(parse_qsl(BATCH_STATES[state])))
    assert notes == ()
    assert ("heaviest" in state) == (shown.shape == (PICTURES[1], CHANNELS[1], SIDES[1], SIDES[1]))


def walk_of(*from_event_ms: float) -> Walk:
    return Walk(tuple(Move(1, 1.0, time, time + 2) for time in from_event_ms), ())


def results_of(*from_event_ms: float, way: Way = "key") -> Results:
    results = Results()
    results.sliders["opening", "stride", way] = walk_of(*from_event_ms)
    results.ordinary["opening", "stride"] = Series("stride", (120.0, 120.0))
    return results


def test_a_drag_holds_its_frame_or_the_report_says_so() -> None:
    held = judgement(results_of(15.0, 16.0, way="drag"))
    assert held.startswith("within 16 ms: p95 of 2 moves by drag, opening state: 15.9")
    assert judgement(results_of(15.0, 17.0, way="drag")).startswith("OVER 16 ms")


def test_the_page_on_batch_norm_is_judged_too() -> None:
    results = Results()
    for state in BATCH_STATES:
        for name in BATCH_SLIDERS:
            results.sliders[state, name, "drag"] = walk_of(9.0, 17.0)
    assert judgement(results).count("OVER 16 ms") == len(BATCH_STATES)
    table = slider_tables(results)
    assert all(
        f"{name}, drag, {state}" in table for state in BATCH_STATES for name in BATCH_SLIDERS
    )
    written = to_json(results, {})["sliders"]
    assert isinstance(written, list)
    assert len(written) == len(BATCH_STATES) * len(BATCH_SLIDERS)


def test_a_key_is_shown_beside_what_a_bare_slider_takes() -> None:
    results = results_of(20.0)
    results.bare["key"] = walk_of(14.0)
    assert "opening state: 20.0 ms (a bare slider's: 14.0 ms" in judgement(results)


def test_tables_show_the_page_beside_the_ordinary_calculator() -> None:
    results = results_of(10.0, 10.0)
    assert "10.0 / 10.0" in slider_tables(results)
    assert "| Stride, opening    |  2, 2 |" in ordinary_table(results)
    assert "10.0× / 10.0×" in ordinary_table(results)  # 120 ms beside 10 + 2 ms


def test_report_is_whole_and_names_what_was_left_out() -> None:
    results = results_of(10.0)
    assert Clock(60, results.left_out).has(1, "something quick")
    assert not Clock(0, results.left_out).has(1, "something slow")
    text = to_text(results, {"processor": "a test"})
    assert "- processor: a test" in text
    assert text.endswith("Left out for want of time: something slow")
    written = to_json(results, {})
    assert written["left_out"] == ["something slow"]


def test_a_server_that_cannot_start_is_an_error_with_its_words() -> None:
    with pytest.raises(ServerError, match=r"no_such_file\.py"), serve("no_such_file.py"):
        pass


def test_help_works(project: Path) -> None:
    command = [sys.executable, "benchmarks/ui_latency.py", "--help"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
    assert "--out FILE" in done.stdout
