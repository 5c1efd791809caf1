"""Batch norm's relatives: pointing at a number shows whom it shares a mean with."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cnnviz.norms.relatives import KINDS
from cnnviz.norms.relatives_lesson import RelativesSettings, draw_tensor, relate_all
from tests.browser.lab_page import SETTLE_MS, slider

OpenPage = Callable[[str], Page]

# The largest share of its cell that a number takes, and how many are written at all.
FILLED = """cells => {
  const range = document.createRange();
  const shares = cells.filter((cell) => cell.textContent).map((cell) => {
    range.selectNodeContents(cell);
    return range.getBoundingClientRect().width / cell.clientWidth;
  });
  return { most: Math.max(0, ...shares), written: shares.length };
}"""


def test_pointing_shows_who_shares_a_mean(open_page: OpenPage) -> None:
    page = open_page("batch_norm?view=relatives")
    settings = RelativesSettings()
    panels = page.locator(".sharing .panel")
    expect(panels).to_have_count(4, timeout=SETTLE_MS)
    expect(panels.first.locator(".number")).to_have_count(settings.size)

    def expect_sets(cell: int, groups: int) -> None:
        relatives = relate_all(draw_tensor(settings), groups)
        for number, kind in enumerate(KINDS):
            sets = relatives[kind].sets.reshape(-1)
            mine = panels.nth(number).locator(".number.mine")
            expect(mine).to_have_count(relatives[kind].count)
            places = (
                panels.nth(number)
                .locator(".number")
                .evaluate_all(
                    "cells => cells.flatMap((cell, n) => cell.matches('.mine') ? [n] : [])"
                )
            )
            assert places == [n for n, found in enumerate(sets) if found == sets[cell]]
            words = panels.nth(number).locator(".words")
            expect(words).to_contain_text(f"{relatives[kind].count} numbers share mean ")

    expect_sets(0, 2)
    panels.nth(1).locator(".number").nth(30).hover()
    expect_sets(30, 2)
    page.mouse.move(5, 5)
    expect_sets(0, 2)
    panels.first.locator(".number").nth(41).click()
    expect_sets(41, 2)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.wait_for_url(re.compile("cell=18"))
    expect_sets(18, 2)
    slider(page, "Groups").focus()
    page.keyboard.press("End")
    page.mouse.move(5, 5)
    expect_sets(18, 6)
    expect(panels.nth(3).locator(".note")).to_contain_text("the same as instance normalization")
    page.wait_for_url(re.compile("groups=6.*cell=18"))
    page.get_by_role("checkbox", name="show what comes out").check()
    output = relate_all(draw_tensor(settings), 6)["batch"].output
    assert output is not None
    shown = f"{output.flat[18]:.2f}".replace("-", "−")
    expect(panels.first.locator(".number.here")).to_have_text(shown.removesuffix(".00"))
    page.get_by_role("radio", name="1", exact=True).first.click()
    expect(page.get_by_text("With one picture batch normalization has nobody")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["lot", "network"])
@pytest.mark.parametrize("side", [2, 3])
def test_no_number_is_cut_off(open_page: OpenPage, source: str, side: int) -> None:
    page = open_page(f"batch_norm?view=relatives&n=2&side={side}&source={source}")
    cells = page.locator(".sharing .number")
    count = 4 * 2 * 6 * side**2
    expect(cells).to_have_count(count, timeout=SETTLE_MS)
    box = page.get_by_role("checkbox", name="show what comes out")
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for is_output in (False, True):
            box.set_checked(is_output)
            page.wait_for_timeout(200)
            found = cells.evaluate_all(FILLED)
            assert found["most"] < 1
            is_long = is_output or source == "network"
            # Where letters would be too small to be read there are colours alone.
            assert found["written"] == (0 if width < 400 and side == 3 and is_long else count)
