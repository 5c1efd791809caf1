"""From `streamlit run` to the first page on the screen, and to PyTorch's first verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as BrowserError

from benchmarks.app_server import serve
from benchmarks.slider_moves import open_probed_page

ALL_THREE_AGREE: Final = "browser = cnnviz = PyTorch"
CONTENT: Final = {
    "home": ("", '[class*="st-key-lesson-cards-"] a', 3),
    "convolution": ("convolution", ".output .cell", 9),
}
"""First page -> path, and what must be painted how often before the page counts as opened."""
ANSWER_LIMIT_S: Final = 30


@dataclass(frozen=True, slots=True)
class Opening:
    """One start of the server. Seconds since its start; None where the page shows no verdict."""

    painted_s: float
    verdict_s: float | None


def open_first_page(browser: Browser, entry: str, page_name: str) -> Opening:
    """Starts a server and visits it with a fresh profile as soon as it takes connections."""
    path, selector, count = CONTENT[page_name]
    with serve(entry) as server, open_probed_page(browser) as page:
        page.goto(f"{server.url}/{path}", wait_until="commit")
        painted_s = _first_paint_s(page, selector, count, "") - server.started_at
        verdict_s = None
        if page_name == "convolution":
            verdict_s = _first_paint_s(page, ".badge", 1, ALL_THREE_AGREE) - server.started_at
        return Opening(painted_s, verdict_s)


def _first_paint_s(page: Page, selector: str, count: int, pattern: str) -> float:
    """When it was painted, in seconds since the epoch."""
    limit_ms = ANSWER_LIMIT_S * 1000
    found: float | None = page.evaluate(
        "([selector, count, pattern, limit]) => Promise.race(["
        "paintProbe.firstPaint(selector, count, pattern),"
        "new Promise((resolve) => setTimeout(resolve, limit, null))])",
        [selector, count, pattern, limit_ms],
    )
    if found is None:
        raise BrowserError(f"nothing on the page shows {selector} {pattern} after {limit_ms} ms")
    return found / 1000
