"""What is measured while a training goes on and is watched, and in which order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from benchmarks.app_server import serve
from benchmarks.clock import Clock
from benchmarks.process_use import cores, moment, resident_mb
from benchmarks.simulated_sessions import SimulatedSessions, place_in_words
from benchmarks.streamlit_protocol import FrontEnd
from benchmarks.tab_paints import listen_to_paints, painted_points
from benchmarks.ui_measurements import OURS, measure_page
from benchmarks.ui_measurements import Plan as SliderPlan
from benchmarks.ui_measurements import Results as SliderResults
from benchmarks.watch_arithmetic import (
    Arrival,
    Memory,
    Phase,
    Viewers,
    Window,
    slope,
    speed_between,
)
from benchmarks.watch_results import Comparison, Condition, Inventory, Results
from benchmarks.watched_place import WatchedPlace
from benchmarks.watched_training import WatchedTraining, measured_config, watched_training

COMPARED_S: Final = 8.0
"""For so long a tab and a session are watched side by side."""
OPENING_S: Final = 12.0
"""That a tab or all sessions take to open, with some to spare."""
STATE: Final = "opening"
"""Of the convolution page's sliders, as `ui_latency.py` has it."""
TRIES: Final = 3
"""Of the sliders' walk: under load the browser may report two moves of the mouse as one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each thing is measured, in seconds, and how often.

    sessions: simulated. settle_s: after viewers came or left, before anything counts. window_s: of
    memory and age while all sessions watch. phase_s: of the training's speed. rounds: of one tab
    and all sessions, each between undisturbed phases. slider_rounds: of all conditions. moves and
    verdicts: as in `ui_latency.py`.
    """

    sessions: int
    settle_s: float
    window_s: float
    phase_s: float
    rounds: int
    slider_rounds: int
    moves: int
    verdicts: int


QUICK: Final = Plan(30, 3.0, 8.0, 8.0, rounds=1, slider_rounds=1, moves=6, verdicts=2)
FULL: Final = Plan(30, 5.0, 40.0, 20.0, rounds=4, slider_rounds=3, moves=16, verdicts=6)


