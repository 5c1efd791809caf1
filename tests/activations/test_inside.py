"""A picture inside a network: passage, walk, filters, patches, pooling, shifts; settings, words."""

from __future__ import annotations

import contextlib
import io
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.activations.exchanged_pooling import pool_both_ways, poolings_of
from cnnviz.activations.inside_settings import (
    InsideSettings,
    fit_inside_settings,
    read_inside_settings,
)
from cnnviz.activations.inside_words import (
    agreement_sentence,
    inside_snippet,
    pooling_sentence,
    shift_sentence,
    softmax_rows,
    softmax_sentence,
    walk_sentence,
)
from cnnviz.activations.kernels import convolutions_of, kernels_of
from cnnviz.activations.passage import PICTURE, chain_of, fields_of, pass_through
from cnnviz.activations.patches import cut_patch, find_strongest, spread
from cnnviz.activations.scales import reaches, strongest_channels
from cnnviz.activations.shifts import DIRECTIONS, STEPS, measure_shifts, shift_pictures
from cnnviz.activations.walk import Cell, walk_to
from cnnviz.errors import SettingError, ShapeError
from cnnviz.norms.network_norms import normalized_batch
from tests.norms.networks import (
    NORMALIZATION,
    a_network,
    assert_untouched,
    everything_of,
    pictures,
)

NETWORKS = {
    "lenet5": a_network("lenet5"),
    "improved_lenet": a_network("improved_lenet"),
    "plain_cnn": a_network("plain_cnn", batch_norm=True),
    "fast_cnn": a_network("fast_cnn"),
}


