"""The benchmark of the training page: arithmetic and tables by hand counts, and one quick run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import process_use
from benchmarks.process_use import Moment, cores, descendants, moment, resident_mb
from benchmarks.slider_moves import Move, Walk
from benchmarks.streamlit_protocol import FrontEnd, kinds
from benchmarks.ui_measurements import Results as SliderResults
from benchmarks.watch_arithmetic import (
    Arrival,
    Mark,
    Memory,
    Phase,
    Speed,
    Viewers,
    Window,
    Written,
    ages,
    costs,
    delays,
    moments_between,
    rising,
    slope,
    speed_between,
    unrest,
)
from benchmarks.watch_measurements import FULL, QUICK, thirds
from benchmarks.watch_report import age_table, judgement, slider_table, speed_table, to_text
from benchmarks.watch_results import Comparison, Inventory, Results, to_json
from benchmarks.watch_view_step import newest_step
from cnnviz.ui.training.packing import pack

# ------------------------------------------------------------------------------------------ speed


def marks_of(*times_and_steps: tuple[float, int]) -> list[Mark]:
    """Records written at these moments, half a second of training a moment's second."""
    return [Mark(at_s, step, at_s / 2) for at_s, step in times_and_steps]


def test_speed_is_that_of_whole_epochs() -> None:
    # Epochs of 10 steps. From 1.0 to 9.0: steps 4, 8, 10, 14, 18, 20, 24. From 4 to 24 there are
    # two epochs, from 8 to 18 one, from 10 to 20 one.
    marks = marks_of(
        (0.5, 2), (1, 4), (2, 8), (3, 10), (5, 14), (6, 18), (7, 20), (9, 24), (10, 28)
    )
    speed = speed_between(marks, 1.0, 9.0, batch_size=32, epoch_steps=10)
    assert speed == Speed(images=20 * 32, elapsed_s=4.0, wall_s=8.0, epochs=2)
    assert speed.images_per_s == 160.0


def test_speed_within_an_epoch_is_from_the_first_record_to_the_last() -> None:
    marks = marks_of((1, 4), (2, 6), (4, 9))
    speed = speed_between(marks, 0.0, 9.0, batch_size=2, epoch_steps=100)
    assert speed == Speed(images=10, elapsed_s=1.5, wall_s=3.0, epochs=0)


def test_speed_needs_two_records() -> None:
    with pytest.raises(ValueError, match=r"1 step records in 2\.0 s: measure for longer"):
        speed_between(marks_of((1, 4), (5, 8)), 0.0, 2.0, batch_size=2, epoch_steps=10)


def phase_of(viewers: Viewers, images_per_s: float, others: float = 0.02) -> Phase:
    used = {"server": 0.25, "training": 1.0, "sessions": 0.5, "others": others}
    return Phase(viewers, 0.0, 10.0, Speed(int(images_per_s * 10), 10.0, 12.5, 3), used)


PHASES = [
    phase_of("nobody", 1000),
    phase_of("one tab", 990),
    phase_of("nobody", 1100),
    phase_of("thirty sessions", 945),
    phase_of("nobody", 1000),
    phase_of("one tab", 1000),
    phase_of("nobody", 1000),
]


def test_a_phase_costs_what_its_neighbours_are_faster() -> None:
    assert [cost.share for cost in costs(PHASES, "one tab")] == pytest.approx([1 - 990 / 1050, 0.0])
    (thirty,) = costs(PHASES, "thirty sessions")
    assert (thirty.without, thirty.with_viewers) == (1050, 945)
    assert thirty.share == pytest.approx(0.1)


def test_a_phase_without_an_undisturbed_one_on_each_side_has_no_cost() -> None:
    assert costs(PHASES[:2], "one tab") == []
    assert costs([PHASES[1], *PHASES[2:]], "one tab") == costs(PHASES[2:], "one tab")


def test_unrest_is_between_an_undisturbed_phase_and_the_one_before() -> None:
    assert unrest(PHASES) == pytest.approx([0.1, 1 - 1000 / 1100, 0.0])


# -------------------------------------------------------------------------------------------- age

WRITTEN = Written([Mark(10.0, 5, 0), Mark(10.0, 10, 0), Mark(11.0, 15, 0), Mark(13.0, 20, 0)])
ARRIVALS = [Arrival(10.4, 10), Arrival(11.5, 15), Arrival(14.0, 20)]


