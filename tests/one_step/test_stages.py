"""The telling: every sum that is written out is right, and what is marked is there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from cnnviz.one_step.network import Step, take_step
from cnnviz.one_step.settings import POOLS, Pool, StepSettings
from cnnviz.one_step.stage import Stage
from cnnviz.one_step.stages import stages_of
from cnnviz.one_step.words import text

POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def _sums(stage: Stage) -> Iterator[tuple[float, float]]:
    """What stands left of a sign of equality, worked out, and the number on its right."""
    for line in stage.lines:
        plain = re.sub("·10([⁻⁰-⁹¹²³]+)", lambda power: f"e{power[1].translate(POWERS)}", line)
        plain = plain.replace("−", "-").replace("·", "*").replace("e^", f"{math.e}**")
        plain = re.sub(r"log ([\d.]+)", r"log(\1)", plain)
        parts = plain.split(" = ")
        for left, right in pairwise(parts):
            expression = re.search(r"(?:max|log|e-?(?=\d)|[-+*/().,\d ])*$", left)
            value = re.match(r"-?\d[\d.]*(e[-+]?\d+)?", right)
            if value and expression and re.search(r"\d.* - |[+*/(]", expression[0]):
                found = eval(expression[0].strip(" ,."), {"max": max, "log": math.log})
                yield float(found), float(value[0].rstrip("."))


def _told(settings: StepSettings) -> tuple[Step, tuple[Stage, ...]]:
    step = take_step(settings)
    return step, stages_of(settings, step)


@pytest.mark.parametrize("pool", POOLS)
def test_every_sum_is_right(pool: Pool) -> None:
    for picture, steps, momentum in product(("upright", "slanted", "corner"), (0, 2), (0.0, 0.9)):
        _, stages = _told(
            StepSettings(pool=pool, picture=picture, steps=steps, momentum=momentum, target=1)
        )
        checked = {}
        for stage in stages:
            for left, right in _sums(stage):
                # Every number is rounded to three decimals, and a sum has up to ten of them.
                assert left == pytest.approx(right, abs=0.008), (stage.key, stage.lines)
                checked[stage.key] = True
        expected = {"convolution", "relu", "linear", "softmax", "loss", "grad_logits"}
        expected |= {"grad_linear", "grad_filter", "update"}
        assert expected <= set(checked)
        assert ("pooling" in checked) == (pool != "none")


@pytest.mark.parametrize("pool", POOLS)
def test_marks_lie_in_their_tensors(pool: Pool) -> None:
    settings = StepSettings(pool=pool, classes=2)
    step, stages = _told(settings)
    assert len(stages) == (12 if pool == "none" else 14)
    shapes = {
        "x": step.forward.x.shape,
        "z": step.forward.z.shape,
        "a": step.forward.a.shape,
        "f": (2, 2),
        "w": (3, 3),
        "v": (2, 4),
        "b": (1, 1),
        "L": (1, 1),
        **dict.fromkeys("csy", (2, 1)),
    }
    for stage in stages:
        for letter, places in [*stage.marks.items(), *stage.grad_marks.items()]:
            for row, column in places:
                assert row < shapes[letter][0], (stage.key, letter)
                assert column < shapes[letter][1], (stage.key, letter)
    convolution = next(stage for stage in stages if stage.key == "convolution")
    (place,) = convolution.marks["z"]
    assert step.forward.z[place] == step.forward.z.max()
    assert np.array([*convolution.marks["x"]]).min(0).tolist() == list(place)


def test_what_goes_wrong_is_said() -> None:
    dark = StepSettings(pool="none", cells=((-9.0,) * 4,) * 4)
    _, stages = _told(dark)
    told = {stage.key: " ".join(stage.lines) for stage in stages}
    assert "4 of 4 are off" in told["relu"]
    assert "the filter learns nothing" in told["grad_relu"]
    assert "= 0 = 0" in told["grad_filter"]
    _, stages = _told(replace(dark, momentum=0.9))
    assert "nothing to keep yet" in " ".join(stages[-2].lines)
    assert "fell" in " ".join(stages[-1].lines)


def test_numbers_as_they_are_written() -> None:
    written = {0.5: "0.5", -0.21735: "−0.217", -0.0: "0", 3: "3", 12345: "1·10⁴", -1e-5: "−1·10⁻⁵"}
    assert {value: text(value) for value in written} == written
