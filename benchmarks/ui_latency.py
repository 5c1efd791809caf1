"""How fast pages answer a hand, and the convolution page beside an ordinary calculator.

    python benchmarks/ui_latency.py [--quick] [--out FILE]

Everything is measured in one run, in a headless Chromium on the machine that serves: slider to
paint, the round trip to Python's verdict, the time to the first page. `benchmarks/README.md` says
how to read it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.apart import leave_on_sigterm
from benchmarks.browser_options import parse_options
from benchmarks.first_page import CONTENT
from benchmarks.latency_table import (
    Series,
    format_ms,
    format_pair,
    format_ratio,
    format_table,
    percentile,
    pool_series,
)
from benchmarks.machine_facts import machine_facts, warn_if_busy
from benchmarks.slider_moves import Walk, Way, launch
from benchmarks.ui_measurements import (
    ALL_STATES,
    AT_TOP,
    FULL,
    OURS,
    QUICK,
    SLIDER_NAMES,
    SLIDERS,
    STATES,
    WAYS,
    Results,
    measure,
)

TARGET_MS: Final = 16.0
"""What the 95th percentile of slider to paint must not exceed: one frame."""
PAIR: Final = "median / p95, ms"


def slider_tables(results: Results) -> str:
    """Slider to paint on both pages: each slider, all of them, and a bare one; the cross-check."""
    rows = [_walk_row(f"bare slider, {way}", [walk]) for way, walk in results.bare.items()]
    checks = [_check_row("bare slider", [results.bare["key"]])] if "key" in results.bare else []
    for state, way in _groups(results):
        walks = _walks(results, state, way)
        rows.append(_walk_row(f"**all, {way}, {state}**", list(walks.values())))
        rows += [
            _walk_row(f"{SLIDER_NAMES[key]}, {way}, {state}", [walk]) for key, walk in walks.items()
        ]
        if way == "key":
            checks.append(_check_row(f"all, {state}", list(walks.values())))
    header = ["slider to paint", "moves", f"from input event, {PAIR}", "worst"]
    header += ["from mouse or key", "handlers alone"]
    check_header = ["keys by the Event Timing API", "keys", "below 16 ms", "16", "24"]
    check_header += ["32 and more", "its figure less ours, median ms"]
    return f"{format_table(header, rows)}\n\n{format_table(check_header, checks)}"


def _groups(results: Results) -> list[tuple[str, Way]]:
    return [(state, way) for state in ALL_STATES for way in WAYS if _walks(results, state, way)]


def _walks(results: Results, state: str, way: Way) -> dict[str, Walk]:
    keys = [key for key in SLIDER_NAMES if (state, key, way) in results.sliders]
    return {key: results.sliders[state, key, way] for key in keys}


def _pooled(name: str, walks: Iterable[Walk], field: str) -> Series:
    return pool_series(name, [walk.series(name, field) for walk in walks])


def _walk_row(name: str, walks: Sequence[Walk]) -> list[str]:
    event = _pooled(name, walks, "from_event_ms")
    hand = _pooled(name, walks, "from_hand_ms")
    handlers = _pooled(name, walks, "handlers_ms")
    row = [name, str(event.count), format_pair(event), format_ms(event.worst)]
    return [*row, format_pair(hand), format_pair(handlers)]


def _check_row(name: str, walks: Sequence[Walk]) -> list[str]:
    keys = sum(len(walk.moves) for walk in walks)
    slow = [pair for walk in walks for pair in walk.slow]
    theirs = [duration for _, duration in slow]
    counts = [keys - len(slow), theirs.count(16), theirs.count(24), sum(d > 24 for d in theirs)]
    more = f"{percentile([its - ours for ours, its in slow], 0.5):+.1f}" if slow else "none"
    return [name, str(keys), *map(str, counts), more]


def ordinary_table(results: Results) -> str:
    """Arrow key to paint: the ordinary calculator, the page, and how many times they differ."""
    rows = []
    for state in STATES:
        keys = [key for key in SLIDERS if (state, key) in results.ordinary]
        keys = [key for key in keys if (state, key, "key") in results.sliders]
        if not keys:
            continue
        named = [(f"{SLIDERS[key]}, {state}", [key]) for key in keys]
        for name, chosen in [(f"**all, {state}**", keys), *named]:
            ordinary = pool_series(name, [results.ordinary[state, key] for key in chosen])
            walks = [results.sliders[state, key, "key"] for key in chosen]
            ours = _pooled(name, walks, "from_hand_ms")
            counts = f"{ordinary.count}, {ours.count}"
            pairs = (format_pair(ordinary), format_pair(ours), format_ratio(ordinary, ours))
            rows.append([name, counts, *pairs])
    header = ("arrow key to paint", "times", f"ordinary, {PAIR}", "this page", "ratio")
    return format_table(header, rows)


def verdict_table(results: Results) -> str:
    """Key to the verdict of all three: the 300 ms of rest, the round trip, and its parts."""
    rows = [
        [state, str(whole.count), format_pair(whole), format_pair(results.round_trips[state])]
        for state, whole in results.verdicts.items()
    ]
    header = ("verdict of all three", "times", f"from key, {PAIR}", "from report sent")
    return format_table(header, rows)


def start_table(results: Results) -> str:
    """From `streamlit run` to paint and to PyTorch's verdict, both apps."""
    rows = []
    for what, taken in (("painted", results.painted), ("PyTorch's verdict", results.judged)):
        for page in CONTENT:
            if not (taken.get((page, OURS)) and taken.get((page, AT_TOP))):
                continue
            ours = Series(page, tuple(taken[page, OURS]))
            at_top = Series(page, tuple(taken[page, AT_TOP]))
            counts = f"{at_top.count}, {ours.count}"
            pairs = (format_pair(at_top), format_pair(ours), format_ratio(at_top, ours))
            rows.append([f"{page}, {what}", counts, *pairs])
    header = ("`streamlit run` to", "starts", f"torch at the top, {PAIR}", "this app", "ratio")
    return format_table(header, rows)


