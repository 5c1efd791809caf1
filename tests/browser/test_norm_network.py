"""A real network's normalizations, folded and not, and the questions: as a viewer meets them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.norms.capture import capture
from cnnviz.norms.channel_table import ChannelTable, tabulate
from cnnviz.norms.channel_words import channel_sentences
from cnnviz.norms.exercises import TOPICS, make_question
from cnnviz.norms.folded_network import fold_filter
from cnnviz.norms.network_norms import find_norm
from cnnviz.norms.network_settings import DEFAULT_MODEL
from cnnviz.norms.picture_batch import draw_batch
from cnnviz.training.pictures import Normalization
from cnnviz.ui.shipped import shown_split, trained_card, trained_network
from tests.browser.lab_page import SETTLE_MS, slider
from tests.browser.test_access import LOW_CONTRAST

OpenPage = Callable[[str], Page]


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=re.compile(option)).click()


def _stages(page: Page) -> Locator:
    found = page.locator(".norm-lab .stage")
    expect(found).to_have_count(3, timeout=SETTLE_MS)
    expect(found.first.locator(".marks path").first).to_have_attribute("d", re.compile("M"))
    return found


# ------------------------------------------------------------------------------- in a real network


def _table(layer: str, mode: Any = "train", pictures: int = 64) -> ChannelTable:
    """As the page should have it, of whichever pictures this machine has."""
    card = trained_card(DEFAULT_MODEL)
    images = draw_batch(shown_split("cifar10"), pictures).images
    normalization = Normalization(card.mean, card.std)
    network = trained_network(DEFAULT_MODEL)
    return tabulate(capture(network, images, normalization, layer, mode=mode))


def _expect_channel(stages: Locator, table: ChannelTable, channel: int) -> None:
    for number, words in enumerate(channel_sentences(table, channel)):
        expect(stages.nth(number).locator(".words")).to_have_text(words)


def _axes(stages: Locator) -> list[str]:
    return [stages.nth(number).locator("g.grid").inner_html() for number in range(3)]


def _bars(stages: Locator) -> list[str | None]:
    return [stages.nth(n).locator(".marks path").last.get_attribute("d") for n in range(3)]


def test_a_channel_follows_the_hand_on_the_same_axes(open_page: OpenPage) -> None:
    page = open_page("batch_norm?view=network")
    stages, table = _stages(page), _table("norm2_2")
    _expect_channel(stages, table, 0)
    axes, bars = _axes(stages), _bars(stages)
    page.get_by_role("button", name="Next channel").click()
    _expect_channel(stages, table, 1)
    assert _axes(stages) == axes
    assert all(new != old for new, old in zip(_bars(stages), bars, strict=True))
    page.wait_for_url(re.compile("channel=1&"))
    slider(page, "Channel").focus()
    page.keyboard.press("End")
    _expect_channel(stages, table, 31)
    page.keyboard.press("ArrowLeft")
    _expect_channel(stages, table, 30)
    assert _axes(stages) == axes
    page.wait_for_url(re.compile("channel=30"))

    # A press on the chart of all channels chooses the nearest.
    stems = page.locator(".stems svg")
    stems.scroll_into_view_if_needed()
    box = stems.bounding_box()
    assert box is not None
    left, wide = 50, box["width"] - 62  # as channel_charts.js has its rim
    page.mouse.click(box["x"] + left + wide * 20.5 / 32, box["y"] + box["height"] / 2)
    expect(page.locator(".norm-lab")).to_have_attribute("data-channel", "20")
    _expect_channel(stages, table, 20)
    page.wait_for_url(re.compile("channel=20"))
    page.reload()
    _expect_channel(_stages(page), table, 20)


@pytest.mark.slow
def test_layer_statistics_and_pictures_are_chosen(open_page: OpenPage) -> None:
    page = open_page("batch_norm?view=network&channel=31")
    stages = _stages(page)
    _choose(page, "Layer", "norm1_1")
    expect(stages.first.locator("figcaption")).to_have_text("1. What goes into norm1_1")
    page.wait_for_url(re.compile("channel=15.*layer=norm1_1"))  # it has no more
    _expect_channel(stages, _table("norm1_1"), 15)
    page.get_by_role("radio", name="running (eval)").click()
    expect(stages.nth(1).locator("figcaption")).to_contain_text("Normalized by the running")
    _expect_channel(stages, _table("norm1_1", "eval"), 15)
    page.get_by_role("radio", name="8", exact=True).click()
    _expect_channel(stages, _table("norm1_1", "eval", 8), 15)
    sheet = page.locator("img[alt^='8 test pictures']")
    shown = sheet.get_attribute("src")
    page.get_by_role("button", name="Other pictures").click()
    expect(sheet).not_to_have_attribute("src", shown or "")
    page.wait_for_url(re.compile("n=8.*draw=1.*mode=eval"))
    _choose(page, "^Of|Of$", "frog")
    expect(page.get_by_text(re.compile(r"test pictures?: \d frog\.")).first).to_be_visible()


# ------------------------------------------------------------------------------------ at inference


def _text(value: float, digits: str) -> str:
    return f"{value:{digits}}".replace("-", "−")


def _weight(value: float) -> str:
    """As in a cell, where a very small one has a power of ten."""
    if 0 < abs(value) < 1e-3:
        factor, exponent = f"{value:.1e}".split("e")
        return f"{factor}e{int(exponent)}".replace("-", "−", 1)
    return _text(value, ".3f")


def test_a_filter_is_folded_and_the_time_is_measured(open_page: OpenPage) -> None:
    page = open_page("batch_norm?view=inference&channel=3")
    result = page.locator(".fold-lab .result")
    expect(result).to_have_count(3, timeout=SETTLE_MS)
    network = trained_network(DEFAULT_MODEL)
    folded = fold_filter(network, find_norm(network, "norm2_2"), 3)
    new = page.get_by_role("grid", name="New weights").get_by_role("gridcell")

    def expect_plane(plane: int) -> None:
        weights = [_weight(value) for value in folded.new_weight[plane].flat]
        expect(new).to_have_text(weights)

    expect(result.first).to_have_text(_text(folded.scale, ".4g"))
    expect(result.last).to_have_text(_text(folded.new_bias, ".4g"))
    expect_plane(0)
    new.nth(4).hover()
    expect(result.nth(1)).to_have_text(_text(folded.new_weight[0, 1, 1], "#.4g"))
    slider(page, "Input map").focus()
    page.keyboard.press("End")
    expect_plane(31)
    page.wait_for_url(re.compile("plane=31"))

    agreement = page.get_by_text(
        re.compile(r"Outputs for \d+ pictures differ by at most 1?\d?.*10⁻")
    )
    expect(agreement).to_be_visible()
    expect(agreement).to_contain_text("No picture is decided otherwise.")
    page.get_by_role("button", name="Measure it here").click()
    gained = page.get_by_text(re.compile(r"[\d.]+ times as fast"))
    expect(gained).to_be_visible(timeout=SETTLE_MS)
    times = page.get_by_test_id("stMetricValue")
    expect(times).to_have_text([re.compile(r"^[\d.]+ ms$")] * 2)
    before, after = (float(text.split()[0]) for text in times.all_inner_texts())
    ratio = float(gained.inner_text().split()[0])
    assert ratio == pytest.approx(before / after, rel=0.02)

    field = page.get_by_role("spinbutton", name=re.compile("^Filter, 0 to 31"))
    field.fill("7")
    field.press("Enter")
    expect(page.get_by_role("heading", name="Filter 7 of conv2_2 takes over")).to_be_visible()
    other = fold_filter(network, find_norm(network, "norm2_2"), 7)
    expect(result.first).to_have_text(_text(other.scale, ".4g"))
    page.wait_for_url(re.compile("channel=7.*plane=31"))
    expect(gained).to_be_visible()


# ----------------------------------------------------------------------------------------- the quiz


def test_questions_are_answered_by_keyboard(open_page: OpenPage) -> None:
    number = TOPICS.index("mean") + 1
    page = open_page(f"batch_norm?view=quiz&question={number}")
    question = make_question(number)
    field = page.get_by_role("spinbutton").first
    field.focus()
    page.keyboard.type(f"{question.answer + 1:g}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(question.hint)).to_be_visible()
    expect(page.get_by_text("Score: 0 of 1")).to_be_visible()
    field.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(f"{question.answer:g}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^Right: "))).to_be_visible()
    page.get_by_role("button", name="Next question").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"question={number + 1}"))
    following = make_question(number + 1)
    expect(page.get_by_role("heading", name=re.compile(f"^Question {number + 1}:"))).to_be_visible()
    expect(page.get_by_text(re.compile("^Right: "))).to_be_hidden()
    field.focus()
    page.keyboard.type(f"{following.answer:g}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Score: 1 of 2")).to_be_visible()


# ------------------------------------------------------------------------------- room and contrast


def _sizes_and_themes(page: Page) -> Iterator[str]:
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme, ground in (("light", "rgb(253, 252, 249)"), ("dark", "rgb(16, 23, 24)")):
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            expect(page.get_by_test_id("stApp")).to_have_css("background-color", ground)
            yield f"{width} {scheme}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "lab"),
    [
        ("view=network&model=vgg16-cifar10&n=2&layer=norm5_3&channel=7", ".norm-lab"),
        ("view=inference&model=fast_cnn-cifar10", ".fold-lab"),
        ("view=relatives&n=4&side=3", ".sharing"),
    ],
)
def test_a_phone_has_room_and_text_stands_out(open_page: OpenPage, query: str, lab: str) -> None:
    page = open_page(f"batch_norm?{query}")
    expect(page.locator(lab)).to_be_visible(timeout=SETTLE_MS)
    main = page.locator('[data-testid="stMain"]')
    for place in _sizes_and_themes(page):
        assert main.evaluate("main => main.scrollWidth <= main.clientWidth"), place
        said = page.evaluate(LOW_CONTRAST.replace(".lab", lab))
        assert said["low"] == [], place
        assert said["checked"] > 5
