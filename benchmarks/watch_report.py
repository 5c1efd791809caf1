"""What `training_page.py` prints of a training that was watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.latency_table import Series, format_ms, format_pair, format_table, percentile
from benchmarks.machine_facts import caution
from benchmarks.process_use import OTHERS
from benchmarks.streamlit_protocol import kinds
from benchmarks.training_report import spread
from benchmarks.ui_measurements import Results as SliderResults
from benchmarks.watch_arithmetic import (
    WATCHED,
    Phase,
    Viewers,
    Window,
    costs,
    slope,
    unrest,
)
from benchmarks.watch_results import CONDITIONS, SERIES, Comparison, Condition, Results, every, pool

MOST_COST: Final = 0.05
"""Of a training's speed, that watching it may take."""
MOST_AGE_S: Final = 2.0
"""Below which the newest point on every screen must stay."""
_WHOSE: Final = ("training", "server", "browser", "sessions", "benchmark", OTHERS)
_ROWS: Final[Mapping[Viewers, str]] = {
    "nobody": "nobody watches",
    "one tab": "one browser tab watches",
    "thirty sessions": "thirty sessions watch",
}


def comparison_lines(comparison: Comparison) -> str:
    """Whether a simulated session is as good as a tab."""
    tab, session = comparison.tab, comparison.session
    differences = comparison.differences()
    if not differences:
        head = (
            f"A simulated session gets what a browser's tab gets: {len(tab.elements)} elements "
            f"({kinds(tab.elements.values())})"
        )
        if tab.intervals:
            head += f", again every {every(tab.intervals)}"
    else:
        head = "A simulated session does NOT get what a browser's tab gets: " + "; ".join(
            differences
        )
    return (
        f"{head}. Runs a second: {tab.runs_per_s:.2f} of the tab, "
        f"{session.runs_per_s:.2f} of the session."
    )


def speed_table(phases: Sequence[Phase]) -> str:
    """The training's speed with and without viewers, and who used the cores meanwhile."""
    rows = []
    for viewers, name in _ROWS.items():
        own = [phase for phase in phases if phase.viewers == viewers]
        if not own:
            continue
        shares = [100 * cost.share for cost in costs(phases, viewers)]
        rows.append(
            [
                name,
                str(len(own)),
                spread([phase.speed.images_per_s for phase in own]),
                spread([phase.speed.images / phase.speed.wall_s for phase in own]),
                _percents(shares) if viewers in WATCHED else "",
                *(_cores(own, whose) for whose in _WHOSE),
            ]
        )
    header = ["the training while", "phases", "images/s", "by the wall clock", "it costs, %"]
    return format_table([*header, *(f"cores: {whose}" for whose in _WHOSE)], rows)


def _percents(shares: Sequence[float]) -> str:
    """Median (lowest to highest), with signs: what is below zero is noise, and is to be seen."""
    if not shares:
        return "none"
    middle = f"{percentile(shares, 0.5):+.1f}"
    if len(shares) == 1:
        return middle
    return f"{middle} ({min(shares):+.1f} to {max(shares):+.1f})"


def _cores(phases: Sequence[Phase], whose: str) -> str:
    used = [phase.cores.get(whose, 0.0) for phase in phases if phase.cores is not None]
    return f"{percentile(used, 0.5):.2f}" if used else "?"


def age_table(windows: Sequence[Window], tab_windows: Sequence[Window] = ()) -> str:
    """How old what is on the screens is, all sessions and windows together."""
    count = max(len(window.sessions) for window in windows)
    rows = [
        _seconds_row("newest record in the store: age", _all(window.floor() for window in windows)),
        _seconds_row(f"record written to arrived, {count} sessions", _delays(windows)),
        _seconds_row(f"newest point on screen: age, {count} sessions", _ages(windows)),
        _seconds_row("the same, of the session that is last", slowest_session(windows)),
        _seconds_row("record written to painted, one browser tab", _delays(tab_windows)),
        _seconds_row("newest point on screen: age, one browser tab", _ages(tab_windows)),
    ]
    header = ["seconds", "samples", "median", "p95", "worst"]
    return format_table(header, [row for row in rows if row])


def _all(parts: Iterable[Sequence[float]]) -> list[float]:
    return [value for part in parts for value in part]


def _delays(windows: Sequence[Window]) -> list[float]:
    return _all(session for window in windows for session in window.delays())


def _ages(windows: Sequence[Window]) -> list[float]:
    return _all(session for window in windows for session in window.ages())


def slowest_session(windows: Sequence[Window]) -> list[float]:
    """The ages of the session whose 95th percentile is highest, in its window."""
    all_ages = [ages for window in windows for ages in window.ages() if ages]
    return max(all_ages, key=lambda ages: percentile(ages, 0.95), default=[])


def worst_age(windows: Sequence[Window]) -> float:
    """The highest age of all sessions at all moments."""
    return max(_ages(windows))


def _seconds_row(name: str, seconds: Sequence[float]) -> list[str]:
    if not seconds:
        return []
    shown = (percentile(seconds, 0.5), percentile(seconds, 0.95), max(seconds))
    return [name, f"{len(seconds):,}", *(f"{value:.2f}" for value in shown)]


