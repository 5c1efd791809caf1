"""Errors, progress, stopping, seeds and memory; subjects and requests that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.explain import explain
from cnnviz.attribution.job import score_of_logits
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.results import Attribution
from cnnviz.attribution.support import examine
from cnnviz.errors import NonFiniteError, SettingError, ShapeError, StoppedError
from tests.attribution.networks import (
    A_FEW,
    CAT,
    DOG,
    FAST,
    LENET,
    PLAIN,
    SPECS,
    network_named,
    own_forward,
    reasons_of,
    request_quick,
    subject_named,
)
from tests.attribution.untouched import untouched


class Broken(Exception):
    """Raised in the middle of a computation."""


@A_FEW
@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_behind_by_an_error(name: str, method: MethodName) -> None:
    if method in reasons_of(name):
        pytest.skip("the network does not allow it")
    network = network_named(name).train()
    network.get_submodule("flatten").eval()
    for when in (1, 2):  # in the first pass through the network, with all hooks on, and later
        calls: list[float] = []

        def fail(words: str, share: float, when: int = when, calls: list[float] = calls) -> None:
            calls.append(share)
            if len(calls) == when:
                raise Broken

        with untouched(network), pytest.raises(Broken):
            explain(subject_named(name), request_quick(method, Target(CAT)), progress=fail)
    # and the next one has its turn
    explain(subject_named(name), request_for("saliency", Target(CAT)))


@pytest.mark.parametrize("method", [name for name, card in METHODS.items() if card.is_long])
def test_long_methods_tell_how_far_they_are_and_can_be_stopped(method: MethodName) -> None:
    subject = subject_named(PLAIN)
    settings = {"window": 3, "stride": 1} if method == "occlusion" else {}
    settings |= {"steps": 200} if method == "integrated_gradients" else {}
    settings |= {"samples": 200} if method in ("smoothgrad", "gradient_shap") else {}
    request = request_for(method, Target(CAT), **settings)
    told: list[tuple[str, float]] = []
    explain(subject, request, progress=lambda words, share: told.append((words, share)))
    shares = [share for _, share in told]
    assert len(shares) >= 4
    assert {words for words, _ in told} == {METHODS[method].title}
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1
    steps: list[float] = []
    with (
        untouched(subject.network),
        pytest.raises(StoppedError, match="stopped before it was done"),
    ):
        explain(
            subject,
            request,
            progress=lambda words, share: steps.append(share),
            stop=lambda: len(steps) >= 2,
        )
    assert len(steps) == 2


@A_FEW
@pytest.mark.parametrize("method", ["smoothgrad", "gradient_shap"])
def test_the_seed_decides(name: str, method: MethodName) -> None:
    subject = subject_named(name)

    def made(seed: int) -> Attribution:
        return explain(subject, request_quick(method, Target(CAT), seed=seed))

    first = made(0)
    torch.rand(3)
    np.testing.assert_array_equal(first.map, made(0).map)
    assert not np.array_equal(first.map, made(1).map)


@A_FEW
@pytest.mark.parametrize("method", [name for name, card in METHODS.items() if card.is_long])
def test_memory_is_bounded_without_changing_the_map(
    name: str, method: MethodName, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, request = subject_named(name), request_quick(method, Target(DOG, CAT))
    whole = explain(subject, request).map
    sizes = []

    def note(logits: torch.Tensor, target: Target) -> torch.Tensor:
        sizes.append(len(logits))
        return score_of_logits(logits, target)

    monkeypatch.setattr("cnnviz.attribution.support._LARGEST_CHUNK", 2)
    monkeypatch.setattr("cnnviz.attribution.support._known", {})
    monkeypatch.setattr("cnnviz.attribution.job.score_of_logits", note)
    parts = explain(subject, request).map
    assert max(sizes) == 2
    np.testing.assert_allclose(parts, whole, atol=1e-5 * float(np.abs(whole).max()))


def test_a_large_network_is_run_a_few_images_at_a_time() -> None:
    chunks = {
        name: examine(network_named(name), SPECS[name].input_shape).chunk
        for name in (LENET, FAST, "vgg16-cifar10-norm")
    }
    assert chunks[LENET] == 64
    assert 4 <= chunks["vgg16-cifar10-norm"] < chunks[FAST] < 64


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"picture": np.zeros((32, 32, 1), np.uint8)}, ShapeError, "picture has 1 channels, the"),
        ({"picture": np.zeros((32, 32, 3))}, ShapeError, r"picture is float64 \(32, 32, 3\)"),
        ({"picture": np.zeros((32, 32), np.uint8)}, ShapeError, r"use uint8 \(H, W, C\)"),
        (
            {"picture": np.zeros((16, 16, 3), np.uint8)},
            ShapeError,
            "does not take an image of 3 x 16 x 16",
        ),
        (
            {"references": np.zeros((4, 28, 28, 3), np.uint8)},
            ShapeError,
            r"references are uint8 \(4, 28, 28, 3\): use at least one picture, uint8 \(N, 32, 32, ",
        ),
        ({"references": np.zeros((0, 32, 32, 3), np.uint8)}, ShapeError, "at least one"),
    ],
)
def test_subjects_that_cannot_be(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explain(subject_named(LENET, **changes), request_for("saliency", Target(0)))


def test_requests_that_do_not_fit_the_subject() -> None:
    subject = subject_named(LENET)
    with pytest.raises(SettingError, match="class is 10: the network has classes 0 to 9"):
        explain(subject, request_for("saliency", Target(10)))
    small = subject_named(
        LENET,
        network=nn.Sequential(nn.Flatten(), nn.Linear(300, 10)),
        picture=np.zeros((10, 10, 3), np.uint8),
    )
    with pytest.raises(SettingError, match="window is 11: the picture has only 10 × 10 pixels"):
        explain(small, request_for("occlusion", Target(0), window=11))


def test_a_broken_network_is_named() -> None:
    network = own_forward(LENET)
    with torch.no_grad():
        network.get_parameter("fc2.weight")[0, 0] = float("nan")
    with pytest.raises(NonFiniteError, match="Saliency gave numbers that are not finite"):
        explain(subject_named(LENET, network=network), request_for("saliency", Target(0)))
