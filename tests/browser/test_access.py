"""Reading order, names, focus, contrast and a phone's width, of every view."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab_page import grid, problem, set_slider, slider

OpenPage = Callable[[str], Page]

VIEWS = {
    "hand": "By hand",
    "picture": "On a picture",
    "colour": "In colour",
    "pooling": "Pooling",
    "transposed": "Transposed",
    "backwards": "Ask it backwards",
    "quiz": "Try it yourself",
}
# States that show as much as there is: marks, problems, large grids, notes, corners.
BUSY = {
    "hand": "convolution?size=10&padding=4&stride=2&flip=1&filter=1_2_3~4_-5_6~7_8_9&bias=-2",
    "skipping": "convolution?size=8&kernel=2&stride=3",
    "problem": "convolution?size=2",
    "notes": "convolution?stride=0&kernel=cat",
    "colour": "convolution?view=colour&size=7&padding=2&filters=4&flip=1",
    "mismatch": "convolution?view=colour&depth=4",
    "pooling": "convolution?view=pooling&size=10&padding=1&pool=average&ceil=1&stride=3",
    "transposed": "convolution?view=transposed&size=6&stride=4&kernel=5",
    "picture": "convolution?view=picture&padding=3&filter=log",
    "backwards": "convolution?view=backwards",
    "quiz": "convolution?view=quiz&question=2",
    "batch": "batch_norm?n=4&side=3&gamma=2_-3&beta=1_2&momentum=1&eps=5",
    "batch refused": "batch_norm?n=1&side=1",
}

DEEP_FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at;
}"""

DESCRIBE_FOCUS = f"""() => {{
  const at = ({DEEP_FOCUS})();
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  return {{
    name: at.getAttribute('aria-label') ?? at.textContent.trim().slice(0, 40),
    role: at.getAttribute('role') ?? at.tagName.toLowerCase(),
    inLab: Boolean(at.closest('.lab')),
    outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    shadow: style.boxShadow,
    width: box.width,
  }};
}}"""

# Everything with text of its own in a lab, with the contrast against what is painted behind it.
LOW_CONTRAST = """() => {
  const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
    .getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = '#000';
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) =>
    [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const parent = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = parent(at)) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const part = (x) => ((x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const roots = [...document.querySelectorAll('*')].map((node) => node.shadowRoot)
    .filter((root) => root?.querySelector('.lab'));
  const low = [];
  let checked = 0;
  for (const root of roots) {
    for (const node of root.querySelectorAll('.lab *')) {
      const words = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
      const isField = node.matches('input[type=number], select');
      if (!(words || isField) || node.matches(':disabled, option, style')) continue;
      if (!node.checkVisibility() || node.closest('svg')) continue;
      const ground = behind(node);
      const text = over(rgba(getComputedStyle(node).color), ground);
      const [a, b] = [light(text), light(ground)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      checked += 1;
      if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${node.className || node.tagName} `
        + `"${node.textContent.trim().slice(0, 30)}"`);
    }
  }
  return { checked, low: [...new Set(low)] };
}"""

