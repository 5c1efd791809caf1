"""The home page in a real browser: cards are links, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

CARDS = {
    "By hand": "/convolution?view=hand",
    "On a picture": "/convolution?view=picture",
    "In colour": "/convolution?view=colour",
    "Pooling": "/convolution?view=pooling",
    "Transposed": "/convolution?view=transposed",
    "Ask it backwards": "/convolution?view=backwards",
    "Try it yourself": "/convolution?view=quiz",
    "One step": "/architectures?view=step",
    "Receptive field": "/architectures?view=field",
    "Draw a digit": "/architectures?view=digit",
    "A batch by hand": "/batch_norm?view=hand",
    "In a real network": "/batch_norm?view=network",
    "What it buys": "/batch_norm?view=buys",
    "Train a network": "/training?view=new",
    "Compare": "/training?view=compare",
    "Time machine": "/training?view=time",
    "Confusion matrix": "/confusion?view=matrix",
    "Calibration": "/confusion?view=calibration",
    "Your own picture": "/confusion?view=own",
}


def test_each_card_is_a_link_to_its_view(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page()
    links = page.locator('[class*="st-key-lesson-cards-"] a')
    expect(links).to_have_count(len(CARDS))
    for title, path in CARDS.items():
        link = page.get_by_role("link", name=title, exact=True)
        assert link.evaluate("link => link.href") == app_url + path


def test_the_whole_card_can_be_clicked_and_the_session_stays(
    open_page: Callable[..., Page], app_url: str
) -> None:
    page = open_page()
    page.evaluate("window.stillHere = true")
    card = page.locator(".st-key-card-convolution-picture")
    expect(page.get_by_role("heading", name="Checkpoints")).to_be_visible()  # all is there
    box = card.bounding_box()
    assert box is not None
    card.click(position={"x": box["width"] - 12, "y": 12})  # far from the title
    page.wait_for_url(f"{app_url}/convolution?view=picture")
    assert page.evaluate("window.stillHere") is True


def test_a_card_is_reached_and_followed_by_keyboard(
    open_page: Callable[..., Page], app_url: str
) -> None:
    page = open_page()
    page.locator(".st-key-card-convolution-hand a").focus()
    page.keyboard.press("Tab")
    focused = page.locator(".st-key-card-convolution-picture a")
    expect(focused).to_be_focused()
    outline = focused.evaluate("link => getComputedStyle(link, '::after').outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{app_url}/convolution?view=picture")


@pytest.mark.parametrize("width", [390, 800, 1440])
def test_nothing_scrolls_sideways(open_page: Callable[..., Page], page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    open_page()
    expect(page.locator('[class*="st-key-lesson-cards-"] svg')).to_have_count(16)
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")


def test_the_menu_is_at_hand_on_a_phone(open_page: Callable[..., Page], page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page()
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Convolution").click()
    page.wait_for_url("**/convolution")


def test_nothing_is_fetched_from_another_host(
    open_page: Callable[..., Page], page: Page, app_url: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_page()
    page.wait_for_timeout(500)
    elsewhere = [url for url in asked if not url.startswith((app_url, "data:", "blob:"))]
    assert asked
    assert elsewhere == []
