"""The window by hand: dragging, walking, pointing, editing, and settings without an output."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from cnnviz.convolution import convolve, cross_correlate
from cnnviz.convolution_lesson import BOUNDS, LESSON_IMAGE
from cnnviz.geometry import ConvSpec
from tests.browser.lab_page import (
    cell,
    expect_agreement,
    expect_numbers,
    expect_output_title,
    expect_sum,
    grid,
    numbers,
    problem,
    set_slider,
    slider,
)

OPENING_OUTPUT = [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
OpenPage = Callable[[str], Page]

# Notes, at every input event, what the page shows in the very next frame: no server can have
# answered by then.
WATCH_FRAMES = """
() => {
  window.frames_seen = [];
  const lab = [...document.querySelectorAll('*')].map((node) => node.shadowRoot)
    .map((root) => root?.querySelector('.lab')).find(Boolean);
  lab.addEventListener('input', (event) => {
    const value = Number(event.target.value);
    requestAnimationFrame(() => window.frames_seen.push([
      value,
      lab.querySelector('.panel.output h3').textContent,
      lab.querySelector('[role=math]').getAttribute('aria-label'),
      lab.querySelector('.panel.output [role=grid]').querySelectorAll('[role=gridcell]').length,
    ]));
  }, true);
}
"""


def _slider_points(page: Page, name: str) -> dict[int, tuple[float, float]]:
    """Where on the screen the thumb of a slider is at each value."""
    control = slider(page, name)
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    assert box is not None
    low, high = int(control.get_attribute("min") or 0), int(control.get_attribute("max") or 0)
    thumb = 16
    return {
        value: (
            box["x"] + thumb / 2 + (box["width"] - thumb) * (value - low) / (high - low),
            box["y"] + box["height"] / 2,
        )
        for value in range(low, high + 1)
    }


def test_it_opens_with_the_classic_lesson(open_page: OpenPage) -> None:
    page = open_page("convolution")
    expect_numbers(page, "Output", [[*map(float, row)] for row in OPENING_OUTPUT])
    assert numbers(page, "Filter") == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    assert numbers(page, "Input") == [list(row) for row in LESSON_IMAGE]
    expect(page.locator(".sum")).to_have_text(
        "Output[0, 0] = (1·1) + (1·0) + (1·1) + (0·0) + (1·1) + (1·0) + (0·1) + (0·0) + (1·1) = 4"
    )
    expect(page.get_by_role("math")).to_have_attribute("aria-label", re.compile("equals 3$"))
    expect_agreement(page)
    expect(page.locator(".badge")).to_have_text("✓ browser = cnnviz = PyTorch")
    assert "?" not in page.url  # the opening state needs no query


@pytest.mark.parametrize("name", ["Stride", "Padding"])
def test_everything_answers_while_a_slider_is_dragged(open_page: OpenPage, name: str) -> None:
    low, high = getattr(BOUNDS["hand"], name.lower())
    path = (*range(low, high + 1), 2)  # to the end and back
    page = open_page("convolution?size=10")
    expect_output_title(page, 8)
    points = _slider_points(page, name)
    page.evaluate(WATCH_FRAMES)
    page.mouse.move(*points[path[0]])
    page.mouse.down()
    for value in path:
        page.mouse.move(*points[value], steps=4)
        (size, _) = ConvSpec(3, **{name.lower(): value}).output_size(10, 10)
        # The button is still held.
        expect_output_title(page, size)
        expect(page.get_by_role("math")).to_have_attribute(
            "aria-label", re.compile(f"equals {size}$")
        )
        expect(grid(page, "Output").get_by_role("row")).to_have_count(size)
        assert slider(page, name).input_value() == str(value)
    seen = page.evaluate("window.frames_seen")
    page.mouse.up()
    assert {value for value, *_ in seen} >= set(path[1:])
    for value, title, formula, cells in seen:
        (size, _) = ConvSpec(3, **{name.lower(): value}).output_size(10, 10)
        assert title == f"Output {size}×{size}"
        assert formula.endswith(f"equals {size}")
        assert cells == size * size
    page.wait_for_url(re.compile(f"{name.lower()}={path[-1]}"))
    expect_agreement(page)


def test_padding_and_stride_of_the_lesson(open_page: OpenPage) -> None:
    page = open_page("convolution")
    set_slider(page, "Padding", 1)
    set_slider(page, "Stride", 2)
    expect_output_title(page, 3)
    expect_sum(page, "0, 0", 2)
    spec = ConvSpec(3, stride=2, padding=1)
    image, weight = np.array([LESSON_IMAGE]), np.array([[[[1, 0, 1], [0, 1, 0], [1, 0, 1]]]])
    expect_numbers(page, "Output", cross_correlate(image, weight, spec)[0].tolist())
    assert len(numbers(page, "Input")) == 7
    expect_agreement(page)


# ---------------------------------------------------------------------------------------- walking


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until what has the focus, however deep, matches."""
    matches = """selector => {
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return Boolean(at?.matches(selector));
    }"""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(matches, selector):
            return
    raise AssertionError(f"Tab never comes to {selector}")


