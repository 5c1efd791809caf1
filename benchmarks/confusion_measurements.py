"""What is measured of the confusion page: in a browser, by sessions, and without any page."""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as BrowserError

from benchmarks.app_server import Server, serve
from benchmarks.clock import Clock
from benchmarks.confusion_apart import METHODS, run_apart
from benchmarks.confusion_results import Answer, Condition, Results, Speed, What, answer_from
from benchmarks.confusion_sessions import measure_sessions
from benchmarks.slider_moves import open_probed_page

MODEL: Final = "fast_cnn-cifar10"
APP: Final = "app.py"
ORDINARY: Final = "benchmarks/ordinary_matrix.py"
PROBE: Final = Path(__file__).with_name("answer_probe.js")
AT_REST: Final = '[data-testid="stApp"][data-test-script-state="notRunning"]'
LIMIT_MS: Final = 60_000
REST_MS: Final = 300
"""How long a page rests before the next press."""
SESSIONS: Final = 30
CELLS: Final = 100
MAPS: Final = 3
"""Of each method: two classes and their difference."""
Wanted = Mapping[str, Mapping[str, object]]
_MATRIX: Final = {"matrix": {"check": "count", "selector": "button.cell", "least": CELLS}}
_LOOKS: Final[Wanted] = {
    method: {
        "check": "count",
        "selector": f'[class*="st-key-confusion-map-{method}-"] .heatmaplayer image',
        "least": MAPS,
    }
    for method in METHODS
}
_WHAT: Final[Mapping[str, What]] = {
    "grad_cam": "grad_cam",
    "integrated_gradients": "integrated_gradients",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each thing is measured.

    pages, cells, pictures: on a warm server. starts: of fresh servers. most: test pictures of each
    checkpoint; all if None. direct: times that each computation is called directly. beside:
    whether thirty sessions also ask while another process trains.
    """

    pages: int
    cells: int
    pictures: int
    starts: int
    direct: int
    most: int | None
    beside: bool


QUICK: Final = Plan(pages=2, cells=3, pictures=3, starts=1, direct=2, most=500, beside=False)
FULL: Final = Plan(pages=20, cells=30, pictures=30, starts=5, direct=30, most=None, beside=True)


def measure(
    browser: Browser,
    plan: Plan,
    models: Sequence[str],
    clock: Clock,
    results: Results,
    say: Callable[[str], None],
) -> None:
    """Everything, in one run; what counts comes first, so that what does not fit is the rest."""
    with _serve_app() as server:
        say("a warm server ...")
        _warm_up(browser, server)
        measure_pages(browser, server, plan, clock, results)
        measure_walk(browser, server, plan, clock, results)
        if clock.has(60, "thirty sessions"):
            say("thirty sessions ...")
            places = [11 + 331 * number for number in range(SESSIONS)]
            results.thirty = measure_sessions(server, MODEL, places)
        if plan.beside and clock.has(240, "thirty sessions beside a training"):
            say("thirty sessions beside a training ...")
            places = [12 + 331 * number for number in range(SESSIONS)]
            results.thirty_beside = measure_sessions(server, MODEL, places, beside=True)
    for turn in range(plan.starts):
        if clock.has(30, f"fresh server {turn + 1}"):
            say(f"fresh server {turn + 1} of {plan.starts} ...")
            measure_fresh(browser, results)
    if clock.has(30, "the ordinary app"):
        say("the ordinary app ...")
        measure_ordinary(browser, plan, clock, results)
    if clock.has(30, "computed directly"):
        say("computed directly ...")
        found = run_apart({"measure": "directly", "model": MODEL, "count": plan.direct})
        results.directly.update(found)
    for name in models:
        if clock.has(20, f"evaluation of {name}"):
            say(f"evaluation of {name} ...")
            speed = run_apart({"measure": "speed", "name": name, "most": plan.most})
            if speed is None:
                results.left_out.append(f"evaluation of {name}: its pictures are not here")
            else:
                results.speeds.append(Speed(**speed))


def measure_pages(
    browser: Browser, server: Server, plan: Plan, clock: Clock, results: Results
) -> None:
    """The page in a fresh profile, then in a second tab of it; again and again."""
    url = f"{server.url}/confusion?model={MODEL}"
    for _ in range(plan.pages):
        if clock.has(15, "page to first matrix"):
            with _probed(browser) as page:
                results.add("matrix", "warm", _open(page, url))
                _rest(page)
                second = page.context.new_page()
                second.add_init_script(path=PROBE)
                results.add("matrix", "visited before", _open(second, url))


def measure_walk(
    browser: Browser, server: Server, plan: Plan, clock: Clock, results: Results
) -> None:
    """One tab: cells are clicked, then pictures picked one by one, each with no picture before."""
    with _probed(browser) as page:
        _open(page, f"{server.url}/confusion?model={MODEL}")
        _rest(page)
        for number, cell in enumerate(_cells_to_click(page, plan.cells + 1)):
            if clock.has(10, "click on a cell to gallery"):
                answer = _click_cell(page, cell)
                results.add("gallery", "warm" if number else "new tab", answer)
                _rest(page)
        _click_cell(page, 0)  # the first class's own: as many pictures as can be wanted
        for number in range(plan.pictures + 1):
            if clock.has(10, "picture to maps"):
                _pick_next(page, results, "warm" if number else "new tab")
                page.get_by_role("button", name="Close", exact=True).click()
                page.locator(".cnnviz-chosen").wait_for(state="detached")
                _rest(page)


def measure_fresh(browser: Browser, results: Results) -> None:
    """A server's first visitor, who waits for nothing but what is on the screen."""
    with _serve_app() as server, _probed(browser) as page:
        results.add("matrix", "fresh server", _open(page, f"{server.url}/confusion?model={MODEL}"))
        results.add("gallery", "fresh server", _click_cell(page, _cells_to_click(page, 1)[0]))
        _pick_next(page, results, "fresh server")


def measure_ordinary(browser: Browser, plan: Plan, clock: Clock, results: Results) -> None:
    """The ordinary app, warm: its matrix, and the pictures of another pair of classes."""
    matrix = {
        "matrix": {"check": "count", "selector": ".st-key-matrix .heatmap-label text", "least": 100}
    }
    with serve(ORDINARY) as server:
        for number in range(plan.pages + 1):
            if clock.has(10, "the ordinary app's matrix"):
                with _probed(browser) as page:
                    answer = _open(page, server.url, matrix)
                if number:  # the first reads the data
                    results.ordinary.setdefault("matrix", []).append(answer)
        with _probed(browser) as page:
            _open(page, server.url, matrix)
            _rest(page)
            taken = page.locator(".st-key-taken button")
            for number in range(plan.cells):
                if not clock.has(10, "the ordinary app's pictures"):
                    break
                place = 2 + number % 8
                images = f".st-key-gallery-0-{place} img"
                if page.locator(images).count():
                    continue
                expected = {"gallery": {"check": "images", "selector": images, "least": 1}}
                told = _do(page, expected, taken.nth(place).click)
                answer = answer_from(told, "gallery", from_press=True)
                results.ordinary.setdefault("gallery", []).append(answer)
                _rest(page)


# ------------------------------------------------------------------------------------ what is done


@contextmanager
def _serve_app() -> Iterator[Server]:
    """The app, with a folder of runs of its own."""
    with (
        tempfile.TemporaryDirectory() as runs,
        serve(APP, {"CNNVIZ_RUNS": runs}) as server,
    ):
        yield server


@contextmanager
def _probed(browser: Browser) -> Iterator[Page]:
    with open_probed_page(browser) as page:
        page.add_init_script(path=PROBE)
        yield page


def _warm_up(browser: Browser, server: Server) -> None:
    """Lets the server import and read all that it ever will, as a first viewer would."""
    with _probed(browser) as page:
        page.goto(f"{server.url}/confusion?model={MODEL}&picture=0")
        page.evaluate("(wanted) => answerProbe.expect(wanted)", _LOOKS)
        _answered(page)


def _open(page: Page, url: str, wanted: Wanted = _MATRIX) -> Answer:
    """From the beginning of navigation to the first matrix."""
    # The page's own clock begins with its navigation; what was sent before is counted too.
    page.add_init_script(f"answerProbe.expect({json.dumps(wanted)})")
    page.goto(url, wait_until="commit")
    return answer_from(_answered(page), "matrix", from_press=False)


def _cells_to_click(page: Page, count: int) -> list[int]:
    """Cells off the diagonal with a number above 0, in an order that is always the same."""
    texts = page.locator("button.cell").all_inner_texts()
    side = round(len(texts) ** 0.5)
    found = [
        place
        for place, text in enumerate(texts)
        if place // side != place % side and re.fullmatch(r"[1-9][0-9,]*", text.strip())
    ]
    random.Random(5).shuffle(found)
    return [found[number % len(found)] for number in range(count)]


def _click_cell(page: Page, place: int) -> Answer:
    """RuntimeError if the gallery has not as many pictures as the cell says."""
    cell = page.locator("button.cell").nth(place)
    number = cell.inner_text().strip()
    before = page.evaluate("answerProbe.galleryName()")
    told = _do(page, {"gallery": {"check": "gallery", "before": before}}, cell.click)
    name = str(page.evaluate("answerProbe.galleryName()"))
    if not name.startswith(f"{number} pictures:"):
        raise RuntimeError(f"a click on {number} shows {name!r}")
    return answer_from(told, "gallery", from_press=True)


def _pick_next(page: Page, results: Results, condition: Condition) -> None:
    """Goes one picture on in the gallery and picks it, with the keyboard."""
    page.locator(".gallery .box").focus()
    page.keyboard.press("ArrowRight")
    told = _do(page, _LOOKS, lambda: page.keyboard.press("Enter"))
    for method, what in _WHAT.items():
        results.add(what, condition, answer_from(told, method, from_press=True))


def _do(page: Page, wanted: Wanted, act: Callable[[], object]) -> Mapping[str, Any]:
    page.evaluate("(wanted) => answerProbe.expect(wanted)", wanted)
    act()
    return _answered(page)


def _answered(page: Page) -> Mapping[str, Any]:
    told: Mapping[str, Any] | None = page.evaluate("(ms) => answerProbe.answered(ms)", LIMIT_MS)
    if told is None:
        raise BrowserError(f"the page does not show what was asked for after {LIMIT_MS} ms")
    return told


def _rest(page: Page) -> None:
    page.wait_for_selector(AT_REST)
    page.wait_for_timeout(REST_MS)
