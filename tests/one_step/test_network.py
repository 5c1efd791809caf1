"""The small network against torch.autograd and torch.optim.SGD, over grids of settings."""

from __future__ import annotations

from itertools import product
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnviz.errors import SettingError
from cnnviz.one_step.network import Step, first_parameters, losses, take_step
from cnnviz.one_step.settings import (
    CELL_LIMIT,
    CLASSES,
    MOMENTA,
    MOST_STEPS,
    PICTURES,
    POOLS,
    RATES,
    StepSettings,
    read_step_settings,
    side_for,
)
from cnnviz.one_step.snippet import step_snippet

NAMES = ("w", "b", "v", "c")


def _by_torch(settings: StepSettings) -> tuple[list[float], dict[str, Any]]:
    """All losses up to the one after the step; values, gradients and new parameters of it."""
    first = first_parameters(settings.classes)
    params = {
        name: torch.tensor(getattr(first, name), dtype=torch.float64, requires_grad=True)
        for name in NAMES
    }
    optimizer = torch.optim.SGD(params.values(), lr=settings.rate, momentum=settings.momentum)
    x = torch.tensor(settings.image)[None, None]
    told: list[float] = []
    seen: dict[str, Any] = {}
    for _ in range(settings.steps + 2):
        z = F.conv2d(x, params["w"][None, None], params["b"][None])
        a = F.relu(z)
        pools: dict[str, Any] = {"max": F.max_pool2d, "average": F.avg_pool2d}
        f = pools[settings.pool](a, 2) if settings.pool != "none" else a
        s = f.flatten(1) @ params["v"].T + params["c"]
        loss = F.cross_entropy(s, torch.tensor([settings.target]))
        told.append(loss.item())
        if len(told) == settings.steps + 2:
            break
        middle = (z, a, f, s)
        for value in middle:
            value.retain_grad()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        seen = {
            f"grad_{name}": value.grad.clone().numpy().squeeze()
            for name, value in zip("zafs", middle, strict=True)
            if value.grad is not None
        }
        seen |= {f"grad_{name}": params[name].grad.clone().numpy() for name in NAMES}  # type: ignore[union-attr]
        seen |= {"z": z.detach().numpy().squeeze(), "s": s.detach().numpy().squeeze()}
        optimizer.step()
    seen |= {f"new_{name}": params[name].detach().numpy() for name in NAMES}
    return told, seen


def _check(settings: StepSettings) -> Step:
    step = take_step(settings)
    told, seen = _by_torch(settings)
    ours = {
        "z": step.forward.z,
        "s": step.forward.s,
        "grad_z": step.backward.z,
        "grad_a": step.backward.a,
        "grad_f": step.backward.f.reshape(2, 2),
        "grad_s": step.backward.s,
        **{f"grad_{name}": getattr(step.backward.parameters, name) for name in NAMES},
        **{f"new_{name}": getattr(step.new_parameters, name) for name in NAMES},
    }
    for name, value in ours.items():
        np.testing.assert_allclose(value, seen[name], rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(losses(settings, settings.steps + 1), told, rtol=1e-9, atol=1e-12)
    assert (step.forward.loss, step.new_forward.loss) == pytest.approx(tuple(told[-2:]))
    return step


@pytest.mark.parametrize("pool", POOLS)
def test_every_derivative_and_step_is_pytorch_s(pool: Any) -> None:
    for name, classes, momentum in product(PICTURES, CLASSES, MOMENTA):
        for target, rate, steps in ((0, 0.1, 0), (classes - 1, 1.0, 3)):
            _check(
                StepSettings(
                    picture=name,
                    pool=pool,
                    classes=classes,
                    target=target,
                    momentum=momentum,
                    rate=rate,
                    steps=steps,
                )
            )


def _grids(pool: Any) -> Any:
    side = side_for(pool)
    cell = st.integers(-9000, 9000).map(lambda number: number / 1000)
    return st.lists(
        st.lists(cell, min_size=side, max_size=side).map(tuple), min_size=side, max_size=side
    ).map(tuple)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.filter_too_much])
@given(st.data(), st.sampled_from(POOLS))
def test_pictures_of_one_s_own(data: st.DataObject, pool: Any) -> None:
    cells = data.draw(_grids(pool))
    settings = StepSettings(pool=pool, cells=cells, target=1)
    z = take_step(settings).forward.z
    # Where a sum is 0 but for rounding, or two are equal, each rounds in a way of its own.
    apart = np.abs(np.subtract.outer(z, z)[~np.eye(z.size, dtype=bool).reshape(z.shape * 2)])
    assume(min(np.abs(z).min(), apart.min()) > 1e-9)
    _check(settings)
    assert read_step_settings(settings.to_query()) == (settings, ())


def test_a_filter_that_is_off_gets_no_gradient() -> None:
    dark = tuple((-CELL_LIMIT,) * 4 for _ in range(4))
    step = _check(StepSettings(pool="none", cells=dark))
    assert not step.forward.a.any()
    assert not step.backward.parameters.w.any()
    assert step.new_forward.loss < step.forward.loss  # by the biases c alone


def test_learning_rates_of_the_lesson() -> None:
    told = {rate: losses(StepSettings(rate=rate), MOST_STEPS) for rate in RATES}
    assert all(after < before for before, after in zip(told[0.1], told[0.1][1:], strict=False))
    assert told[0.5][-1] < told[0.1][-1] < told[0.01][-1]
    assert np.isfinite(list(told.values())).all()


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_snippet_takes_the_same_step(pool: Any, momentum: float) -> None:
    settings = StepSettings(pool=pool, momentum=momentum, steps=2, target=2)
    names: dict[str, Any] = {}
    exec(compile(step_snippet(settings), "<snippet>", "exec"), names)
    step = take_step(settings)
    assert names["losses"] == pytest.approx(losses(settings, 3))
    new = names["network"][0].weight.detach().numpy()[0, 0]
    np.testing.assert_allclose(new, step.new_parameters.w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        names["gradients"][0].numpy()[0, 0], step.backward.parameters.w, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"picture": "cat"}, "picture is 'cat'"),
        ({"pool": "min"}, "pool is 'min'"),
        ({"classes": 4}, "classes is 4"),
        ({"classes": 2, "target": 2}, "target is 2: use 0 to 1"),
        ({"rate": 0.3}, "rate is 0.3"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"steps": MOST_STEPS + 1}, "steps is 31"),
        ({"cells": ((1.0,),)}, "cells must be 6 rows"),
        ({"cells": ((10.0,) * 6,) * 6}, "cells must lie within"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        StepSettings(**changes)


def test_the_nearest_settings_of_a_link() -> None:
    query = {"rate": "0.3", "momentum": "cat", "classes": "2", "target": "2", "cells": "1_2"}
    settings, notes = read_step_settings(query)
    assert (settings.rate, settings.momentum, settings.target) == (0.2, 0.0, 1)
    assert len(notes) == 4
