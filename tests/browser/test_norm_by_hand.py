"""Batch normalization by hand: the browser's arithmetic, dragging, pointing, editing, odd cases."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.errors import CnnvizError
from cnnviz.norms.by_hand import (
    CHANNELS,
    MODES,
    OPENING,
    PICTURES,
    SIDES,
    HandSettings,
    freeze_batch,
    new_layer,
)
from cnnviz.norms.by_hand_judge import ANSWER_PARTS, compute, compute_by_torch, rounding_of
from cnnviz.norms.by_hand_presets import PRESETS
from tests.browser.lab_page import expect_agreement, set_slider, slider

OpenPage = Callable[[str], Page]

SCRIPTS = ("batch_math.js", "formula.js", "batch_words.js")
EVALUATE = """
text => JSON.stringify(JSON.parse(text).map((s) => {
  const result = normalizeBatch(s);
  const place = placeOf(s, s.cell);
  const [n, c, r, k] = place;
  const y = result.refusal ? null : result.output[n][c][r][k];
  return {
    answer: answerOf(result),
    place,
    cell: cellAt(s, place),
    formula: normFormula(s, result.channels[c], s.x[n][c][r][k], y, false).spoken,
    steps: result.refusal ? [] : stepTexts(s, result, place).map(([, , html]) => html),
    said: [...explainBatch(s, result), sharingText(s, c), ...Object.values(result.refusal ?? {})],
  };
}))
"""

# Notes, at every input event, what the page shows in the very next frame: no server can have
# answered by then.
WATCH_FRAMES = """
() => {
  window.frames_seen = [];
  const lab = [...document.querySelectorAll('*')].map((node) => node.shadowRoot)
    .map((root) => root?.querySelector('.batch-lab')).find(Boolean);
  lab.addEventListener('input', (event) => {
    const value = Number(event.target.value);
    requestAnimationFrame(() => window.frames_seen.push([
      value,
      lab.querySelector('[role=math] .result').textContent,
      lab.querySelector('.output .here').textContent,
      [...lab.querySelectorAll('.output .foot')[0].children].map((node) => node.textContent),
    ]));
  }, true);
}
"""


# -------------------------------------------------------------------------- the browser's numbers


def _states() -> Iterator[HandSettings]:
    """Every size in both modes, with numbers, parameters and statistics by lot; and the presets."""
    draw = random.Random(0)

    def some(low: int, high: int, count: int) -> tuple[float, ...]:
        """Whole numbers and others."""
        pairs = ((float(draw.randint(low, high)), draw.uniform(low, high)) for _ in range(count))
        return tuple(draw.choice(pair) for pair in pairs)

    sizes = [range(low, high + 1) for low, high in (PICTURES, CHANNELS, SIDES)]
    for n, c, side in product(*sizes):
        for mode in MODES:
            x = np.reshape(some(-9, 20, n * c * side * side), (n, c, side, side))
            yield new_layer(
                freeze_batch(x),
                gamma=some(-3, 3, c),
                beta=some(-5, 5, c),
                running_mean=some(-5, 5, c),
                running_variance=some(0, 30, c),
                eps=draw.choice((1e-8, 1e-5, 0.1, 100.0)),
                momentum=draw.choice((0.0, 0.1, 0.5, 1.0)),
                mode=mode,
                cell=draw.randrange(x.size),
            )
    yield from (preset.settings for preset in PRESETS)


def test_browser_cnnviz_and_pytorch_agree(page: Page, project: Path) -> None:
    folder = project / "cnnviz" / "ui" / "components"
    page.set_content("<!doctype html><title>arithmetic</title>")
    for name in SCRIPTS:
        page.add_script_tag(content=(folder / name).read_text(encoding="utf-8"))
    states = list(_states())
    text = json.dumps([shown.to_json() for shown in states])
    refused = 0
    for shown, said in zip(states, json.loads(page.evaluate(EVALUATE, text)), strict=True):
        told = " ".join([said["formula"], *said["steps"], *said["said"]])
        assert not re.search("NaN|undefined|Infinity|null", told), told
        assert said["cell"] == shown.cell
        assert tuple(said["place"]) == tuple(np.unravel_index(shown.cell, shown.shape))
        if said["answer"] is None:
            refused += 1
            for by in (compute, compute_by_torch):
                with pytest.raises(CnnvizError):
                    by(shown)
            continue
        numbers = np.concatenate([said["answer"][name] for name in ANSWER_PARTS])
        for by in (compute, compute_by_torch):
            np.testing.assert_allclose(numbers, by(shown), rtol=1e-11, atol=rounding_of(shown))
    assert refused == CHANNELS[1] + 1  # of one value a channel, in training; one is a preset


# -------------------------------------------------------------------------- the page


def _tensor(page: Page, name: str, channel: int) -> Locator:
    return page.get_by_role("grid", name=re.compile(f"^{name}.*, channel {channel}$"))


def _cell(page: Page, name: str, channel: int, row: int, column: int) -> Locator:
    rows = _tensor(page, name, channel).get_by_role("row")
    return rows.nth(row).get_by_role("gridcell").nth(column)


def _step(page: Page, title: str) -> Locator:
    return page.locator(".step").filter(has=page.get_by_text(title, exact=True))


def _shown(value: float) -> str:
    return f"{round(value, 4):g}".replace("-", "−")


def _output(shown: HandSettings) -> float:
    """Of the number that is written out."""
    return float(compute(shown)[shown.cell])


def test_it_answers_while_gamma_is_dragged(open_page: OpenPage) -> None:
    page = open_page("batch_norm")
    expect(page.locator(".batch-lab .answer")).to_be_visible()
    assert "?" not in page.url
    expect(_step(page, "Mean")).to_contain_text("= 36 / 12 = 3")
    expect(_step(page, "Variance")).to_contain_text("= 48 / 12 = 4")
    expect(_step(page, "Running statistics")).to_contain_text("variance 0.9·1 + 0.1·48/11")
    control = slider(page, "Gamma")
    box = control.bounding_box()
    assert box is not None
    low, high = (int(control.get_attribute(end) or 0) for end in ("min", "max"))
    middle, thumb = box["y"] + box["height"] / 2, 16
    page.evaluate(WATCH_FRAMES)

    def place(value: int) -> float:
        return box["x"] + thumb / 2 + (box["width"] - thumb) * (value - low) / (high - low)

    page.mouse.move(place(10), middle)
    page.mouse.down()
    page.mouse.move(place(-15), middle, steps=12)
    expect(page.locator("[role=math] .result")).not_to_have_text("−1.5")  # the button is still held
    seen = page.evaluate("window.frames_seen")
    page.mouse.up()
    assert len({value for value, *_ in seen}) > 5
    for value, formula, cell, (mean, variance) in seen:
        gamma = value / 10
        output = _output(replace(OPENING, gamma=(gamma, 1.0)))
        assert formula == _shown(output)
        assert float(cell.replace("−", "-")) == pytest.approx(output, abs=0.006)
        assert mean == "μ 0"
        assert float(variance.split()[1]) == pytest.approx(gamma**2, abs=0.002)
    expect_agreement(page)
    page.wait_for_url(re.compile(r"gamma=-1\.\d+_1$|gamma=-1_1$"))


def test_pointing_editing_and_walking_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("batch_norm")
    # Pointing at a number writes out its own calculation, and shows who shares its mean.
    _cell(page, "Output", 1, 3, 0).hover()
    expect(page.get_by_role("math")).to_have_attribute(
        "aria-label", re.compile(r"1 times \(12 − 10\) over .*, equals 0\.5$")
    )
    expect(page.locator(".shared")).to_have_count(3)  # in each tensor the grid of channel 1
    expect(page.locator(".shared.ch1")).to_have_count(3)
    page.mouse.move(5, 5)
    expect(page.locator(".shared.ch0")).to_have_count(3)

    first = _cell(page, "Input", 0, 0, 0)
    first.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(_step(page, "Normalize")).to_contain_text("picture 1, row 0, column 0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("-12")
    page.keyboard.press("Enter")
    x = np.array(OPENING.x)
    x[1, 0, 0, 1] = -12
    edited = replace(OPENING, x=freeze_batch(x), cell=9)
    expect(_step(page, "Mean")).to_contain_text("= 24 / 12 = 2")
    expect(page.locator("[role=math] .result")).to_have_text(_shown(_output(edited)))
    page.wait_for_url(re.compile(r"x=.*_-12.*&cell=9$"))
    expect_agreement(page)

    page.keyboard.press("Enter")
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    expect(page.locator(".note")).to_contain_text("“100” is not a number between −99 and 99")
    expect(_cell(page, "Input", 0, 2, 1)).to_have_text("−12")
    # What was edited comes back with the size, and with the link.
    set_slider(page, "Pictures", 1)
    expect(_tensor(page, "Input", 0).get_by_role("row")).to_have_count(2)
    set_slider(page, "Pictures", 3)
    expect(_cell(page, "Input", 0, 2, 1)).to_have_text("−12")
    page.wait_for_url(re.compile("x="))
    page.reload()
    expect(_cell(page, "Input", 0, 2, 1)).to_have_text("−12")


def test_odd_cases_say_what_happens_and_why(open_page: OpenPage) -> None:
    page = open_page("batch_norm")
    words, problem = page.locator(".words"), page.locator(".batch-lab .problem")

    def press(title: str) -> None:
        button = page.get_by_role("button", name=title, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    press("Constant channel")
    expect(words).to_contain_text("Channel 0 is constant")
    expect(words).to_contain_text("y = β = 0 whatever the constant is")
    expect(_cell(page, "Output", 0, 0, 0)).to_have_text("0")
    press("Large ε")
    spread = np.sqrt(4 / 14)  # of x̂ where σ² is 4 and ε is 10
    expect(words).to_contain_text(f"√(σ² / (σ² + ε)) = {spread:.3g} instead of 1")
    press("Batch of one")
    expect(words).to_contain_text(
        "One picture is its own batch: its mean, 1.5 and 10, is taken away"
    )
    press("γ, β undo it")
    expect(words).to_contain_text("y is x again")
    expect_agreement(page)
    press("One value")
    expect(problem).to_contain_text("a channel's only value is its own mean")
    expect(page.get_by_role("grid")).to_have_count(2)  # there is no output
    expect(page.locator(".badge")).to_have_text("✓ all three: no output")
    page.get_by_role("button", name="Evaluation", exact=True).click()
    expect(problem).to_be_hidden()
    expect(page.locator("[role=math] .result")).to_have_text("5")
    expect_agreement(page)
    page.wait_for_url(re.compile("mode=eval"))


def test_feeding_moves_the_running_statistics_that_evaluation_uses(open_page: OpenPage) -> None:
    page = open_page("batch_norm?momentum=0.5")
    feed = page.get_by_role("button", name="Feed this batch")
    running = _step(page, "Running statistics")
    for before, after in ((0, 1.5), (1.5, 2.25), (2.25, 2.625)):
        expect(running).to_contain_text(f"mean 0.5·{before:g} + 0.5·3 = {after:g}")
        feed.click()
    expect_agreement(page)
    page.get_by_role("button", name="Evaluation", exact=True).click()
    expect(_step(page, "Mean")).to_contain_text("μ = 2.625")
    expect(page.locator(".words")).to_contain_text("own mean of channel")
    expect(feed).to_be_disabled()
    expect(page.locator(".shared")).to_have_count(0)  # nobody shares anything
    expect_agreement(page)
    page.get_by_role("button", name="New layer").click()
    expect(_step(page, "Mean")).to_contain_text("μ = 0")


def test_a_question_opens_when_it_is_answered(open_page: OpenPage) -> None:
    page = open_page("batch_norm?view=quiz&question=1")
    expect(page.locator(".batch-lab .answer")).to_be_visible()
    expect(page.get_by_role("grid")).to_have_count(1)
    expect(page.locator(".steps")).to_be_hidden()
    expect(page.locator(".foot")).to_be_hidden()  # it would tell the mean
    page.get_by_role("button", name="Show me").click()
    expect(_step(page, "Mean")).to_be_visible()
    expect(page.get_by_role("grid")).to_have_count(3)
