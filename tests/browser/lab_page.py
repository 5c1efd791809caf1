"""The convolution page as a viewer meets it: what the tests read from it and do to it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

AGREE = re.compile("browser = cnnviz = PyTorch|Your browser, cnnviz and PyTorch agree")
SETTLE_MS = 60_000
"""PyTorch is imported in the background; on two busy cores that can take a while."""


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name, exact=True)


def grid(page: Page, name: str) -> Locator:
    """The first grid whose name begins so: "Input", "Filter", "Output"."""
    return page.get_by_role("grid", name=re.compile(f"^{name}")).first


def cell(page: Page, name: str, row: int, column: int) -> Locator:
    return grid(page, name).get_by_role("row").nth(row).get_by_role("gridcell").nth(column)


def numbers(page: Page, name: str) -> list[list[float]]:
    """The numbers that a grid shows, without the small print in the corners."""
    rows: list[list[str]] = grid(page, name).evaluate(
        """grid => [...grid.querySelectorAll('[role=row]')].map((row) =>
             [...row.querySelectorAll('[role=gridcell]')].map((cell) => cell.textContent))"""
    )
    return [[float(text.replace("−", "-")) for text in row] for row in rows]


def expect_numbers(page: Page, name: str, wanted: list[list[float]]) -> None:
    """Wait until a grid shows these numbers."""
    shown = [f"{value:g}".replace("-", "−") for row in wanted for value in row]
    expect(grid(page, name).get_by_role("row")).to_have_count(len(wanted))
    expect(grid(page, name).get_by_role("gridcell")).to_have_text(shown)


def expect_output_title(page: Page, size: int) -> None:
    name = re.compile(rf"Output {size}×{size}")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def expect_sum(page: Page, cell_name: str, total: float) -> None:
    """Wait until the sum of this output cell is the one that is written out."""
    shown = re.escape(f"{total:g}".replace("-", "−"))
    expect(page.locator(".sum")).to_have_text(
        re.compile(rf"^\s*Output\[{cell_name}\] = .* = {shown}\s*$", re.S)
    )


def expect_agreement(page: Page) -> None:
    """Wait until cnnviz and PyTorch have confirmed what the browser shows."""
    expect(page.locator(".badge")).to_have_text(AGREE, timeout=SETTLE_MS)


def set_slider(page: Page, name: str, value: int) -> None:
    """By keyboard, from whatever it is."""
    control = slider(page, name)
    control.focus()
    for _ in range(40):
        current = int(control.input_value())
        if current == value:
            return
        page.keyboard.press("ArrowRight" if current < value else "ArrowLeft")
    raise AssertionError(f"{name} stays at {control.input_value()} and never becomes {value}")


def problem(page: Page) -> Locator:
    """The alert that says why there is no output."""
    return page.locator(".lab .problem")
