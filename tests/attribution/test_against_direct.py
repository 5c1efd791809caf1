"""Each method against a direct computation: by torch.autograd, by a loop, or by Captum alone."""

from __future__ import annotations

import warnings
from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.attribution.baselines import baseline_for
from cnnviz.attribution.explain import explain
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.subject import Subject
from tests.attribution.networks import (
    A_FEW,
    CAT,
    DOG,
    EVERY,
    FAST,
    LENET,
    SMALL,
    own_forward,
    subject_named,
)

TARGETS = [Target(CAT), Target(DOG, CAT)]
BOTH = pytest.mark.parametrize("target", TARGETS, ids=["cat", "dog-cat"])
WITH_RELU = pytest.mark.parametrize("name", [name for name in SMALL if name != FAST])


def score_of(network: nn.Module, x: torch.Tensor, target: Target) -> torch.Tensor:
    logits: torch.Tensor = network(x)
    score = logits[:, target.label]
    return score if target.against is None else score - logits[:, target.against]


def gradient(network: nn.Module, x: torch.Tensor, target: Target) -> torch.Tensor:
    x = x.detach().clone().requires_grad_()
    (found,) = torch.autograd.grad(score_of(network, x, target).sum(), x)
    return found


def close(actual: Any, expected: torch.Tensor, share: float = 1e-4) -> None:
    """Equal but for roundings, measured by the largest number."""
    wide = expected.detach().numpy()
    np.testing.assert_allclose(actual, wide, rtol=0, atol=share * float(np.abs(wide).max()))


@EVERY
@BOTH
def test_gradients(name: str, target: Target) -> None:
    network, subject = own_forward(name), subject_named(name)
    x = subject.tensor()
    slope = gradient(network, x, target)[0]
    close(explain(subject, request_for("saliency", target)).channels, slope)
    close(explain(subject, request_for("input_x_gradient", target)).channels, x[0] * slope)
    magnitude = explain(subject, request_for("saliency", target, magnitude=True))
    close(magnitude.channels, slope.abs())
    close(magnitude.map, slope.abs().amax(0))


@pytest.mark.parametrize("name", ["lenet5-mnist", "lenet5-cifar10", FAST])
def test_the_network_gets_the_picture_as_it_was_trained_on_it(name: str) -> None:
    subject = subject_named(name)
    pixels = torch.from_numpy(subject.picture).permute(2, 0, 1) / 255
    mean, std = (
        torch.tensor(numbers).view(-1, 1, 1)
        for numbers in (subject.normalization.mean, subject.normalization.std)
    )
    torch.testing.assert_close(subject.tensor()[0], (pixels - mean) / std)


@A_FEW
@BOTH
@pytest.mark.parametrize("baseline", ["mean", "black"])
def test_integrated_gradients(name: str, target: Target, baseline: str) -> None:
    network, subject = own_forward(name), subject_named(name)
    x, start = subject.tensor(), baseline_for(subject, baseline)
    points, weights = np.polynomial.legendre.leggauss(12)
    total = torch.zeros_like(x)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        total += weight * gradient(network, start + point * (x - start), target)
    request = request_for("integrated_gradients", target, steps=12, baseline=baseline)
    made = explain(subject, request)
    close(made.channels, ((x - start) * total)[0])
    assert made.completeness is not None
    with torch.no_grad():
        difference = score_of(network, torch.cat([x, start]), target)
    assert made.completeness.expected == pytest.approx(
        float(difference[0] - difference[1]), abs=1e-4
    )
    assert made.completeness.total == pytest.approx(float(made.map.sum()), abs=1e-4)
    assert made.completeness.error == made.completeness.total - made.completeness.expected


@A_FEW
def test_more_steps_make_integrated_gradients_complete(name: str) -> None:
    subject = subject_named(name)
    errors = []
    for steps in (2, 100):
        made = explain(subject, request_for("integrated_gradients", Target(DOG, CAT), steps=steps))
        assert made.completeness is not None
        errors.append(abs(made.completeness.error) / float(np.abs(made.map).sum()))
    assert errors[1] < 0.01
    assert errors[1] < errors[0]


@A_FEW
def test_smoothgrad(name: str) -> None:
    network, subject = own_forward(name), subject_named(name)
    x, generator = subject.tensor(), torch.Generator().manual_seed(4)
    deviation = 0.2 * float(x.max() - x.min())
    slopes = [
        gradient(
            network, x + deviation * torch.randn(x.shape[1:], generator=generator), Target(CAT)
        )
        for _ in range(5)
    ]
    made = explain(subject, request_for("smoothgrad", Target(CAT), samples=5, noise=0.2, seed=4))
    close(made.channels, torch.stack(slopes).mean(0)[0])