# What is wider than the screen, other than inside a box that scrolls by itself.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const main = document.querySelector('[data-testid="stMain"]');
  const found = [];
  for (const box of [document.scrollingElement, main]) {
    if (box.scrollWidth > box.clientWidth) found.push(`${box.tagName} ${box.scrollWidth}`);
  }
  const parent = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) walk(node.shadowRoot);
      const box = node.getBoundingClientRect();
      if (!node.closest('.lab') || !box.width || box.right <= width + 1) continue;
      let at = node;
      while (at && !(at.matches('.grid-box, .mini') && at.scrollWidth > at.clientWidth)) {
        at = parent(at);
      }
      if (!at && getComputedStyle(node).position !== 'absolute') {
        found.push(`${node.tagName}.${node.className} ends at ${Math.round(box.right)}`);
      }
    }
  };
  walk(document);
  return found.slice(0, 5);
}"""

INTERACTIVE = {
    "button",
    "checkbox",
    "combobox",
    "grid",
    "link",
    "listbox",
    "menuitem",
    "radio",
    "radiogroup",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "textbox",
    "toolbar",
    "application",
}


def _wait_for_view(page: Page, view: str) -> None:
    landmark = {
        "backwards": page.get_by_text(re.compile(r"settings? turns? ")),
        "picture": page.locator(".lab .range"),
    }.get(view, page.locator(".lab .answer"))
    expect(landmark.first).to_be_visible()


# -------------------------------------------------------------------------------------- keyboard


def _tab_stops(page: Page, limit: int) -> Iterator[dict[str, Any]]:
    for _ in range(limit):
        page.keyboard.press("Tab")
        yield page.evaluate(DESCRIBE_FOCUS)


def test_tab_reaches_everything_in_reading_order_and_shows_where_it_is(
    open_page: OpenPage,
) -> None:
    page = open_page("convolution")
    expect(grid(page, "Output")).to_be_visible()
    stops: list[dict[str, Any]] = []
    for stop in _tab_stops(page, 60):
        if not stop["inLab"] and stops:
            break
        if stop["inLab"]:
            stops.append(stop)
    names = [str(stop["name"]) for stop in stops]
    wanted = ["Input size", "Kernel", "Stride", "Padding", "Dilation", "Filter", "Bias"]
    wanted += ["Start again", "Play", "Window", "Speed"]
    assert [name for name in wanted if name not in names] == []
    order = [names.index(name) for name in wanted[:5]]
    assert order == sorted(order)
    assert names.index("Dilation") < names.index("Bias") < names.index("Play")
    roles = [stop["role"] for stop in stops]
    assert roles.count("gridcell") == 3  # one stop for each grid
    assert roles.count("input") >= 5 + 3  # sliders, boxes, bias
    for stop in stops:
        assert stop["outline"] >= 2 or stop["shadow"] != "none", f"focus is not seen on {stop}"
        assert stop["width"] > 0, stop


@pytest.mark.parametrize("view", VIEWS)
def test_everything_that_can_be_operated_has_a_name(open_page: OpenPage, view: str) -> None:
    page = open_page(f"convolution?view={view}")
    _wait_for_view(page, view)
    known = _operable(page)
    assert len(known) > 10
    nameless = [role for role, name in known if not name.strip()]
    # Streamlit's table, painted on a canvas, is a grid that cannot be given a name.
    assert set(nameless) <= ({"grid"} if view == "backwards" else set())


def _operable(page: Page) -> list[tuple[str, str]]:
    """Role and name of all that can be operated, as Chromium tells them to a screen reader."""
    session = page.context.new_cdp_session(page)
    before: list[tuple[str, str]] = []
    for _ in range(50):  # the tree follows the page with a delay: wait until it stands still
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        known = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"] and node["role"]["value"] in INTERACTIVE
        ]
        if known == before and any(role == "radiogroup" for role, _ in known):
            return known
        before = known
        page.wait_for_timeout(300)
    raise AssertionError("the accessibility tree never stands still")


def test_a_depth_mismatch_has_named_grids(open_page: OpenPage) -> None:
    page = open_page("convolution?view=colour&depth=4")
    expect(problem(page)).to_be_visible()
    names = [one.get_attribute("aria-label") for one in page.get_by_role("grid").all()]
    assert len(names) == 3 + 4
    assert all(names)
    assert len(set(names)) == len(names)


def test_changes_are_announced(open_page: OpenPage) -> None:
    page = open_page("convolution")
    live = page.locator(".lab [aria-live=polite]")
    expect(live).to_have_text("Output 3 by 3.")
    set_slider(page, "Stride", 2)
    expect(live).to_have_text("Output 2 by 2.")
    set_slider(page, "Input size", 1)
    alert = page.locator(".lab").get_by_role("alert").filter(visible=True)
    expect(alert).to_contain_text("No window fits")
    expect(live).to_have_text("")
    expect(page.locator(".badge")).to_have_attribute("role", "status")


def test_cells_say_what_they_are(open_page: OpenPage) -> None:
    page = open_page("convolution?padding=1")
    padding = grid(page, "Input").get_by_role("gridcell", name=re.compile("padding"))
    expect(padding).to_have_count(7 * 7 - 5 * 5)
    readonly = grid(page, "Input").locator("[role=gridcell][aria-readonly=true]")
    expect(readonly).to_have_count(7 * 7 - 5 * 5)
    editable = grid(page, "Filter").locator("[role=gridcell][aria-readonly=false]")
    expect(editable).to_have_count(9)
    slider(page, "Kernel").focus()
    expect(slider(page, "Kernel")).to_have_attribute("aria-label", "Kernel")


# ---------------------------------------------------------------------------- phone and contrast


GROUNDS = {"light": "rgb(253, 252, 249)", "dark": "rgb(16, 23, 24)"}


def _in_both_themes(page: Page) -> Iterator[str]:
    """Show the page as it is in light and then in dark."""
    for scheme, ground in GROUNDS.items():
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", ground)
        yield scheme


@pytest.fixture
def phone(page: Page) -> Page:
    page.set_viewport_size({"width": 390, "height": 844})
    return page


@pytest.mark.slow
@pytest.mark.parametrize("state", BUSY)
def test_a_phone_has_room_and_text_stands_out(open_page: OpenPage, page: Page, state: str) -> None:
    open_page(BUSY[state])
    _wait_for_view(page, state)
    if state != "backwards":
        expect(page.locator(".badge").first).not_to_have_text(re.compile("checking"))
    wide, low = {}, {}
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in _in_both_themes(page):
            wide[width, scheme] = page.evaluate(TOO_WIDE)
            said = page.evaluate(LOW_CONTRAST)
            low[width, scheme] = said["low"]
            # "Ask it backwards" has no lab: Streamlit's own elements, in the theme's colours.
            assert said["checked"] > 20 or state == "backwards"
    assert {place: found for place, found in wide.items() if found} == {}
    assert {place: found for place, found in low.items() if found} == {}


def test_a_phone_can_change_the_view(open_page: OpenPage, phone: Page) -> None:
    page = open_page("convolution")
    for view in ("pooling", "quiz", "hand"):
        page.get_by_role("radio", name=VIEWS[view]).click()
        expect(page.get_by_role("radio", name=VIEWS[view])).to_be_checked()
        _wait_for_view(page, view)
        assert page.evaluate(TOO_WIDE) == []


def test_what_is_too_wide_is_really_measured(open_page: OpenPage, phone: Page) -> None:
    page = open_page("convolution")
    _wait_for_view(page, "hand")
    assert page.evaluate(TOO_WIDE) == []
    page.locator(".sum").evaluate("node => { node.style.width = '500px'; }")
    assert page.evaluate(TOO_WIDE) != []


def test_the_contrast_is_really_measured(open_page: OpenPage) -> None:
    page = open_page("convolution")
    expect(page.locator(".sum")).to_be_visible()
    assert page.evaluate(LOW_CONTRAST)["low"] == []
    page.locator(".sum").evaluate("node => { node.style.color = '#999'; }")
    assert any("sum" in found for found in page.evaluate(LOW_CONTRAST)["low"])
