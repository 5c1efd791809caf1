"""The figures of the lesson on batch normalization: the numbers and the words that they hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from cnnviz.batchnorm import NormSettings, Statistics
from cnnviz.checkpoints.card import Hardware
from cnnviz.evaluation import Accuracy
from cnnviz.figures.batch_effects import (
    batch_size_figure,
    forgotten_eval_figure,
    running_figure,
)
from cnnviz.figures.norm_experiments import (
    drift_figure,
    final_accuracy,
    learning_rates_figure,
    noise_figure,
    probes_figure,
)
from cnnviz.norms.batch_effects import SizeSweep
from cnnviz.norms.comparison import Drift
from cnnviz.norms.experiment_records import ExperimentRun, Moments, Probe
from cnnviz.norms.forgotten_eval import ForgottenEval, ForgottenRow
from cnnviz.norms.layer_values import histogram, shared_edges
from cnnviz.norms.running import course
from cnnviz.training.config import TrainingConfig
from tests.test_layers_of_imports import modules_after
from tests.training.invented_records import epoch_record

BEFORE = np.random.default_rng(0).normal(2, 3, 4000)
STAGES = (BEFORE, (BEFORE - 2) / 3, np.maximum((BEFORE - 2) / 3, 0))
EDGES = shared_edges(STAGES, 30)
HISTOGRAMS = tuple(histogram(values, EDGES) for values in STAGES)


def array(values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(values, dtype=np.float64)


def test_a_probability_over_batch_sizes() -> None:
    train = np.zeros((2, 3, 10))
    train[0, :, 3], train[1, :, 3] = 0.4, [0.2, 0.6, 0.7]
    evaluation = np.zeros((2, 10))
    evaluation[:, 3] = 0.9
    figure = batch_size_figure(SizeSweep((1, 8), train, evaluation), 3, "cat")
    band, mean, straight = figure.data
    assert array(band.y).tolist() == [0.4, 0.7, 0.2, 0.4]
    np.testing.assert_allclose(array(mean.y), [0.4, 0.5])
    assert array(straight.y).tolist() == [0.9, 0.9]
    assert figure.layout.yaxis.title.text == "probability of cat"
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.ticktext) == ["1", "8"]


def test_what_a_forgotten_eval_costs() -> None:
    rows = tuple(
        ForgottenRow(order, size, Accuracy(correct, 100), 1.0)  # type: ignore[arg-type]
        for order, size, correct in (
            ("shuffled", 64, 80),
            ("canonical", 64, 30),
            ("shuffled", 4, 60),
        )
    )
    hardware = Hardware(
        processor="a",
        cores=1,
        device="cpu",
        device_name="a",
        precision="float32",
        threads=1,
        torch_version="2",
    )
    measured = ForgottenEval(
        checkpoint="a",
        weights_sha256="0",
        test_digest="0",
        created="",
        command="",
        seed=0,
        elapsed_s=0,
        hardware=hardware,
        evaluation=Accuracy(85, 100),
        rows=rows,
    )
    shuffled, canonical, evaluation = forgotten_eval_figure(measured).data
    assert list(shuffled.x) == [4, 64]
    assert array(shuffled.y).tolist() == [0.6, 0.8]
    low, high = Accuracy(60, 100).interval
    assert shuffled.error_y.array[0] == pytest.approx(high - 0.6)
    assert shuffled.error_y.arrayminus[0] == pytest.approx(0.6 - low)
    assert array(canonical.y).tolist() == [0.3]
    assert list(evaluation.y) == [0.85, 0.85]
    assert evaluation.name == "eval: 85.00%"


@pytest.mark.parametrize("quantity", ["mean", "variance"])
def test_running_statistics_over_batches(quantity: Any) -> None:
    batches = [Statistics(array([k, 0]), array([1, 2 + k]), 10) for k in range(4)]
    told = course(batches[:3], NormSettings(), then=batches[3:])
    each, true, running = running_figure(told, 0, quantity).data
    assert array(each.x).tolist() == [1, 2, 3, 4]
    assert len(array(running.y)) == len(array(true.y)) == 5
    expected = told.running_mean if quantity == "mean" else told.running_variance
    np.testing.assert_array_equal(array(running.y), expected[:, 0])
    figure = running_figure(told, 0, quantity)
    assert figure.layout.shapes[0].x0 == 3.5
    assert running.name == f"running {quantity}"
    assert not running_figure(course(batches, NormSettings()), 0).layout.shapes


def test_drift_layer_by_layer() -> None:
    told = [
        Drift("conv1_1", "convolution", array([1, 2]), array([0, m]), array([1, 2])) for m in (1, 5)
    ]
    figure = drift_figure([told, told])
    assert len(figure.data) == 8
    assert array(figure.data[0].y).tolist() == [1, 3, -1, -1]
    assert array(figure.data[3].y).tolist() == [0, 5]
    assert [trace.showlegend for trace in figure.data] == [False, True, False, True] + [False] * 4
    json.loads(figure.to_json())


def a_run(variant: Any, rate: float, *, epochs: int = 1) -> ExperimentRun:
    config = TrainingConfig(
        model="plain_cnn",
        dataset="cifar10",
        epochs=1,
        batch_norm=variant != "without",
        learning_rate=rate,
    )
    return ExperimentRun(
        variant,
        config,
        (),
        tuple(epoch_record(n + 1, validation_accuracy=0.7) for n in range(epochs)),
        (Probe(2, 2.0, 2.0, (0.1, 0.5), (1.5, 2.5), (0.4, 1.0)),),
        (Moments(2, "relu1_1", (0.1, 0.2), (1.0, 1.1)),),
        "done",
    )


def test_the_experiments() -> None:
    runs = [a_run("without", 0.1), a_run("batch norm", 0.1), a_run("without", 1.0, epochs=0)]
    assert [final_accuracy(run) for run in runs] == [0.7, 0.7, 0]
    without, with_norm = learning_rates_figure(runs).data
    assert (list(without.x), list(without.y)) == ([0.1, 1.0], [0.7, 0])
    assert list(without.marker.symbol) == ["circle", "x"]
    assert list(with_norm.x) == [0.1]

    band, line, *_ = probes_figure(runs[:2]).data
    assert array(band.y).tolist() == [2.5, 1.5]
    assert array(line.y).tolist() == [2.0]  # 0.4 by 0.1 * 2 is more than 1.0 by 0.5 * 2

    means, stds, *_ = noise_figure([*runs[:2], a_run("noisy batch norm", 0.1)], "relu1_1", 1).data
    assert (array(means.y).tolist(), array(stds.y).tolist()) == ([0.2], [1.1])
    for figure in (learning_rates_figure([]), probes_figure([]), noise_figure([], "relu1_1")):
        json.loads(figure.to_json())


def test_the_figures_need_no_torch() -> None:
    brought = modules_after("import cnnviz.figures.batch_effects, cnnviz.figures.norm_experiments")
    assert "plotly" in brought
    assert not {"torch", "streamlit"} & brought