def memory_table(results: Results) -> str:
    """The server's memory, and what a session adds."""
    rows = [[str(step.sessions), f"{step.mb:,.1f}"] for step in results.memory]
    lines = [format_table(["sessions", "memory of the server, MB"], rows)]
    if len(results.memory) > 1:
        each = slope([(step.sessions, step.mb) for step in results.memory])
        lines.append(f"A session takes {each:.2f} MB (slope of the line through these).")
    if results.growth_mb_per_min is not None:
        lines.append(
            f"While all watch, the server grows by {results.growth_mb_per_min:+.1f} MB a minute."
        )
    for hold in results.holds:
        if hold.cores is not None and results.bytes_per_s is not None:
            lines.append(
                f"The server takes {hold.cores['server']:.2f} cores then and sends "
                f"{results.bytes_per_s / 1000:,.0f} kB a second; the process of the sessions, "
                f"which a classroom does not have, takes {hold.cores['sessions']:.2f} cores."
            )
    return "\n\n".join([lines[0], " ".join(lines[1:])]) if lines[1:] else lines[0]


def slider_table(sliders: Mapping[Condition, Sequence[SliderResults]]) -> str:
    """Slider to paint on the convolution page, and Python's verdict, beside those of idle."""
    rows = []
    for name, take in SERIES.items():
        idle = pool(name, sliders["idle"], take)
        for condition in CONDITIONS:
            series = pool(name, sliders[condition], take)
            if series is None:
                continue
            times = "" if condition == "idle" or idle is None else _times_longer(idle, series)
            row = [f"{name}, {condition}", str(series.count), format_pair(series)]
            rows.append([*row, format_ms(series.worst), times])
    header = ["on the convolution page", "times", "median / p95, ms", "worst", "times idle's"]
    return format_table(header, rows)


def _times_longer(idle: Series, series: Series) -> str:
    return f"{series.median / idle.median:.2f}× / {series.p95 / idle.p95:.2f}×"


def judgement(results: Results) -> str:
    """Whether the goals were met, a line each."""
    lines = []
    for viewers in WATCHED:
        shares = [cost.share for cost in costs(results.phases, viewers)]
        if shares:
            cost = percentile(shares, 0.5)
            who = "one browser tab costs" if viewers == "one tab" else "thirty sessions cost"
            lines.append(
                f"{_met(cost < MOST_COST)}, less than {MOST_COST:.0%}: {who} the training "
                f"{100 * cost:.1f} % of its speed (median of {len(shares)})"
            )
    if still := unrest(results.phases):
        lines.append(
            f"Undisturbed phases differ by {100 * percentile(still, 0.5):.1f} % from one to the "
            f"next (median; at most {100 * max(still):.1f} %): less than that is not to be told."
        )
    if last := slowest_session(results.windows):
        age, p95 = worst_age(results.windows), percentile(last, 0.95)
        floor = max(_all(window.floor() for window in results.windows), default=0.0)
        lines.append(
            f"{_met(age < MOST_AGE_S)}, less than {MOST_AGE_S:g} s: the newest point is at most "
            f"{age:.2f} s old, on any screen at any moment; in 95 of 100 moments at most "
            f"{p95:.2f} s on every screen (the newest record in the store: at most {floor:.2f} s)"
        )
    return "\n".join(lines)


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def facts(results: Results) -> dict[str, str]:
    """What was trained, as facts beside those of the machine."""
    if results.config is None or results.start is None:
        return {}
    start = results.start
    return {
        "training": f"{results.config.model} on {results.config.dataset}, "
        f"{start.train_count:,} images, batches of {results.config.batch_size}",
        "trains on": f"{start.device_name} ({start.device}), {start.threads} threads, "
        f"{start.precision}",
    }


def others_meanwhile(results: Results) -> float | None:
    """Cores that others used in the undisturbed phases, in which we know of all that we started."""
    used = [
        phase.cores[OTHERS]
        for phase in results.phases
        if phase.viewers == "nobody" and phase.cores is not None
    ]
    return percentile(used, 0.5) if used else None


def to_text(results: Results, machine: Mapping[str, str]) -> str:
    """The whole report, as Markdown."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in machine.items())]
    if results.comparison is not None:
        parts.append(comparison_lines(results.comparison))
    if results.phases:
        parts.append(speed_table(results.phases))
    if slowest_session(results.windows):
        parts.append(age_table(results.windows, results.tab_windows))
    if results.memory:
        parts.append(memory_table(results))
    if any(results.sliders.values()):
        parts.append(slider_table(results.sliders))
    if total := sum(results.merged_moves.values()):
        each = ", ".join(f"{count} × {name}" for name, count in results.merged_moves.items())
        parts.append(
            f"Walks done again, because the browser made one of two moves: {total} ({each})"
        )
    parts += [judgement(results), caution(machine)]
    if results.left_out:
        parts.append("Left out for want of time: " + "; ".join(results.left_out))
    if results.broken_off:
        parts.append(f"BROKEN OFF, the rest was not measured: {results.broken_off}")
    return "\n\n".join(part for part in parts if part)
