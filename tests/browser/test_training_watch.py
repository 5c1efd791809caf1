"""The view "Watch" in a real browser: a real training, watched, left, found again, and told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cnnviz.data.datasets import PROJECT
from tests.browser.conftest import AT_REST
from tests.runs.patience import wait_for

LONG = 200  # epochs; none of these tests waits for them
BUTTONS = ("Play", "Pause", "Step one batch", "Stop", "Resume")

AT_START = """
from pathlib import Path
import cnnviz.runs.limits as limits
limits.load_limits.__defaults__ = (Path({file!r}),)
from cnnviz.runs.local import LocalExecutor
LocalExecutor.__init__.__kwdefaults__["niceness"] = 0
"""


@pytest.fixture(scope="module")
def url(
    run_app: Callable[..., AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app on a machine without data, where viewers at this machine are no operators.

    Its workers are not below the test's own priority: the test waits for them.
    """
    folder: Path = tmp_path_factory.mktemp("watch")
    limits = folder / "cnnviz.toml"
    limits.write_text("[limits]\nloopback_may_stop = false\nfree_disk_mb = 0\n")
    (folder / "sitecustomize.py").write_text(AT_START.format(file=str(limits)))
    with run_app(
        CNNVIZ_DATA="",
        XDG_CACHE_HOME=str(folder / "cache"),
        PYTHONPATH=f"{folder}:{PROJECT}",
    ) as address:
        yield address


@contextmanager
def training(page: Page, url: str, *, epochs: int = LONG) -> Iterator[None]:
    """A training that this browser started and watches; it is stopped in the end."""
    page.goto(f"{url}/training?view=new&data=mnist&epochs={epochs}&batch=64")
    start = page.get_by_role("button", name=re.compile("^Start · "))
    expect(start).to_be_enabled(timeout=90_000)
    page.wait_for_selector(AT_REST, timeout=90_000)
    start.click()
    expect(page).to_have_url(re.compile("view=watch"))
    expect(state(page)).to_have_text("Trains", timeout=90_000)
    try:
        yield
    finally:
        stop = button(page, "Stop")
        if stop.count() and stop.is_enabled():
            stop.click()
            expect(state(page)).to_have_text(re.compile("Stopped|Finished"), timeout=60_000)


def state(page: Page) -> Locator:
    return page.locator(".cnnviz-run .state")


def board(page: Page) -> Locator:
    return page.locator(".live-board")


def button(page: Page, name: str) -> Locator:
    main = page.get_by_test_id("stMainBlockContainer")  # the header may have another "Stop"
    return main.get_by_role("button", name=name, exact=True)


def newest(page: Page) -> int:
    """The newest step that is on the screen."""
    text = board(page).get_attribute("data-newest")
    return int(float(text)) if text else 0


def wait_for_steps_after(page: Page, step: int) -> int:
    def look() -> int | None:
        page.wait_for_timeout(50)
        found = newest(page)
        return found if found > step else None

    return wait_for(f"points after step {step}", look)


def loss(page: Page) -> Locator:
    return page.locator(".panel.of-loss svg")


def ticks(page: Page) -> list[str]:
    return page.locator(".panel.of-loss .grid text.x:not(.of-axis)").all_text_contents()


def drag(page: Page, over: Locator, start: float, end: float) -> None:
    """From one share of its width to another, in its middle."""
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + (start + end) / 2 * box["width"], y)
    page.mouse.move(box["x"] + end * box["width"], y)
    page.mouse.up()


@pytest.mark.slow
def test_points_arrive_and_nothing_is_drawn_anew(page: Page, url: str) -> None:
    with training(page, url):
        first = wait_for_steps_after(page, 0)
        loss(page).evaluate("node => { node.seenBefore = true; }")
        line = page.locator(".panel.of-loss path.training")
        before = line.get_attribute("d")
        second = wait_for_steps_after(page, wait_for_steps_after(page, first))
        assert second > first
        assert line.get_attribute("d") != before
        assert loss(page).evaluate("node => node.seenBefore === true")
        expect(page.locator(".numbers")).to_contain_text(re.compile(r"Images per second\s*[\d,]+"))
        expect(page.locator(".classes li")).to_have_count(10)
        expect(page.locator(".pictures li")).to_have_count(16)
        expect(page.locator(".tiles img")).to_have_count(6)
        # An epoch that ends is told to a screen reader, and nothing else is.
        expect(page.locator(".learned [role=status]")).to_have_text(
            re.compile(r"^Epoch \d+ of 200 is done: [\d.]+ % of the held-out images are right\.$")
        )
        assert page.locator(".live-board [aria-live]").text_content() == ""


@pytest.mark.slow
def test_it_goes_on_while_nobody_looks(page: Page, url: str) -> None:
    with training(page, url):
        left_at = wait_for_steps_after(page, 0)
        address = page.url
        page.get_by_role("link", name="Convolution").first.click()
        expect(page.get_by_role("heading", name="Convolution", level=1)).to_be_visible()
        expect(board(page)).to_have_count(0)
        page.wait_for_timeout(1500)
        page.get_by_role("link", name="Training").first.click()
        expect(state(page)).to_have_text("Trains")
        again = wait_for_steps_after(page, left_at)
        assert page.url == address
        page.reload()
        expect(state(page)).to_have_text("Trains")
        assert wait_for_steps_after(page, again) > again
        assert page.url == address
        expect(button(page, "Stop")).to_be_enabled()  # it is still this browser's own