def test_walking_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("convolution")
    expect(grid(page, "Output")).to_be_visible()
    _tab_to(page, ".output [role=gridcell]")
    for key, place, total in (
        ("ArrowRight", "0, 1", 3),
        ("ArrowRight", "0, 2", 4),
        ("ArrowRight", "0, 2", 4),  # at the border the walk stays
        ("ArrowDown", "1, 2", 3),
        ("Home", "1, 0", 2),
        ("ArrowDown", "2, 0", 2),
        ("End", "2, 2", 4),
        ("ArrowUp", "1, 2", 3),
    ):
        page.keyboard.press(key)
        expect_sum(page, place, total)
    where = page.locator(".where")
    expect(where).to_have_text("window 6 of 9")
    page.wait_for_url(re.compile("step=5"))

    _tab_to(page, "[aria-label=Window]")
    page.keyboard.press("Home")
    expect_sum(page, "0, 0", 4)
    page.keyboard.press("ArrowRight")
    expect_sum(page, "0, 1", 3)
    page.keyboard.press("End")
    expect_sum(page, "2, 2", 4)
    page.wait_for_url(re.compile("step=8"))


def test_playing_and_pausing_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("convolution?size=10")
    where = page.locator(".where")
    expect(where).to_have_text("window 1 of 64")
    page.get_by_role("combobox", name="Speed").select_option("fast")
    play = page.get_by_role("button", name="Play", exact=True)
    pause = page.get_by_role("button", name="Pause", exact=True)
    _tab_to(page, ".play")
    page.keyboard.press("Enter")
    expect(pause).to_be_focused()
    expect(where).to_have_text(re.compile("window [3-9] of 64"))
    page.keyboard.press("Space")
    expect(play).to_be_focused()
    stopped_at = where.inner_text()
    page.wait_for_timeout(600)  # three windows of the fast walk
    assert where.inner_text() == stopped_at
    step = int(stopped_at.split()[1]) - 1
    row, column = divmod(step, 8)
    expect_sum(page, f"{row}, {column}", numbers(page, "Output")[row][column])
    page.wait_for_url(re.compile(f"step={step}"))
    page.keyboard.press("Space")
    expect(where).not_to_have_text(stopped_at)
    page.keyboard.press("Enter")
    expect(play).to_be_focused()


def test_playing_ends_at_the_last_window_and_begins_again(open_page: OpenPage) -> None:
    page = open_page("convolution?step=6")
    where = page.locator(".where")
    expect(where).to_have_text("window 7 of 9")
    page.get_by_role("combobox", name="Speed").select_option("fast")
    play = page.get_by_role("button", name="Play", exact=True)
    play.click()
    expect(where).to_have_text("window 9 of 9")
    expect(play).to_be_visible()
    expect_sum(page, "2, 2", 4)
    page.wait_for_url(re.compile("step=8"))
    play.click()
    expect(where).to_have_text(re.compile("window [1-4] of 9"))
    page.get_by_role("button", name="Pause", exact=True).click()


def test_the_step_buttons(open_page: OpenPage) -> None:
    page = open_page("convolution")
    onward = page.get_by_role("button", name="One step on")
    back = page.get_by_role("button", name="One step back")
    back.click()  # there is nothing before the first
    expect_sum(page, "0, 0", 4)
    for place, total in (("0, 1", 3), ("0, 2", 4), ("1, 0", 2)):
        onward.click()
        expect_sum(page, place, total)
    back.click()
    expect_sum(page, "0, 2", 4)
    page.get_by_role("button", name="First window").click()
    expect_sum(page, "0, 0", 4)


# --------------------------------------------------------------------------------------- pointing


def test_pointing_at_cells(open_page: OpenPage) -> None:
    page = open_page("convolution")
    taps = grid(page, "Input").locator(".tap")
    cell(page, "Output", 2, 1).hover()
    expect_sum(page, "2, 1", 3)
    expect(taps).to_have_count(9)
    expect(cell(page, "Input", 2, 1)).to_have_class(re.compile(r"\btap\b"))
    expect(cell(page, "Input", 1, 1)).not_to_have_class(re.compile(r"\btap\b"))

    sums, readers = page.locator(".sum"), grid(page, "Output").locator(".reader")
    cell(page, "Input", 0, 0).hover()
    expect(sums).to_have_text("Input[0, 0] is read by 1 window: output [0, 0]")
    expect(readers).to_have_count(1)
    expect(taps).to_have_count(0)
    cell(page, "Input", 1, 4).hover()
    expect(sums).to_have_text("Input[1, 4] is read by 2 windows: outputs [0, 2], [1, 2]")
    expect(readers).to_have_count(2)
    expect(cell(page, "Output", 1, 2)).to_have_class(re.compile(r"\breader\b"))
    cell(page, "Input", 2, 2).hover()
    expect(sums).to_contain_text("is read by 9 windows")

    page.mouse.move(5, 5)  # away: the walk's own window again
    expect_sum(page, "0, 0", 4)


