"""The time machine in a browser: what follows the hand, and that it is what Python computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.evaluation import evaluate
from cnnviz.figures.snapshots import probabilities_of, verdict
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.lock import ProcessLock
from cnnviz.runs.schedule import LOCK
from cnnviz.runs.store import RunStore
from cnnviz.training.held_out_pictures import choose_pictures
from tests.browser.conftest import AT_REST
from tests.browser.lab_page import SETTLE_MS
from tests.runs.invented_history import LABELS, invented_snapshot, logits_after, past_run

NAMES = tuple("0123456789")
CHOSEN = choose_pictures(LABELS)
EPOCHS = (0, 1, 2, 3, 4)

# What stands in the four parts, in one look.
LOOK = """
() => {
  const lab = [...document.querySelectorAll('*')].map((node) => node.shadowRoot)
    .map((root) => root?.querySelector('.lab')).find((lab) => lab?.querySelector('.matrix'));
  const texts = (selector) => [...lab.querySelectorAll(selector)]
    .map((node) => node.textContent.replaceAll('\\u00a0', ' '));
  const pixel = lab.querySelector('.tiles canvas').getContext('2d').getImageData(2, 2, 1, 1).data;
  return {
    index: Number(lab.querySelector('.epochs').value),
    matrix: texts('.matrix tbody td'),
    bars: texts('.bars .figure'),
    widths: [...lab.querySelectorAll('.bars i')].map((bar) => bar.style.width),
    verdicts: texts('.card .verdict'),
    large: texts('.one .figure'),
    tone: [...pixel],
    said: texts('.said')[0],
  };
}
"""
# Notes, at every move of the slider, what the very next frame shows: no server can have answered.
WATCH = f"""
() => {{
  window.seen = [];
  const look = {LOOK};
  const range = [...document.querySelectorAll('*')].map((node) => node.shadowRoot)
    .map((root) => root?.querySelector('.epochs')).find(Boolean);
  range.addEventListener('input', () => {{
    const index = Number(range.value);
    requestAnimationFrame(() => requestAnimationFrame(() => window.seen.push([index, look()])));
  }});
}}
"""


@pytest.fixture(scope="module")
def past_url(
    run_app: Callable[..., AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """An app that has two runs: the first with all its epochs, the second with every other."""
    folder: Path = tmp_path_factory.mktemp("past") / "runs"
    with RunStore(folder) as store:
        past_run(store, name="whole")
        past_run(store, name="thinned", epochs=(0, 2, 4))
    with run_app(CNNVIZ_RUNS=str(folder)) as url:
        yield url


@pytest.fixture
def open_machine(page: Page, past_url: str) -> Callable[[str], Page]:
    def open_link(query: str = "run=1") -> Page:
        page.goto(f"{past_url}/training?view=time&{query}")
        page.wait_for_selector(AT_REST)
        expect(page.locator(".matrix table")).to_be_visible(timeout=SETTLE_MS)
        return page

    return open_link


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Epoch", exact=True)


def expected(epoch: int) -> dict[str, Any]:
    """What Python says of an epoch, as the page should show it."""
    grey = round(127.5 + 127.5 * epoch / 4)
    shown: dict[str, Any] = {"tone": [grey, grey, grey, 255]}
    if epoch == 0:
        return shown | {
            "matrix": ["–"] * 100,
            "bars": ["–"] * 10,
            "verdicts": [NAMES[label] for label in LABELS[CHOSEN]],
        }
    logits = logits_after(epoch)
    evaluation = evaluate(logits, LABELS)
    shares = [accuracy.share for accuracy in evaluation.table.per_class]
    chances = probabilities_of(logits[CHOSEN])
    return shown | {
        "matrix": [str(count) for count in evaluation.confusion.ravel()],
        "bars": [f"{100 * share:.1f} %" for share in shares],
        "widths": [f"{100 * share:g}%" for share in shares],
        "verdicts": [
            verdict(NAMES, row, int(label))
            for row, label in zip(chances, LABELS[CHOSEN], strict=True)
        ],
        "large": [f"{100 * chance:.1f} %" for chance in chances[0]],
    }


def assert_shows(seen: dict[str, Any], epoch: int, **changes: Any) -> None:
    for part, value in (expected(epoch) | changes).items():
        assert seen[part] == value, (part, epoch)


def wait_for_epoch(page: Page, epoch: int) -> dict[str, Any]:
    """All parts, once the page says that it shows this epoch."""
    words = "Before training" if epoch == 0 else f"After epoch {epoch}:"
    expect(page.locator(".said")).to_contain_text(words)
    looked: dict[str, Any] = page.evaluate(LOOK)
    return looked


def test_it_opens_at_the_last_epoch(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1")
    seen = wait_for_epoch(page, 4)
    assert_shows(seen, 4)
    assert "80.00 % of 50 held-out pictures" in seen["said"]
    expect(page.locator(".where")).to_have_text("epoch 4 of 4")


def test_all_four_parts_follow_the_hand_together(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1")
    wait_for_epoch(page, 4)
    page.evaluate(WATCH)
    control = slider(page)
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    assert box is not None
    thumb = 16

    def move(index: int) -> None:
        x = box["x"] + thumb / 2 + (box["width"] - thumb) * index / 4
        page.mouse.move(x, box["y"] + box["height"] / 2, steps=4)

    move(4)
    page.mouse.down()
    for index in (3, 2, 1, 0, 2):
        move(index)
        # The button is still held.
        assert_shows(wait_for_epoch(page, index), index)
    page.mouse.up()
    seen = page.evaluate("window.seen")
    assert {index for index, _ in seen} == {0, 1, 2, 3}
    for _, look in seen:
        assert_shows(look, EPOCHS[look["index"]])
    page.wait_for_url(re.compile(r"run=1&epoch=2$"))
    # Python's part of the page follows when the hand rests.
    expect(page.get_by_text("Epoch 2 as a checkpoint")).to_be_visible()
    assert_shows(wait_for_epoch(page, 2), 2)


def test_by_keyboard(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1")
    wait_for_epoch(page, 4)
    slider(page).focus()
    for key, epoch in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("End", 4)):
        page.keyboard.press(key)
        assert_shows(wait_for_epoch(page, epoch), epoch)
    page.keyboard.press("ArrowLeft")
    wait_for_epoch(page, 3)
    expect(slider(page)).to_have_attribute("aria-valuetext", "epoch 3 of 4, 60.0\u00a0% right")
    page.wait_for_url(re.compile("epoch=3$"))
    expect(slider(page)).to_be_focused()  # the rerun took nothing away


def test_buttons_and_playing(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1&epoch=2")
    assert_shows(wait_for_epoch(page, 2), 2)
    page.get_by_role("button", name="One epoch on").click()
    wait_for_epoch(page, 3)
    page.get_by_role("button", name="First epoch").click()
    wait_for_epoch(page, 0)
    page.get_by_role("combobox", name="Speed").select_option("fast")
    page.get_by_role("button", name="Play", exact=True).click()
    assert_shows(wait_for_epoch(page, 4), 4)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.wait_for_url(re.compile("epoch=4$"))
    page.get_by_role("combobox", name="Speed").select_option("slow")
    page.get_by_role("button", name="Play", exact=True).click()  # from the beginning again
    wait_for_epoch(page, 1)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.wait_for_url(re.compile("epoch=1$"))


def test_a_link_opens_its_epoch_and_its_picture(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1&epoch=1&picture=16")
    assert_shows(wait_for_epoch(page, 1) | {"large": expected(1)["large"]}, 1)
    # After the first epoch a 9 is still taken for a 0.
    expect(page.locator(".one .verdict")).to_have_text("9: not recognised")
    expect(page.get_by_role("button", name="Picture 16: 9? 0 100\u00a0%")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name=re.compile("^Picture 3:")).click()
    expect(page.locator(".one .verdict")).to_have_text("1: recognised")
    page.wait_for_url(re.compile(r"epoch=1&picture=3$"))
    page.reload()
    page.wait_for_selector(AT_REST)
    wait_for_epoch(page, 1)
    expect(page.locator(".one .verdict")).to_have_text("1: recognised")


def test_epochs_that_were_thinned_out(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=2&epoch=3")
    assert_shows(wait_for_epoch(page, 2), 2)  # the nearest
    slider(page).focus()
    page.keyboard.press("ArrowRight")
    assert_shows(wait_for_epoch(page, 4), 4)


def test_another_run_takes_its_place(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1&epoch=1")
    wait_for_epoch(page, 1)
    page.get_by_role("combobox", name=re.compile("Run")).click()
    page.get_by_role("option", name=re.compile("plain_cnn-cifar10")).click()
    wait_for_epoch(page, 20)
    seen = page.evaluate(LOOK)
    assert sum(int(count.replace(",", "")) for count in seen["matrix"]) == 5000
    right = np.array([int(count.replace(",", "")) for count in seen["matrix"]]).reshape(10, 10)
    assert seen["bars"] == [f"{count / 5:.1f} %" for count in right.diagonal()]
    page.wait_for_url(re.compile("run=plain_cnn-cifar10"))


@pytest.mark.slow
def test_a_run_that_goes_on_adds_its_epochs(
    run_app: Callable[..., AbstractContextManager[str]], page: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    elsewhere = ProcessLock(folder / LOCK)
    assert elsewhere.acquire()  # else the app's queue would find that nobody trains it
    with RunStore(folder) as store, run_app(CNNVIZ_RUNS=str(folder)) as url:
        past_run(store, epochs=(0, 1), ended=False)
        page.goto(f"{url}/training?view=time&run=1")
        expect(page.locator(".matrix table")).to_be_visible(timeout=SETTLE_MS)
        wait_for_epoch(page, 1)
        page.locator(".lab").evaluate("lab => lab.dataset.mark = 'the same'")
        invented_snapshot(2).save(store.folder_of(1).snapshot(2))
        # Who looks at the newest goes on doing so; it has the greatest weight so far, white.
        assert_shows(wait_for_epoch(page, 2), 2, tone=[255, 255, 255, 255])
        slider(page).focus()
        page.keyboard.press("Home")
        wait_for_epoch(page, 0)
        page.wait_for_url(re.compile("epoch=0$"))
        invented_snapshot(3).save(store.folder_of(1).snapshot(3))
        expect(slider(page)).to_have_attribute("max", "3")
        wait_for_epoch(page, 0)  # who looks at another stays there
        expect(slider(page)).to_be_focused()
        Attempt(store, 1, 1).end("stopped", "Stopped.")
        expect(page.get_by_role("combobox", name="Run")).to_have_value(re.compile("stopped$"))
        wait_for_epoch(page, 0)
        # Nothing was mounted anew on the way.
        assert page.locator(".lab").evaluate("lab => lab.dataset.mark") == "the same"
        page.goto("about:blank")
    elsewhere.release()


def test_what_is_dragged_stays_on_the_screen(open_machine: Callable[[str], Page]) -> None:
    page = open_machine("run=1")
    wait_for_epoch(page, 4)
    page.set_viewport_size({"width": 1440, "height": 500})
    page.locator(".album").hover()
    page.mouse.wheel(0, 500)
    expect(page.get_by_role("button", name="Play", exact=True)).not_to_be_in_viewport()
    expect(slider(page)).to_be_in_viewport(ratio=1)
    slider(page).focus()
    page.keyboard.press("Home")
    wait_for_epoch(page, 0)


def test_records_and_program_are_made_when_they_are_asked_for(
    open_machine: Callable[[str], Page],
) -> None:
    page = open_machine("run=1&epoch=3")
    wait_for_epoch(page, 3)
    for label, name, begins in (
        ("Steps (CSV)", "run1-steps.csv", b"step,epoch,loss,"),
        ("Epochs (CSV)", "run1-epochs.csv", b"epoch,step,train_loss,"),
        ("TensorBoard (zip)", "run1-tensorboard.zip", b"PK"),
        ("Program (Python)", "run1-program.py", b'"""Trains LeNet-5 on MNIST, with PyTorch alone.'),
    ):
        with page.expect_download(timeout=120_000) as started:
            page.get_by_role("button", name=label).click()
        assert started.value.suggested_filename == name
        content = started.value.path().read_bytes()
        assert content.startswith(begins), name
        if name.endswith("steps.csv"):
            assert content.count(b"\n") == 21  # the names, and twenty records
    page.get_by_text("This run as one PyTorch program").click()
    expect(page.get_by_text("nn.Conv2d(1, 6").first).to_be_visible(timeout=120_000)
    wait_for_epoch(page, 3)  # the machine was not disturbed


def test_on_a_phone_nothing_is_wider_than_the_screen(
    open_machine: Callable[[str], Page], page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_machine("run=plain_cnn-cifar10&epoch=5")
    wait_for_epoch(page, 5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for part in (".filters", ".bars", ".matrix .scroll", ".album", ".one"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 391, part
