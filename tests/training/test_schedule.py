"""Learning rates against formulas that are written out here in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.training.config import CHOICES, ScheduleName, TrainingConfig
from cnnviz.training.schedule import learning_rate_at


def config(schedule: ScheduleName, warmup: float, final: float = 0.0) -> TrainingConfig:
    return TrainingConfig(
        model="lenet5",
        dataset="mnist",
        schedule=schedule,
        warmup=warmup,
        final_learning_rate=final,
        learning_rate=0.5,
    )


def rates(settings: TrainingConfig, total: int) -> list[float]:
    return [learning_rate_at(settings, step, total) for step in range(total)]


def test_triangular_by_hand() -> None:
    expected = [0.25, 0.5, 0.5, 0.4375, 0.375, 0.3125, 0.25, 0.1875, 0.125, 0.0625]
    assert rates(config("triangular", 0.2), 10) == pytest.approx(expected)
    # 1 falls to 0.2 in eight steps, by a tenth each
    expected = [0.25, 0.5, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15]
    assert rates(config("triangular", 0.2, final=0.2), 10) == pytest.approx(expected)


def test_step_by_hand() -> None:
    assert rates(config("step", 0), 8) == pytest.approx([0.5] * 4 + [0.05] * 2 + [0.005] * 2)
    assert rates(config("step", 0), 3) == pytest.approx([0.5, 0.5, 0.05])
    assert rates(config("step", 0.25), 8) == pytest.approx(
        [0.25, 0.5, 0.5, 0.5, 0.05, 0.05, 0.005, 0.005]
    )


def test_cosine_by_hand() -> None:
    root = math.sqrt(0.5)
    expected = [1, (1 + root) / 2, 0.5, (1 - root) / 2]
    assert rates(config("cosine", 0), 4) == pytest.approx([0.5 * share for share in expected])
    halved = [0.2 + 0.8 * share for share in expected]
    assert rates(config("cosine", 0, 0.2), 4) == pytest.approx([0.5 * share for share in halved])


SETTINGS = st.tuples(
    st.sampled_from(CHOICES["schedule"]),
    st.integers(0, 20).map(lambda twentieths: twentieths / 20),
    st.floats(0, 1),
    st.integers(1, 400),
)


@given(SETTINGS)
def test_warm_up_and_what_comes_after(settings: tuple[Any, float, float, int]) -> None:
    schedule, warmup, final, total = settings
    found = [rate / 0.5 for rate in rates(config(schedule, warmup, final), total)]
    warm = round(warmup * total)
    for step in range(warm):
        assert found[step] == pytest.approx(float(Fraction(step + 1, warm)))
    assert max(found) <= 1 + 1e-12
    assert min(found) > 0
    falling = found[warm:]
    if not falling:
        return
    assert falling == sorted(falling, reverse=True)
    length = len(falling)
    for done, share in enumerate(falling):
        if schedule == "triangular":
            assert share == pytest.approx(1 - (1 - final) * done / length)
        elif schedule == "cosine":
            # half an angle: (1 + cos a) / 2 = cos^2(a / 2)
            fallen = math.cos(math.pi * done / length / 2) ** 2
            assert share == pytest.approx(final + (1 - final) * fallen)
        elif schedule == "constant":
            assert share == 1
    if schedule != "step":
        assert falling[0] == pytest.approx(1)
    if schedule in ("triangular", "cosine"):  # one more step would end at the final rate
        assert final <= falling[-1] + 1e-12


@given(st.integers(1, 1000))
def test_steps_of_a_tenth(total: int) -> None:
    found = [rate / 0.5 for rate in rates(config("step", 0), total)]
    for step, share in enumerate(found):
        expected = 1 if 2 * step < total else 0.1 if 4 * step < 3 * total else 0.01
        assert share == pytest.approx(expected)


def test_all_schedules_are_tested() -> None:
    assert CHOICES["schedule"] == ("constant", "triangular", "cosine", "step")
