"""The state in the address: hostile queries, reloads, navigation, and who shares what."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from cnnviz.convolution_lesson import BOUNDS
from cnnviz.filters import FILTERS
from cnnviz.ui.url_state import ECHO_S
from tests.browser.conftest import AT_REST
from tests.browser.lab_page import (
    cell,
    expect_agreement,
    expect_numbers,
    expect_output_title,
    expect_sum,
    grid,
    numbers,
    set_slider,
    slider,
)

OpenPage = Callable[[str], Page]

SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
WIDEST = BOUNDS["hand"].size[1]
HOSTILE = {
    "nothing is divided by zero": ("stride=0", {"Stride": 1}),
    "below the least": ("padding=-1", {"Padding": 0}),
    "far too large": ("kernel=1e9", {"Kernel": 7}),
    "a word": ("kernel=cat", {"Kernel": 3}),
    "script for cells": (f"image={quote(SCRIPT)}", {"Input size": 5}),
    "script for a number": (f"bias={quote(SCRIPT)}", {"Input size": 5}),
    "script for a name": (f"fill={quote(SCRIPT)}&padding={quote(SCRIPT)}", {"Padding": 0}),
    "ten thousand characters": ("filter=" + "1_" * 5000, {"Kernel": 3}),
    "no such view": ("view=nonsense", {"Input size": 5}),
    "not a number": ("size=NaN&bias=nan", {"Input size": 5}),
    "endless": ("size=inf&stride=-inf&bias=inf", {"Input size": WIDEST, "Stride": 1}),
    "a null byte": ("stride=%00&fill=%00", {"Stride": 1}),
    "no UTF-8": ("stride=%ff%fe&dilation=%C3%28", {"Stride": 1, "Dilation": 1}),
    "emoji": (f"stride={quote('😀')}&padding={quote('٢')}", {"Stride": 1}),
    "markdown": (f"stride={quote('**:red[x]** $x$ [a](javascript:alert(1))')}", {"Stride": 1}),
    "twice the same key": ("stride=cat&stride=9", {"Stride": 5}),
}
"""What the address says, and the values that some sliders then have."""


def _watch_for_scripts(page: Page) -> list[str]:
    dialogs: list[str] = []

    def note(dialog: object) -> None:
        dialogs.append(str(dialog))

    page.on("dialog", note)
    return dialogs


def _expect_unharmed(page: Page, dialogs: list[str]) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert dialogs == []
    assert page.evaluate("window.hacked ?? null") is None
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize(("query", "values"), HOSTILE.values(), ids=HOSTILE.keys())
def test_nonsense_opens_the_nearest_setting(
    open_page: OpenPage, page: Page, query: str, values: dict[str, int]
) -> None:
    dialogs = _watch_for_scripts(page)
    open_page(f"convolution?{query}")
    for name, value in values.items():
        expect(slider(page, name)).to_have_value(str(value))
    expect(page.get_by_text("The link asked for something that is not there.")).to_be_visible()
    key = query.split("=")[0]
    note = page.get_by_test_id("stText").filter(has_text=f"{key}=").first
    expect(note).to_be_visible()
    assert len(note.inner_text()) < 200
    expect(page.locator(".badge")).to_have_text(re.compile("^✓"))
    _expect_unharmed(page, dialogs)


def test_what_was_changed_is_told_until_it_is_understood(open_page: OpenPage) -> None:
    page = open_page("convolution?stride=0")
    note = page.get_by_text("stride=0 is now 1")
    expect(note).to_be_visible()
    set_slider(page, "Padding", 1)
    page.wait_for_url(re.compile(r"\?padding=1$"))
    expect(note).to_be_visible()
    page.get_by_role("button", name="Understood").click()
    expect(note).to_have_count(0)
    expect(slider(page, "Padding")).to_have_value("1")


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "view=colour&depth=99&filters=-3&size=cat",
        "view=pooling&pool=median&ceil=maybe&padding=full",
        "view=transposed&output_padding=1e300&padding=same",
    ],
)
def test_nonsense_in_the_other_labs(open_page: OpenPage, page: Page, query: str) -> None:
    dialogs = _watch_for_scripts(page)
    open_page(f"convolution?{query}")
    expect(page.get_by_text("The link asked for something that is not there.")).to_be_visible()
    expect(slider(page, "Input size")).to_be_visible()
    expect(page.locator(".badge")).to_have_text(re.compile("^✓"))
    _expect_unharmed(page, dialogs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "landmark"),
    [
        ("view=picture&stride=0&kernel=%3Cb%3E,1;2&show=x&filter=cat&bias=inf", "Feature map"),
        ("view=backwards&from=1e9&to=cat&max_kernel=-1&in=0", "Ask it backwards"),
        ("view=quiz&question=-5", "Question 1"),
        ("view=quiz&question=1e99", "Question 999"),
    ],
)
def test_nonsense_in_the_other_views(
    open_page: OpenPage, page: Page, query: str, landmark: str
) -> None:
    dialogs = _watch_for_scripts(page)
    open_page(f"convolution?{query}")
    expect(page.get_by_text("The link asked for something that is not there.")).to_be_visible()
    expect(page.get_by_text(re.compile(landmark)).first).to_be_visible()
    _expect_unharmed(page, dialogs)


def test_a_reload_keeps_the_state(open_page: OpenPage) -> None:
    page = open_page("convolution")
    set_slider(page, "Stride", 2)
    set_slider(page, "Padding", 1)
    page.get_by_role("combobox", name="filled with").select_option("replicate")
    page.wait_for_url(re.compile("(?=.*stride=2)(?=.*padding=1)(?=.*fill=replicate)"))
    expect_agreement(page)
    shown = numbers(page, "Output")
    page.reload()
    expect(slider(page, "Stride")).to_have_value("2")
    expect_numbers(page, "Output", shown)
    expect(page.get_by_role("combobox", name="filled with")).to_have_value("replicate")
    expect_agreement(page)


def test_home_and_back_keeps_the_state(open_page: OpenPage, app_url: str) -> None:
    page = open_page("convolution?stride=2&size=7")
    expect_output_title(page, 3)
    set_slider(page, "Padding", 2)
    page.wait_for_url(re.compile("padding=2"))
    shown = numbers(page, "Output")
    _follow(page, "Lessons")
    expect(page.get_by_role("link", name="By hand", exact=True)).to_be_visible()
    assert page.url.rstrip("/") == app_url
    _follow(page, "Convolution")
    expect(slider(page, "Stride")).to_have_value("2")
    expect(slider(page, "Padding")).to_have_value("2")
    expect_numbers(page, "Output", shown)
    page.wait_for_url(re.compile("(?=.*stride=2)(?=.*padding=2)(?=.*size=7)"))


def test_a_link_as_the_very_first_request(
    run_app: Callable[[], AbstractContextManager[str]], page: Page
) -> None:
    """A teacher starts the app and opens a link of the lesson plan: nobody has seen the home."""
    with run_app() as url:
        page.goto(f"{url}/convolution?stride=2")
        expect_output_title(page, 2)
        navigation = page.get_by_role("navigation")
        expect(navigation.get_by_role("link", name="Convolution", exact=True)).to_be_visible()
        _follow(page, "Lessons")
        page.wait_for_url(re.compile("/$"))
        expect(page.get_by_role("link", name="By hand", exact=True)).to_be_visible()
        page.goto("about:blank")  # before the server goes, which the page would complain about


@pytest.mark.slow
def test_pages_left_while_pytorch_is_being_imported(
    run_app: Callable[[], AbstractContextManager[str]], page: Page
) -> None:
    """What asks again each second, and what reports, must not disturb the page that comes next."""
    with run_app() as url:
        page.goto(f"{url}/convolution?stride=2")
        for _ in range(4):
            expect_output_title(page, 2)
            _follow(page, "Lessons")
            expect(page.get_by_role("link", name="By hand", exact=True)).to_be_visible()
            page.wait_for_timeout(300)  # somewhere else in the second at each pass
            _follow(page, "Convolution")
        expect_agreement(page)
        page.goto("about:blank")


def _follow(page: Page, title: str) -> None:
    """Follow a link of the navigation, wherever it stands."""
    link = page.get_by_role("link", name=title, exact=True).first
    if not link.is_visible():
        page.get_by_test_id("stExpandSidebarButton").click()
    link.click()


@pytest.mark.slow
@pytest.mark.parametrize("view", ["hand", "picture"])
def test_a_link_followed_just_before_a_report_is_due(
    open_page: OpenPage, page: Page, view: str
) -> None:
    """The report would come after the request for the next page, and blank what it brought."""
    open_page(f"convolution?view={view}")
    for wait_ms in (298, 290, 270, 240):
        expect_agreement(page)
        stride = slider(page, "Stride")
        stride.evaluate(
            """(slider, wait) => {
                 slider.value = slider.value === "1" ? "2" : "1";
                 slider.dispatchEvent(new Event("input", { bubbles: true }));
                 const links = [...document.querySelectorAll("a")];
                 const home = links.find((link) => link.textContent === "Lessons");
                 setTimeout(() => home.click(), wait);
               }""",
            wait_ms,
        )
        page.wait_for_url(re.compile("/$"))
        by_hand = page.get_by_role("link", name="By hand", exact=True)
        expect(by_hand).to_be_visible()
        page.wait_for_timeout(700)
        expect(by_hand).to_be_visible()
        page.wait_for_selector(AT_REST)
        _follow(page, "Convolution")


@pytest.mark.slow
def test_a_link_that_leads_nowhere_loses_no_report(open_page: OpenPage) -> None:
    page = open_page("convolution")
    expect_agreement(page)
    page.evaluate(
        """() => {
             const link = Object.assign(document.createElement("a"), { href: "/elsewhere" });
             link.addEventListener("click", (event) => event.preventDefault());
             document.body.append(link);
             link.click();
             link.remove();
           }"""
    )
    set_slider(page, "Stride", 2)
    page.wait_for_timeout(1000)
    expect(page.locator(".badge")).to_have_text("… checking")
    expect_agreement(page)
    page.wait_for_url(re.compile(r"\?stride=2$"))


def test_another_view_and_back_keeps_the_state(open_page: OpenPage) -> None:
    page = open_page("convolution?stride=2")
    expect_output_title(page, 2)
    page.get_by_role("radio", name="Pooling").click()
    expect(page.get_by_role("combobox", name="Pool by")).to_be_visible()
    page.wait_for_url(re.compile("view=pooling"))
    page.get_by_role("radio", name="By hand").click()
    expect(page.get_by_role("combobox", name="Filter")).to_be_visible()
    expect(slider(page, "Stride")).to_have_value("2")
    expect_output_title(page, 2)
    page.wait_for_url(re.compile(r"\?stride=2$"))


def test_a_link_followed_in_an_open_page_is_taken(open_page: OpenPage, app_url: str) -> None:
    page = open_page("convolution?stride=2")
    expect_output_title(page, 2)
    page.goto(f"{app_url}/convolution?kernel=2")
    expect_output_title(page, 4)
    expect(slider(page, "Stride")).to_have_value("1")


def test_two_viewers_share_nothing(open_page: OpenPage, browser: Browser, app_url: str) -> None:
    page = open_page("convolution")
    other = browser.new_context()
    try:
        theirs = other.new_page()
        theirs.goto(f"{app_url}/convolution")
        expect_output_title(theirs, 3)
        set_slider(page, "Stride", 2)
        cell(page, "Input", 1, 1).click()
        page.keyboard.type("9")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("(?=.*stride=2)(?=.*image=)"))
        expect_agreement(page)
        set_slider(theirs, "Dilation", 2)
        theirs.wait_for_url(re.compile(r"\?dilation=2$"))
        expect_output_title(theirs, 1)
        expect(slider(theirs, "Stride")).to_have_value("1")
        assert numbers(theirs, "Input")[1][1] == 1
        expect(slider(page, "Dilation")).to_have_value("1")
        expect_output_title(page, 2)
    finally:
        other.close()


# Whatever the server says arrives late, as over a slow line: by then the browser has sent more.
SLOW_LINE = """
const arrive = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (type, listener, ...rest) {
  const late = (event) => setTimeout(() => listener.call(this, event), 700);
  return arrive.call(this, type, type === 'message' ? late : listener, ...rest);
};
"""


def test_fast_movements_do_not_snap_back(open_page: OpenPage, page: Page) -> None:
    """The address that Python writes late must not be read as if it were a new link."""
    page.add_init_script(SLOW_LINE)
    open_page("convolution?size=6")
    expect_agreement(page)
    control = slider(page, "Input size")
    control.focus()
    wanted = 6
    for burst in range(10):
        for _ in range(3):
            key, step = ("ArrowRight", 1) if burst % 3 else ("ArrowLeft", -1)
            wanted = min(WIDEST, max(1, wanted + step))
            page.keyboard.press(key)
            assert control.input_value() == str(wanted)
        page.wait_for_timeout(350)  # the report of this burst goes out after 300
        assert control.input_value() == str(wanted)
    assert wanted not in (1, 6, WIDEST)
    expect_agreement(page)
    page.wait_for_url(re.compile(rf"\?size={wanted}$"))
    page.wait_for_timeout(1500)  # nothing comes after it
    assert control.input_value() == str(wanted)
    assert page.url.endswith(f"?size={wanted}")
    expect_output_title(page, wanted - 2)


def test_a_button_pressed_before_the_address_has_followed(open_page: OpenPage, page: Page) -> None:
    """It runs the whole page, with the address as it was before the slider moved."""
    page.add_init_script(SLOW_LINE)
    open_page("convolution?size=6&stride=0")
    expect_agreement(page)
    page.wait_for_url(re.compile(r"\?size=6$"))
    set_slider(page, "Input size", 8)
    page.wait_for_timeout(450)  # the report has gone out, its answer is on the way
    understood = page.get_by_role("button", name="Understood")
    understood.click()
    expect(understood).to_have_count(0)
    page.wait_for_url(re.compile(r"\?size=8$"))
    expect_agreement(page)
    expect(slider(page, "Input size")).to_have_value("8")
    expect_output_title(page, 6)


def test_the_address_follows_the_walk_and_opens_there(open_page: OpenPage) -> None:
    page = open_page("convolution?step=4")
    expect_sum(page, "1, 1", 4)
    expect(page.locator(".where")).to_have_text("window 5 of 9")
    page.get_by_role("button", name="One step on").click()
    page.wait_for_url(re.compile(r"\?step=5$"))


@pytest.mark.slow
@pytest.mark.parametrize("key", ["box_blur", "gaussian_blur", "emboss"])
def test_a_link_keeps_a_named_filter(open_page: OpenPage, key: str) -> None:
    (named,) = (named for named in FILTERS if named.key == key)
    page = open_page("convolution")
    choice = page.get_by_role("combobox", name="Filter")
    choice.select_option(key)
    expect(grid(page, "Filter").get_by_role("row")).to_have_count(named.size)
    page.wait_for_url(re.compile("filter="))
    expect_agreement(page)
    shown = numbers(page, "Output")
    page.reload()
    expect_numbers(page, "Output", shown)
    expect(choice).to_have_value(key)
    expect(page.get_by_text("The link asked for")).to_have_count(0)


def test_the_link_to_take_away_is_the_address(open_page: OpenPage) -> None:
    page = open_page("convolution?stride=2&padding=1")
    expect_agreement(page)
    page.get_by_text("Take it away").click()
    code = page.get_by_test_id("stCode")
    expect(code.first).to_contain_text("stride=2")
    expect(code.last).to_have_text(page.url)
    set_slider(page, "Padding", 2)
    page.wait_for_url(re.compile("padding=2"))
    expect(code.first).to_contain_text("padding=2")
    expect(code.last).to_have_text(page.url)


def test_back_takes_the_last_move_back(open_page: OpenPage) -> None:
    page = open_page("convolution")
    expect_agreement(page)
    for name, address in (("Stride", r"stride=2$"), ("Padding", r"stride=2&padding=1$")):
        slider(page, name).press("ArrowRight")
        page.wait_for_url(re.compile(address))
        page.wait_for_timeout(1000 * ECHO_S + 500)  # sooner than that it could be an echo
    page.go_back()
    expect(slider(page, "Padding")).to_have_value("0")
    expect(slider(page, "Stride")).to_have_value("2")
    page.go_back()
    expect(slider(page, "Stride")).to_have_value("1")
    expect_output_title(page, 3)
