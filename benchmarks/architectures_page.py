"""How fast the architectures page answers: VGG-16 at 224 traced and drawn, a digit and its answer.

    python benchmarks/architectures_page.py [--quick] [--out FILE]

A browser against the app's own server; the same network by torchinfo, and the same forward passes
in PyTorch, all in one run on one machine. `benchmarks/README.md` says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.apart import leave_on_sigterm
from benchmarks.app_server import Server, serve
from benchmarks.browser_options import parse_options
from benchmarks.confusion_results import answer_from
from benchmarks.latency_table import Series
from benchmarks.machine_facts import (
    OthersLoad,
    caution,
    describe_others,
    machine_facts,
    warn_if_busy,
)
from benchmarks.process_use import tree_seconds
from benchmarks.slider_moves import launch, open_probed_page

VGG: Final = "tv:vgg16"
FIRST_SIDE: Final = 224
ANSWER_PROBE: Final = Path(__file__).with_name("answer_probe.js")
INK_PROBE: Final = Path(__file__).with_name("ink_probe.js")
LIMIT_MS: Final = 60_000
REST_MS: Final = 300
DRAWN_GOAL_MS: Final = 500.0
DIGIT_GOAL_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Plan:
    """drawings: of VGG-16. strokes, moves: of the pen. direct: runs without a page."""

    drawings: int
    strokes: int
    direct: int
    moves: int = 30


QUICK: Final = Plan(drawings=3, strokes=1, direct=3)
FULL: Final = Plan(drawings=30, strokes=8, direct=30)


def measure_drawings(browser: Browser, server: Server, count: int) -> tuple[Series, Series]:
    """From a press on + to the network at that size painted: each size is traced anew.

    Returns the whole time, and what of it passed at the server.
    """
    whole, at_server = [], []
    with open_probed_page(browser) as page:
        page.add_init_script(path=ANSWER_PROBE)
        page.goto(f"{server.url}/architectures?network={VGG}&side={FIRST_SIDE}")
        page.get_by_role("button", name=re.compile("^features.0, ")).wait_for()
        field = page.get_by_role("spinbutton", name="Height and width of the picture")
        for side in range(FIRST_SIDE + 1, FIRST_SIDE + 1 + count):
            block = f'button[aria-label="features.0, 64 × {side} × {side}"]'
            field.fill(str(side))
            page.wait_for_timeout(REST_MS)
            wanted = {"drawn": {"check": "count", "selector": block, "least": 1}}
            page.evaluate("(wanted) => answerProbe.expect(wanted)", wanted)
            field.press("Enter")
            told: Any = page.evaluate("(ms) => answerProbe.answered(ms)", LIMIT_MS)
            answer = answer_from(told, "drawn", from_press=True)
            whole.append(answer.whole_ms)
            at_server.append(answer.server_ms)
            page.wait_for_timeout(REST_MS)
    return Series("VGG-16, size to drawing", tuple(whole)), Series("of it", tuple(at_server))


def measure_digit(browser: Browser, server: Server, strokes: int, moves: int) -> Series:
    """From a move of the pen to the probabilities of both networks painted."""
    with open_probed_page(browser) as page:
        page.add_init_script(path=INK_PROBE)
        page.goto(f"{server.url}/architectures?view=digit")
        page.locator(".digit-lab .bar-row").first.wait_for()
        page.get_by_role("button", name="Clear").click()
        page.locator(".digit-lab .bars").evaluate("(bars) => inkProbe.watch(bars)")
        box = page.locator(".digit-lab .pad").bounding_box()
        assert box is not None
        for stroke in range(strokes):
            _draw(page, box, stroke, moves)
            page.wait_for_timeout(REST_MS)
        times = page.evaluate("inkProbe.moves")
    return Series("digit, pen to answer", tuple(times))


def _draw(page: Page, box: Any, stroke: int, moves: int) -> None:
    """A slanted line, each to the right of the last, at a hand's pace."""
    left = box["x"] + box["width"] * (0.2 + 0.07 * stroke)
    page.mouse.move(left, box["y"] + box["height"] * 0.15)
    page.mouse.down()
    for move in range(moves):
        share = (move + 1) / moves
        page.mouse.move(left + 20 * share, box["y"] + box["height"] * (0.15 + 0.7 * share))
        page.wait_for_timeout(25)
    page.mouse.up()