def test_how_often_each_cell_is_read(open_page: OpenPage) -> None:
    page = open_page("convolution")
    box = page.get_by_role("checkbox", name=re.compile("read"))
    box.check()
    expect_numbers(
        page,
        "Input",
        [[1, 2, 3, 2, 1], [2, 4, 6, 4, 2], [3, 6, 9, 6, 3], [2, 4, 6, 4, 2], [1, 2, 3, 2, 1]],
    )
    set_slider(page, "Stride", 2)
    expect_numbers(
        page,
        "Input",
        [[1, 1, 2, 1, 1], [1, 1, 2, 1, 1], [2, 2, 4, 2, 2], [1, 1, 2, 1, 1], [1, 1, 2, 1, 1]],
    )
    box.uncheck()
    expect_numbers(page, "Input", [[*map(float, row)] for row in LESSON_IMAGE])


def test_what_the_floor_throws_away(open_page: OpenPage) -> None:
    page = open_page("convolution?size=6&stride=2")
    expect(grid(page, "Input").locator(".lost")).to_have_count(6 + 6 - 1)
    expect(cell(page, "Input", 0, 5)).to_have_attribute("aria-label", re.compile("never reached"))
    expect(page.locator(".words li").first).to_have_text(
        re.compile(r"^Stride 2 never reaches the last column.*3 = 1·2 \+ 1.*floor")
    )
    cell(page, "Input", 0, 5).hover()
    expect(page.locator(".sum")).to_have_text(re.compile(r"^Input\[0, 5\] is read by no window"))
    set_slider(page, "Input size", 7)  # 4 = 2·2: nothing is left over
    expect(grid(page, "Input").locator(".lost")).to_have_count(0)
    expect(page.locator(".words")).not_to_contain_text("never reaches")


def test_what_a_stride_larger_than_the_kernel_skips(open_page: OpenPage) -> None:
    page = open_page("convolution?size=8&kernel=2&stride=3")
    expect(page.locator(".words")).to_contain_text("rows and columns 2 and 5 (counted from 0)")
    expect(cell(page, "Input", 2, 0)).to_have_attribute("aria-label", re.compile("never read"))
    expect(grid(page, "Input").locator(".missed")).to_have_count(2 * 8 + 2 * 8 - 4)


# ---------------------------------------------------------------------------------------- editing


def test_editing_cells_and_sharing_them(open_page: OpenPage, browser: Browser) -> None:
    page = open_page("convolution")
    cell(page, "Input", 0, 0).click()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(cell(page, "Output", 0, 0)).to_have_text("10")
    cell(page, "Filter", 1, 1).click()
    page.keyboard.press("Enter")
    page.keyboard.type("-2,5")  # a comma will do; the old number was selected and goes
    page.keyboard.press("Enter")
    image = np.array([LESSON_IMAGE], dtype=float)
    image[0, 0, 0] = 7
    weight = np.array([[[[1, 0, 1], [0, -2.5, 0], [1, 0, 1]]]])
    wanted = cross_correlate(image, weight, ConvSpec(3))[0].tolist()
    expect_numbers(page, "Output", wanted)
    expect(page.locator(".sum")).to_contain_text("(1·−2.5)")
    page.wait_for_url(re.compile(r"image=7_1_1_0_0.*filter=1_0_1(~|%7E)0_-2\.5_0"))
    expect_agreement(page)

    other = browser.new_context()
    try:
        copy = other.new_page()
        copy.goto(page.url)
        expect_numbers(copy, "Output", wanted)
        assert numbers(copy, "Input")[0][0] == 7
        assert numbers(copy, "Filter")[1][1] == -2.5
        expect(copy.locator(".badge")).to_have_text(re.compile("^✓"))
    finally:
        other.close()


