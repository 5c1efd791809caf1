"""A viewer pastes a network, mends it, hands on its link, and trains it for an epoch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cnnviz.model_text.link import pack_text
from cnnviz.runs.store import RunStore
from tests.browser.conftest import AT_REST
from tests.browser.lab_page import SETTLE_MS

TRAIN_MS = 120_000
TINY = "nn.Sequential(\nnn.Conv2d(1, 4, 5, stride=4),\nnn.Flatten(),\nnn.Linear(100, 10),\n)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of what the app keeps."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def bare_url(run_app: Callable[..., AbstractContextManager[str]], folder: Path) -> Iterator[str]:
    """The app on a machine that has the starter digits only."""
    kept = {"XDG_CACHE_HOME": str(folder / "cache"), "CNNVIZ_RUNS": str(folder / "runs")}
    with run_app(CNNVIZ_DATA="", **kept) as url:
        yield url


def test_from_a_mistake_to_a_trained_network(page: Page, bare_url: str, folder: Path) -> None:
    page.goto(f"{bare_url}/architectures?view=paste")
    page.wait_for_selector(AT_REST)
    marked = page.locator(".cnnviz-listing li.wrong")
    expect(marked).to_contain_text("self.fc1 = nn.Linear(256, 120)", timeout=SETTLE_MS)
    expect(page.locator(".cnnviz-listing li.used")).to_contain_text("self.fc1(x)")
    expect(page.get_by_text("cannot be multiplied (2x400 and 256x120)")).to_be_visible()
    page.get_by_role("button", name="Mend it").click()
    expect(page.get_by_text("Every layer fits.")).to_be_visible()
    expect(page.locator(".cnnviz-steps tfoot")).to_contain_text("62,006")
    expect(marked).to_have_count(0)

    box = page.get_by_role("textbox")
    page.get_by_role("radio", name="MNIST").or_(
        page.get_by_role("button", name="MNIST", exact=True)
    ).first.click()
    expect(page.get_by_text("conv1 expects 3 channels, but 1 arrive")).to_be_visible()
    box.fill("import os\n" + TINY)
    box.press("Control+Enter")
    expect(page.get_by_text("Line 1: the import of os is not allowed")).to_be_visible()
    box.fill(TINY)
    box.press("Control+Enter")
    expect(page.get_by_text("expects 100 numbers, but 4·6·6 = 144 arrive")).to_be_visible()
    page.get_by_role("button", name="Mend it").click()
    expect(page.get_by_text("Every layer fits.")).to_be_visible()
    packed = pack_text(TINY.replace("100", "144"))
    page.wait_for_url(lambda url: f"text={packed}" in url)  # the address follows the page
    page.reload()
    expect(box).to_have_value(TINY.replace("100", "144"))

    page.get_by_role("button", name="Train it on MNIST").click()
    start = page.get_by_role("button", name=re.compile("^Start · Pasted network on MNIST"))
    expect(start).to_be_visible(timeout=SETTLE_MS)
    page.wait_for_url(re.compile("training.*net=pasted"))
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("1")
    epochs.press("Enter")
    expect(start).to_contain_text("1 epoch")
    start.click()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=TRAIN_MS)
    with RunStore(folder / "runs") as store:
        (run,) = store.list_runs()
    assert run.status == "finished"
    assert run.config.network_text == TINY.replace("100", "144")