@A_FEW
def test_smoothgrad_without_noise_is_the_gradient(name: str) -> None:
    subject = subject_named(name)
    smooth = explain(subject, request_for("smoothgrad", Target(CAT), samples=3, noise=0.0))
    close(smooth.map, torch.tensor(explain(subject, request_for("saliency", Target(CAT))).map))


@A_FEW
@BOTH
def test_gradient_shap_is_captums_with_the_same_draws(
    name: str, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = subject_named(name).picture.shape
    others = np.random.default_rng(5).integers(0, 256, (6, *shape), dtype=np.uint8)
    subject = subject_named(name, references=others)
    made = explain(subject, request_for("gradient_shap", target, samples=4, seed=6))
    generator = torch.Generator().manual_seed(6)
    chosen = torch.randint(6, (4,), generator=generator)
    alphas = torch.rand(4, generator=generator)
    monkeypatch.setattr(np.random, "choice", lambda *args, **kwargs: chosen.numpy())
    monkeypatch.setattr(np.random, "uniform", lambda *args, **kwargs: alphas.numpy())
    network = own_forward(name)
    theirs = captum.attr.GradientShap(lambda x: score_of(network, x, target)).attribute(
        subject.tensor(), subject.normalized(others), n_samples=4, stdevs=0.0
    )
    close(made.channels, theirs[0])
    assert made.completeness is not None
    with torch.no_grad():
        scores = score_of(network, subject.normalized(others), target)[chosen]
    assert made.completeness.expected == pytest.approx(made.score - float(scores.mean()), abs=1e-4)


def test_gradient_shap_of_many_samples_is_nearly_complete() -> None:
    subject = subject_named(LENET)
    made = explain(subject, request_for("gradient_shap", Target(DOG, CAT), samples=300))
    assert made.completeness is not None
    assert abs(made.completeness.error) < 0.1 * abs(made.map).sum()
    noisy = explain(subject, request_for("gradient_shap", Target(DOG, CAT), samples=9, noise=0.5))
    plain = explain(subject, request_for("gradient_shap", Target(DOG, CAT), samples=9))
    assert not np.allclose(noisy.map, plain.map)


@EVERY
@BOTH
@pytest.mark.parametrize("layer", ["", "conv"])
def test_grad_cam(name: str, target: Target, layer: str) -> None:
    network, subject = own_forward(name), subject_named(name)
    if layer:
        layer = next(n for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    made = explain(subject, request_for("grad_cam", target, layer=layer))
    assert made.layer is not None
    maps: list[torch.Tensor] = []
    handle = network.get_submodule(made.layer).register_forward_hook(
        lambda module, inputs, output: maps.append(output)
    )
    score = score_of(network, subject.tensor().requires_grad_(), target)
    handle.remove()
    (slopes,) = torch.autograd.grad(score.sum(), maps[0])
    cells = (slopes.mean((2, 3), keepdim=True) * maps[0]).sum(1, keepdim=True)
    size = subject.picture.shape[:2]
    close(made.map, F.interpolate(cells, size, mode="bilinear", align_corners=False)[0, 0])
    cut = explain(
        subject, request_for("grad_cam", target, layer=layer, positive=True, enlarge="cells")
    )
    close(cut.map, F.interpolate(cells.relu(), size, mode="nearest")[0, 0])


@A_FEW
@BOTH
@pytest.mark.parametrize(("window", "stride"), [(6, 6), (9, 4)])
def test_occlusion(name: str, target: Target, window: int, stride: int) -> None:
    network, subject = own_forward(name), subject_named(name)
    x, cover = subject.tensor(), baseline_for(subject, "black")
    height, width = subject.picture.shape[:2]
    total, count = torch.zeros(height, width), torch.zeros(height, width)
    with torch.no_grad():
        whole = score_of(network, x, target)
        for top in range(0, height - window + stride, stride):
            for left in range(0, width - window + stride, stride):
                # A last window that hangs over the edge covers what there is.
                part = slice(top, top + window), slice(left, left + window)
                covered = x.clone()
                covered[:, :, *part] = cover[:, :, *part]
                total[part] += (whole - score_of(network, covered, target))[0]
                count[part] += 1
    assert count.min() >= 1
    request = request_for("occlusion", target, window=window, stride=stride, baseline="black")
    close(explain(subject, request).map, total / count, 1e-3)


@EVERY
@BOTH
@pytest.mark.parametrize("baseline", ["mean", "blur"])
def test_deeplift_is_complete(name: str, target: Target, baseline: str) -> None:
    made = explain(subject_named(name), request_for("deeplift", target, baseline=baseline))
    assert made.completeness is not None
    size = float(np.abs(made.map).sum())
    assert abs(made.completeness.error) < 1e-4 * size


def test_deeplift_of_one_neuron_by_hand() -> None:
    """relu(2 x - 1) from x' = 0 to x = 1: the slope between the two is (1 - 0) / (1 - -1)."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        network.get_parameter("0.weight").fill_(2.0)
        network.get_parameter("0.bias").fill_(-1.0)
        network.get_parameter("3.weight").copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
        network.get_parameter("3.bias").zero_()
    subject = Subject(
        network,
        subject_named("lenet5-mnist").normalization,
        np.full((2, 2, 1), 153, np.uint8),  # (0.6 - 0.4) / 0.2 = 1
    )
    made = explain(subject, request_for("deeplift", Target(0, 1)))
    np.testing.assert_allclose(made.map, [[1, 2], [3, 4]], rtol=1e-5)


@WITH_RELU
@BOTH
def test_lrp_without_gamma_is_input_times_gradient(name: str, target: Target) -> None:
    """Of ReLU networks, for an ε that vanishes (Ancona et al. 2018, arXiv:1711.06104)."""
    subject = subject_named(name)
    relevance = explain(subject, request_for("lrp", target, gamma=0.0))
    product = explain(subject, request_for("input_x_gradient", target))
    close(relevance.channels, torch.from_numpy(np.array(product.channels)), 1e-3)
    assert relevance.completeness is not None
    assert relevance.completeness.expected == pytest.approx(relevance.score, abs=1e-4)


def test_lrp_with_gamma_by_hand() -> None:
    """Two 1x1 convolutions on one pixel; the second favours its positive weight."""
    network = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1, 2)
    )
    with torch.no_grad():
        for name, values in {
            "0.weight": [1.0, 2.0],
            "0.bias": [1.0, 0.0],
            "2.weight": [3.0, -1.0],
            "2.bias": [0.0],
            "5.weight": [2.0, 0.0],
            "5.bias": [0.0, 0.0],
        }.items():
            parameter = network.get_parameter(name)
            parameter.copy_(torch.tensor(values).view(parameter.shape))
    subject = Subject(
        network, subject_named("lenet5-mnist").normalization, np.full((1, 1, 1), 153, np.uint8)
    )
    # x = 1: hidden (2, 2), then 3*2 - 2 = 4, then 8. With γ = 1/2 the second layer shares 8 by
    # (4.5*2, -1*2) of 7; of the first neuron's share half came from x, half from its bias.
    made = explain(subject, request_for("lrp", Target(0), gamma=0.5))
    assert float(made.map[0, 0]) == pytest.approx(8 * (9 / 7 / 2 - 2 / 7), rel=1e-5)
    assert made.completeness is not None
    assert made.completeness.expected == pytest.approx(8)


@WITH_RELU
@BOTH
def test_guided_backprop_and_guided_grad_cam_are_captums(name: str, target: Target) -> None:
    class Score(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = own_forward(name)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return score_of(self.network, x, target)

    subject, score = subject_named(name), Score()
    guided = explain(subject, request_for("guided_backprop", target))
    both = explain(subject, request_for("guided_grad_cam", target))
    assert both.layer is not None
    x = subject.tensor().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = captum.attr.GuidedBackprop(score).attribute(x)
        layer = score.network.get_submodule(both.layer)
        product = captum.attr.GuidedGradCam(score, layer).attribute(x, interpolate_mode="bilinear")
    close(guided.channels, theirs[0])
    close(both.channels, product[0])


@pytest.mark.parametrize("name", ["lenet5-cifar10", "lenet5-mnist"])
def test_baselines(name: str) -> None:
    subject = subject_named(name)
    x = subject.tensor()
    mean = torch.tensor(subject.normalization.mean).view(1, -1, 1, 1)
    std = torch.tensor(subject.normalization.std).view(1, -1, 1, 1)
    found = {word: baseline_for(subject, word) * std + mean for word in ("mean", "black", "white")}
    torch.testing.assert_close(found["mean"], mean.expand_as(x))
    torch.testing.assert_close(found["black"], torch.zeros_like(x))
    torch.testing.assert_close(found["white"], torch.ones_like(x))
    blurred = baseline_for(subject, "blur")
    assert blurred.shape == x.shape
    assert float(blurred.std()) < 0.3 * float(x.std())
    plain = np.full(subject.picture.shape, 90, np.uint8)
    flat = subject_named(name, picture=plain)
    torch.testing.assert_close(baseline_for(flat, "blur"), flat.tensor())