def test_what_is_typed_must_be_a_number(open_page: OpenPage) -> None:
    page = open_page("convolution")
    place = cell(page, "Filter", 0, 0)
    note = page.locator(".lab .note")
    place.click()
    page.keyboard.type("9")
    page.keyboard.press("Escape")
    expect(place).to_have_text("1")
    expect(place).to_be_focused()
    for nonsense in ("cat", "1e999", "100", "--1", "<b>1</b>", "NaN", "0x"):
        page.keyboard.press("Enter")
        page.keyboard.type(nonsense)
        page.keyboard.press("Enter")
        expect(note).to_be_visible()
        expect(note).to_contain_text(f"“{nonsense}” is not a number between −99 and 99")
        expect(place).to_have_text("1")
    expect_numbers(page, "Output", [[*map(float, row)] for row in OPENING_OUTPUT])
    page.keyboard.type("-3")
    page.keyboard.press("Enter")
    expect(place).to_have_text("−3")
    expect(note).to_be_hidden()
    expect_sum(page, "0, 0", 0)
    # A click elsewhere keeps what was typed, as in a spreadsheet.
    cell(page, "Filter", 2, 2).click()
    page.keyboard.type("4")
    cell(page, "Filter", 0, 1).click()
    expect(cell(page, "Filter", 2, 2)).to_have_text("4")


def test_edits_outlive_a_smaller_input(open_page: OpenPage) -> None:
    page = open_page("convolution")
    cell(page, "Input", 4, 4).click()
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    set_slider(page, "Input size", 3)
    expect_output_title(page, 1)
    set_slider(page, "Input size", 5)
    expect(cell(page, "Input", 4, 4)).to_have_text("8")


def test_turning_the_filter(open_page: OpenPage) -> None:
    page = open_page("convolution?filter=1_2_3~4_5_6~7_8_9")
    image = np.array([LESSON_IMAGE], dtype=float)
    weight = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    straight = cross_correlate(image, weight, ConvSpec(3))[0]
    turned = convolve(image, weight, ConvSpec(3))[0]
    expect_numbers(page, "Output", straight.tolist())
    page.get_by_role("checkbox", name=re.compile("180°")).check()
    expect_numbers(page, "Output", turned.tolist())
    count = int((straight != turned).sum())
    expect(page.locator(".words")).to_contain_text(f"{count} of 9 outputs differ")
    expect(page.locator(".sum")).to_contain_text("(1·9) + (1·8) + (1·7)")
    as_applied = page.get_by_role("grid", name=re.compile("as applied"))
    expect(as_applied.get_by_role("gridcell")).to_have_text([*"987654321"])
    expect_agreement(page)
    page.wait_for_url(re.compile("flip=1"))


# ------------------------------------------------------------------------------------- no output


def test_a_kernel_larger_than_the_input(open_page: OpenPage) -> None:
    page = open_page("convolution")
    expect_agreement(page)
    set_slider(page, "Input size", 2)
    expect(problem(page)).to_be_visible()
    expect(problem(page)).to_have_text(
        re.compile(r"kernel 3 spans 3 cells, the input has only 2.*Take a smaller kernel")
    )
    expect(page.get_by_role("grid")).to_have_count(0)  # nothing stale is left
    expect(page.locator(".sum")).to_be_hidden()
    expect(page.get_by_role("toolbar")).to_be_hidden()
    expect(page.get_by_role("math")).not_to_have_attribute("aria-label", re.compile("equals"))
    expect(page.locator(".badge")).to_have_text("✓ all three: no output", timeout=60_000)
    page.reload()
    expect(problem(page)).to_be_visible()
    set_slider(page, "Padding", 1)
    expect(problem(page)).to_be_hidden()
    expect_output_title(page, 2)
    expect_sum(page, "0, 0", 2)
    expect_agreement(page)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("padding=same&stride=2", "refuses padding .same. with stride 2"),
        ("size=3&padding=3&fill=reflect", "Reflecting 3 cells needs an input larger than 3"),
        ("size=2&padding=3&fill=circular", "more than once"),
    ],
)
def test_other_settings_without_an_output(open_page: OpenPage, query: str, words: str) -> None:
    page = open_page(f"convolution?{query}")
    expect(problem(page)).to_have_text(re.compile(words))
    expect(page.get_by_role("grid")).to_have_count(0)
    expect(page.locator(".badge")).to_have_text("✓ all three: no output", timeout=60_000)


def test_starting_again(open_page: OpenPage) -> None:
    image = "9_1_1_0_0~0_1_1_1_0~0_0_1_1_1~0_0_1_1_0~0_1_1_0_0"
    page = open_page(f"convolution?stride=2&padding=2&bias=3&flip=1&step=4&image={image}")
    expect(cell(page, "Input", 2, 2)).to_have_text(re.compile("^9"))
    page.get_by_role("button", name="Start again").click()
    expect_numbers(page, "Output", [[*map(float, row)] for row in OPENING_OUTPUT])
    expect_numbers(page, "Input", [[*map(float, row)] for row in LESSON_IMAGE])
    expect_sum(page, "0, 0", 4)
    assert slider(page, "Stride").input_value() == "1"
    assert not page.get_by_role("checkbox", name=re.compile("180°")).is_checked()
    page.wait_for_url(re.compile("/convolution$"))
    expect_agreement(page)