def hooked(network: nn.Module, images: np.ndarray[Any, Any]) -> dict[str, torch.Tensor]:
    """What each layer puts out, caught by hooks of PyTorch's own."""
    found: dict[str, torch.Tensor] = {}

    def note(name: str, module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        found[name] = output.clone()

    handles = [
        module.register_forward_hook(partial(note, name))
        for name, module in network.named_modules()
        if not list(module.children())
    ]
    with torch.no_grad():
        found["logits"] = network(normalized_batch(network, images, NORMALIZATION))
    for handle in handles:
        handle.remove()
    return found


# ----------------------------------------------------------------------------------------- passage


@pytest.mark.parametrize("name", NETWORKS)
def test_the_passage_is_what_hooks_catch(name: str) -> None:
    network, images = NETWORKS[name], pictures(1)
    before = everything_of(network)
    passage = pass_through(network, images[0], NORMALIZATION)
    assert_untouched(network, before)
    theirs = hooked(network, images)
    assert passage.names[0] == PICTURE
    assert passage.names[1:] == tuple(layer for layer, _ in chain_of(network))
    for layer in passage.layers[1:]:
        expected = theirs[layer.name][0].numpy()
        np.testing.assert_allclose(layer.values.reshape(expected.shape), expected, atol=1e-5)
    np.testing.assert_allclose(passage.logits, theirs["logits"][0].numpy(), atol=1e-5)
    np.testing.assert_allclose(
        passage.probabilities, theirs["logits"].double().softmax(1)[0].numpy(), atol=1e-6
    )
    fields = fields_of(network, (3, 32, 32))
    assert {layer.name: layer.field.size for layer in passage.layers[1:]} == {
        layer: field.size for layer, (field, _) in fields.items()
    }
    with pytest.raises(SettingError, match="use one of"):
        passage.layer("none")
    with pytest.raises(SettingError):
        passage.before(PICTURE)


def test_a_network_that_is_no_chain_is_refused() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            more: torch.Tensor = self.conv(x)
            return x + more

    with pytest.raises(SettingError, match="no chain"):
        pass_through(nn.Sequential(Branches()), pictures(1)[0], NORMALIZATION)


# -------------------------------------------------------------------------------------------- walk


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_number_is_written_out(name: str) -> None:
    passage = pass_through(NETWORKS[name], pictures(1, seed=4)[0], NORMALIZATION)
    random = np.random.default_rng(0)
    for layer in passage.layers[1:]:
        corners = [(0, 0, 0), tuple(count - 1 for count in layer.shape)]
        places = [*corners, *(tuple(random.integers(0, layer.shape)) for _ in range(3))]
        for channel, row, column in places:
            cell = Cell(layer.name, int(channel), int(row), int(column))
            walk = walk_to(passage, cell)
            assert walk.network == pytest.approx(float(layer.values[channel, row, column]))
            assert walk.total == pytest.approx(walk.network, abs=2e-4, rel=1e-4)
            assert walk.source == passage.before(layer.name).name or layer.kind == "Linear"
            if walk.how == "sum":
                products = sum(float(np.nansum(part.products)) for part in walk.parts)
                assert products + (walk.bias or 0) == pytest.approx(walk.total, abs=1e-6)
            sentence = walk_sentence(walk)
            assert f"**{walk.total:.3g}**".replace("-", "−") in sentence
            assert "rounding" in agreement_sentence(walk)


def test_cells_that_are_not_there() -> None:
    passage = pass_through(NETWORKS["lenet5"], pictures(1)[0], NORMALIZATION)
    for cell in (Cell("conv1", 6), Cell("conv1", 0, 28), Cell("conv1", 0, 0, 28), Cell("no", 0)):
        with pytest.raises(SettingError):
            walk_to(passage, cell)
    with pytest.raises(SettingError):
        Cell("conv1", -1)


# --------------------------------------------------------------------------------- filters, scales


def test_filters_are_the_networks_own() -> None:
    network = NETWORKS["improved_lenet"]
    assert convolutions_of(network) == ("conv1", "conv2")
    kernels = kernels_of(network, "conv2")
    module = network.get_submodule("conv2")
    assert isinstance(module, nn.Conv2d)
    np.testing.assert_array_equal(kernels.weights, module.weight.detach().numpy())
    assert not kernels.is_first
    assert kernels_of(network, "conv1").is_first
    kernels.weights[:] = 0
    assert module.weight.abs().sum() > 0
    with pytest.raises(SettingError, match="conv1, conv2"):
        kernels_of(network, "fc1")


def test_scales_and_the_strongest() -> None:
    one, other = np.array([[[1.0, -3.0]]]), np.array([[[2.0]], [[-5.0]], [[0.0]]])
    assert reaches([one, other, one * 0], "layer") == (3.0, 5.0, 1.0)
    assert reaches([one, other], "network") == (5.0, 5.0)
    assert strongest_channels(other, 2) == (0, 1)
    with pytest.raises(SettingError):
        reaches([one], "all")  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------- patches


def test_the_strongest_patches_by_brute_force() -> None:
    network, pool = NETWORKS["plain_cnn"], pictures(120, seed=2)
    found = find_strongest(network, pool, NORMALIZATION, kept=5)
    theirs = hooked(network, pool)
    np.testing.assert_array_equal(found.guesses, theirs["logits"].argmax(1).numpy())
    for layer in ("conv1_1", "pool2", "conv3_2"):
        maps = theirs[layer].flatten(2)
        most, where = maps.max(2)
        strongest = found.layers[layer]
        for channel in (0, 7):
            order = most[:, channel].sort(descending=True, stable=True).indices[:5].numpy()
            np.testing.assert_array_equal(strongest.pictures[channel], order)
            np.testing.assert_allclose(
                strongest.values[channel], most[order, channel].numpy(), atol=1e-5
            )
            row, column = divmod(int(where[order[0], channel]), theirs[layer].shape[3])
            assert tuple(strongest.units[channel, 0]) == (row, column)
    with pytest.raises(ShapeError):
        find_strongest(network, pool[:0], NORMALIZATION)
    assert list(spread(3, 5)) == [0, 1, 2]
    assert list(spread(101, 3)) == [0, 50, 100]


def test_a_patch_is_what_moves_the_unit() -> None:
    network, picture = NETWORKS["lenet5"], pictures(1, seed=8)[0]
    field, _ = fields_of(network, (3, 32, 32))["conv2"]
    patch = cut_patch(picture, field, 3, 4)
    tall, wide = field.size
    assert patch.pixels.shape == (tall, wide, 3)
    np.testing.assert_array_equal(
        patch.pixels, picture[patch.top : patch.top + tall, patch.left : patch.left + wide]
    )
    changed = picture.copy()
    changed[: patch.top] = 0
    changed[:, patch.left + wide :] = 0
    before, after = (
        pass_through(network, each, NORMALIZATION).layer("conv2").values[:, 3, 4]
        for each in (picture, changed)
    )
    np.testing.assert_allclose(before, after, atol=1e-6)


# ------------------------------------------------------------------------------- pooling and shifts


@pytest.mark.parametrize(("name", "own"), [("lenet5", "average"), ("improved_lenet", "max")])
def test_both_poolings_of_the_same_map(name: str, own: str) -> None:
    network = NETWORKS[name]
    assert poolings_of(network) == ("pool1", "pool2")
    passage = pass_through(network, pictures(1)[0], NORMALIZATION)
    maps, module = passage.before("pool1").values, passage.layer("pool1").module
    assert module is not None
    both = pool_both_ways(maps, module)
    assert both.own == own
    tensor = torch.tensor(maps)
    np.testing.assert_allclose(both.average, F.avg_pool2d(tensor, 2).numpy(), atol=1e-6)
    np.testing.assert_allclose(both.maximum, F.max_pool2d(tensor, 2).numpy(), atol=1e-6)
    assert (both.difference >= -1e-9).all()
    sentence = pooling_sentence(both, 1)
    assert f"{both.maximum[1].mean():.3g}" in sentence
    assert sentence.endswith("more." if own == "average" else "less.")


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_shifts_against_direct_runs(direction: Any) -> None:
    network, pool = NETWORKS["lenet5"], pictures(3, seed=6)
    series = measure_shifts(network, pool, NORMALIZATION, direction, most=2)
    down, right = STEPS[direction]
    still, moved = hooked(network, pool), hooked(network, shift_pictures(pool, 2 * down, 2 * right))
    for layer in ("conv1", "pool2", "fc2"):
        place = series.layers.index(layer)
        apart = (moved[layer] - still[layer]).flatten(1).norm(dim=1)
        expected = (apart / still[layer].flatten(1).norm(dim=1)).numpy()
        np.testing.assert_allclose(series.in_place[2, place], expected, rtol=1e-4)
    # Without padding a convolution moves along exactly.
    assert series.moved_along[2, series.layers.index("conv1")].max() < 1e-5
    np.testing.assert_allclose(
        series.probabilities[2], moved["logits"].double().softmax(1).numpy(), atol=1e-6
    )
    places = [series.layers.index(layer) for layer in ("conv1", "fc3")]
    sentence = shift_sentence(series, places)
    assert f"{100 * series.in_place[2, places[0]].mean():.0f} %" in sentence
    assert "of 3** pictures" in sentence


def test_shifts_that_make_no_sense() -> None:
    with pytest.raises(SettingError):
        measure_shifts(NETWORKS["lenet5"], pictures(1), NORMALIZATION, "away")  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        measure_shifts(NETWORKS["lenet5"], pictures(1)[:0], NORMALIZATION)


# ------------------------------------------------------------------------------ settings and words


def test_settings_come_back_from_a_url() -> None:
    settings = InsideSettings(
        model="b",
        source="drawn",
        picture=7,
        look="shifts",
        layer="conv2",
        channel=3,
        row=1,
        column=2,
        scale="network",
        direction="up",
    )
    assert read_inside_settings(settings.to_query(), ("a", "b")) == (settings, ())
    nonsense = {
        "model": "c",
        "source": "web",
        "look": "x",
        "scale": "y",
        "row": "-1",
        "picture": "p",
    }
    settings, notes = read_inside_settings(nonsense, ("a", "b"))
    assert len(notes) == len(nonsense)
    assert settings == InsideSettings(model="a")
    for changes in ({"look": "x"}, {"row": -1}, {"layer": None}, {"direction": "in"}):
        with pytest.raises(SettingError):
            InsideSettings(**dict[str, Any](model="a") | changes)


def test_numbers_that_are_not_there_are_replaced() -> None:
    shapes = {"conv1": (6, 28, 28), "fc": (10, 1, 1)}
    fitted, notes = fit_inside_settings(InsideSettings(model="a"), shapes, first="conv1")
    assert (fitted.layer, fitted.row, fitted.column) == ("conv1", 14, 14)
    assert not notes
    asked = InsideSettings(model="a", layer="fc", channel=12, row=3)
    fitted, notes = fit_inside_settings(asked, shapes, first="conv1")
    assert (fitted.channel, fitted.row) == (9, 0)
    assert len(notes) == 2
    fitted, notes = fit_inside_settings(
        InsideSettings(model="a", layer="none"), shapes, first="conv1"
    )
    assert fitted.layer == "conv1"
    assert "none" in notes[0]


def test_softmax_written_out() -> None:
    logits = np.array([1.0, 3.0, -2.0])
    rows = softmax_rows(logits, ("a", "b", "c"))
    assert [row[0] for row in rows] == ["b", "a", "c"]
    assert rows[0] == ("b", "3", "1", "87.6 %")
    assert rows[2][1] == "−2"
    assert f"{np.exp(logits - 3).sum():.3g}" in softmax_sentence(logits)


def test_the_program_prints_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cnnviz.data.datasets import PROJECT, load_split
    from cnnviz.training.pictures import Normalization
    from cnnviz.ui.shipped import trained_card, trained_network

    monkeypatch.chdir(PROJECT)
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = "lenet5-cifar10"
    card = trained_card(name)
    lines = (
        "from cnnviz.data.datasets import load_split\n\n"
        'pixels = load_split("cifar10", "test").images[4]'
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(inside_snippet("checkpoints", name, lines, "conv2"), {})
    picture = load_split("cifar10", "test").images[4]
    passage = pass_through(trained_network(name), picture, Normalization(card.mean, card.std))
    maps = passage.layer("conv2").values
    first, *shares = printed.getvalue().splitlines()
    assert "(16, 10, 10)" in first
    numbers = [float(text) for text in re.findall(r"-?\d+\.\d+", first)]
    np.testing.assert_allclose(numbers, [maps.min(), maps.max()], rtol=1e-3)
    assert shares[3] == f"cat: {100 * passage.probabilities[3]:.1f} %"