def judgement(results: Results) -> str:
    """Whether a drag is answered within its frame, in one sentence a state; and what a key adds."""
    lines = []
    for state, way in _groups(results):
        series = _pooled(state, _walks(results, state, way).values(), "from_event_ms")
        found = f"p95 of {series.count} moves by {way}, {state} state: {format_ms(series.p95)} ms"
        if way == "drag":
            verdict = "within" if series.p95 <= TARGET_MS else "OVER"
            lines.append(f"{verdict} {TARGET_MS:g} ms: {found}")
        elif way in results.bare:
            floor = results.bare[way].series("bare", "from_event_ms")
            wait = f"a bare slider's: {format_ms(floor.p95)} ms, the wait for the next frame"
            lines.append(f"{found} ({wait})")
    return "\n".join(lines)


def to_text(results: Results, machine: dict[str, str]) -> str:
    """The whole report, as Markdown."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in machine.items())]
    if results.sliders:
        parts += [slider_tables(results), judgement(results)]
    if results.ordinary:
        parts.append(ordinary_table(results))
        parts.append(
            "While the mouse holds an st.slider it sends Python "
            f"{results.sent_while_held} messages; the page above answers every move."
        )
    if results.verdicts:
        parts.append(verdict_table(results))
    if results.painted:
        parts.append(start_table(results))
    if results.left_out:
        parts.append("Left out for want of time: " + "; ".join(results.left_out))
    return "\n\n".join(parts)


def to_json(results: Results, machine: dict[str, str]) -> dict[str, object]:
    """Every sample, with statistics, for whoever wants to compute something else."""
    walks = [("bare", "slider", way, walk) for way, walk in results.bare.items()]
    walks += [(*key, walk) for key, walk in results.sliders.items()]
    fields = ("from_event_ms", "from_hand_ms", "handlers_ms")
    return {
        "machine": machine,
        "sliders": [
            {
                "state": state,
                "slider": slider,
                "way": way,
                "ours_beside_event_timing_ms": [list(pair) for pair in walk.slow],
                **{name: walk.series(slider, name).to_json() for name in fields},
            }
            for state, slider, way, walk in walks
        ],
        "ordinary": [
            {"state": state, "slider": slider, **series.to_json()}
            for (state, slider), series in results.ordinary.items()
        ],
        "ordinary_sent_while_held": results.sent_while_held,
        "verdicts": {state: series.to_json() for state, series in results.verdicts.items()},
        "round_trips": {state: series.to_json() for state, series in results.round_trips.items()},
        "starts": [
            {"what": what, "page": page, "entry": entry, **Series(page, tuple(times)).to_json()}
            for what, taken in (("painted", results.painted), ("verdict", results.judged))
            for (page, entry), times in taken.items()
        ],
        "left_out": results.left_out,
    }


def describe_machine(browser_version: str) -> dict[str, str]:
    """What figures depend on."""
    browser = f"Chromium {browser_version}, headless, no GPU"
    return {**machine_facts("streamlit", "plotly", "torch"), "browser": browser}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options = parse_options(parser, arguments, quick="fewer samples: under two minutes")
    leave_on_sigterm()  # so that servers are stopped
    load = warn_if_busy()
    began = time.monotonic()
    with sync_playwright() as playwright:
        browser = launch(playwright, options.chromium)
        machine = describe_machine(browser.version)
        machine["load per core before"] = f"{load:.2f}"
        results = measure(
            browser,
            QUICK if options.quick else FULL,
            lambda text: print(text, file=sys.stderr, flush=True),
        )
        browser.close()
    machine["run"] = f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s"
    print(to_text(results, machine))
    if options.out:
        text = json.dumps(to_json(results, machine), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
