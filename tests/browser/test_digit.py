"""Drawing a digit: the browser's picture and logits against PyTorch's, and the pad under a hand."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch import nn

from cnnviz.activations.passage import chain_of
from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.catalogue import MNIST
from cnnviz.data.sources.starter import read_starter
from cnnviz.digits.browser_net import BrowserNet, browser_net
from cnnviz.digits.examples import DIGITS, EXAMPLES
from cnnviz.digits.ink import FITS, render
from cnnviz.digits.settings import parse_strokes, write_strokes
from cnnviz.models.blocks import Layers, Scale
from tests.browser.lab_page import SETTLE_MS

OpenPage = Callable[[str], Page]

FORWARD_LIMIT_MS = 100.0
NETWORKS = ("lenet5-mnist", "improved_lenet-mnist")
SCRIPTS = ("digit_ink.js", "digit_net.js")
RENDER = """
([drawings, pen, fit]) => drawings.map((strokes) => Array.from(renderInk(strokes, pen, fit).pixels))
"""
RUN = """
([described, base64, pictures]) => {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  const run = makeNetwork(described, new Float32Array(bytes.buffer));
  const times = [];
  const logits = pictures.map((pixels) => {
    const start = performance.now();
    const found = Array.from(run(pixels));
    times.push(performance.now() - start);
    return found;
  });
  return { logits, median: times.sort((a, b) => a - b)[times.length >> 1] };
}
"""


@pytest.fixture
def blank(page: Page, project: Path) -> Page:
    """A page with the arithmetic and nothing else."""
    folder = project / "cnnviz" / "ui" / "components"
    page.set_content("<!doctype html><title>arithmetic</title>")
    for name in SCRIPTS:
        page.add_script_tag(content=(folder / name).read_text(encoding="utf-8"))
    return page


def _run(page: Page, net: BrowserNet, pictures: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Logits of pictures (N, C, H, W) by the browser, and the median time of one."""
    described = {
        "input_shape": net.input_shape,
        "mean": net.mean,
        "std": net.std,
        "layers": net.layers,
    }
    numbers = base64.b64encode(net.numbers.astype("<f4").tobytes()).decode()
    said: dict[str, Any] = page.evaluate(
        RUN, [described, numbers, pictures.reshape(len(pictures), -1).tolist()]
    )
    return said


def _by_torch(
    network: nn.Module, net: BrowserNet, pictures: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (net.mean, net.std))
    with torch.no_grad():
        logits: npt.NDArray[np.float32] = network(
            (torch.tensor(pictures) / 255 - mean) / std
        ).numpy()
    return logits


def test_the_browser_renders_what_cnnviz_renders(blank: Page) -> None:
    drawings = [*(example.strokes for example in EXAMPLES), (), (((3, 277),),)]
    for pen in (8, 24, 48):
        for fit in FITS:
            said = np.array(blank.evaluate(RENDER, [drawings, pen, fit]))
            ours = np.stack([render(strokes, pen, fit).ravel() for strokes in drawings])
            assert np.abs(said - ours.astype(int)).max() <= 1, (pen, fit)


@pytest.mark.parametrize("name", NETWORKS)
def test_real_digits_get_the_logits_that_pytorch_computes(
    blank: Page, project: Path, name: str
) -> None:
    network, card = load_checkpoint(project / "checkpoints", name)
    images, labels = read_starter(MNIST, "test")
    pictures = images[::20].transpose(0, 3, 1, 2)  # (50, 1, 28, 28)
    net = browser_net(network, card)
    said = _run(blank, net, pictures)
    np.testing.assert_allclose(said["logits"], _by_torch(network, net, pictures), rtol=0, atol=1e-3)
    assert (np.argmax(said["logits"], axis=1) == labels[::20]).mean() > 0.9
    assert said["median"] < FORWARD_LIMIT_MS
    print(f"{name}: {said['median']:.2f} ms a forward pass")


def _odd_networks() -> Iterator[nn.Sequential]:
    """What the shipped networks do not have: strides, dilation, folding, other functions."""
    torch.manual_seed(0)
    yield nn.Sequential(
        Layers(
            conv1=nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False),
            norm1=nn.BatchNorm2d(4),
            tanh=nn.Tanh(),
            pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(4, 5, 3, padding="same"),
            sigmoid=nn.Sigmoid(),
            mean=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(5, 3, bias=False),
            scale=Scale(0.5),
        )
    )
    yield nn.Sequential(
        Layers(
            conv1=nn.Conv2d(2, 3, 3, dilation=2, padding=1),
            pool1=nn.AvgPool2d((2, 3), stride=1),
            relu=nn.ReLU(),
            dropout=nn.Dropout(0.5),
            flatten=nn.Flatten(),
            fc=nn.LazyLinear(4),
        )
    )


