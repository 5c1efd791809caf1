"""Comparing runs in a browser: ticking, links, and what is asked before a run is deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cnnviz.runs.store import RunStore
from tests.browser.conftest import AT_REST
from tests.runs.invented_history import CONFIG, past_run

ROW_PX = 36


@pytest.fixture
def compare(
    run_app: Callable[..., AbstractContextManager[str]],
    page: Page,
    tmp_path: Path,
) -> Iterator[tuple[Page, RunStore, str]]:
    """The view of three runs, 3 on top; the store behind it; the app's address."""
    with RunStore(tmp_path / "runs") as store:
        for number in (1, 2, 3):
            rate = 0.1 * number
            past_run(store, name=f"run {number}", config=replace(CONFIG, learning_rate=rate))
        with run_app(CNNVIZ_RUNS=str(tmp_path / "runs")) as url:
            page.goto(f"{url}/training?view=compare")
            page.wait_for_selector(AT_REST)
            expect(page.get_by_text("No run is ticked")).to_be_visible()
            yield page, store, url
            page.goto("about:blank")  # before its server ends, which it would complain about


def tick(page: Page, row: int) -> None:
    """The box at the beginning of a row, from 0."""
    table = page.get_by_test_id("stDataFrame")
    table.click(position={"x": 18, "y": (row + 1.5) * ROW_PX})
    page.wait_for_selector(AT_REST)


def test_from_the_table_to_the_curves_and_back_by_a_link(
    compare: tuple[Page, RunStore, str],
) -> None:
    page, _, url = compare
    tick(page, 0)
    page.wait_for_url(re.compile("runs=3$"))
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    tick(page, 2)
    page.wait_for_url(re.compile("runs=3%2C1$"))
    expect(page.locator(".cnnviz-differences tbody tr")).to_have_text(
        [re.compile(r"highest learning rate\s*0\.30*4?\s*0\.1")]
    )
    page.get_by_test_id("stButtonGroup").get_by_text("Seconds").click()
    page.wait_for_url(re.compile("axis=seconds"))
    expect(page.get_by_text("seconds of training").first).to_be_visible()
    page.reload()
    page.wait_for_selector(AT_REST)
    expect(page.locator(".cnnviz-differences thead th")).to_have_text(["3 run 3", "1 run 1"])
    expect(page.get_by_text("seconds of training").first).to_be_visible()
    # What the link ticked can be unticked by hand.
    tick(page, 0)
    page.wait_for_url(re.compile("runs=1&axis=seconds$"))
    page.goto(f"{url}/training?view=compare&runs=2")
    page.wait_for_selector(AT_REST)
    expect(page.get_by_text("One run is ticked")).to_be_visible()
    assert "runs=2" in page.url


@pytest.mark.slow
def test_deleting_asks_first(compare: tuple[Page, RunStore, str]) -> None:
    page, store, _ = compare
    tick(page, 1)
    page.wait_for_url(re.compile("runs=2$"))
    dialog = page.get_by_role("dialog")
    ways: tuple[Callable[[], None], ...] = (
        lambda: dialog.get_by_role("button", name="Keep it").click(),
        lambda: page.keyboard.press("Escape"),
    )
    for leave in ways:
        page.get_by_role("button", name="Delete this run …").click()
        expect(dialog).to_contain_text("snapshots of 4 epochs")
        expect(dialog).to_contain_text("lost for good")
        leave()
        expect(dialog).to_be_hidden()
        page.wait_for_selector(AT_REST)
        assert len(store.list_runs()) == 3
    page.get_by_role("button", name="Delete this run …").click()
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("No run is ticked")).to_be_visible()
    assert [run.id for run in store.list_runs()] == [3, 1]


@pytest.mark.slow
def test_a_run_gets_a_name_and_is_looked_at_elsewhere(
    compare: tuple[Page, RunStore, str],
) -> None:
    page, store, _ = compare
    tick(page, 2)
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("the first")
    page.get_by_role("button", name="Save name and note").click()
    expect(page.get_by_role("combobox", name="Run")).to_have_value("1 · the first · finished")
    assert store.get_run(1).name == "the first"
    page.get_by_role("button", name="Time machine", exact=True).last.click()
    expect(page.locator(".said")).to_contain_text("After epoch 4")
    page.wait_for_url(re.compile(r"view=time&run=1$"))
