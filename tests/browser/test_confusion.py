"""The page on confusions in a browser: from a cell to its pictures to one of them, and back."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.confusion.order import similarity_order
from cnnviz.confusion.selection import Selection, select
from cnnviz.confusion.sources import list_sources, load_predictions
from cnnviz.data.datasets import load_split
from tests.browser.conftest import AT_REST

OpenPage = Callable[[str], Page]
CAT, DOG = 3, 5
LENET = load_predictions(list_sources().find("lenet5-cifar10"))
CATS = select(Selection(CAT, DOG), LENET)
"""Cats that are taken for dogs, the surest first."""
COUNT = len(CATS)

PIXELS = """canvas => [...canvas.getContext('2d')
  .getImageData(0, 0, canvas.width, canvas.height).data]
  .filter((_, place) => place % 4 < 3)"""
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at.getAttribute('aria-label') ?? at.textContent.trim();
}"""


def cell(page: Page) -> Locator:
    """Cat taken for dog."""
    return page.locator("button.cell").and_(
        page.get_by_role("button", name=re.compile("^cat taken for dog"))
    )


def tiles(page: Page) -> Locator:
    """Those of the gallery that are in sight."""
    return page.get_by_role("option")


def expect_cats(page: Page) -> None:
    """Wait until the gallery shows cats that are taken for dogs."""
    expect(
        page.get_by_text(f"{COUNT} pictures: cat taken for dog, the surest first.")
    ).to_be_visible()
    expect(tiles(page).first).to_have_attribute("aria-label", re.compile("^cat, taken for dog"))
    expect(tiles(page).first).to_have_attribute("aria-setsize", str(COUNT))


def expect_chosen(page: Page, index: int) -> None:
    """Wait until a cat is shown large, with a probability for each class."""
    page.wait_for_url(re.compile(f"picture={index}(&|$)"))
    chosen = page.locator(".cnnviz-chosen")
    expect(chosen).to_contain_text(f"cat taken for dog. Picture {index:,}; loss")
    expect(chosen.get_by_role("img", name=f"Picture {index}, cat")).to_be_visible()
    expect(chosen.get_by_role("row")).to_have_count(10)
    surest = LENET.judgements.confidence[LENET.row_of(index)]
    expect(chosen.get_by_role("row", name="dog")).to_contain_text(f"{100 * surest:.1f} %")
    expect(page.locator(".tile.picked")).to_have_count(1)


@pytest.mark.data
def test_cats_taken_for_dogs_with_the_mouse(open_page: OpenPage) -> None:
    page = open_page("confusion")
    cell(page).hover()
    expect(page.locator(".matrix .said")).to_have_text(
        re.compile("^Cat taken for dog: 152 of 1,000")
    )
    cell(page).click()
    expect_cats(page)
    page.wait_for_url(re.compile("true=cat&taken=dog$"))
    expect(cell(page)).to_have_attribute("aria-pressed", "true")
    # The pictures are those of the core, in its order, pixel by pixel.
    images = load_split("cifar10", "test").images
    for place in (0, 1, 6):
        pixels = tiles(page).nth(place).locator("canvas").evaluate(PIXELS)
        assert np.array_equal(pixels, images[CATS[place]].reshape(-1))
    tiles(page).nth(2).click()
    expect_chosen(page, int(CATS[2]))
    page.wait_for_url(re.compile(f"picture={CATS[2]}"))
    page.reload()
    page.wait_for_selector(AT_REST)
    expect_cats(page)
    expect_chosen(page, int(CATS[2]))
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".cnnviz-chosen")).to_have_count(0)


@pytest.mark.data
def test_cats_taken_for_dogs_with_the_keyboard(open_page: OpenPage) -> None:
    page = open_page("confusion")
    press = page.keyboard.press

    def tab_to(name: str) -> None:
        for _ in range(40):
            press("Tab")
            if re.match(name, page.evaluate(FOCUSED)):
                return
        raise AssertionError(f"no tab stop is {name}")

    expect(cell(page)).to_be_visible()
    tab_to("all pictures")  # the matrix: one stop, arrow keys inside
    for key in ["ArrowDown"] * (CAT + 1) + ["ArrowRight"] * (DOG + 1):
        press(key)
    assert page.evaluate(FOCUSED).startswith("cat taken for dog")
    press("Enter")
    expect_cats(page)
    assert page.evaluate(FOCUSED).startswith("cat taken for dog")  # where it was
    tab_to(f"{COUNT} pictures: cat taken for dog")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowRight"):
        press(key)
    box = page.get_by_role("listbox")
    active = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    place = int(active.get_attribute("aria-posinset") or 0) - 1
    assert place > 1  # one row down, one to the right
    press("Enter")
    expect_chosen(page, int(CATS[place]))
    press("End")
    expect(page.locator(".tile.active")).to_have_attribute("aria-posinset", str(COUNT))
    expect(page.locator(".tile.active")).to_have_attribute("aria-label", re.compile("^cat, taken"))
    press("Space")
    expect_chosen(page, int(CATS[-1]))