def test_when_a_step_was_written() -> None:
    assert [WRITTEN.at(step) for step in (5, 9, 10, 15, 99)] == [10.0, 10.0, 10.0, 11.0, 13.0]
    assert WRITTEN.at(1) == 10.0  # before the first that is known
    assert Written([]).at(5) is None
    assert WRITTEN.newest(9.9) is None
    assert [WRITTEN.newest(at) for at in (10.0, 12.9, 13.0)] == [10.0, 11.0, 13.0]


def test_delay_is_from_being_written_to_arriving() -> None:
    assert delays(WRITTEN, ARRIVALS, 10.0, 14.0) == pytest.approx([0.4, 0.5, 1.0])
    assert delays(WRITTEN, ARRIVALS, 11.0, 13.9) == pytest.approx([0.5])


def test_age_grows_until_something_newer_arrives() -> None:
    # At 10.2 nothing has arrived: the first record is 0.2 s old, and is not on the screen yet.
    moments = [10.2, 10.4, 11.4, 11.5, 13.9, 14.0]
    assert ages(WRITTEN, ARRIVALS, moments) == pytest.approx([0.2, 0.4, 1.4, 0.5, 2.9, 1.0])


def test_only_what_is_newer_rises() -> None:
    told = [Arrival(1.0, 0), Arrival(2.0, 4), Arrival(3.0, 4), Arrival(4.0, 3), Arrival(5.0, 6)]
    assert rising(told) == (told[0], told[1], told[4])


def test_moments_are_even_and_include_both_ends() -> None:
    assert moments_between(5.0, 6.0, 0.25) == [5.0, 5.25, 5.5, 5.75, 6.0]