def test_layers_of_all_kinds(blank: Page) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 2, 9, 12)).astype(np.uint8)

    # As much of a card as is read.
    card: Any = SimpleNamespace(
        spec=SimpleNamespace(input_shape=(2, 9, 12)), mean=(0.4, 0.6), std=(0.2, 0.3)
    )
    for network in _odd_networks():
        network(torch.randn(8, 2, 9, 12))  # moves the running statistics
        network.eval()
        net = browser_net(network, card)
        said = _run(blank, net, pictures)["logits"]
        ours = _by_torch(network, net, pictures)
        np.testing.assert_allclose(said, ours, rtol=1e-5, atol=1e-5)
        assert len(chain_of(network)) >= len(net.layers)


# -------------------------------------------------------------------------- the page


def _pad(page: Page) -> Locator:
    return page.get_by_role("application", name=re.compile("^Drawing pad"))


def _said(page: Page) -> Locator:
    return page.locator(".answer-line .what")


def _trace(page: Page, digit: int) -> None:
    """Draws a digit by mouse; the button is still held at the end."""
    box = _pad(page).bounding_box()
    assert box is not None
    for number, stroke in enumerate(DIGITS[digit]):
        places = [
            (box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280)
            for x, y in stroke
        ]
        if number:
            page.mouse.up()
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=3)


def _expect_agreement(page: Page) -> None:
    expect(page.locator(".badge")).to_have_text("✓ browser = PyTorch", timeout=SETTLE_MS)


def test_it_answers_while_one_draws(open_page: OpenPage) -> None:
    page = open_page("architectures?view=digit")
    expect(_said(page)).to_have_text(["3", "3"], timeout=SETTLE_MS)
    _expect_agreement(page)
    assert "strokes" not in page.url
    # The first stroke replaces the example, and is answered before the mouse lets go.
    _trace(page, 7)
    expect(_said(page)).to_have_text(["7", "7"])
    assert "strokes" not in page.url
    page.mouse.up()
    page.wait_for_url(re.compile("strokes="))
    _expect_agreement(page)
    # What is kept are fewer points than the hand made, and nearly the same line.
    kept = parse_strokes(re.search(r"strokes=([^&]*)", page.url)[1])  # type: ignore[index]
    assert kept is not None
    assert len(kept) == 1
    assert len(kept[0]) <= 6
    expect(
        page.get_by_role("img", name=re.compile("^The picture that the networks see"))
    ).to_be_visible()

    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".share").first).to_contain_text("an empty pad gets an answer too")
    page.get_by_role("button", name="Undo").click()
    expect(_said(page)).to_have_text(["7", "7"])
    page.get_by_role("button", name="Undo").click()
    expect(_said(page)).to_have_text(["3", "3"])
    page.get_by_role("button", name="Undo").click(
        trial=False, force=True
    )  # nothing is left to undo
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_by_keyboard_and_back_by_the_link(open_page: OpenPage) -> None:
    page = open_page("architectures?view=digit&strokes=-")
    expect(page.locator(".share").first).to_contain_text("an empty pad", timeout=SETTLE_MS)
    _pad(page).focus()
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")  # the pen is down
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    expect(_said(page)).to_have_text(["1", "1"])
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("strokes=" + write_strokes((((140, 40), (140, 240)),))))
    _expect_agreement(page)
    # A thick pen and a pad without centring are said in the link, and come back with it.
    page.get_by_role("checkbox", name="Scale and centre as in MNIST").uncheck()
    pen = page.get_by_role("slider", name="Pen width")
    pen.focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile("pen=48&fit=raw"))
    page.reload()
    expect(pen).to_have_value("48")
    expect(page.get_by_role("checkbox", name="Scale and centre as in MNIST")).not_to_be_checked()
    _expect_agreement(page)
    page.get_by_label("Already drawn").select_option("a small 3 in a corner")
    expect(_said(page)).not_to_have_text(["3", "3"])
    page.get_by_role("checkbox", name="Scale and centre as in MNIST").check()
    expect(page.locator(".seen .caption")).to_contain_text("wider than in MNIST")
