"""From a picture to where the network looked and back, with the mouse and with the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

CATS = "confusion?model=lenet5-cifar10&true=cat"


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", name="Where it looked")


def maps(page: Page) -> Locator:
    return page.locator('[data-testid="stPlotlyChart"]:has(.heatmaplayer image)')


def pills(page: Page, name: str) -> Locator:
    """The button of a method, of those that are to be shown."""
    return page.locator(".st-key-confusion-look-methods").get_by_role(
        "button", name=name, exact=True
    )


def gallery(page: Page) -> Locator:
    return page.get_by_role("listbox", name=re.compile(r"pictures: all of class cat"))


def test_with_the_mouse(open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{CATS}&maps=saliency&target=dog&minus=cat")
    expect(heading(page)).to_have_count(0)
    gallery(page).get_by_role("option").first.click()
    expect(heading(page)).to_be_visible()
    expect(maps(page)).to_have_count(3)
    pills(page, "Grad-CAM").click()
    expect(page.get_by_role("heading", name="Grad-CAM", exact=True)).to_be_visible()
    expect(maps(page)).to_have_count(6)
    page.wait_for_url(re.compile("maps=grad_cam%2Csaliency"))
    # The number behind a pixel.
    first = maps(page).first
    first.scroll_into_view_if_needed()
    box = first.locator(".heatmaplayer").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
    expect(first.locator(".hovertext")).to_contain_text(re.compile(r"row 1\d, column 1\d.*[+−-]"))
    page.get_by_role("button", name="Close", exact=True).click()
    expect(heading(page)).to_have_count(0)
    expect(maps(page)).to_have_count(0)


def test_with_the_keyboard(open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{CATS}&maps=saliency")
    gallery(page).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(heading(page)).to_be_visible()
    expect(maps(page)).to_have_count(3)
    chosen = pills(page, "Grad-CAM")
    chosen.focus()
    page.keyboard.press("Space")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(maps(page)).to_have_count(6)
    opacity = page.get_by_role("slider", name=re.compile("Opacity"))
    opacity.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("opacity=85"))
    expect(maps(page)).to_have_count(6)
    close = page.get_by_role("button", name="Close", exact=True)
    close.focus()
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_count(0)


def test_a_link_opens_the_check_of_a_map(open_page: Callable[[str], Page]) -> None:
    page = open_page(
        "confusion?model=lenet5-cifar10&picture=378&maps=guided_backprop&trust=guided_backprop"
    )
    expect(page.get_by_text("Rank correlation of the two maps")).to_be_visible()
    expect(page.get_by_text("Area under the curve of Guided Backprop")).to_be_visible()
    expect(maps(page)).to_have_count(5)


def test_a_long_one_is_stopped(open_page: Callable[[str], Page]) -> None:
    page = open_page(
        "confusion?model=vgg16-cifar10&picture=378&maps=occlusion"
        "&parameters=occlusion.window:2,occlusion.stride:1"
    )
    page.get_by_role("button", name="Stop computing", exact=True).click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop computing", exact=True)).to_have_count(0)
    expect(heading(page)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off(browser: Browser, app_url: str, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    try:
        page = context.new_page()
        page.goto(f"{app_url}/confusion?model=lenet5-cifar10&picture=378&trust=grad_cam")
        expect(page.get_by_text("Area under the curve of Grad-CAM")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
        for chart in maps(page).all():
            box = chart.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
    finally:
        context.close()
