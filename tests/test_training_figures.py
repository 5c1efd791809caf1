"""Figures of a training: the arrays, the titles, and what keeps them steady while points arrive."""

import base64
import io
import json
import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import ShapeError
from cnnviz.figures import theme
from cnnviz.figures.curves import CurveRun, Mark, XAxis, run_curves, run_marks, told_curve
from cnnviz.figures.series import MOST_POINTS
from cnnviz.figures.snapshots import (
    filter_grid,
    filter_scale,
    picture_uri,
    probabilities_of,
    verdict,
)
from cnnviz.figures.training import curves_figure
from cnnviz.runs.run import Event, EventKind
from tests.test_layers_of_imports import modules_after
from tests.training.invented_records import epoch_record, step_record

NAMES = CIFAR10.class_names


def event(step: int, kind: EventKind, rate: float = 0.1, decay: float = 5e-4) -> Event:
    return Event(step, kind, 1e9 + step, step * 0.25, rate, decay)


def a_run(name: str = "LeNet", steps: int = 40, **step_changes: Any) -> CurveRun:
    return CurveRun(
        name,
        [step_record(10 * number, **step_changes) for number in range(1, steps + 1)],
        [epoch_record(number) for number in range(1, steps // 10 + 1)],
    )


def test_what_a_page_shows_brings_no_torch() -> None:
    parts = ["figures.training", "figures.curves", "figures.snapshots"]
    parts += [f"training.{name}" for name in ("compare", "export", "tensorboard", "script")]
    found = modules_after("import " + ", ".join(f"cnnviz.{part}" for part in parts))
    assert "plotly" in found
    assert not found & {"torch", "torchvision", "streamlit", "tensorboard"}


def array(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("axis", "steps_at", "epochs_at"),
    [
        ("step", [10, 20, 30], [100]),
        ("epoch", [0.1, 0.2, 0.3], [1]),
        ("seconds", [2.5, 5.0, 7.5], [25]),
    ],
)
def test_curves_hold_what_was_told(
    axis: XAxis, steps_at: list[float], epochs_at: list[float]
) -> None:
    run = CurveRun("a", [step_record(step) for step in (10, 20, 30)], [epoch_record(1)])
    loss = run_curves(run, "loss", axis)
    np.testing.assert_allclose(loss.raw.x, steps_at)
    np.testing.assert_array_equal(loss.raw.y, [record.loss for record in run.steps])
    np.testing.assert_array_equal(loss.smoothed.y, loss.raw.y)
    np.testing.assert_allclose(loss.validation.x, epochs_at)
    np.testing.assert_array_equal(loss.validation.y, [2.1])
    accuracy = run_curves(run, "accuracy", axis)
    np.testing.assert_array_equal(accuracy.raw.y, [record.accuracy for record in run.steps])
    np.testing.assert_array_equal(accuracy.validation.y, [1 - 1.1 / 2])


def test_smoothing_concerns_the_training_curve_alone() -> None:
    run = a_run()
    plain, smoothed = (run_curves(run, "loss", "step", smoothing_steps=n) for n in (0, 50))
    np.testing.assert_array_equal(plain.raw.y, smoothed.raw.y)
    np.testing.assert_array_equal(plain.validation.y, smoothed.validation.y)
    assert (smoothed.smoothed.y[1:] > smoothed.raw.y[1:]).all()  # a falling curve, with a lag


def test_gaps_and_missing_validation() -> None:
    run = CurveRun(
        "a",
        [step_record(1), step_record(2, loss=math.inf), step_record(3, loss=math.nan)],
        [epoch_record(1, validation_loss=None, validation_accuracy=None)],
    )
    curves = run_curves(run, "loss", "step", smoothing_steps=5)
    assert np.isnan(curves.raw.y).tolist() == [False, True, True]
    assert np.isnan(curves.smoothed.y).tolist() == [False, True, True]
    assert np.isnan(curves.validation.y).all()
    figure = curves_figure([run], "loss", "step")
    assert figure.layout.yaxis.range == (0, 2.5)
    json.loads(figure.to_json())  # nan and infinity have no JSON


def test_long_runs_are_thinned() -> None:
    run = a_run(steps=20_000)
    curves = run_curves(run, "loss", "step", smoothing_steps=100)
    assert max(len(c.x) for c in (curves.raw, curves.smoothed, curves.validation)) <= MOST_POINTS
    figure = curves_figure([run], "loss", "step", smoothing_steps=100)
    assert [len(trace.x) <= MOST_POINTS for trace in figure.data] == [True] * 3
    assert len(told_curve(run, "gradient_norm", "step").x) <= MOST_POINTS


def test_the_raw_curve_is_faint_and_behind() -> None:
    figure = curves_figure([a_run()], "loss", "step", smoothing_steps=50)
    raw, smoothed, held_out = figure.data
    assert raw.opacity < 0.5
    assert raw.hoverinfo == "skip"
    assert not raw.showlegend
    assert (smoothed.name, held_out.name) == ("training", "held out")
    assert smoothed.line.color != held_out.line.color
    assert (smoothed.mode, held_out.mode) == ("lines", "lines+markers")
    assert len(curves_figure([a_run()], "loss", "step").data) == 2


@pytest.mark.parametrize("dark", [False, True])
def test_runs_differ_by_more_than_colour(dark: bool) -> None:
    runs = [a_run(f"run {number}") for number in range(8)]
    figure = curves_figure(runs, "loss", "epoch", dark=dark)
    training = [trace for trace in figure.data if trace.mode == "lines"]
    assert [trace.name for trace in training] == [f"run {n}, training" for n in range(8)]
    looks = {(trace.line.color, trace.line.dash) for trace in training}
    assert len(looks) == 8
    assert len({trace.line.dash for trace in training}) == 6
    assert {trace.line.color for trace in training} <= set(theme.colours(dark=dark).series)
    held_out = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert len({trace.marker.symbol for trace in held_out}) == 6
    assert len({trace.uid for trace in figure.data}) == len(figure.data)


def steadiness(figure: go.Figure) -> tuple[Any, ...]:
    """What plotly compares to decide whether zoom and hidden curves stay."""
    return figure.layout.uirevision, [trace.uid for trace in figure.data]


@pytest.mark.parametrize("quantity", ["loss", "accuracy"])
def test_zoom_stays_while_points_arrive(quantity: Any) -> None:
    before, after = (curves_figure([a_run(steps=n)], quantity, "step") for n in (20, 21))
    assert steadiness(before) == steadiness(after)
    other = curves_figure([a_run()], quantity, "seconds")
    assert other.layout.uirevision != before.layout.uirevision


def test_axes_extend_in_steps() -> None:
    ranges = [
        (figure.layout.xaxis.range, figure.layout.yaxis.range)
        for figure in (curves_figure([a_run(steps=n)], "loss", "step") for n in range(1, 101, 3))
    ]
    ends = [x[1] for x, _ in ranges]
    assert ends == sorted(ends)
    assert len(set(ends)) < 15
    assert {y for _, y in ranges} == {(0, 2), (0, 2.5)}  # the latter from the first epoch on
    accuracy = curves_figure([a_run()], "accuracy", "step").layout.yaxis
    assert accuracy.range == (0, 1)
    assert accuracy.tickformat == ".0%"


def test_a_logarithmic_loss() -> None:
    axis = curves_figure([a_run()], "loss", "step", logarithmic=True).layout.yaxis
    assert axis.type == "log"
    assert axis.range == (-1, 0.5)
    accuracy = curves_figure([a_run()], "accuracy", "step", logarithmic=True).layout.yaxis
    assert accuracy.range == (0, 1)


def test_nothing_was_told_yet() -> None:
    for runs in ([], [CurveRun("a", [], [], [event(0, "started"), event(0, "paused")])]):
        for axis in ("step", "epoch", "seconds"):
            assert curves_figure(runs, "loss", axis).layout.xaxis.range == (0, 1)
            assert len(told_curve(CurveRun("a", [], []), "images_per_s", axis).x) == 0


def test_marks_say_what_was_changed() -> None:
    events = [
        event(0, "started"),
        event(100, "changed", rate=0.02),
        event(150, "paused", rate=0.02),
        event(150, "resumed", rate=0.02),
        event(150, "changed", rate=0.02, decay=0.01),
        event(300, "changed", rate=0.005, decay=0.01),
    ]
    run = CurveRun("a", [step_record(step) for step in (100, 200)], [], events)
    words = ["learning rate 0.02", "paused, learning rate 0.02, weight decay 0.01"]
    assert run_marks(run, "step") == (
        Mark(100, words[0]),
        Mark(150, words[1]),
        Mark(300, "learning rate 0.005"),
    )
    assert [mark.x for mark in run_marks(run, "epoch")] == [1, 1.5, 3]
    assert [mark.x for mark in run_marks(run, "seconds")] == [25, 37.5, 75]
    figure = curves_figure([run], "loss", "step")
    assert [shape.x0 for shape in figure.layout.shapes] == [100, 150, 300]
    assert [note.text for note in figure.layout.annotations][:2] == words
    nowhere = CurveRun("a", [], [], events)
    assert run_marks(nowhere, "epoch") == ()


# --------------------------------------------------------------------------- one epoch's network


@given(arrays.arrays(np.float16, (4, 10), elements=st.floats(-100, 100, width=16)))
def test_probabilities_are_softmax(logits: Any) -> None:
    import torch

    expected = torch.softmax(torch.tensor(logits).double(), 1).numpy()
    np.testing.assert_allclose(probabilities_of(logits), expected, rtol=1e-12, atol=1e-300)


def test_a_broken_row_has_no_probabilities() -> None:
    shares = probabilities_of(np.array([[1.0, np.inf], [0.0, 0.0], [np.nan, 1.0]]))
    assert np.isnan(shares[[0, 2]]).all()
    assert shares[1].tolist() == [0.5, 0.5]


def test_a_verdict_says_what_is_thought_and_what_is_right() -> None:
    shares = np.array([0.0] * 3 + [0.37] + [0.0] + [0.63] + [0.0] * 4)
    assert verdict(NAMES, shares, 5) == "dog 63 %"
    assert verdict(NAMES, shares, 3) == "cat? dog 63 %"
    assert verdict(NAMES, shares * np.nan, 3) == "cat: no number"


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_becomes_a_png_without_loss(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, channels)).astype(np.uint8)
    head, _, data = picture_uri(picture).partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
        found = np.asarray(opened).reshape(picture.shape)
    np.testing.assert_array_equal(found, picture)


@given(
    st.integers(1, 20),
    st.sampled_from([1, 3]),
    st.integers(1, 4),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 6)),
)
def test_filters_lie_side_by_side_unblurred(
    count: int, channels: int, zoom: int, gap: int, columns: int | None
) -> None:
    weights = np.random.default_rng(count).normal(size=(count, channels, 3, 2)).astype(np.float32)
    grid = filter_grid(weights, zoom=zoom, gap=gap, columns=columns, ground=77)
    assert grid.dtype == np.uint8
    wide = columns or min(count, max(1, round((2 * count) ** 0.5)))
    scale = np.abs(weights).max()
    seen = np.full(grid.shape, 77, dtype=np.uint8)
    for index in range(count):
        top = index // wide * (3 * zoom + gap)
        left = index % wide * (2 * zoom + gap)
        for row in range(3):
            for column in range(2):
                tone = np.rint(
                    127.5 + 127.5 * (weights[index, :, row, column].astype(float) / scale)
                )
                there = np.s_[
                    top + row * zoom : top + (row + 1) * zoom,
                    left + column * zoom : left + (column + 1) * zoom,
                ]
                seen[there] = tone.astype(np.uint8)
    np.testing.assert_array_equal(grid, seen)


def test_filters_share_one_signed_scale() -> None:
    weights = np.array([-2.0, -1.0, 0.0, 1.0]).reshape(4, 1, 1, 1)
    tones = filter_grid(weights, zoom=1, gap=0, columns=4)[0, :, 0]
    assert tones.tolist() == [0, 64, 128, 191]
    assert filter_grid(weights, zoom=1, gap=0, columns=4, scale=4)[0, 0, 0] == 64
    assert filter_grid(weights, zoom=1, gap=0, columns=4, scale=1)[0, 0, 0] == 0  # beyond it
    assert filter_scale(weights) == 2
    assert filter_scale(np.zeros((1, 1, 2, 2))) == 1
    assert filter_scale(np.array([np.nan, -3.0, np.inf])) == 3
    broken = np.full((1, 3, 2, 2), np.nan)
    assert (filter_grid(broken) == 128).all()


@pytest.mark.parametrize("shape", [(6, 2, 3, 3), (6, 1, 3), (0, 1, 3, 3)])
def test_what_is_no_first_layer_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"use \(O, C, kh, kw\) with C of 1 or 3"):
        filter_grid(np.zeros(shape))