class Measurement:
    """One server, one training after another, and everything that is measured of them."""

    def __init__(
        self,
        place: WatchedPlace,
        training: WatchedTraining,
        plan: Plan,
        clock: Clock,
        results: Results,
    ) -> None:
        self._place = place
        self._training = training
        self._plan = plan
        self._clock = clock
        self._results = results

    def compare_with_a_tab(self) -> None:
        """Whether a simulated session gets what a browser's tab gets."""
        front_end = self._place.front_end()
        with self._place.watching_tab(front_end) as page, self._place.sessions(1) as sessions:
            page.wait_for_timeout(1000 * self._plan.settle_s)
            began, theirs, ours = time.monotonic(), front_end.tally.runs, sessions.report().runs
            page.wait_for_timeout(1000 * COMPARED_S)
            report, seconds = sessions.report(), time.monotonic() - began
            self._results.comparison = Comparison(
                tab=_inventory(front_end, (front_end.tally.runs - theirs) / seconds),
                session=Inventory(
                    report.elements, report.intervals, (report.runs - ours) / seconds
                ),
            )

    def measure_memory_and_age(self) -> None:
        """The server's memory with no session, with a third of them and so on; then how it goes."""
        plan, memory = self._plan, self._results.memory
        self._training.ensure(3 * plan.settle_s + plan.window_s + OPENING_S)
        if (mb := self._place.memory_mb()) is not None:
            memory.append(Memory(0, mb))
        with self._place.sessions(0) as sessions:
            for count in thirds(plan.sessions):
                sessions.open(count - (memory[-1].sessions if memory else 0))
                time.sleep(plan.settle_s)
                if (mb := self._place.memory_mb()) is not None:
                    memory.append(Memory(count, mb))
            grown: list[tuple[float, float]] = []

            def rest(seconds: float) -> None:
                end = time.monotonic() + seconds
                while (left := end - time.monotonic()) > 0:
                    if (mb := resident_mb(self._place.server.pid)) is not None:
                        grown.append((time.monotonic() / 60, mb))
                    time.sleep(min(1.0, left))

            report_before = sessions.report()
            self._watch_phase("thirty sessions", plan.window_s, rest, sessions, count_speed=False)
            report = sessions.report()
            self._results.bytes_per_s = (report.bytes - report_before.bytes) / plan.window_s
            if len(grown) > 1:
                self._results.growth_mb_per_min = slope(grown)

    def measure_speed(self, say: Callable[[str], None]) -> None:
        """The training's speed, by turns undisturbed and watched."""
        plan = self._plan
        whole_s = 4 * (plan.phase_s + plan.settle_s) + OPENING_S
        for turn in range(plan.rounds):
            if not self._clock.has(whole_s, f"speed, round {turn + 1}"):
                break
            say(f"the training's speed, round {turn + 1} of {plan.rounds} ...")
            self._undisturbed()
            with self._place.watching_tab() as page:
                listen_to_paints(page)
                page.wait_for_timeout(1000 * plan.settle_s)
                phase = self._watch_phase(
                    "one tab", plan.phase_s, lambda seconds: page.wait_for_timeout(1000 * seconds)
                )
                self._note_window(self._results.tab_windows, phase, (painted_points(page),))
            self._undisturbed()
            with self._place.sessions(plan.sessions) as sessions:
                time.sleep(plan.settle_s)
                self._watch_phase("thirty sessions", plan.phase_s, time.sleep, sessions)
        if self._results.phases:
            self._undisturbed()

    def _undisturbed(self) -> None:
        plan = self._plan
        # One training for this phase and the one that follows it.
        self._training.ensure(2 * (plan.phase_s + plan.settle_s) + OPENING_S)
        time.sleep(plan.settle_s)
        self._watch_phase("nobody", plan.phase_s, time.sleep)

    def _watch_phase(
        self,
        viewers: Viewers,
        seconds: float,
        rest: Callable[[float], None],
        sessions: SimulatedSessions | None = None,
        *,
        count_speed: bool = True,
    ) -> Phase:
        before, began = moment(), time.time()
        rest(seconds)
        after, ended = moment(), time.time()
        time.sleep(0.5)  # what was written in time may be seen a little later
        speed = speed_between(
            self._training.marks(),
            began,
            ended,
            batch_size=self._training.config.batch_size,
            epoch_steps=self._training.epoch_steps(),
        )
        used = cores(before, after, self._place.processes(sessions))
        phase = Phase(viewers, began, ended, speed, used)
        (self._results.phases if count_speed else self._results.holds).append(phase)
        if sessions is not None:
            self._note_window(self._results.windows, phase, sessions.report().sessions)
        return phase

    def _note_window(
        self, windows: list[Window], phase: Phase, arrivals: tuple[tuple[Arrival, ...], ...]
    ) -> None:
        marks = tuple(self._training.marks())
        windows.append(Window(phase.began_s, phase.ended_s, marks, arrivals))

    def measure_sliders(self, say: Callable[[str], None]) -> None:
        """Slider to paint on the convolution page: no training, a training, thirty who watch."""
        plan = self._plan
        each_s = 12 + 10 * plan.moves * 0.06 + plan.verdicts
        for turn in range(plan.slider_rounds):
            if not self._clock.has(3 * each_s + 10, f"sliders, round {turn + 1}"):
                break
            say(f"sliders on another page, round {turn + 1} of {plan.slider_rounds} ...")
            self._training.ensure(3 * each_s + 10)
            self._training.pause()
            self._walk("idle")
            self._training.play()
            self._walk("training")
            with self._place.sessions(plan.sessions):
                time.sleep(plan.settle_s)
                self._walk("training, thirty watch")

    def _walk(self, condition: Condition) -> None:
        plan = SliderPlan(self._plan.moves, 0, self._plan.verdicts, 0, 0)
        for attempt in range(1, TRIES + 1):
            found = SliderResults()
            try:
                measure_page(
                    self._place.browser, self._place.server.url, STATE, plan, self._clock, found
                )
            except RuntimeError:
                self._results.merged_moves[condition] += 1
                if attempt == TRIES:
                    raise
            else:
                self._results.sliders[condition].append(found)
                return


def measure(
    browser: Browser, plan: Plan, clock: Clock, results: Results, say: Callable[[str], None]
) -> None:
    """Everything, in one run: one server, one training after another of the same kind."""
    config = measured_config()
    results.config = config
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(OURS, {"CNNVIZ_RUNS": folder}) as server,
        watched_training(Path(folder), config) as training,
    ):
        place = WatchedPlace(browser, server, training)
        measurement = Measurement(place, training, plan, clock, results)
        say("the server warms up ...")
        place.warm_up()
        say(f"{config.model} on {config.dataset} begins ...")
        training.ensure(plan.settle_s + COMPARED_S + OPENING_S)
        results.start = training.run().start
        say("a simulated session beside a browser's tab ...")
        measurement.compare_with_a_tab()
        say("memory, and the age of the newest point ...")
        measurement.measure_memory_and_age()
        measurement.measure_speed(say)
        measurement.measure_sliders(say)


def _inventory(front_end: FrontEnd, runs_per_s: float) -> Inventory:
    elements = {place_in_words(path): kind for path, kind in front_end.elements().items()}
    return Inventory(elements, sorted(front_end.timers.values()), runs_per_s)


def thirds(count: int) -> list[int]:
    """A third of them, two thirds, all."""
    return sorted({max(1, round(count * part / 3)) for part in (1, 2, 3)})
