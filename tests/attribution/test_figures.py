"""Figures of attribution: the arrays, the scale and the words that they hold."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnviz.attribution.requests import Target
from cnnviz.attribution.results import DeletionCurve
from cnnviz.errors import SettingError, ShapeError
from cnnviz.figures import theme
from cnnviz.figures.attribution import (
    deletion_figure,
    map_figure,
    shared_scale,
)

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (32, 32, 3), dtype=np.uint8)
VALUES = RANDOM.normal(size=(32, 32)).astype(np.float32)


def traces(figure: Any, kind: str) -> list[Any]:
    return [trace for trace in figure.data if trace.type == kind]


@pytest.mark.parametrize("dark", [False, True])
def test_a_map_has_a_signed_scale(dark: bool) -> None:
    figure = map_figure(PICTURE, "cat", VALUES, dark=dark)
    chosen = theme.colours(dark=dark)
    axis = figure.layout.coloraxis
    assert axis.cmax == -axis.cmin == pytest.approx(float(np.abs(VALUES).max()))
    # Opaque at the ends, in the theme's colours, and nothing at 0.
    for place, colour, opacity in ((0, chosen.negative, "1"), (3, chosen.positive, "1")):
        numbers = [str(int(colour[at : at + 2], 16)) for at in (1, 3, 5)]
        assert axis.colorscale[place][1] == f"rgba({','.join(numbers)},{opacity})"
    assert [pair[0] for pair in axis.colorscale] == [0, 0.5, 0.5, 1]
    assert all(pair[1].endswith(",0)") for pair in axis.colorscale[1:3])
    (trace,) = traces(figure, "heatmap")
    np.testing.assert_allclose(trace.z, VALUES)
    assert trace.coloraxis == "coloraxis"
    assert "%{z:" in trace.hovertemplate
    assert "cat" in trace.hovertemplate
    assert figure.layout.title.text == "cat"


def test_the_picture_lies_below_in_shades_of_grey_upright_and_whole() -> None:
    figure = map_figure(PICTURE, "cat", VALUES, opacity=0.4, scale=3.0)
    (image,), (heat,) = traces(figure, "image"), traces(figure, "heatmap")
    data = base64.b64decode(image.source.partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_allclose(pixels, np.asarray(Image.fromarray(PICTURE).convert("L")), atol=1)
    assert heat.opacity == 0.4
    assert figure.layout.coloraxis.cmax == 3
    assert figure.data[0].type == "image"  # first, hence below
    assert image.opacity == pytest.approx(0.84)
    assert tuple(figure.layout.yaxis.range) == (31.5, -0.5)
    assert tuple(figure.layout.xaxis.range) == (-0.5, 31.5)


def test_a_grey_picture_and_a_map_of_zeros() -> None:
    figure = map_figure(PICTURE[:, :, :1], "flat", np.zeros((32, 32), np.float32))
    assert figure.layout.coloraxis.cmax == 1
    assert shared_scale([]) == shared_scale([np.zeros((2, 2))]) == 1
    assert shared_scale([np.array([[-3.0, 2.0]]), np.array([[1.0]])]) == 3


def test_figures_that_cannot_be() -> None:
    with pytest.raises(SettingError, match=r"opacity is 1\.5: use a number from 0 to 1"):
        map_figure(PICTURE, "a", VALUES, opacity=1.5)
    with pytest.raises(ShapeError, match=r"a is \(28, 28\), the picture"):
        map_figure(PICTURE, "a", np.zeros((28, 28)))


def a_curve() -> DeletionCurve:
    values = np.array([0.9, 0.4, 0.1])
    return DeletionCurve(
        target=Target(5),
        baseline="mean",
        removed=np.array([0, 512, 1024]),
        probabilities=np.stack([values, 1 - values], 1),
        values=values,
        random_values=np.array([[0.9, 0.8, 0.1], [0.9, 0.6, 0.1]]),
    )


@pytest.mark.parametrize("dark", [False, True])
def test_deletion_curves(dark: bool) -> None:
    curve = a_curve()
    assert curve.area == pytest.approx((0.65 + 0.25) / 2)
    np.testing.assert_allclose(curve.random_areas, [0.65, 0.55])
    figure = deletion_figure([("Saliency", curve), ("LRP", curve)], "probability of dog", dark=dark)
    band, random, *others = figure.data
    assert max(band.y) == 0.9
    assert list(random.x) == [0, 0.5, 1]
    np.testing.assert_allclose(random.y, [0.9, 0.7, 0.1])
    assert random.name == "at random: area 0.60"
    assert [trace.name for trace in others] == ["Saliency: area 0.45", "LRP: area 0.45"]
    assert len({trace.line.color for trace in (random, *others)}) == 3
    np.testing.assert_allclose(others[0].y, curve.values)
    assert figure.layout.yaxis.title.text == "probability of dog"
    with pytest.raises(SettingError, match="no curve"):
        deletion_figure([], "probability")
