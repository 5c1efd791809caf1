"""The first layer of the fast network: outputs that are uncorrelated, and both their signs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnnviz.models.blocks import InitializedFromImages
from cnnviz.models.fast import BATCH_NORM_MOMENTUM, FastCNN, whitening_filters
from cnnviz.models.registry import MODELS, build_model, spec_for

EPS = 5e-4


def correlated_images(channels: int = 3) -> torch.Tensor:
    """Smooth images, whose neighbours and channels resemble each other, with mean 0."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(40, channels, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=16, mode="bilinear")
    mixed = smooth + 0.8 * smooth.mean(1, keepdim=True)
    return mixed + 0.1 * torch.randn(mixed.shape, generator=generator)


def patches_of(images: torch.Tensor, kernel: int) -> np.ndarray:
    """Every patch as a row (channel, row, column), found by a loop."""
    count, _, height, width = images.shape
    rows = [
        images[:, :, top : top + kernel, left : left + kernel].reshape(count, -1).numpy()
        for top in range(height - kernel + 1)
        for left in range(width - kernel + 1)
    ]
    return np.concatenate(rows).astype(np.float64)


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_outputs_are_uncorrelated_with_variance_one(channels: int, kernel: int) -> None:
    images = correlated_images(channels)
    size = channels * kernel * kernel
    filters = whitening_filters(images, kernel)
    assert filters.shape == (2 * size, channels, kernel, kernel)
    outputs = torch.nn.functional.conv2d(images, filters[:size])
    flat = outputs.permute(1, 0, 2, 3).flatten(1).double().numpy()
    second_moments = flat @ flat.T / flat.shape[1]
    patches = patches_of(images, kernel)
    eigenvalues = np.linalg.eigvalsh(patches.T @ patches / len(patches))[::-1]
    # 1 but for the eps, which keeps directions that hardly vary from becoming noise
    expected = np.diag(eigenvalues / (eigenvalues + EPS))
    np.testing.assert_allclose(second_moments, expected, atol=2e-3)
    assert np.diag(second_moments).min() > 0.9


def test_before_whitening_the_patches_are_correlated() -> None:
    correlation = np.corrcoef(patches_of(correlated_images(), 2).T)
    assert np.abs(correlation - np.eye(12)).max() > 0.8


def test_the_second_half_is_the_negative_of_the_first() -> None:
    filters = whitening_filters(correlated_images())
    assert torch.equal(filters[12:], -filters[:12])


def test_the_largest_eigenvalue_comes_first() -> None:
    norms = whitening_filters(correlated_images())[:12].flatten(1).norm(dim=1)
    assert (norms.diff() >= 0).all()  # a filter is divided by the root of its eigenvalue


def test_the_network_takes_them_over() -> None:
    network = build_model(spec_for("fast_cnn", "cifar10"))
    assert isinstance(network, InitializedFromImages)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    images = torch.randn(20, 3, 32, 32)
    network.initialize_from(images)
    after = network.state_dict()
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    assert changed == {"whiten.weight"}
    torch.testing.assert_close(after["whiten.weight"], whitening_filters(images))
    assert not network.get_parameter("whiten.weight").requires_grad


def test_no_other_network_is_initialized_from_images() -> None:
    for name, card in MODELS.items():
        network = build_model(spec_for(name, card.datasets[0]))
        assert isinstance(network, InitializedFromImages) == (name == "fast_cnn")


def test_convolutions_begin_as_the_identity_as_far_as_channels_go() -> None:
    network = FastCNN(spec_for("fast_cnn", "cifar10"))
    for name, inputs in (("conv1_1", 24), ("conv1_2", 64), ("conv2_1", 64), ("conv3_2", 256)):
        maps = torch.randn(2, inputs, 7, 7)
        with torch.no_grad():
            outputs = network.get_submodule(name)(maps)
        torch.testing.assert_close(outputs[:, :inputs], maps)


def test_momentum_is_the_share_of_a_new_batch() -> None:
    network = FastCNN(spec_for("fast_cnn", "cifar10"))
    norm = network.get_submodule("norm1_1")
    maps = torch.randn(8, 64, 5, 5) + 3
    norm(maps)
    expected = BATCH_NORM_MOMENTUM * maps.mean((0, 2, 3))
    torch.testing.assert_close(norm.get_buffer("running_mean"), expected)
