"""Figures of attribution: the arrays, the scale and the words that they hold."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.results import Attribution, DeletionCurve, RandomizationCheck
from cnnviz.errors import SettingError, ShapeError
from cnnviz.figures import theme
from cnnviz.figures.attribution import (
    cascade_figure,
    deletion_figure,
    maps_figure,
    shared_scale,
)

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (32, 32, 3), dtype=np.uint8)
MAPS = [
    ("Saliency", RANDOM.normal(size=(32, 32)).astype(np.float32)),
    ("Grad-CAM", 10 * RANDOM.normal(size=(32, 32)).astype(np.float32)),
]


def traces(figure: Any, kind: str) -> list[Any]:
    return [trace for trace in figure.data if trace.type == kind]


@pytest.mark.parametrize("dark", [False, True])
def test_maps_share_one_signed_scale(dark: bool) -> None:
    figure = maps_figure(PICTURE, MAPS, ends=("cat", "dog"), dark=dark)
    chosen = theme.colours(dark=dark)
    axis = figure.layout.coloraxis
    assert axis.cmax == -axis.cmin == pytest.approx(float(np.abs(MAPS[1][1]).max()))
    # Opaque at the ends, in the theme's colours, and nothing at 0.
    for place, colour, opacity in ((0, chosen.negative, "1"), (3, chosen.positive, "1")):
        numbers = [str(int(colour[at : at + 2], 16)) for at in (1, 3, 5)]
        assert axis.colorscale[place][1] == f"rgba({','.join(numbers)},{opacity})"
    assert [pair[0] for pair in axis.colorscale] == [0, 0.5, 0.5, 1]
    assert all(pair[1].endswith(",0)") for pair in axis.colorscale[1:3])
    assert axis.showscale
    low, high = (note.text for note in figure.layout.annotations[2:])
    assert low.startswith("cat (−")
    assert high.startswith("dog (+")
    for trace, (title, values) in zip(traces(figure, "heatmap"), MAPS, strict=True):
        np.testing.assert_allclose(trace.z, values)
        np.testing.assert_allclose(trace.customdata, values)
        assert trace.coloraxis == "coloraxis"
        assert "%{customdata:" in trace.hovertemplate
        assert title in trace.hovertemplate
    assert [note.text for note in figure.layout.annotations[:2]] == ["Saliency", "Grad-CAM"]
    plain = maps_figure(PICTURE, MAPS, legend=False, dark=dark).layout
    assert len(plain.annotations) == 2
    assert not plain.coloraxis.showscale
    assert plain.height < figure.layout.height


def test_relative_maps_keep_their_numbers_in_the_hover_text() -> None:
    figure = maps_figure(PICTURE, MAPS, relative=True)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-1, 1)
    for trace, (_, values) in zip(traces(figure, "heatmap"), MAPS, strict=True):
        assert np.abs(trace.z).max() == pytest.approx(1)
        np.testing.assert_allclose(trace.customdata, values)
    assert figure.layout.annotations[-2].text == "against (largest)"


def test_the_picture_lies_below_in_shades_of_grey_upright_and_whole() -> None:
    figure = maps_figure(PICTURE, MAPS, opacity=0.4, scale=3.0)
    images = traces(figure, "image")
    assert len(images) == 2
    data = base64.b64decode(images[0].source.partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_allclose(pixels, np.asarray(Image.fromarray(PICTURE).convert("L")), atol=1)
    assert [trace.opacity for trace in traces(figure, "heatmap")] == [0.4, 0.4]
    assert figure.layout.coloraxis.cmax == 3
    assert figure.data[0].type == "image"  # first, hence below
    assert images[0].opacity == pytest.approx(0.84)
    assert tuple(figure.layout.yaxis.range) == (31.5, -0.5)
    assert tuple(figure.layout.xaxis2.range) == (-0.5, 31.5)


@pytest.mark.parametrize(("columns", "height"), [(1, 3), (2, 2), (3, 1), (9, 1)])
def test_columns(columns: int, height: int) -> None:
    figure = maps_figure(PICTURE, [*MAPS, ("Occlusion", MAPS[0][1])], columns=columns)
    tops = {note.y for note in figure.layout.annotations[:3]}
    assert len(tops) == height
    assert figure.layout.height > 300 * height


def test_a_grey_picture_and_a_map_of_zeros() -> None:
    figure = maps_figure(PICTURE[:, :, :1], [("flat", np.zeros((32, 32), np.float32))])
    assert figure.layout.coloraxis.cmax == 1
    assert shared_scale([]) == shared_scale([np.zeros((2, 2))]) == 1
    assert shared_scale([np.array([[-3.0, 2.0]]), np.array([[1.0]])]) == 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"maps": []}, SettingError, "no map to draw"),
        ({"opacity": 1.5}, SettingError, r"opacity is 1\.5: use a number from 0 to 1"),
        ({"maps": [("a", np.zeros((28, 28)))]}, ShapeError, r"a is \(28, 28\), the picture"),
    ],
)
def test_figures_that_cannot_be(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        maps_figure(**dict[str, Any](picture=PICTURE, maps=MAPS) | changes)


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


def test_cascades() -> None:
    made = Attribution(
        request=request_for("saliency", Target(0)),
        map=MAPS[0][1],
        channels=None,
        score=1.0,
        completeness=None,
        layer=None,
        elapsed_s=0.1,
    )
    check = RandomizationCheck(made, made, ("fc3",), 0, 0.6)
    checks = [check, replace(check, layers=("fc3", "fc2"), similarity=0.2)]
    figure = cascade_figure([("Saliency", checks)])
    (trace,) = figure.data
    assert list(trace.x) == ["none", "fc3", "fc2"]
    assert list(trace.y) == [1.0, 0.6, 0.2]
    assert figure.layout.showlegend is False
    with pytest.raises(SettingError, match="no check"):
        cascade_figure([("Saliency", [])])