def cells(table: str) -> dict[str, list[str]]:
    """The rows of a Markdown table: first cell -> the others."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return {row[0]: row[1:] for row in rows[2:]}


def window_of(*sessions: tuple[Arrival, ...], ended_s: float = 14.0) -> Window:
    marks = (Mark(10.0, 5, 0), Mark(10.0, 10, 0), Mark(11.0, 15, 0), Mark(13.0, 20, 0))
    return Window(10.5, ended_s, marks, sessions)


def test_a_window_has_the_ages_of_each_session_and_those_of_the_store() -> None:
    prompt = (Arrival(10.0, 10), Arrival(11.0, 15), Arrival(13.0, 20))
    window = window_of(prompt, tuple(ARRIVALS))
    first, second = window.ages()
    assert len(first) == len(second) == 36  # from 10.5 to 14.0, ten a second
    assert first == pytest.approx(window.floor())  # a session that gets all at once
    assert max(second) == pytest.approx(2.9)
    assert window.delays() == [[0.0, 0.0], pytest.approx([0.5, 1.0])]


# ----------------------------------------------------------------------------- memory, processors


def test_slope_is_numpy_s() -> None:
    points = [(0.0, 700.0), (10.0, 706.0), (20.0, 709.0), (30.0, 716.0)]
    x, y = np.array(points).T
    assert slope(points) == pytest.approx(np.polyfit(x, y, 1)[0])
    with pytest.raises(ValueError, match="two different places"):
        slope([(1.0, 5.0), (1.0, 6.0)])


def test_sessions_are_opened_in_thirds() -> None:
    assert thirds(30) == [10, 20, 30]
    assert thirds(2) == [1, 2]


def test_cores_are_processor_time_over_wall_time() -> None:
    before = Moment(100.0, {1: 5.0, 2: 7.0, 3: 1.0}, 50.0)
    after = Moment(110.0, {1: 9.0, 2: 8.0, 4: 2.0}, 70.0)  # 3 has ended, 4 is new
    found = cores(before, after, {"server": {1}, "browser": {2, 4}, "gone": {3}})
    assert found == pytest.approx({"server": 0.4, "browser": 0.3, "gone": 0.0, "others": 1.3})
    assert cores(Moment(0.0, {}, None), after, {}) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")
def test_processes_are_found_and_measured() -> None:
    command = [sys.executable, "-c", "import sys; x = bytearray(2**26); sys.stdin.read()"]
    before = moment()
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        assert child.pid in descendants(os.getpid())
        worked_until = time.process_time() + 0.05  # five ticks of the system's clock
        while time.process_time() < worked_until:
            pass
        used = cores(before, moment(), {"benchmark": {os.getpid()}})
        assert used is not None
        assert used["benchmark"] > 0
        assert child.stdin is not None
        child.stdin.close()
    assert child.pid not in descendants(os.getpid())
    assert (resident_mb(os.getpid()) or 0) > 10
    assert resident_mb(2**22 + 1) is None  # no process has such a number


def test_a_process_s_name_may_hold_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid, parent in ((7, 1), (8, 7), (9, 8)):
        (tmp_path / str(pid)).mkdir()
        times = "0 0 0 0 0 0 0 0 0 250 150 0"
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) b (c) S {parent} {times}")
    monkeypatch.setattr(process_use, "PROC", tmp_path)
    assert descendants(7) == {8, 9}
    assert moment().used_s[9] == 400 / os.sysconf("SC_CLK_TCK")


# --------------------------------------------------------------------------------------- protocol


def front_end(step: int | None = None) -> FrontEnd:
    return FrontEnd("http://app", "training", "view=watch&run=3", lambda delta: step)


def session_message(run: str, *fragments: str, keep_for: int = 2) -> bytes:
    message = ForwardMsg()
    message.new_session.page_script_hash = "main"
    message.new_session.config.max_cached_message_age = keep_for
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    content: bytes = message.SerializeToString()
    return content


def text_message(at: int, text: str, fragment: str = "", *, name: str = "") -> bytes:
    message = ForwardMsg(hash=name)
    message.delta.new_element.markdown.body = text
    message.delta.fragment_id = fragment
    message.metadata.delta_path.extend([0, at])
    message.metadata.cacheable = bool(name)
    content: bytes = message.SerializeToString()
    return content


def end_message(run: str, *fragments: str) -> bytes:
    message = ForwardMsg(
        script_finished=ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
        if fragments
        else ForwardMsg.FINISHED_SUCCESSFULLY
    )
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    content: bytes = message.SerializeToString()
    return content


def timer_message(fragment: str, interval_s: float) -> bytes:
    message = ForwardMsg()
    message.auto_rerun.fragment_id, message.auto_rerun.interval = fragment, interval_s
    content: bytes = message.SerializeToString()
    return content


def feed(one: FrontEnd, *messages: bytes) -> FrontEnd:
    for at_s, message in enumerate(messages):
        one.receive(message, float(at_s))
    return one


def test_it_asks_for_the_page_by_name_and_then_by_its_number() -> None:
    one = front_end()
    first = BackMsg.FromString(one.rerun()).rerun_script
    assert (first.page_name, first.page_script_hash) == ("training", "")
    assert first.query_string == "view=watch&run=3"
    assert first.context_info.url == "http://app/training?view=watch&run=3"
    assert not first.is_auto_rerun
    navigation = ForwardMsg()
    navigation.navigation.page_script_hash = "page"
    feed(one, session_message("a"), navigation.SerializeToString())
    again = BackMsg.FromString(one.rerun("f1")).rerun_script
    assert (again.page_name, again.page_script_hash) == ("", "page")
    assert (again.fragment_id, again.is_auto_rerun) == ("f1", True)


def test_it_goes_where_the_page_sends_it() -> None:
    message = ForwardMsg()
    message.page_info_changed.query_string = "view=watch&run=4"
    one = feed(front_end(), message.SerializeToString())
    assert BackMsg.FromString(one.rerun()).rerun_script.query_string == "view=watch&run=4"


def test_timers_end_with_the_page_s_run_and_when_told() -> None:
    one = feed(front_end(), session_message("a"), timer_message("f1", 1.0), timer_message("f2", 2))
    assert one.timers == {"f1": 1.0, "f2": 2.0}
    stop = ForwardMsg()
    stop.stop_auto_rerun.fragment_ids.append("f2")
    feed(one, stop.SerializeToString(), session_message("b", "f1"))
    assert one.timers == {"f1": 1.0}  # a fragment's run leaves them
    feed(one, session_message("c"))
    assert one.timers == {}


def test_what_a_run_did_not_draw_again_is_gone() -> None:
    one = feed(
        front_end(),
        session_message("a"),
        text_message(0, "head"),
        text_message(1, "old", "f1"),
        text_message(2, "older", "f1"),
        end_message("a"),
    )
    assert one.elements() == {(0, 0): "markdown", (0, 1): "markdown", (0, 2): "markdown"}
    feed(one, session_message("b", "f1"), text_message(1, "new", "f1"), end_message("b", "f1"))
    assert set(one.elements()) == {(0, 0), (0, 1)}  # the head is no part of the fragment
    feed(one, session_message("c"), text_message(0, "head"), end_message("c"))
    assert set(one.elements()) == {(0, 0)}
    assert one.tally.runs == 3


def test_a_message_is_sent_once_and_then_named() -> None:
    one = feed(front_end(), session_message("a", keep_for=1), text_message(1, "long", name="#1"))
    assert BackMsg.FromString(one.rerun()).rerun_script.cached_message_hashes == ["#1"]
    named = ForwardMsg(ref_hash="#1")
    named.metadata.delta_path.extend([0, 7])
    feed(
        one,
        end_message("a"),
        session_message("b", keep_for=1),
        named.SerializeToString(),
        end_message("b"),
    )
    assert one.elements() == {(0, 7): "markdown"}
    feed(one, session_message("c", keep_for=1), end_message("c"))
    assert BackMsg.FromString(one.rerun()).rerun_script.cached_message_hashes == []


def test_only_a_newer_step_is_an_arrival() -> None:
    steps = iter([None, 5, 5, 8])
    one = FrontEnd("http://app", "training", "", lambda delta: next(steps))
    feed(one, *(text_message(index, "text") for index in range(4)))
    assert one.arrivals == [Arrival(1.0, 5), Arrival(3.0, 8)]


def test_an_exception_on_the_page_is_told() -> None:
    message = ForwardMsg()
    message.delta.new_element.exception.type = "RunError"
    message.delta.new_element.exception.message = "there is no run 3"
    one = feed(front_end(), message.SerializeToString())
    assert one.tally.exceptions == ["RunError: there is no run 3"]


def test_the_newest_step_is_the_last_point_of_the_curves_as_the_board_takes_them() -> None:
    x, y = np.array([10.0, 20.0, 35.0]), np.array([2.0, 1.5, 1.2])
    curves = [
        {"name": "held out", "kind": "held-out", "start": 0, "count": 0},
        {"name": "training", "kind": "training", "start": 0, "count": 3},
    ]
    content = {"axis": "step", "panels": [{"curves": curves}]}
    delta = Delta()
    delta.new_element.bidi_component.bytes = pack(content, [x, y])
    assert newest_step(delta) == 35
    delta.new_element.bidi_component.bytes = pack({**content, "axis": "epoch"}, [x, y])
    assert newest_step(delta) is None
    delta.new_element.markdown.body = "step 40"
    assert newest_step(delta) is None


# ----------------------------------------------------------------------------------------- report

ALIKE = Inventory({"0.1": "markdown", "0.2": "bidi_component"}, [0.5], 2.0)


def results_of(late_s: float = 0.5) -> Results:
    arrivals = (Arrival(10.0, 10), Arrival(11.0 + late_s, 15), Arrival(13.0 + late_s, 20))
    results = Results(comparison=Comparison(ALIKE, ALIKE))
    results.phases = list(PHASES)
    results.windows = [window_of(arrivals, arrivals)]
    results.memory = [Memory(0, 700.0), Memory(10, 704.0), Memory(20, 708.0), Memory(30, 712.0)]
    results.growth_mb_per_min, results.bytes_per_s = 0.7, 45_000.0
    results.holds = [phase_of("thirty sessions", 950)]
    for condition, times in (("idle", (8.0, 8.0)), ("training", (12.0, 12.0))):
        walk = Walk(tuple(Move(1, 1.0, time, time + 2) for time in times), ())
        found = SliderResults(sliders={("opening", "stride", "drag"): walk})
        results.sliders[condition].append(found)  # type: ignore[index]
    return results


def test_speed_table_sets_the_cost_beside_who_used_the_cores() -> None:
    rows = cells(speed_table(PHASES))
    # 12.5 s by the clock on the wall for 10 s of training.
    nobody = ["4", "1,000 (1,000 to 1,100)", "800 (800 to 880)", "", "1.00", "0.25"]
    assert rows["nobody watches"][:6] == nobody
    assert rows["one browser tab watches"][3] == "+2.9 (+0.0 to +5.7)"
    assert rows["thirty sessions watch"][3:] == [
        "+10.0",
        "1.00",
        "0.25",
        "0.00",
        "0.50",
        "0.00",
        "0.02",
    ]


def test_age_table_counts_all_sessions() -> None:
    late, prompt = tuple(ARRIVALS), (Arrival(10.0, 10), Arrival(11.0, 15), Arrival(13.0, 20))
    rows = cells(age_table([window_of(late, prompt)], [window_of((Arrival(13.5, 20),))]))
    assert rows["newest record in the store: age"] == ["36", "0.70", "1.72", "1.90"]
    count, median, _, worst = rows["record written to arrived, 2 sessions"]
    assert (count, median, worst) == ("4", "0.25", "1.00")
    assert rows["newest point on screen: age, 2 sessions"][::3] == ["72", "2.90"]
    assert rows["the same, of the session that is last"][::3] == ["36", "2.90"]
    assert rows["record written to painted, one browser tab"] == ["1", "0.50", "0.50", "0.50"]
    assert rows["newest point on screen: age, one browser tab"][0] == "36"
    assert not any("browser tab" in row for row in cells(age_table([window_of(late)])))


def test_sliders_stand_beside_those_of_idle() -> None:
    rows = cells(slider_table(results_of().sliders))
    assert rows["slider to paint, drag, idle"] == ["2", "8.0 / 8.0", "8.0", ""]
    beside = ["2", "12.0 / 12.0", "12.0", "1.50× / 1.50×"]
    assert rows["slider to paint, drag, training"] == beside


def test_goals_are_met_or_missed() -> None:
    lines = judgement(results_of()).splitlines()
    assert lines[0] == (
        "met, less than 5%: one browser tab costs the training 2.9 % of its speed (median of 2)"
    )
    assert lines[1].startswith("MISSED, less than 5%: thirty sessions cost the training 10.0 %")
    assert lines[2].startswith("Undisturbed phases differ by 9.1 % from one to the next")
    assert lines[3].startswith("MISSED, less than 2 s: the newest point is at most 2.4")
    prompt = judgement(results_of(late_s=0.0)).splitlines()[3]
    assert prompt.startswith("met, less than 2 s: the newest point is at most 1.9")


def test_what_a_session_gets_is_compared_with_a_tab() -> None:
    assert Comparison(ALIKE, ALIKE).differences() == []
    other = Inventory({"0.1": "markdown", "0.3": "html"}, [], 0.0)
    assert Comparison(ALIKE, other).differences() == [
        "at 0.2 the tab has bidi_component and the session nothing",
        "at 0.3 the tab has nothing and the session html",
        "the tab fetches every 0.5 s and the session every never",
    ]
    assert kinds(["b", "a", "b"]) == "2 b, 1 a"
    text = to_text(Results(comparison=Comparison(ALIKE, other)), {})
    assert "does NOT get what a browser's tab gets: at 0.2" in text


def test_report_is_whole() -> None:
    results = results_of()
    results.merged_moves["training"] += 2
    results.left_out.append("speed, round 3")
    text = to_text(results, {"processor": "a test"})
    assert text.startswith("- processor: a test\n\nA simulated session gets what a browser's tab")
    assert "2 elements (1 bidi_component, 1 markdown), again every 0.5 s" in text
    assert "A session takes 0.40 MB" in text
    assert "grows by +0.7 MB a minute. The server takes 0.25 cores then and sends 45 kB" in text
    assert "made one of two moves: 2 (2 × training)" in text
    assert text.endswith("Left out for want of time: speed, round 3")
    results.broken_off = "the server is gone"
    last = to_text(results, {}).splitlines()[-1]
    assert last == "BROKEN OFF, the rest was not measured: the server is gone"
    written = json.loads(json.dumps(to_json(results, {})))
    assert written["costs"]["thirty sessions"] == [0.1]
    assert len(written["windows"][0]["ages_s"]) == 2
    assert written["comparison"]["differences"] == []


def test_nothing_measured_is_no_error() -> None:
    assert to_text(Results(), {"processor": "a test"}) == "- processor: a test"
    assert to_json(Results(), {})["phases"] == []
    assert judgement(Results(windows=[Window(0.0, 1.0, (), ((),))])) == ""


# ---------------------------------------------------------------------------------------- command


def test_help_works(project: Path) -> None:
    command = [sys.executable, "benchmarks/training_page.py", "--help"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(option in done.stdout for option in ("--quick", "--minutes", "--out FILE"))


def test_both_plans_watch_with_thirty_sessions() -> None:
    assert QUICK.sessions == FULL.sessions == 30


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium on the path")
def test_a_quick_run_measures_everything(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "benchmarks/training_page.py", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "A simulated session gets what a browser's tab gets" in done.stdout
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["left_out"] == []
    viewers = [phase["viewers"] for phase in found["phases"]]
    assert viewers == ["nobody", "one tab", "nobody", "thirty sessions", "nobody"]
    assert all(phase["images_per_s"] > 0 for phase in found["phases"])
    assert [step["sessions"] for step in found["memory"]] == [0, 10, 20, 30]
    assert all(len(window["ages_s"]) == 30 for window in found["windows"])
    every = [*found["windows"], *found["tab_windows"]]
    assert all(age >= 0 for window in every for ages in window["ages_s"] for age in ages)
    assert all(len(window["delays_s"][0]) > 1 for window in every)
    assert all(found["sliders"][name]["slider to paint, drag"] for name in found["sliders"])
