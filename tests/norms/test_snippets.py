"""The PyTorch programs of the lesson: each is run and compared with what is shown."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest

from cnnviz.batchnorm import Mode, NormSettings, RunningStatistics, batch_norm
from cnnviz.norms.relatives import KINDS
from cnnviz.norms.relatives_lesson import relate_all
from cnnviz.norms.snippets import batch_norm_snippet, relatives_snippet

X = np.random.default_rng(0).integers(-40, 40, (3, 2, 2, 2)) / 8
RUNNING = RunningStatistics(np.array([0.5, -1.25]), np.array([2.0, 0.25]), 4)


def run(snippet: str) -> dict[str, Any]:
    assert all(len(line) <= 100 for line in snippet.splitlines())
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(snippet, "<snippet>", "exec"), names)
    assert "tensor(" in printed.getvalue()
    return names


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("momentum", [0.1, 1.0, None])
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_by_hand(mode: Mode, momentum: float | None, eps: float) -> None:
    settings = NormSettings(eps=eps, momentum=momentum)
    arguments: dict[str, Any] = {"mode": mode, "settings": settings, "running": RUNNING}
    names = run(batch_norm_snippet(X, [1.5, -1.0], [0.25, 2.0], **arguments))
    ours = batch_norm(X, [1.5, -1.0], [0.25, 2.0], **arguments)
    np.testing.assert_allclose(names["output"].detach().numpy(), ours.output, atol=1e-12)
    assert ours.running is not None
    layer = names["layer"]
    np.testing.assert_allclose(layer.running_mean.numpy(), ours.running.mean, atol=1e-12)
    np.testing.assert_allclose(layer.running_var.numpy(), ours.running.variance, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", [(3, 4, 2, 2), (1, 4, 3, 3), (2, 4, 1, 1), (1, 4, 1, 1)])
def test_relatives(shape: tuple[int, ...], groups: int) -> None:
    x = np.random.default_rng(1).integers(-40, 40, shape) / 8
    outputs = run(relatives_snippet(x, groups))["outputs"]
    assert tuple(outputs) == KINDS
    for kind, ours in relate_all(x, groups).items():
        if ours.output is None:
            assert "Expected more than 1" in outputs[kind]
        else:
            np.testing.assert_allclose(outputs[kind].detach().numpy(), ours.output, atol=1e-12)
