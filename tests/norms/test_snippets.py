"""The PyTorch programs of the lesson: each is run and compared with what is shown."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest

from cnnviz.batchnorm import Mode, NormSettings, RunningStatistics, batch_norm
from cnnviz.norms.relatives import KINDS, NormKind, RelativeSpec, relative_norm
from cnnviz.norms.snippets import FOLDING_SNIPPET, batch_norm_snippet, relative_snippet

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


@pytest.mark.parametrize("kind", KINDS)
def test_relatives(kind: NormKind) -> None:
    spec = RelativeSpec(kind, groups=2, eps=1e-3)
    output = run(relative_snippet(X, spec))["output"].detach().numpy()
    np.testing.assert_allclose(output, relative_norm(X, spec).output, atol=1e-12)


def test_folding() -> None:
    names = run(FOLDING_SNIPPET)
    for other in ("one_layer", "by_pytorch"):
        np.testing.assert_allclose(names["two_layers"], names[other], atol=1e-5)
