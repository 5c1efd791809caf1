"""Moves the sliders of a page as a hand does, and collects what `paint_probe.js` saw of it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, FloatRect, Locator, Page, Playwright

from benchmarks.latency_table import Series

PROBE: Final = Path(__file__).with_name("paint_probe.js")
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VIEWPORT: Final = {"width": 1440, "height": 900}
PAGE_LIMIT_MS: Final = 60_000
ANSWER_LIMIT_MS: Final = 10_000
THUMB_PX: Final = 16.0
"""Width of the thumb of Chromium's own range input: its middle stays half of it from both ends."""
PAUSE_S: Final = 0.03
"""Between two moves of a drag, plus up to one frame at random, so that moves and frames drift."""
FRAME_S: Final = 1 / 60

Way = Literal["drag", "key"]


@dataclass(frozen=True, slots=True)
class Move:
    """One `input` event of a slider, in milliseconds.

    value: of the slider, after it. handlers_ms: what the page's own listeners took. from_event_ms:
    from the event's timeStamp to the paint. from_hand_ms: the same from the timeStamp of the
    pointermove or keydown that caused it, which may have waited for the next frame.
    """

    value: int
    handlers_ms: float
    from_event_ms: float
    from_hand_ms: float


@dataclass(frozen=True, slots=True)
class Walk:
    """The moves of one slider, in one way.

    slow: what the browser's Event Timing API says of the walk's keys that took 16 ms or more:
    from_hand_ms as measured here, beside its own figure, which ends at the frame's presentation and
    is rounded to 8 ms. It reports no drags.
    """

    moves: tuple[Move, ...]
    slow: tuple[tuple[float, float], ...]

    def series(self, name: str, field: str) -> Series:
        """One field of all moves."""
        return Series(name, tuple(getattr(move, field) for move in self.moves))


@dataclass(frozen=True, slots=True)
class Answer:
    """What Python's answer to one arrow key took until its paint, and what it says.

    from_hand_ms: from the key event's timeStamp. from_report_ms: from the message that left for
    Python.
    """

    from_hand_ms: float
    from_report_ms: float
    text: str


def launch(playwright: Playwright, chromium: str) -> Browser:
    """Headless Chromium with the flags of the project's browser tests."""
    return playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))


@contextmanager
def open_probed_page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh profile, light theme, with the probe in everything that it opens."""
    context = browser.new_context(
        viewport={"width": VIEWPORT["width"], "height": VIEWPORT["height"]}, color_scheme="light"
    )
    try:
        context.add_init_script(path=PROBE)
        context.set_default_timeout(PAGE_LIMIT_MS)
        yield context.new_page()
    finally:
        context.close()


def walk_slider(page: Page, slider: Locator, values: Sequence[int], way: Way) -> Walk:
    """Moves a slider through neighbouring values and gives back what was measured.

    Raises RuntimeError if the slider went elsewhere: then the times would be of something else.
    """
    slider.scroll_into_view_if_needed()
    page.evaluate("paintProbe.take()")
    if way == "drag":
        _drag(page, slider, values)
    else:
        _press_keys(page, slider, values)
    page.wait_for_timeout(150)  # Event Timing hands its entries over when the page is idle
    taken: Mapping[str, Any] = page.evaluate("paintProbe.take()")
    moves = tuple(_read_moves(taken["moves"]))
    reached = [move.value for move in moves]
    if reached != list(values):
        raise RuntimeError(f"{way}: the slider should go {list(values)} and went {reached}")
    theirs = {entry["startTime"]: entry["duration"] for entry in taken["slow"]}
    hands = [move["hand"] for move in taken["moves"]]
    pairs = zip(hands, moves, strict=True)
    slow = ((move.from_hand_ms, theirs[hand]) for hand, move in pairs if hand in theirs)
    return Walk(moves, tuple(slow))


def _read_moves(moves: Iterable[Mapping[str, float]]) -> Iterator[Move]:
    for move in moves:
        yield Move(
            value=int(move["value"]),
            handlers_ms=move["end"] - move["begin"],
            from_event_ms=move["painted"] - move["input"],
            from_hand_ms=move["painted"] - move["hand"],
        )


def _drag(page: Page, slider: Locator, values: Sequence[int]) -> None:
    box = slider.bounding_box()
    assert box is not None, "the slider has no place on the screen"
    low, high = (int(slider.get_attribute(end) or 0) for end in ("min", "max"))
    middle = box["y"] + box["height"] / 2
    page.mouse.move(_place(box, int(slider.input_value()), low, high), middle)
    page.mouse.down()
    for value in values:
        page.mouse.move(_place(box, value, low, high), middle, steps=3)
        pause()
    page.mouse.up()


def _place(box: FloatRect, value: int, low: int, high: int) -> float:
    """Where the middle of the thumb stands for a value."""
    way = box["width"] - THUMB_PX
    return box["x"] + THUMB_PX / 2 + way * (value - low) / (high - low)


def _press_keys(page: Page, slider: Locator, values: Sequence[int]) -> None:
    slider.focus()
    at = int(slider.input_value())
    for value in values:
        page.keyboard.press("ArrowRight" if value > at else "ArrowLeft")
        at = value
        pause()


def press_and_wait(page: Page, slider: Locator, value: int, expect: str) -> Answer:
    """One arrow key towards `value`, then until the answer that `expect` names is painted.

    expect: a call of the probe that says which answer. Raises TimeoutError without an answer.
    """
    slider.focus()
    page.evaluate("paintProbe.take()")
    page.evaluate(f"() => {{ paintProbe.{expect}; }}")
    page.keyboard.press("ArrowRight" if value > int(slider.input_value()) else "ArrowLeft")
    seen: Mapping[str, Any] | None = page.evaluate(f"paintProbe.answered({ANSWER_LIMIT_MS})")
    if seen is None:
        raise TimeoutError(f"no answer within {ANSWER_LIMIT_MS / 1000:g} s: {expect}")
    if int(slider.input_value()) != value:
        raise RuntimeError(f"the slider should go to {value} and went to {slider.input_value()}")
    hand: float = page.evaluate("paintProbe.hand")
    sends: list[float] = page.evaluate("paintProbe.take().sends")
    if not sends:
        raise RuntimeError(f"an answer without a question to Python: {expect}")
    return Answer(seen["painted"] - hand, seen["painted"] - sends[0], str(seen["text"]))


def pause() -> None:
    """As long as a hand takes to the next value, never in step with the frames."""
    time.sleep(PAUSE_S + random.uniform(0, FRAME_S))
