"""Fixtures for tests in a real Chromium, the one that the system has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Two busy cores: how long until something shows is not what these tests are about.
expect.set_options(timeout=20_000)

AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test that asks for the browser carries the mark `browser`."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; skips without one, and fails instead where CI is set."""
    chromium = shutil.which("chromium")
    if chromium is None:
        reason = "no chromium on the path (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile at a projector's size in the light theme."""
    fresh = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test on an error in the console or an exception nobody caught."""
    errors: list[str] = []
    fresh = context.new_page()

    def note(message: ConsoleMessage) -> None:
        # Streamlit asks for PAGE/_stcore/... once, gets 404 and then asks at the root.
        is_probe = "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not is_probe:
            errors.append(message.text)

    fresh.on("console", note)
    fresh.on("pageerror", lambda error: errors.append(str(error)))
    yield fresh
    fresh.close()
    assert errors == [], "errors in the browser's console"


@pytest.fixture
def open_page(page: Page, app_url: str) -> Callable[[str], Page]:
    """Opens a path of the app, such as "convolution?stride=2", and waits until it is at rest."""

    def open_path(path: str = "") -> Page:
        page.goto(f"{app_url}/{path}")
        page.wait_for_selector(AT_REST)
        return page

    return open_path
