"""The view "New training" in a real browser, on a machine that has the starter digits only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.runs.run import Run
from cnnviz.runs.store import RunStore
from cnnviz.training.presets import PRESETS
from tests.browser.conftest import AT_REST

SHORT = "training?view=new&data=mnist&epochs=1&batch=64"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of what the app keeps."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def bare_url(run_app: Callable[..., AbstractContextManager[str]], folder: Path) -> Iterator[str]:
    """The app on a machine without data."""
    kept = {"XDG_CACHE_HOME": str(folder / "cache"), "CNNVIZ_RUNS": str(folder / "runs")}
    with run_app(CNNVIZ_DATA="", **kept) as url:
        yield url


def open_view(page: Page, url: str, path: str = "training") -> Page:
    page.goto(f"{url}/{path}")
    page.wait_for_selector(AT_REST)
    expect(start(page)).to_be_visible()
    expect(page.get_by_label("Name of the run")).to_be_visible()  # fields come after their code
    return page


def start(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Start · "))


def tab_to(page: Page, wanted: Locator, limit: int = 60) -> None:
    """Presses Tab until it has the focus."""
    for _ in range(limit):
        if wanted.evaluate("at => at === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{wanted} is not reached by {limit} tabs")


def newest_run(folder: Path) -> Run:
    with RunStore(folder / "runs") as store:
        return store.list_runs()[0]


def test_by_keyboard_alone(page: Page, bare_url: str, folder: Path) -> None:
    open_view(page, bare_url, SHORT)
    presets = page.get_by_role("radiogroup", name="Begin with")
    tab_to(page, presets.get_by_role("radio").first)
    wanted = presets.get_by_role("radio", name="LeNet as in 1998")
    for _ in range(len(PRESETS)):
        page.keyboard.press("ArrowRight")
        if wanted.evaluate("at => at === document.activeElement"):
            break
    page.keyboard.press("Space")
    expect(start(page)).to_have_text("Start · LeNet-5 on MNIST (starter set), 20 epochs")
    expect(page).to_have_url(re.compile("preset=lenet-1998"))
    tab_to(page, start(page))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("view=watch"))
    run = newest_run(folder)
    assert run.config == replace(PRESETS["lenet-1998"].config, validation_count=400)


def test_opening_changes_nothing(page: Page, bare_url: str) -> None:
    """Fields that a slow browser draws late do not report their defaults as if they were typed."""
    open_view(page, bare_url)
    # When PyTorch is there the page runs again.
    expect(page.locator(".cnnviz-layers")).to_be_visible(timeout=120_000)
    page.wait_for_timeout(1500)
    expect(page).to_have_url(f"{bare_url}/training?view=new&preset=lenet-1998")
    expect(page.get_by_role("button", name="Undo the changes")).to_have_count(0)


def test_what_is_typed_counts_when_start_is_clicked_at_once(
    page: Page, bare_url: str, folder: Path
) -> None:
    """The field reports when it loses the focus, which is the moment of the click."""
    open_view(page, bare_url, SHORT)
    page.get_by_label("Name of the run").fill("typed in a hurry")
    page.get_by_label("Epochs", exact=True).fill("2")
    start(page).click()
    expect(page).to_have_url(re.compile("view=watch"))
    run = newest_run(folder)
    assert (run.name, run.config.epochs) == ("typed in a hurry", 2)


def test_the_start_is_always_near_on_a_phone(page: Page, bare_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_view(page, bare_url, SHORT)
    page.get_by_text("More settings").click()
    main = page.locator('[data-testid="stMain"]')
    for top in (0, 400, 100_000):
        main.evaluate("(main, top) => main.scrollTo(0, top)", top)
        expect(start(page)).to_be_in_viewport(ratio=1)
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    # What comes last is not hidden behind the bar.
    last = page.locator(".cnnviz-layers tfoot")
    last.scroll_into_view_if_needed()
    main.evaluate("main => main.scrollTo(0, main.scrollHeight)")
    bottom, bar = last.bounding_box(), page.locator(".st-key-start-bar").bounding_box()
    assert bottom is not None
    assert bar is not None
    assert bottom["y"] + bottom["height"] <= bar["y"]


def test_the_start_is_always_near_on_a_projector(page: Page, bare_url: str) -> None:
    open_view(page, bare_url, SHORT)
    page.get_by_text("More settings").click()
    main = page.locator('[data-testid="stMain"]')
    main.evaluate("main => main.scrollTo(0, main.scrollHeight)")
    expect(start(page)).to_be_in_viewport(ratio=1)
    hit = start(page).evaluate(
        "at => { const box = at.getBoundingClientRect();"
        " return at.contains(document.elementFromPoint(box.x + 9, box.y + 9)); }"
    )
    assert hit, "something lies over the button"
