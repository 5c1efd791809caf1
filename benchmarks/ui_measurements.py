"""What is measured of the running app, and in which states of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.app_server import serve
from benchmarks.clock import Clock
from benchmarks.first_page import ALL_THREE_AGREE, CONTENT, open_first_page
from benchmarks.latency_table import Series, walk_values
from benchmarks.slider_moves import Walk, Way, open_probed_page, press_and_wait, walk_slider
from cnnviz.convolution import cross_correlate
from cnnviz.convolution_lesson import lesson_image, lesson_weight
from cnnviz.geometry import ConvSpec

State = dict[str, int]
STATES: Final[dict[str, State]] = {
    "opening": {"size": 5, "kernel": 3, "stride": 1, "padding": 0, "dilation": 1},
    "heaviest": {"size": 10, "kernel": 7, "stride": 1, "padding": 4, "dilation": 1},
}
FAR: Final[dict[str, State]] = {
    "opening": {"size": 8, "kernel": 5, "stride": 3, "padding": 3, "dilation": 2},
    "heaviest": {"size": 7, "kernel": 4, "stride": 4, "padding": 1, "dilation": 2},
}
"""How far each slider is walked from its state; every step on the way changes the output."""
SLIDERS: Final = {
    "size": "Input size",
    "kernel": "Kernel",
    "stride": "Stride",
    "padding": "Padding",
    "dilation": "Dilation",
}
BATCH_STATES: Final = {
    "batch norm, opening": "",
    "batch norm, heaviest": "n=4&c=2&side=3&gamma=1.7_-0.6&beta=0.5_2",
}
"""Of the page on batch normalization, by hand: state -> query."""
BATCH_SLIDERS: Final = {
    "Pictures": -2,
    "Channels": -1,
    "Side": -1,
    "Gamma": 6,
    "Beta": 6,
    "Epsilon": 6,
    "Momentum": 6,
}
"""How many steps each slider of that page is walked from its state."""
SLIDER_NAMES: Final = SLIDERS | {name: name for name in BATCH_SLIDERS}
ALL_STATES: Final = (*STATES, *BATCH_STATES)
WAYS: Final[tuple[Way, ...]] = ("drag", "key")
OURS: Final = "app.py"
ORDINARY: Final = "benchmarks/ordinary_calculator.py"
AT_TOP: Final = "benchmarks/torch_at_top.py"
AT_REST: Final = '[data-testid="stApp"][data-test-script-state="notRunning"]'
STILL_MS: Final = 100
"""How long the ordinary calculator must not change before the next key: it draws a chart twice."""
BARE_SLIDER: Final = '<input type="range" min="1" max="10" value="5" style="width: 20rem">'


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each thing is measured, and when to stop measuring in any case.

    moves: of each slider in each state and way. ordinary: of each slider of the ordinary calculator
    in each state. verdicts: in each state. starts: of each app with each first page.
    """

    moves: int
    ordinary: int
    verdicts: int
    starts: int
    limit_s: float


QUICK: Final = Plan(moves=6, ordinary=2, verdicts=2, starts=1, limit_s=105)
FULL: Final = Plan(moves=48, ordinary=18, verdicts=20, starts=5, limit_s=390)


@dataclass(slots=True)
class Results:
    """What was measured. Keys: state, slider, way; first page, entry file."""

    bare: dict[Way, Walk] = field(default_factory=dict)
    sliders: dict[tuple[str, str, Way], Walk] = field(default_factory=dict)
    ordinary: dict[tuple[str, str], Series] = field(default_factory=dict)
    sent_while_held: int | None = None
    verdicts: dict[str, Series] = field(default_factory=dict)
    round_trips: dict[str, Series] = field(default_factory=dict)
    painted: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    judged: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def measure(browser: Browser, plan: Plan, say: Callable[[str], None]) -> Results:
    """Everything, in one run. Slow things come last, so that a busy machine loses those."""
    results = Results()
    clock = Clock(plan.limit_s, results.left_out)
    say("a slider with nothing behind it ...")
    measure_bare_slider(browser, plan, results)
    with serve(OURS) as server:
        for state in STATES:
            if clock.has(10, f"the convolution page, {state}"):
                say(f"the convolution page, {state} state ...")
                measure_page(browser, server.url, state, plan, clock, results)
        for state in BATCH_STATES:
            if clock.has(10, f"the page on {state}"):
                say(f"the page on {state} ...")
                measure_batch_norm(browser, server.url, state, plan, clock, results)
    with serve(ORDINARY) as server:
        for state in STATES:
            if clock.has(10, f"the ordinary calculator, {state}"):
                say(f"the ordinary calculator, {state} state ...")
                measure_ordinary(browser, server.url, state, plan, clock, results)
    for turn in range(plan.starts):
        if clock.has(10, f"starts, turn {turn + 1}"):
            say(f"starts, turn {turn + 1} of {plan.starts} ...")
            measure_starts(browser, clock, results)
    return results


def measure_bare_slider(browser: Browser, plan: Plan, results: Results) -> None:
    """The floor: what the same events cost in this browser where no page answers them."""
    with open_probed_page(browser) as page:
        page.goto(f"data:text/html,{BARE_SLIDER}")
        for way in WAYS:
            values = walk_values(5, 8, plan.moves)
            results.bare[way] = walk_slider(page, page.get_by_role("slider"), values, way)


