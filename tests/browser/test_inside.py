"""Looking inside a network: by mouse, by keyboard, and with a digit that was drawn."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

OpenPage = Callable[[str], Page]


def test_a_click_on_a_map_writes_its_number_out(open_page: OpenPage) -> None:
    page = open_page("architectures?view=inside")
    maps = page.get_by_role("group", name="Maps of conv2").get_by_role("button")
    expect(maps).to_have_count(16, timeout=30_000)
    chosen = maps.nth(3)
    chosen.click(position={"x": 4, "y": 4})
    expect(page.get_by_text("Channel 3 of conv2, row 0, column 0")).to_be_visible()
    page.wait_for_url(re.compile("channel=3.*row|layer=conv2"))
    expect(page.get_by_text("The products with 6 maps of pool1 add up to")).to_be_visible()
    # What it was made of is marked in the layer before.
    windows = page.get_by_role("group", name="Maps of pool1").locator(".mark.window")
    expect(windows).to_have_count(6)
    unit = chosen.locator(".mark.unit")
    expect(unit).to_have_count(1)

    # By keyboard: the chosen map is the stop of its layer.
    chosen.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_text("Channel 3 of conv2, row 1, column 1")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_text("Channel 4 of conv2, row 1, column 1")).to_be_visible()
    expect(maps.nth(4)).to_be_focused()
    page.wait_for_url(re.compile("channel=4"))
    page.reload()
    expect(page.get_by_text("Channel 4 of conv2, row 1, column 1")).to_be_visible(timeout=30_000)


def test_looks_and_a_phone(open_page: OpenPage) -> None:
    page = open_page("architectures?view=inside&model=improved_lenet-mnist")
    expect(page.locator(".map-sheets .map").first).to_be_visible(timeout=30_000)
    page.set_viewport_size({"width": 390, "height": 844})
    main = page.locator('[data-testid="stMain"]')
    for name, words in (
        ("Filters", "16 filters of 1 × 3 × 3"),
        ("Strongest patches", "All channels of all layers are searched at once"),
        ("Pooling compared", "This network pools by max"),
        ("Moved a little", "pictures are still taken for the same class"),
        ("Feature maps", "Class scores and softmax"),
    ):
        page.get_by_role("radio", name=name).click()
        expect(page.get_by_text(words, exact=False)).to_be_visible(timeout=30_000)
        assert main.evaluate("main => main.scrollWidth <= main.clientWidth"), name


def test_the_strongest_patches_are_found(open_page: OpenPage) -> None:
    page = open_page("architectures?view=inside&look=patches&layer=conv1")
    page.get_by_role("button", name=re.compile("^Search")).click(timeout=30_000)
    expect(page.locator(".cnnviz-tiles img")).to_have_count(12, timeout=60_000)


def test_from_the_pad_into_the_network(open_page: OpenPage) -> None:
    page = open_page("architectures?view=digit")
    page.get_by_role("button", name="Look inside the network with this digit").click(timeout=30_000)
    expect(page.get_by_role("radio", name="The digit I drew")).to_be_checked(timeout=30_000)
    expect(page.get_by_alt_text("the digit that was drawn")).to_be_visible()
    expect(page.get_by_role("group", name="Maps of conv1").get_by_role("button")).to_have_count(6)
