"""Logits of many pictures, against the network run by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from cnnviz.errors import CnnvizError, SettingError, ShapeError
from cnnviz.evaluation_mode import evaluation_mode
from cnnviz.models.registry import build_model, spec_for
from cnnviz.predictions import predict_logits, predict_two_views
from cnnviz.training.pictures import Normalization

NORMALIZATION = Normalization((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
IMAGES = np.random.default_rng(0).integers(0, 256, (13, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def network() -> Iterator[nn.Module]:
    """Batch normalization with statistics of its own, and dropout; left in training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        spec = spec_for("lenet5", "cifar10", batch_norm=True, dropout=0.5)
        network = build_model(spec)
        network(torch.randn(20, 3, 32, 32))
        yield network


def by_hand(network: nn.Module, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    pixels = images.astype(np.float64) / 255
    normal = (pixels - NORMALIZATION.mean) / NORMALIZATION.std
    network.eval()
    with torch.no_grad():
        logits = network(torch.tensor(normal.transpose(0, 3, 1, 2), dtype=torch.float32))
    network.train()
    return np.asarray(logits)


@pytest.mark.parametrize("batch_size", [1, 5, 13, 500])
def test_both_views_by_hand(network: nn.Module, batch_size: int) -> None:
    views = predict_two_views(network, IMAGES, NORMALIZATION, batch_size=batch_size)
    assert views.logits.dtype == np.float32
    np.testing.assert_allclose(views.logits, by_hand(network, IMAGES), atol=1e-5)
    mirrored = by_hand(network, IMAGES[:, :, ::-1])
    np.testing.assert_allclose(views.mirrored_logits, mirrored, atol=1e-5)
    for flag, both in ((False, views.logits), (True, views.mirrored_logits)):
        single = predict_logits(
            network, IMAGES, NORMALIZATION, batch_size=batch_size, mirrored=flag
        )
        np.testing.assert_array_equal(single, both)


def test_bfloat16_is_near_and_not_the_same(network: nn.Module) -> None:
    exact = predict_logits(network, IMAGES, NORMALIZATION)
    rounded = predict_logits(network, IMAGES, NORMALIZATION, precision="bfloat16")
    assert rounded.dtype == np.float32
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, atol=0.05)


def test_nothing_else_is_changed(network: nn.Module) -> None:
    network.get_submodule("norm1").eval()
    modes = [module.training for module in network.modules()]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    first = predict_logits(network, IMAGES, NORMALIZATION)
    np.testing.assert_array_equal(first, predict_logits(network, IMAGES, NORMALIZATION))
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_mode_is_restored_after_an_error(network: nn.Module) -> None:
    def break_off() -> None:
        with evaluation_mode(network):
            assert not network.training
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        break_off()
    assert all(module.training for module in network.modules())


def test_progress_of_both_views(network: nn.Module) -> None:
    told: list[float] = []
    predict_two_views(
        network,
        IMAGES,
        NORMALIZATION,
        batch_size=7,
        progress=lambda words, share: told.append(share),
    )
    assert told == pytest.approx([0, 7 / 26, 0.5, 0.5 + 7 / 26])


@pytest.mark.parametrize(
    ("images", "options", "error", "message"),
    [
        (IMAGES / 255, {}, ShapeError, r"images are float64 \(13, 32, 32, 3\): use uint8"),
        (IMAGES[0], {}, ShapeError, r"images are uint8 \(32, 32, 3\)"),
        (IMAGES[:0], {}, ShapeError, "at least one"),
        (IMAGES[..., :1], {}, ShapeError, "images have 1 channels, the normalization has 3"),
        (IMAGES, {"batch_size": 0}, SettingError, "batch_size is 0: use a whole number from 1 up"),
        (IMAGES, {"precision": "half"}, SettingError, "precision is 'half': use float32 or"),
    ],
)
def test_what_is_refused(
    network: nn.Module, images: Any, options: dict[str, Any], error: type[CnnvizError], message: str
) -> None:
    with pytest.raises(error, match=message):
        predict_logits(network, images, NORMALIZATION, **options)
