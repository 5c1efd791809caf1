"""The other views of the lesson: colour, pooling, transposed, backwards, quiz and picture."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from cnnviz.backwards import Search, write_layer
from cnnviz.convolution import window_at
from cnnviz.convolution_judge import compute
from cnnviz.convolution_lesson import BOUNDS, opening_settings
from cnnviz.exercises import make_question
from cnnviz.filters import filter_by_key
from cnnviz.geometry import ConvSpec
from cnnviz.picture_lesson import PictureSettings, feature_map
from tests.browser.lab_page import (
    SETTLE_MS,
    cell,
    expect_agreement,
    expect_numbers,
    expect_output_title,
    grid,
    numbers,
    problem,
    set_slider,
    slider,
)

OpenPage = Callable[[str], Page]


# ----------------------------------------------------------------------------------------- colour


def test_colour_adds_three_channel_sums(open_page: OpenPage) -> None:
    page = open_page("convolution?view=colour&bias=2")
    settings = opening_settings("colour")
    maps = compute(settings) + 2
    for index, wanted in enumerate(maps):
        expect_numbers(page, f"Output, Map {index}", wanted.tolist())
    cell(page, "Output, Map 1", 1, 0).hover()
    spec = settings.spec
    assert isinstance(spec, ConvSpec)
    window = window_at(
        settings.image_array, settings.weight_array, spec, 1, 0, filter_index=1, bias=2
    )
    lines = page.locator(".sum .channel")
    for line, name, total in zip(
        range(3), ("Red", "Green", "Blue"), window.channel_sums, strict=True
    ):
        shown = f"{total:g}".replace("-", "−")
        expect(lines.nth(line)).to_have_text(re.compile(rf"^{name} .* = {re.escape(shown)}$"))
    total = f"{window.total:g}".replace("-", "−")
    expect(page.locator(".sum")).to_have_text(
        re.compile(rf"Output\[1, 1, 0\] = .* \+ 2 bias = {re.escape(total)}\s*$", re.S)
    )
    expect_agreement(page)


def test_a_filter_of_the_wrong_depth(open_page: OpenPage) -> None:
    page = open_page("convolution?view=colour")
    expect(page.get_by_role("heading", name="Output 2×2×2")).to_be_visible()
    for depth in (2, 4):
        set_slider(page, "Filter depth", depth)
        expect(problem(page)).to_have_text(
            re.compile(f"filter is {depth} deep and the image has 3 channels.*Take filter depth 3")
        )
        expect(page.get_by_role("grid", name=re.compile("^Output"))).to_have_count(0)
        expect(page.locator(".badge")).to_have_text("✓ all three: no output", timeout=SETTLE_MS)
    set_slider(page, "Filter depth", 3)
    expect(problem(page)).to_be_hidden()
    expect_numbers(page, "Output, Map 0", compute(opening_settings("colour"))[0].tolist())


def test_the_page_works_again_after_a_link_of_the_wrong_depth(open_page: OpenPage) -> None:
    page = open_page("convolution?view=colour&depth=2")
    expect(problem(page)).to_be_visible()
    set_slider(page, "Filter depth", 3)
    expect(problem(page)).to_be_hidden()
    before = numbers(page, "Output, Map 0")
    cell(page, "Red", 0, 0).hover()
    expect(page.locator(".sum")).to_contain_text("is read by 1 window")
    cell(page, "Red", 0, 0).click()
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    expect(cell(page, "Red", 0, 0)).to_have_text("50")
    first = opening_settings("colour").weight[0][0][0][0]
    added = (50 - opening_settings("colour").image[0][0][0]) * first
    expect(cell(page, "Output, Map 0", 0, 0)).to_have_text(
        f"{before[0][0] + added:g}".replace("-", "−")
    )


def test_several_filters_give_several_maps(open_page: OpenPage) -> None:
    page = open_page("convolution?view=colour")
    for filters in (1, 4, 3):
        set_slider(page, "Filters", filters)
        expect(page.get_by_role("grid", name=re.compile("^Output"))).to_have_count(filters)
        expect(page.locator(".words")).to_contain_text(f"{filters * 28} parameters")
    expect_agreement(page)


# -------------------------------------------------------------------------- pooling and transposed


def test_pooling_by_maximum_and_by_average(open_page: OpenPage) -> None:
    page = open_page("convolution?view=pooling")
    expect_numbers(page, "Output", [[6, 8], [3, 4]])
    expect(page.locator(".sum")).to_have_text("Output[0, 0] = max(1, 1, 5, 6) = 6")
    expect_agreement(page)
    page.get_by_role("combobox", name="Pool by").select_option("average")
    expect_numbers(page, "Output", [[3.25, 5.25], [2, 2]])
    expect(page.locator(".sum")).to_have_text("Output[0, 0] = (1 + 1 + 5 + 6) / 4 = 13 / 4 = 3.25")
    page.get_by_role("button", name="One step on").click()
    expect(page.locator(".sum")).to_have_text("Output[0, 1] = (2 + 4 + 7 + 8) / 4 = 21 / 4 = 5.25")
    expect_agreement(page)
    set_slider(page, "Kernel", 3)
    expect_output_title(page, 1)
    page.get_by_role("checkbox", name="ceil mode").check()
    expect_output_title(page, 2)
    expect_agreement(page)
    set_slider(page, "Padding", 2)
    expect(problem(page)).to_contain_text("refuses padding 2 for a 3×3 pooling window")
    expect(page.locator(".badge")).to_have_text("✓ all three: no output")


def test_ceil_mode_on_an_input_smaller_than_the_window(open_page: OpenPage) -> None:
    page = open_page("convolution?view=pooling&size=1&ceil=1")
    expect_numbers(page, "Output", [[1]])
    expect_agreement(page)


def test_transposed_inserts_zeros(open_page: OpenPage) -> None:
    page = open_page("convolution?view=transposed")
    expect_output_title(page, 5)
    wanted = compute(opening_settings("transposed"))[0]
    expect_numbers(page, "Output", wanted.round(2).tolist())
    expect(page.locator(".words")).to_contain_text("Stride 2 inserts 1 zero between neighbours")
    inserted = grid(page, "Input").get_by_role("gridcell", name=re.compile("inserted zero"))
    # 9 real cells lie in 5×5 stuffed ones; the rest of them are the zeros that the stride inserts.
    expect(inserted).to_have_count(5 * 5 - 9)
    expect_agreement(page)
    set_slider(page, "Stride", 3)
    expect_output_title(page, 7)
    set_slider(page, "Output padding", 2)
    expect_output_title(page, 9)
    expect_agreement(page)
    set_slider(page, "Stride", 1)
    expect(problem(page)).to_contain_text("Output padding 2 must be smaller than the stride")


# -------------------------------------------------------------------------------------- backwards


def test_from_32_to_16(open_page: OpenPage) -> None:
    page = open_page("convolution?view=backwards")
    found = Search().find()
    expect(page.get_by_text(f"{len(found)} settings turn 32 into 16")).to_be_visible()
    code = page.get_by_test_id("stCode").first
    expect(code).to_have_text(write_layer(found[0], 3, 16))
    expect(page.get_by_role("button", name="Walk this window")).to_have_count(0)  # 32 is too large
    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas").first).to_be_visible()
    box = table.bounding_box()
    assert box is not None
    # The table is painted on a canvas: its first column of boxes, below the heading.
    pitch = _row_height(page)
    page.mouse.click(box["x"] + 18, box["y"] + pitch * 3.5)
    expect(code).to_have_text(write_layer(found[2], 3, 16))
    page.get_by_role("spinbutton", name="to output size").fill("33")
    page.keyboard.press("Enter")
    more = len(Search(to_size=33).find())
    expect(page.get_by_text(f"{more} settings turn 32 into 33")).to_be_visible()
    page.wait_for_url(re.compile("to=33"))


def _row_height(page: Page) -> float:
    rows = page.get_by_test_id("stDataFrame").locator("canvas [role=row]")
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    count = rows.count()
    height: float = box["height"] / min(count, 11) if count else 35.0
    return min(height, 40.0) if height > 25 else 35.0


def test_nothing_found_says_what_is_near(open_page: OpenPage) -> None:
    page = open_page("convolution?view=backwards&from=32&to=500")
    expect(page.get_by_text("No setting within these bounds turns 32 into 500.")).to_be_visible()
    expect(page.get_by_text(re.compile("nearest sizes? that one does reach"))).to_be_visible()


def test_a_small_setting_opens_by_hand(open_page: OpenPage) -> None:
    page = open_page("convolution?view=backwards&from=9&to=4")
    first = Search(from_size=9, to_size=4).find()[0]
    page.get_by_role("button", name="Walk this window by hand").click()
    expect_output_title(page, 4)
    expect(slider(page, "Input size")).to_have_value("9")
    expect(slider(page, "Kernel")).to_have_value(str(first.kernel_size[0]))
    expect(slider(page, "Stride")).to_have_value(str(first.stride[0]))
    expect(page.get_by_role("radio", name="By hand")).to_be_checked()
    expect_agreement(page)


# ------------------------------------------------------------------------------------------- quiz

LAB_TEXT = """() => {
  const lab = [...document.querySelectorAll('*')].map((node) => node.shadowRoot)
    .map((root) => root?.querySelector('.lab')).find(Boolean);
  const labels = [...lab.querySelectorAll('[aria-label], [title]')]
    .map((node) => `${node.getAttribute('aria-label')} ${node.title}`);
  const output = lab.querySelector('.panel.output');
  return { lab: lab.textContent + labels.join(' '), output: output.textContent };
}"""


def _answer(page: Page, text: str) -> None:
    page.get_by_role("spinbutton").first.fill(text)
    page.get_by_role("button", name="Check").click()


def test_a_size_is_asked_for(open_page: OpenPage) -> None:
    question = make_question(1)
    assert question.kind == "size"
    page = open_page("convolution?view=quiz&question=1")
    expect(page.get_by_role("heading", name=re.compile("^Question 1:"))).to_be_visible()
    expect(grid(page, "Input")).to_be_visible()
    expect(page.get_by_role("heading", name="Output ?×?")).to_be_visible()
    hidden = page.evaluate(LAB_TEXT)
    size = question.answer
    assert f"{size}×{size}" not in hidden["output"]
    assert f"{size} by {size}" not in hidden["lab"].replace(_input_name(page), "")
    assert f"equals {size}" not in hidden["lab"]
    expect(page.get_by_role("grid", name=re.compile("^Output"))).to_have_count(0)
    expect(page.locator(".sum")).to_be_hidden()
    expect(page.get_by_role("toolbar")).to_be_hidden()

    _answer(page, str(size + 1))
    expect(page.get_by_text(f"{size + 1} is not it.")).to_be_visible()
    expect(page.get_by_text("Score: 0 of 1")).to_be_visible()
    expect(page.get_by_role("heading", name="Output ?×?")).to_be_visible()
    _answer(page, str(size))
    expect(page.get_by_text(f"Right: {size}.")).to_be_visible()
    expect(page.get_by_text("Score: 0 of 1")).to_be_visible()  # the first try counts
    expect_output_title(page, size)

    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("heading", name=re.compile("^Question 2:"))).to_be_visible()
    page.wait_for_url(re.compile("question=2"))
    _answer(page, str(make_question(2).answer))
    expect(page.get_by_text("Score: 1 of 2")).to_be_visible()

    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("heading", name=re.compile("^Question 3:"))).to_be_visible()
    page.get_by_role("button", name="Show me").click()
    expect(page.get_by_text(f"The answer is {make_question(3).answer}.")).to_be_visible()
    expect(page.get_by_text("Score: 1 of 3")).to_be_visible()
    expect_output_title(page, make_question(3).answer)


def _input_name(page: Page) -> str:
    return grid(page, "Input").get_attribute("aria-label") or ""


def test_a_cell_is_asked_for(open_page: OpenPage) -> None:
    question = make_question(4)
    assert question.kind == "cell"
    page = open_page("convolution?view=quiz&question=4")
    output = grid(page, "Output")
    expect(output).to_be_visible()
    rows, columns = compute(question.settings)[0].shape
    expect(output.get_by_role("gridcell")).to_have_text(["?"] * (rows * columns))
    place = cell(page, "Output", *question.cell)
    expect(place).to_have_class(re.compile(r"\bhere\b"))
    # Nothing that one can do gives it away.
    place.hover()
    place.click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(output.get_by_role("gridcell")).to_have_text(["?"] * (rows * columns))
    expect(page.locator(".sum")).to_be_hidden()
    tinted = re.compile(r"\b[pn][1-5]\b")
    for one in output.get_by_role("gridcell").all():
        expect(one).not_to_have_class(tinted)
    _answer(page, str(question.answer))
    expect(page.get_by_text(f"Right: {question.answer}.")).to_be_visible()
    expect(place).to_have_text(f"{question.answer}".replace("-", "−"))
    expect(page.locator(".sum")).to_be_visible()


# ---------------------------------------------------------------------------------------- picture


def _png(height: int, width: int) -> bytes:
    draw = np.random.default_rng(7)
    pixels = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _painted(page: Page) -> str:
    """The pixels of the feature map."""
    text: str = page.locator(".map .frame canvas").evaluate("canvas => canvas.toDataURL()")
    return text


def test_a_filter_on_the_cat(open_page: OpenPage) -> None:
    page = open_page("convolution?view=picture")
    size = page.locator(".map h3 small")
    expect(size).to_have_text(re.compile(r"\d+ × \d+"))
    expect(page.locator(".badge")).to_have_text(
        re.compile("^✓ Your browser, cnnviz and PyTorch agree"), timeout=SETTLE_MS
    )
    before = _painted(page)
    choice = page.get_by_role("combobox", name="Filter")
    for key in ("box_blur", "sobel_y"):
        choice.select_option(key)
        expect(page.locator(".kernel .what")).to_have_text(filter_by_key(key).what)
        assert _painted(page) != before
        before = _painted(page)
        page.wait_for_url(re.compile(f"filter={key}"))
        expect_agreement(page)
    set_slider(page, "Stride", 2)
    height, width = map(int, page.locator(".picture h3 small").inner_text().split(" × "))
    rows, columns = ConvSpec(3, stride=2).output_size(height, width)
    expect(size).to_have_text(f"{rows} × {columns}")
    page.get_by_label("weight row 1 column 1").fill("50")
    expect(choice).to_have_value("")
    expect_agreement(page)
    page.wait_for_url(re.compile("kernel=50"))


def test_a_picture_of_ones_own(open_page: OpenPage) -> None:
    page = open_page("convolution?view=picture")
    page.get_by_text("A file of yours").click()
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "ours.png", "mimeType": "image/png", "buffer": _png(12, 20)})
    dimensions = page.locator(".picture h3 small")
    expect(dimensions).to_have_text("12 × 20")
    expect(page.locator(".map h3 small")).to_have_text("10 × 18")
    expect_agreement(page)
    pixels = np.asarray(Image.open(io.BytesIO(_png(12, 20))))
    from cnnviz.pictures import to_grey

    values = feature_map(to_grey(pixels), PictureSettings())
    shown = page.locator(".range").inner_text().replace("−", "-")
    assert [float(x) for x in re.findall(r"-?\d+\.?\d*", shown)] == pytest.approx(
        [values.min(), values.mean(), values.max()], abs=0.051
    )

    before = _painted(page)
    chooser.set_input_files(
        {"name": "broken.png", "mimeType": "image/png", "buffer": _png(30, 30)[:400]}
    )
    refusal = page.get_by_test_id("stAlert")
    expect(refusal).to_contain_text("damaged or cut short")
    expect(refusal).to_contain_text("The picture before it is still shown")
    expect(dimensions).to_have_text("12 × 20")
    assert _painted(page) == before
    chooser.set_input_files(
        {"name": "page.png", "mimeType": "image/png", "buffer": b"<html><script>1</script>"}
    )
    expect(refusal).to_contain_text("looks like a web page")
    chooser.set_input_files({"name": "next.png", "mimeType": "image/png", "buffer": _png(9, 9)})
    expect(dimensions).to_have_text("9 × 9")
    expect(refusal).to_have_count(0)
    expect_agreement(page)


def test_walking_the_feature_map_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("convolution?view=picture")
    frame = page.get_by_role("application", name=re.compile("Feature map"))
    frame.focus()
    heading = page.get_by_role("heading", name=re.compile("The window of row"))
    expect(heading).to_be_visible()
    row, column = map(int, re.findall(r"\d+", heading.inner_text()))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(heading).to_have_text(f"The window of row {row + 1}, column {column + 1}")
    page.keyboard.press("Shift+ArrowLeft")
    expect(heading).to_have_text(f"The window of row {row + 1}, column {max(1, column - 9)}")


@pytest.mark.slow
@pytest.mark.parametrize("view", ["hand", "colour", "pooling", "transposed"])
def test_every_slider_goes_to_both_ends(open_page: OpenPage, view: str) -> None:
    """No setting that a hand can reach leaves an exception, an empty page or a wrong number."""
    page = open_page(f"convolution?view={view}")
    expect(slider(page, "Kernel")).to_be_visible()
    bounds = BOUNDS[opening_settings(view).view]
    names = {"size": "Input size", "kernel": "Kernel", "stride": "Stride", "padding": "Padding"}
    names |= {"dilation": "Dilation", "output_padding": "Output padding"}
    names |= {"depth": "Filter depth", "filters": "Filters"}
    for key, name in names.items():
        limits = getattr(bounds, key)
        if limits is None:
            continue
        opening = slider(page, name).input_value()
        for press, value in (("End", limits[1]), ("Home", limits[0])):
            slider(page, name).press(press)
            expect(slider(page, name)).to_have_value(str(value))
            shown = page.locator(".lab .problem:visible, .lab .panel.output [role=grid]:visible")
            expect(shown.first).to_be_visible()
        set_slider(page, name, int(opening))
    expect_agreement(page)