def measure_page(
    browser: Browser, url: str, state: str, plan: Plan, clock: Clock, results: Results
) -> None:
    """All sliders by drag and by key, then verdicts, once PyTorch is loaded and the page rests."""
    with open_probed_page(browser) as page:
        page.goto(f"{url}/convolution?{_query(state)}")
        _wait_for_badge(page)
        for key, name in SLIDERS.items():
            for way in WAYS:
                if clock.has(5, f"{name} by {way}, {state}"):
                    values = walk_values(STATES[state][key], FAR[state][key], plan.moves)
                    slider = page.get_by_role("slider", name=name, exact=True)
                    results.sliders[state, key, way] = walk_slider(page, slider, values, way)
        values = walk_values(STATES[state]["stride"], FAR[state]["stride"], plan.verdicts)
        _measure_verdicts(page, "Stride", values, state, clock, results)


def measure_batch_norm(
    browser: Browser, url: str, state: str, plan: Plan, clock: Clock, results: Results
) -> None:
    """The same of the page on batch normalization, whose sliders count steps of their own."""
    with open_probed_page(browser) as page:
        page.goto(f"{url}/batch_norm?{BATCH_STATES[state]}")
        _wait_for_badge(page)
        for name, steps in BATCH_SLIDERS.items():
            slider = page.get_by_role("slider", name=name, exact=True)
            start = int(slider.input_value())
            for way in WAYS:
                if clock.has(5, f"{name} by {way}, {state}"):
                    values = walk_values(start, start + steps, plan.moves)
                    results.sliders[state, name, way] = walk_slider(page, slider, values, way)
        start = int(page.get_by_role("slider", name="Gamma", exact=True).input_value())
        values = walk_values(start, start + BATCH_SLIDERS["Gamma"], plan.verdicts)
        _measure_verdicts(page, "Gamma", values, state, clock, results)


def _measure_verdicts(
    page: Page, name: str, values: Sequence[int], state: str, clock: Clock, results: Results
) -> None:
    """Key to the verdict, along the values of one slider."""
    _wait_for_badge(page)
    slider = page.get_by_role("slider", name=name, exact=True)
    answers = []
    for value in values:
        if clock.has(5, f"verdicts, {state}"):
            answer = press_and_wait(page, slider, value, "expectVerdict()")
            if ALL_THREE_AGREE not in answer.text:
                raise RuntimeError(f"{state} state, {name} {value}: the badge says {answer}")
            answers.append(answer)
    if answers:
        from_key = tuple(answer.from_hand_ms for answer in answers)
        results.verdicts[state] = Series(state, from_key)
        from_report = tuple(answer.from_report_ms for answer in answers)
        results.round_trips[state] = Series(state, from_report)


def measure_ordinary(
    browser: Browser, url: str, state: str, plan: Plan, clock: Clock, results: Results
) -> None:
    """Arrow key to the new output chart, slider by slider, each after the last run has ended."""
    with open_probed_page(browser) as page:
        page.goto(f"{url}/?{_query(state)}")
        page.wait_for_selector(".st-key-output .heatmap-label")
        page.evaluate(f"paintProbe.still({5 * STILL_MS})")
        for key, name in SLIDERS.items():
            slider = page.locator(f".st-key-{key} input[type=range]")
            times = []
            for value in walk_values(STATES[state][key], FAR[state][key], plan.ordinary):
                if clock.has(5, f"ordinary {name}, {state}"):
                    numbers = output_numbers({**STATES[state], key: value})
                    expect = f"expectChart('.st-key-output', '{numbers}')"
                    answer = press_and_wait(page, slider, value, expect)
                    times.append(answer.from_hand_ms)
                    page.evaluate(f"paintProbe.still({STILL_MS})")
            if times:
                results.ordinary[state, key] = Series(name, tuple(times))
        results.sent_while_held = _count_sent_while_held(page)


def _count_sent_while_held(page: Page) -> int:
    """How often an st.slider tells Python of a drag before the mouse is let go."""
    thumb = page.locator(".st-key-stride [data-testid=stSliderThumbValue]").locator("..")
    box = thumb.bounding_box()
    assert box is not None, "the slider has no thumb on the screen"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("paintProbe.take()")
    page.mouse.move(x + 150, y, steps=10)
    page.wait_for_timeout(500)
    sends: list[float] = page.evaluate("paintProbe.take().sends")
    page.mouse.up()
    return len(sends)


def measure_starts(browser: Browser, clock: Clock, results: Results) -> None:
    """Each app once with each first page, in turn."""
    for first_page in CONTENT:
        for entry in (OURS, AT_TOP):
            if clock.has(12, f"a start of {entry} with {first_page}"):
                opening = open_first_page(browser, entry, first_page)
                key = (first_page, entry)
                results.painted.setdefault(key, []).append(opening.painted_s * 1000)
                if opening.verdict_s is not None:
                    results.judged.setdefault(key, []).append(opening.verdict_s * 1000)


def output_numbers(settings: State) -> str:
    """What the chart of the output must show, sorted as text."""
    image = np.array(lesson_image("hand", settings["size"]), dtype=np.float64)
    weight = np.array(lesson_weight("hand", settings["kernel"]), dtype=np.float64)
    names = ("kernel", "stride", "padding", "dilation")
    output = cross_correlate(image, weight, ConvSpec(*(settings[name] for name in names)))
    return " ".join(sorted(f"{value:g}" for value in output.flat))


def _query(state: str) -> str:
    return "&".join(f"{name}={value}" for name, value in STATES[state].items())


def _wait_for_badge(page: Page) -> None:
    page.locator(".badge").filter(has_text=ALL_THREE_AGREE).wait_for()
    page.wait_for_selector(AT_REST)
    page.wait_for_timeout(300)
