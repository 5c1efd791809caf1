"""Where 16·5·5 comes from, against PyTorch over a grid."""

from __future__ import annotations

import contextlib
import io
import itertools
from typing import Any

import pytest
import torch
from torch import nn

from cnnviz.architecture.first_linear import (
    FILTERS,
    KERNELS,
    PADDINGS,
    POOLS,
    FirstLinearSettings,
    demanded,
    draw_question,
    first_linear_snippet,
    judge_guess,
    mend_sentence,
    read_first_linear,
    stages,
    torch_error,
)
from cnnviz.errors import SettingError


def by_torch(settings: FirstLinearSettings) -> list[tuple[int, ...]] | None:
    x = torch.empty(1, 3, settings.size, settings.size, device="meta")
    shapes: list[tuple[int, ...]] = [tuple(x.shape[1:])]
    try:
        for filters in FILTERS:
            x = nn.Conv2d(
                x.shape[1], filters, settings.kernel, padding=settings.padding, device="meta"
            )(x)
            shapes.append(tuple(x.shape[1:]))
            if settings.pool > 1:
                x = nn.AvgPool2d(settings.pool)(x)
                shapes.append(tuple(x.shape[1:]))
    except RuntimeError:
        return None
    return [*shapes, (x[0].numel(),)]


GRID = [
    FirstLinearSettings(size=size, kernel=kernel, padding=padding, pool=pool)
    for size, kernel, padding, pool in itertools.product(
        (8, 11, 28, 32, 64),
        range(KERNELS[0], KERNELS[1] + 1),
        range(PADDINGS[1] + 1),
        range(POOLS[0], POOLS[1] + 1),
    )
]


def test_sizes_are_pytorchs_over_a_grid() -> None:
    fitting = 0
    for settings in GRID:
        theirs = by_torch(settings)
        told = stages(settings)
        if theirs is None:
            assert demanded(settings) is None
            assert told[-1].shape == ()
            continue
        fitting += 1
        assert [stage.shape for stage in told] == theirs
        assert demanded(settings) == theirs[-1][0]
        for stage in told[1:]:
            assert stage.formula.endswith(f"= {stage.shape[-1]:,}")
    assert 100 < fitting < len(GRID)


@pytest.mark.parametrize("settings", GRID[::7])
def test_the_error_is_raised_exactly_where_something_does_not_fit(
    settings: FirstLinearSettings,
) -> None:
    features = demanded(settings)
    message = torch_error(settings)
    if features is None:
        assert message is not None
        assert "does not fit" in mend_sentence(settings)
        return
    assert (message is None) == (features == settings.expects)
    if message is not None:
        assert f"1x{features} and {settings.expects}x120" in message
        assert f"nn.Linear({features}, 120)" in mend_sentence(settings)


def test_the_lessons_own() -> None:
    settings = FirstLinearSettings()
    assert demanded(settings) == 16 * 5 * 5
    assert torch_error(settings) is None
    assert "16·5·5 = **400**" in mend_sentence(settings)
    assert judge_guess(settings, 400) is None
    for guess, part in ((25, "one map"), (16, "maps there are"), (80, "one row"), (75, "3"),
                        (1600, "conv2"), (7, "more"), (401, "less")):  # fmt: skip
        said = judge_guess(settings, guess)
        assert said is not None
        assert part in said
    nothing = FirstLinearSettings(size=8, kernel=7)
    assert "nothing left" in str(judge_guess(nothing, 3))


def test_questions_repeat_and_have_an_answer() -> None:
    drawn = [draw_question(number) for number in range(30)]
    assert drawn == [draw_question(number) for number in range(30)]
    assert len(set(drawn)) > 20
    assert len({demanded(each) for each in drawn}) > 6
    assert all(each.ask and demanded(each) for each in drawn)


def test_settings_come_back_from_a_url() -> None:
    settings = FirstLinearSettings(size=28, kernel=3, padding=1, pool=3, expects=9, ask=True)
    assert read_first_linear(settings.to_query()) == (settings, ())
    nonsense = {"size": "7", "kernel": "9", "pool": "x", "expects": "0", "ask": "perhaps"}
    settings, notes = read_first_linear(nonsense)
    assert len(notes) == len(nonsense)
    for name, value in (("size", 7), ("kernel", 0), ("padding", 4), ("expects", 0)):
        changes: dict[str, Any] = {name: value}
        with pytest.raises(SettingError):
            FirstLinearSettings(**changes)


@pytest.mark.parametrize("expects", [400, 256])
def test_the_program_prints_the_sizes_up_to_the_misfit(expects: int) -> None:
    settings = FirstLinearSettings(expects=expects)
    printed = io.StringIO()
    caught = pytest.raises(RuntimeError) if expects == 256 else contextlib.nullcontext()
    with contextlib.redirect_stdout(printed), caught:
        exec(first_linear_snippet(settings), {})
    assert "Flatten (400,)" in printed.getvalue()
    assert ("Linear (120,)" in printed.getvalue()) == (expects == 400)
