"""Train against eval, and running statistics, under a hand."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.slow
def test_other_neighbours_another_answer_until_eval_is_on(open_page: Callable[[str], Page]) -> None:
    page = open_page("batch_norm?view=modes")
    answer = page.locator(".cnnviz-asked .answer")
    expect(answer).to_be_visible(timeout=30_000)
    train = [answer.inner_text()]
    other = page.get_by_role("button", name="Other neighbours")
    for draw in range(1, 4):
        other.click()
        page.wait_for_url(re.compile(f"draw={draw}"))
        expect(page.get_by_text(f"In {draw + 1} batches the same picture")).to_be_visible()
        train.append(answer.inner_text())
    assert len(set(train)) > 1

    page.get_by_role("radio", name="model.eval()").click()
    page.wait_for_url(re.compile("mode=eval"))
    expect(page.get_by_text("by model.eval()")).to_be_visible()
    calm = answer.inner_text()
    other.focus()
    page.keyboard.press("Enter")  # by keyboard as by mouse
    expect(page.get_by_text("no neighbour counts")).to_be_visible()
    expect(answer).to_have_text(calm)


@pytest.mark.slow
def test_batch_sizes_run_with_progress_and_fit_a_phone(open_page: Callable[[str], Page]) -> None:
    page = open_page("batch_norm?view=modes&n=1")
    expect(page.get_by_text("A batch of one", exact=False)).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Run all batch sizes").click()
    expect(page.get_by_text("with eval it is", exact=False)).to_be_visible(timeout=60_000)
    page.set_viewport_size({"width": 390, "height": 844})
    main = page.locator('[data-testid="stMain"]')
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")


def test_batches_are_fed(open_page: Callable[[str], Page]) -> None:
    page = open_page("batch_norm?view=running&shift=80")
    feed = page.get_by_role("button", name="Feed a batch")
    expect(feed).to_be_visible(timeout=30_000)
    feed.click()
    expect(page.get_by_text("After 1 batch the running mean", exact=False)).to_be_visible()
    expect(page.locator(".katex")).to_have_count(3)
    axis = page.locator(".js-plotly-plot").first.locator(".ytick text")
    before = axis.all_inner_texts()
    for fed in (11, 21, 31):
        page.get_by_role("button", name="Feed ten").click()
        page.wait_for_url(re.compile(f"fed={fed}"))
    expect(page.get_by_text("the pictures are brighter by 80", exact=False)).to_be_visible()
    assert axis.all_inner_texts() == before
    page.reload()
    expect(page.get_by_text("the pictures are brighter by 80", exact=False)).to_be_visible()
    page.get_by_role("button", name="Start anew").click()
    expect(page.get_by_text("Feed a batch: its step is written out here.")).to_be_visible()
