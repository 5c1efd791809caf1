"""Receptive fields and the step with all its numbers, as a viewer meets them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from cnnviz.one_step.network import take_step
from cnnviz.one_step.settings import StepSettings
from cnnviz.one_step.words import text
from tests.browser.lab_page import SETTLE_MS

OpenPage = Callable[[str], Page]


def test_the_field_moves_with_the_unit(open_page: OpenPage) -> None:
    page = open_page("architectures?view=field&model=lenet5-mnist&layer=conv2&row=5&column=5")
    drawings = page.locator(".cnnviz-fields svg")
    expect(drawings).to_have_count(3, timeout=SETTLE_MS)
    expect(drawings.nth(2)).to_have_attribute("aria-label", re.compile(r"^Trained: 95 % in \d+ "))
    field = drawings.nth(2).locator(".field")
    expect(field).to_have_attribute(
        "y", "7"
    )  # five units, two pixels each, from three into the padding
    page.get_by_role("slider", name="Row of the unit").focus()
    page.keyboard.press("ArrowUp")
    expect(field).to_have_attribute("y", "9")
    page.wait_for_url(re.compile("row=6"))
    # What counts most lies within what is seen at all.
    inner, outer = (drawings.nth(2).locator(name).bounding_box() for name in (".most", ".field"))
    assert inner is not None
    assert outer is not None
    assert outer["x"] - 4 <= inner["x"]  # lines have a width
    assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 4


def test_a_step_is_told_and_follows_what_is_typed(open_page: OpenPage) -> None:
    page = open_page("architectures?view=step")
    told = page.locator(".cnnviz-told")
    onward = page.get_by_role("button", name="Next", exact=True)
    for title in ("the filter slides over the picture", "ReLU", "max pooling", "the linear layer"):
        onward.click()
        expect(told).to_contain_text(title)
    page.wait_for_url(re.compile("stage=4"))
    logit = page.locator('table[aria-label="s"] td').first
    expect(logit).to_have_text(text(take_step(StepSettings()).forward.s[0]))

    page.get_by_text("Type other pixels").click()
    grid = page.get_by_role("grid", name="Picture")
    grid.get_by_role("gridcell").first.click()
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    cells = [list(row) for row in StepSettings().image.tolist()]
    cells[0][0] = 2.5
    typed = take_step(StepSettings(cells=tuple(map(tuple, cells))))
    expect(logit).to_have_text(text(typed.forward.s[0]))
    page.wait_for_url(re.compile("cells=2.5_0_1"))
    page.keyboard.type("77")
    page.keyboard.press("Enter")
    expect(page.locator(".number-grid .hint")).to_contain_text(
        "“77” is not a number between −9 and 9"
    )

    page.get_by_role("slider", name="Stage").focus()
    page.keyboard.press("End")
    expect(told).to_contain_text(f"{text(typed.forward.loss)} → {text(typed.new_forward.loss)}")
    page.get_by_role("button", name="Keep this step, tell the next").click()
    expect(told).to_contain_text("1 step is done already")
    page.wait_for_url(re.compile("steps=1"))
    page.reload()
    expect(page.locator('table[aria-label="w"] td').first).to_have_text(
        text(typed.new_parameters.w[0, 0])
    )