@pytest.mark.slow
def test_the_zoom_is_kept_while_points_arrive(page: Page, url: str) -> None:
    with training(page, url):
        step = wait_for_steps_after(page, 40)
        whole = page.get_by_role("button", name="Show the whole curve")
        expect(whole).to_be_hidden()
        drag(page, loss(page), 0.15, 0.45)
        expect(whole).to_be_visible()
        zoomed = ticks(page)
        assert (
            page.locator(".panel.of-accuracy .grid text.x:not(.of-axis)").all_text_contents()
            == zoomed
        )
        wait_for_steps_after(page, wait_for_steps_after(page, step))
        assert ticks(page) == zoomed
        whole.click()
        expect(whole).to_be_hidden()
        assert ticks(page) != zoomed


@pytest.mark.slow
def test_values_under_the_cursor_and_by_keyboard(page: Page, url: str) -> None:
    with training(page, url):
        wait_for_steps_after(page, 60)
        button(page, "Pause").click()
        expect(state(page)).to_have_text("Paused")
        box = loss(page).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
        tip = page.locator(".panel.of-loss .tip")
        expect(tip).to_contain_text(re.compile(r"step [\d,]+"))
        expect(tip).to_contain_text(re.compile(r"training \d\.\d"))
        page.mouse.move(5, 5)
        expect(tip).to_be_hidden()
        loss(page).focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(tip).to_be_visible()
        expect(page.locator(".live-board [aria-live]")).to_have_text(
            re.compile(r"^step [\d,]+: training \d")
        )


def test_pause_step_play_stop_and_resume(page: Page, url: str) -> None:
    with training(page, url):
        wait_for_steps_after(page, 0)
        button(page, "Pause").click()
        expect(state(page)).to_have_text("Paused")
        for name in BUTTONS:
            expect(button(page, name)).to_be_enabled(enabled=name not in ("Pause", "Resume"))
        page.wait_for_timeout(1500)
        held = newest(page)
        button(page, "Step one batch").click()
        assert wait_for_steps_after(page, held) == held + 1
        page.wait_for_timeout(1500)
        assert newest(page) == held + 1
        button(page, "Play").click()
        expect(state(page)).to_have_text("Trains")
        wait_for_steps_after(page, held + 20)
        button(page, "Stop").click()
        expect(state(page)).to_have_text("Stopped")
        expect(page.locator(".cnnviz-run .said")).to_contain_text("Step")
        stopped = newest(page)
        button(page, "Resume").click()
        expect(state(page)).to_have_text("Trains", timeout=90_000)
        wait_for_steps_after(page, stopped)


@pytest.mark.slow
def test_the_learning_rate_is_changed_and_the_curve_marks_where(page: Page, url: str) -> None:
    with training(page, url):
        wait_for_steps_after(page, 0)
        button(page, "Change rates").click()
        page.get_by_role("spinbutton", name="Learning rate").fill("0.0123")
        page.get_by_role("button", name="Change", exact=True).click()
        expect(page.locator(".panel.of-loss .marks text")).to_have_text("learning rate 0.0123")
        expect(page.locator(".panel.of-accuracy .marks text")).to_have_text("learning rate 0.0123")


@pytest.mark.slow
def test_two_users_at_once(page: Page, url: str, browser: Browser) -> None:
    with training(page, url):
        wait_for_steps_after(page, 0)
        other = browser.new_context(viewport={"width": 1000, "height": 800})
        try:
            guest = other.new_page()
            guest.goto(page.url)
            expect(state(guest)).to_have_text("Trains")
            expect(guest.get_by_text("This is someone else's run")).to_be_visible()
            for name in BUTTONS:
                expect(button(guest, name)).to_have_count(0)
            wait_for_steps_after(guest, wait_for_steps_after(guest, 0))
            # The second user's own run waits behind it.
            guest.goto(f"{url}/training?view=new&data=mnist&epochs=1&batch=64")
            guest.get_by_role("button", name=re.compile("^Start · ")).click()
            expect(state(guest)).to_have_text("Waits, first in the queue")
            button(guest, "Stop").click()
            expect(state(guest)).to_have_text("Stopped")
            wait_for_steps_after(page, newest(page))  # and did no harm to the first
        finally:
            other.close()


def test_it_ends_and_says_what_next(page: Page, url: str) -> None:
    with training(page, url, epochs=2):
        expect(state(page)).to_have_text("Finished", timeout=90_000)
        expect(page.locator(".cnnviz-run .said")).to_have_text("All 2 epochs are done.")
        expect(page.locator(".numbers")).to_contain_text("Training took")
        expect(page.locator(".learned")).to_have_attribute("data-epoch", "2")
        for name in BUTTONS:
            expect(button(page, name)).to_be_disabled()
        page.get_by_role("button", name="Time machine").click()
        expect(page).to_have_url(re.compile("view=time"))


@pytest.mark.slow
def test_settings_of_the_curves_are_in_the_link(page: Page, url: str) -> None:
    with training(page, url, epochs=2):
        expect(state(page)).to_have_text("Finished", timeout=90_000)
        page.get_by_text("Epoch", exact=True).first.click()
        expect(page).to_have_url(re.compile("axis=epoch"))
        page.get_by_text("Logarithmic loss").click()
        expect(page).to_have_url(re.compile("log=1"))
        page.get_by_text("Learning rate, gradient and speed").click()
        expect(page.locator(".panel")).to_have_count(5)
        assert ticks(page)[-1] == "2"
        page.reload()
        expect(page.locator(".panel")).to_have_count(5)
        expect(page).to_have_url(re.compile("axis=epoch.*log=1.*more=1"))