def measure_directly(count: int) -> dict[str, Series]:
    """The same without a page: ours, torchinfo's summary, and the forward passes in PyTorch."""
    import torch
    from torchinfo import summary
    from torchvision import models

    from cnnviz.architecture.layer_table import layer_table
    from cnnviz.architecture.networks import build_without_numbers
    from cnnviz.ui.shipped import trained_network

    def ours() -> None:
        layer_table(build_without_numbers(VGG), (3, FIRST_SIDE, FIRST_SIDE))

    def theirs() -> None:
        with torch.device("meta"):
            network = models.vgg16(weights=None)
        summary(network, (1, 3, FIRST_SIDE, FIRST_SIDE), verbose=0, device="meta")

    digit = torch.rand(1, 1, 28, 28)
    networks = [trained_network(name) for name in ("lenet5-mnist", "improved_lenet-mnist")]

    def forward() -> None:
        with torch.no_grad():
            for network in networks:
                network(digit)

    return {
        name: Series(name, tuple(_time_ms(call) for _ in range(count)))
        for name, call in (
            ("VGG-16 traced by cnnviz", ours),
            ("VGG-16 by torchinfo", theirs),
            ("both digit networks in PyTorch", forward),
        )
        if call() is None  # once for imports and allocations, not timed
    }


def _time_ms(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def to_text(series: Sequence[Series], machine: dict[str, str]) -> str:
    """The machine's facts, a table, the verdicts."""
    lines = [f"- {name}: {fact}" for name, fact in machine.items()]
    lines += ["", "| what | times | median / p95, ms | worst |", "| :-- | --: | --: | --: |"]
    lines += [
        f"| {each.name} | {each.count} | {each.median:.1f} / {each.p95:.1f} | {each.worst:.1f} |"
        for each in series
    ]
    by_name = {each.name: each for each in series}
    drawn, pen = by_name["VGG-16, size to drawing"], by_name["digit, pen to answer"]
    ours, theirs = by_name["VGG-16 traced by cnnviz"], by_name["VGG-16 by torchinfo"]
    lines += ["", judgement(drawn, DRAWN_GOAL_MS), judgement(pen, DIGIT_GOAL_MS)]
    ratio = statistics.median(theirs.values_ms) / statistics.median(ours.values_ms)
    lines.append(f"torchinfo takes {ratio:.1f} times as long as the table's own trace.")
    if warning := caution(machine):
        lines.append(warning)
    return "\n".join(lines)


def judgement(series: Series, goal_ms: float) -> str:
    """Whether the 95th percentile is within the goal."""
    word = "met" if series.p95 <= goal_ms else "MISSED"
    return f"{word}, {goal_ms:.0f} ms: {series.name}, p95 of {series.count}: {series.p95:.1f} ms"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options = parse_options(parser, arguments, quick="few samples: half a minute")
    plan = QUICK if options.quick else FULL
    leave_on_sigterm()
    load = warn_if_busy()
    began = time.monotonic()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as runs:
        browser = launch(playwright, options.chromium)
        version, others = browser.version, OthersLoad(own_s=lambda: tree_seconds(os.getpid()))
        with serve("app.py", {"CNNVIZ_RUNS": runs}) as server:
            drawn, at_server = measure_drawings(browser, server, plan.drawings)
            pen = measure_digit(browser, server, plan.strokes, plan.moves)
        direct = measure_directly(plan.direct)
        cores = others.cores()
        browser.close()
    machine = {
        **machine_facts("streamlit", "torch", "torchvision", "torchinfo"),
        "browser": f"Chromium {version}, headless, no GPU",
        "load per core before": f"{load:.2f}",
        "others during the run": describe_others(cores),
        "run": f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s",
    }
    series = [drawn, Series("of it at the server", at_server.values_ms), pen, *direct.values()]
    print(to_text(series, machine))
    if options.out:
        content = {"machine": machine, "ms": {each.name: each.values_ms for each in series}}
        options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
