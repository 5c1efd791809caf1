"""Receptive fields, in theory and measured, against weights, brute force and made-up gradients."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.activations.receptive import (
    MeasuredField,
    Unit,
    Window,
    measure_field,
    seen_layers,
    untrained,
    window_of,
)
from cnnviz.activations.receptive_settings import (
    ALL,
    LAST,
    FieldSettings,
    fit_field_settings,
    read_field_settings,
)
from cnnviz.activations.receptive_words import (
    change_sentence,
    field_snippet,
    measured_words,
    theory_sentence,
)
from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.errors import SettingError
from cnnviz.figures.receptive import gradient_picture, outline, sizes_figure
from cnnviz.models.blocks import Layers
from cnnviz.training.learner import Learner
from cnnviz.training.pictures import Normalization
from tests.training.splits import digits
from tests.training.tiny import tiny

PLAIN = Normalization((0.0, 0.0), (1.0, 1.0))


def _pictures(count: int, height: int = 16, width: int = 18) -> np.ndarray[Any, np.dtype[np.uint8]]:
    draw = np.random.default_rng(0)
    return draw.integers(1, 256, (count, height, width, 2)).astype(np.uint8)


def _chain(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = Layers()
    layers["conv1"] = nn.Conv2d(2, 4, (3, 5), padding=(0, 2))
    layers["relu1"] = nn.ReLU()
    layers["pool1"] = nn.AvgPool2d(2)
    layers["conv2"] = nn.Conv2d(4, 6, 3, stride=2, padding=1)
    layers["norm2"] = nn.BatchNorm2d(6)
    layers["pool2"] = nn.AvgPool2d(3, 1)
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.LazyLinear(3)
    network = nn.Sequential(layers)
    network(torch.zeros(1, 2, 16, 18))
    return network


def test_the_gradient_fills_the_theoretical_field_and_nothing_else() -> None:
    network, pictures = _chain(), _pictures(3)
    for parameter in network.parameters():
        parameter.data.abs_()  # so that nothing cancels and no ReLU is off
    layers = seen_layers(network, (2, 16, 18))
    assert [layer.name for layer in layers] == ["conv1", "pool1", "conv2", "pool2"]
    for layer in layers:
        _, height, width = layer.shape
        for row, column in {(0, 0), (height // 2, width // 2), (height - 1, width - 1)}:
            unit = Unit(layer.name, row, column, channel=1)
            found = measure_field(network, pictures, PLAIN, unit)
            seen = found.theory.within(16, 18)
            expected = np.zeros((16, 18), dtype=bool)
            expected[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width] = True
            np.testing.assert_array_equal(found.gradient > 0, expected)
            assert found.theory == window_of(layer, row, column)
            assert (found.live, found.visible) == (3, expected.sum())
    assert layers[-1].field.size == (3 + 1 + 2 * 2 + 2 * 2 * 2, 5 + 1 + 2 * 2 + 2 * 2 * 2)


def test_of_one_convolution_it_is_the_weights() -> None:
    network, pictures = _chain(), _pictures(4)
    conv = network.get_submodule("conv1")
    assert isinstance(conv, nn.Conv2d)
    weights = conv.weight.detach().double().numpy()  # (4, 2, 3, 5)
    one = measure_field(network, pictures, PLAIN, Unit("conv1", 6, 8, channel=2))
    np.testing.assert_allclose(one.gradient[6:9, 6:11], np.abs(weights[2]).mean(0), rtol=1e-6)
    # All channels: filters that are each other's negative do not cancel, and each counts.
    conv.weight.data[1] = -conv.weight.data[0]
    conv.weight.data[3] = -conv.weight.data[2]
    weights = conv.weight.detach().double().numpy()
    many = measure_field(network, _pictures(500), PLAIN, Unit("conv1", 6, 8))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T  # all of them, (16, 4)
    expected = np.abs(np.einsum("sf,fcij->scij", signs, weights)).mean((0, 1))
    np.testing.assert_allclose(many.gradient[6:9, 6:11], expected, rtol=0.1)


def test_the_network_is_left_as_it_was() -> None:
    network = _chain().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    measure_field(network, _pictures(2), PLAIN, Unit("pool2", 0, 0))
    assert network.training
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (Unit("fc1", 0, 0), "layer is 'fc1': use one of conv1, pool1, conv2, pool2"),
        (Unit("conv1", 14, 0), "row is 14: conv1 has 0 to 13"),
        (Unit("conv1", 0, 18), "column is 18: conv1 has 0 to 17"),
        (Unit("conv1", 0, 0, 4), "channel is 4: conv1 has 0 to 3"),
        (Unit("conv1", -1, 0), "row is -1"),
    ],
)
def test_a_unit_that_is_not_there_is_refused(unit: Unit, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        measure_field(_chain(), _pictures(1), PLAIN, unit)


def _field(gradient: Any, theory: Window, live: int = 1) -> MeasuredField:
    return MeasuredField(np.array(gradient, dtype=np.float64), theory, live, 1)


def test_numbers_of_made_up_gradients() -> None:
    everywhere = _field(np.ones((20, 20)), Window(0, 0, 20, 20))
    assert everywhere.share_in_middle == pytest.approx(0.25)
    assert everywhere.effective().sum() == 380
    odd = _field(np.ones((3, 3)), Window(0, 0, 3, 3))
    assert odd.share_in_middle == pytest.approx(0.25)  # pixels in part count in part
    point = np.zeros((9, 9))
    point[4, 4] = 7
    lone = _field(point, Window(0, 0, 9, 9))
    assert (lone.share_in_middle, lone.effective_size()) == (1, 1)
    assert measured_words(lone)[0] == "95 % in 1 pixels, as in 1.0 × 1.0"
    dead = _field(np.zeros((9, 9)), Window(0, 0, 9, 9), live=0)
    assert dead.is_dead
    assert math.isnan(dead.share_in_middle)
    assert not dead.effective().any()
    assert "off" in change_sentence(dead, lone)
    assert change_sentence(lone, everywhere).startswith("Training widened")
    assert change_sentence(everywhere, lone).startswith("Training narrowed")
    assert "left the size" in change_sentence(lone, lone)


def test_untrained_is_how_the_training_began() -> None:
    config = tiny(seed=3)
    learner = Learner(config, digits(10), torch.device("cpu"), "float32")
    images = load_split("mnist", "test").images[:4]
    network = untrained(config.spec, 3, images, learner.normalization)
    for name, tensor in learner.network.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], tensor, rtol=0, atol=0)


def test_theory_and_snippet_on_a_shipped_network(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    network, card = load_checkpoint(project / "checkpoints", "lenet5-mnist")
    indices = [0, 5, 7]
    pictures = load_split("mnist", "test").images[indices]
    normalization = Normalization(card.mean, card.std)
    layers = {layer.name: layer for layer in seen_layers(network, card.spec.input_shape)}
    for unit in (Unit("conv2", 0, 5, channel=3), Unit("pool2", 2, 2)):
        found = measure_field(network, pictures, normalization, unit)
        names: dict[str, Any] = {}
        snippet = field_snippet("checkpoints", "lenet5-mnist", "mnist", indices, unit)
        exec(compile(snippet, "<snippet>", "exec"), names)
        np.testing.assert_allclose(names["gradient"].numpy(), found.gradient, rtol=1e-4, atol=1e-9)
    said = theory_sentence(
        layers["conv2"], measure_field(network, pictures, normalization, Unit("conv2", 0, 5))
    )
    assert "14 × 14 pixels, of which" in said
    assert "2 pixels further" in said


def test_drawings_of_fields() -> None:
    chosen = np.zeros((3, 4), dtype=bool)
    chosen[1, 1:3] = True
    assert sorted(outline(chosen).split("M")[1:]) == sorted(
        ["1 1h1", "2 1h1", "1 2h1", "2 2h1", "1 1v1", "3 1v1"]
    )
    gradient = np.array([[0.0, 1.0], [3.0, 0.0]])
    colours = gradient_picture(gradient, 0.75)
    assert colours.shape == (2, 2, 3)
    assert (colours[0, 0] == colours[1, 1]).all()
    assert (colours[1, 0] < colours[0, 1]).all()  # darker where there is more
    figure = sizes_figure([0, 1, 2], [9.0, 8.0, 7.5], [0.3, 0.4, 0.5], limit=12, chosen=1)
    assert list(figure.data[0].y) == [9.0, 8.0, 7.5]
    assert figure.data[0].marker.size[1] > figure.data[0].marker.size[0]
    assert figure.layout.shapes[0].y0 == 12


# ----------------------------------------------------------------------------------- settings

SHAPES = {"conv1": (4, 15, 19), "pool1": (4, 7, 9), "conv2": (6, 4, 5)}


def test_settings_survive_the_link() -> None:
    settings = FieldSettings(
        model="b", layer="pool1", row=3, column=0, channel=2, epoch=5, picture=7
    )
    assert read_field_settings(settings.to_query(), ("a", "b")) == (settings, ())
    fitted = fit_field_settings(settings, SHAPES, pictures=20, epochs=(0, 5))
    assert fitted == (settings, ())


def test_the_nearest_unit_is_taken_and_said() -> None:
    settings, notes = read_field_settings({"model": "cat", "row": "x"}, ("a", "b"))
    assert settings.model == "a"
    assert len(notes) == 2
    usual, notes = fit_field_settings(settings, SHAPES, pictures=3)
    assert (usual.layer, usual.row, usual.column, usual.channel) == ("conv2", 2, 2, ALL)
    assert notes == ()
    far = FieldSettings(model="a", layer="nope", row=99, channel=99, epoch=3, picture=7)
    fitted, notes = fit_field_settings(far, SHAPES, pictures=3, epochs=(0, 1))
    assert (fitted.row, fitted.channel, fitted.epoch, fitted.picture) == (3, 5, LAST, 1)
    assert len(notes) == 4