@pytest.mark.data
def test_thousands_of_pictures_scroll(open_page: OpenPage) -> None:
    page = open_page("confusion?sort=index")
    box = page.get_by_role("listbox")
    expect(tiles(page).first).to_have_attribute("aria-setsize", "10000")
    assert tiles(page).count() < 60  # no more than are in sight
    box.evaluate("box => { box.scrollTop = box.scrollHeight / 2; }")
    middle = page.locator('.tile[aria-posinset="5003"]')
    expect(middle).to_have_attribute("aria-label", re.compile("^dog,"))
    images = load_split("cifar10", "test").images
    assert np.array_equal(middle.locator("canvas").evaluate(PIXELS), images[5002].reshape(-1))
    middle.click()
    page.wait_for_url(re.compile("picture=5002"))
    expect(page.locator(".tile.picked")).to_have_attribute("aria-posinset", "5003")
    top = box.evaluate("box => box.scrollTop")
    assert top > 10_000  # it stays where it was


@pytest.mark.data
def test_a_row_a_column_and_all(open_page: OpenPage) -> None:
    page = open_page("confusion")
    page.get_by_role("button", name=re.compile("^all of class cat")).click()
    page.wait_for_url(re.compile("true=cat$"))
    expect(page.get_by_text("1,000 pictures: all of class cat")).to_be_visible()
    page.get_by_role("button", name=re.compile("^everything taken for cat")).click()
    page.wait_for_url(re.compile("taken=cat$"))
    page.get_by_role("button", name="all pictures").click()
    page.wait_for_url(re.compile("confusion$"))
    page.get_by_role("button", name=re.compile("^Dog taken for cat")).click()  # in words
    page.wait_for_url(re.compile("true=dog&taken=cat$"))
    expect(tiles(page).first).to_have_attribute("aria-label", re.compile("^dog, taken for cat"))


def test_the_pictures_come_again_after_another_view_and_another_page(open_page: OpenPage) -> None:
    """On the starter pictures, if there are no others: a dog that is taken for a cat."""
    page = open_page("confusion?true=dog&taken=cat")
    expect(tiles(page).first).to_have_attribute("aria-label", re.compile("^dog, taken for cat"))
    page.get_by_text("Class by class", exact=True).click()
    expect(page.get_by_role("region", name=re.compile("^Scores of"))).to_be_visible()
    page.wait_for_url(re.compile("view=classes"))
    expect(tiles(page)).to_have_count(0)
    page.get_by_text("Matrix", exact=True).click()
    page.wait_for_url(re.compile("confusion.true=dog&taken=cat$"))
    expect(tiles(page).first).to_have_attribute("aria-label", re.compile("^dog, taken for cat"))
    page.get_by_role("link", name="Convolution").click()
    expect(page.get_by_role("heading", name="Convolution", exact=True)).to_be_visible()
    page.wait_for_selector(AT_REST)  # it is left as one leaves a page that one has looked at
    page.get_by_role("link", name="Confusion").click()
    expect(tiles(page).first).to_have_attribute("aria-label", re.compile("^dog, taken for cat"))
    page.wait_for_url(re.compile("true=dog&taken=cat$"))


def test_the_numbers_change_where_they_stand(open_page: OpenPage) -> None:
    """Without any data: other numbers and another order, in the table that is there."""
    page = open_page("confusion")
    confusion = LENET.judgements.confusion
    expect(cell(page)).to_have_text(str(confusion[CAT, DOG]))
    table = page.locator(".matrix")
    table.evaluate("table => { table.isTheSame = true; }")
    page.get_by_text("% of true class", exact=True).click()
    share = str(round(confusion[CAT, DOG] / 10))
    expect(cell(page)).to_have_text(share)
    page.get_by_text("By similarity", exact=True).click()
    page.wait_for_url(re.compile("order=similarity"))
    names = [LENET.class_names[place] for place in similarity_order(confusion)]
    expect(page.locator("tbody button.name")).to_have_text(names)
    expect(cell(page)).to_have_text(share)
    page.get_by_text("Diagonal", exact=True).click()
    expect(page.locator("button.own")).to_have_text([""] * 10)
    assert table.evaluate("table => table.isTheSame")


@pytest.mark.slow
@pytest.mark.parametrize("view", ["matrix", "classes", "calibration", "two"])
def test_nothing_is_wider_than_a_phone(open_page: OpenPage, page: Page, view: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(f"confusion?view={view}&against=vgg16-cifar10&true=cat&taken=dog&picture=3014")
    main = page.get_by_test_id("stMain")
    expect(page.get_by_role("combobox").first).to_be_visible()
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    for part in page.locator(".matrix, .gallery, .cnnviz-chosen").all():
        assert part.evaluate("part => part.getBoundingClientRect().right <= innerWidth")
