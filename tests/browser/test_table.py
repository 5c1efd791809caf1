"""The drawing of a network, its table, and 16·5·5, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

OpenPage = Callable[[str], Page]


def test_a_block_is_clicked_and_its_window_slid_by_hand(open_page: OpenPage) -> None:
    page = open_page("architectures?view=table")
    blocks = page.locator(".network-drawing button")
    expect(blocks).to_have_count(9, timeout=30_000)
    conv2 = page.get_by_role("button", name="conv2, 16 × 10 × 10")
    conv2.click()
    expect(page.get_by_text("16·(6·5·5 + 1) = 2,416")).to_be_visible()
    page.wait_for_url(re.compile("layer=conv2"))
    expect(conv2).to_have_attribute("aria-pressed", "true")

    conv2.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("4·16·5·5 bytes")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_text("10·(84 + 1) = 850")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_text("6·(3·5·5 + 1) = 456")).to_be_visible()

    page.get_by_role("link", name=re.compile("Slide it by hand")).click()
    page.wait_for_url(re.compile("convolution.*size=10.*kernel=5|convolution.*kernel=5.*size=10"))


def test_a_block_is_heard_after_another_view_was_shown(open_page: OpenPage) -> None:
    page = open_page("architectures?view=table")
    blocks = page.locator(".network-drawing button")
    expect(blocks).to_have_count(9, timeout=30_000)
    page.get_by_role("button", name="conv2, 16 × 10 × 10").click()
    page.wait_for_url(re.compile("layer=conv2"))
    page.get_by_role("radio", name="16·5·5").click()
    page.wait_for_url(re.compile("view=flatten"))
    page.get_by_role("radio", name="Layer by layer").click()
    expect(page.get_by_text("16·(6·5·5 + 1) = 2,416")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="fc1, 120").click()
    expect(page.get_by_text("120·(400 + 1) = 48,120")).to_be_visible()


def test_blocks_are_to_scale(open_page: OpenPage) -> None:
    page = open_page("architectures?view=table")
    drawn = page.locator(".network-drawing button")
    expect(drawn).to_have_count(9, timeout=30_000)

    def tall(name: str) -> float:
        front = page.get_by_role("button", name=re.compile(f"^{name}, ")).locator(".front")
        points = [part.split(",") for part in str(front.get_attribute("points")).split(" ")]
        return max(float(y) for _, y in points) - min(float(y) for _, y in points)

    assert abs(tall("conv1") / tall("pool1") - 28 / 14) < 0.05
    assert abs(tall("conv1") / tall("conv2") - 28 / 10) < 0.1


def test_a_large_network_fits_a_phone(open_page: OpenPage) -> None:
    page = open_page("architectures?view=table&network=tv:vgg16")
    expect(page.get_by_role("button", name=re.compile("^features.0, "))).to_be_visible(
        timeout=30_000
    )
    page.set_viewport_size({"width": 390, "height": 844})
    main = page.locator('[data-testid="stMain"]')
    expect(page.get_by_role("region", name="All layers")).to_be_visible()
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    page.get_by_role("combobox", name=re.compile("Network")).click()
    page.keyboard.type("squeezenet1_1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("squeezenet1_1"))
    # The drawing scrolls in itself, to the layer that is chosen elsewhere.
    drawing = page.locator(".network-drawing")
    expect(drawing.get_by_role("button", name=re.compile("^features.0, "))).to_be_visible()
    assert drawing.evaluate("drawing => drawing.clientHeight <= 0.7 * innerHeight")
    assert drawing.evaluate("drawing => drawing.scrollHeight > 2 * drawing.clientHeight")
    page.get_by_role("combobox", name=re.compile("^Layer|Layer$")).click()
    page.keyboard.type("classifier.1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("layer=classifier.1"))
    expect(drawing.locator('[aria-pressed="true"]')).to_have_attribute("data-name", "classifier.1")
    expect(drawing).not_to_have_js_property("scrollTop", 0)
    expect(page.get_by_text("1,235,496", exact=False).first).to_be_visible(timeout=30_000)


def test_sixteen_five_five_is_mended(open_page: OpenPage) -> None:
    page = open_page("architectures?view=flatten")
    expect(page.get_by_text("It fits: 16·5·5 = 400 numbers arrive.")).to_be_visible(timeout=30_000)
    kernel = page.get_by_role("slider", name="Kernel of both convolutions")
    kernel.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("16·6·6 = 576", exact=True)).to_be_visible()
    expect(page.get_by_text("(1x576 and 400x120)", exact=False)).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Mend it").click()
    expect(page.get_by_text("It fits: 16·6·6 = 576 numbers arrive.")).to_be_visible()
    page.wait_for_url(re.compile("expects=576"))
