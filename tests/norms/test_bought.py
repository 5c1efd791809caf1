"""What the records say: the numbers against a count of one's own, the words in both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.checkpoints.card import Hardware
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import SettingError
from cnnviz.evaluation import Accuracy
from cnnviz.figures.curves import CurveRun
from cnnviz.figures.norm_curves import experiment_curves_figure, gradient_norms_figure, in_order
from cnnviz.norms.bought import (
    NoiseCounts,
    along_words,
    drift_words,
    gradients_words,
    is_guessing,
    learning_words,
    noise_conclusion,
    noise_counts,
    noise_verdict,
    rates_words,
    recorded_layers,
    unsteadiness,
)
from cnnviz.norms.buys_settings import LOOKS, BuysSettings, fit_layer, fit_rate
from cnnviz.norms.buys_snippets import ALONG_SNIPPET, NOISE_SNIPPET
from cnnviz.norms.comparison import NormComparison, drift, shipped_comparison
from cnnviz.norms.experiment_records import (
    VARIANTS,
    Experiment,
    ExperimentKind,
    ExperimentRun,
    Moments,
    Probe,
    Variant,
    experiment_file,
    load_experiment,
)
from cnnviz.norms.experiments import probe_gradient
from cnnviz.training.config import TrainingConfig
from tests.training.invented_records import epoch_record, step_record


def a_run(variant: Variant, *, rate: float = 0.1, right: float = 0.7, **told: Any) -> ExperimentRun:
    """One of one epoch, 1,000 images held out."""
    config = TrainingConfig(
        model="plain_cnn",
        dataset="cifar10",
        epochs=1,
        batch_norm=variant != "without",
        learning_rate=rate,
        validation_count=1000,
    )
    epochs = (epoch_record(1, validation_accuracy=right, train_loss=told.pop("loss", 1.0)),)
    run = ExperimentRun(variant, config, (step_record(4),), epochs, (), (), "done")
    return replace(run, **told)


def an_experiment(kind: ExperimentKind, *runs: ExperimentRun) -> Experiment:
    hardware = Hardware(
        processor="a",
        cores=2,
        device="cpu",
        device_name="a",
        precision="float32",
        threads=1,
        torch_version="2",
    )
    return Experiment(
        kind=kind,
        created="2026-01-31T12:00:00+00:00",
        command="python -m cnnviz",
        train_digest="0",
        hardware=hardware,
        elapsed_s=1.0,
        runs=runs,
    )


def moments(*means: float, std: float = 2.0) -> tuple[Moments, ...]:
    return tuple(Moments(n, "relu1_1", (mean,), (std,)) for n, mean in enumerate(means))


def recorded(kind: ExperimentKind) -> Experiment:
    found = load_experiment(experiment_file(PROJECT, kind))
    assert found is not None
    return found


def swapped(compared: NormComparison) -> NormComparison:
    """The same records, told by the other network."""
    norm, without = compared.runs
    return NormComparison(
        replace(norm, steps=without.steps, epochs=without.epochs),
        replace(without, steps=norm.steps, epochs=norm.epochs),
    )


def test_the_runs_that_ship_in_words() -> None:
    compared = shipped_comparison(PROJECT / SHIPPED)
    norm, without = compared.runs
    right = [100 * (run.epochs[-1].validation_accuracy or 0) for run in compared.runs]
    words = learning_words(compared)
    assert f"**{right[0]:.1f} %** of the held-out images are right with batch normal" in words
    assert f"**{right[1]:.1f} %** without" in words
    level = next(e.epoch for e in norm.epochs if 100 * (e.validation_accuracy or 0) >= right[1])
    assert f"reached in epoch {level}" in words
    took = norm.epochs[-1].elapsed_s / without.epochs[-1].elapsed_s
    assert f"{took:.1f} times as long" in words
    turned = learning_words(swapped(compared))
    assert "reached" not in turned
    assert "times as long" not in turned

    assert "**steadier** with it" in gradients_words(compared)
    assert "**no steadier** with it" in gradients_words(swapped(compared))
    median = np.median([step.gradient_norm for step in norm.steps])
    assert f"**{median:.2f}** with batch normalization" in gradients_words(compared)

    last = drift(without, "conv3_2")
    words = drift_words(compared, "activation input")
    assert f"**−{-last.mean[-1]:.2g} ± {last.std[-1]:.2g}** without" in words
    moves = [
        [drift(run, f"conv{s}_{n}").moves.mean() for s in (1, 2, 3) for n in (1, 2)]
        for run in compared.runs
    ]
    steadier = int((np.array(moves[0]) < np.array(moves[1])).sum())
    assert f"in **{steadier} of 6** layers" in words


def test_learning_rates_in_words() -> None:
    runs = [
        a_run("without", rate=0.01, right=0.51),
        a_run("batch norm", rate=0.01, right=0.5),
        a_run("without", rate=0.1, right=0.6),
        a_run("batch norm", rate=0.1, right=0.8),
        a_run("without", rate=1.0, right=0.11),
        a_run("batch norm", rate=1.0, right=0.7),
    ]
    assert [is_guessing(run) for run in runs] == [False] * 4 + [True, False]
    assert is_guessing(replace(runs[0], epochs=()))  # it broke off
    words = rates_words(an_experiment("learning-rates", *runs))
    assert "With batch normalization the best rate is 0.1: **80.0 %**; it learns at every" in words
    assert "Without batch normalization the best rate is 0.1: **60.0 %**; at 1 it only" in words
    assert words.endswith(
        "At 0.01 it does not help: 50.0 % with, 51.0 % without, which 1,000 images cannot tell "
        "apart."
    )
    clear = replace(runs[1], epochs=(epoch_record(1, validation_accuracy=0.2),))
    assert "20.0 % with, 51.0 % without." in rates_words(
        an_experiment("learning-rates", *runs, clear)
    )


def test_along_the_gradient_in_words() -> None:
    def probed(variant: Variant, high: float, change: float) -> ExperimentRun:
        return a_run(variant, probes=(Probe(4, 1.0, 2.0, (0.5,), (high,), (change,)),))

    def said(with_norm: tuple[float, float], without: tuple[float, float]) -> str:
        runs = probed("batch norm", *with_norm), probed("without", *without)
        return along_words(an_experiment("gradient", *runs))

    words = said((1.25, 1.0), (3.0, 4.0))
    assert "varies by **0.25** nats with batch normalization, by **2** without" in words
    assert "changes by 1 and by 4 for each unit" in words
    assert "By both counts the surface is **smoother**" in words
    assert "By neither count" in said((3.0, 4.0), (1.25, 1.0))
    assert "The two counts disagree" in said((3.0, 1.0), (1.25, 4.0))
    assert "lacks" in along_words(an_experiment("gradient", probed("without", 1, 1)))


def test_how_unsteady_inputs_are() -> None:
    assert unsteadiness(a_run("without", moments=moments(0, 1, -1))) == pytest.approx(0.75)
    two = (*moments(0, 1), *(replace(m, layer="relu2", means=(0.0,)) for m in moments(0, 1)))
    assert unsteadiness(a_run("without", moments=two)) == pytest.approx(0.25)
    assert np.isnan(unsteadiness(a_run("without")))
    assert recorded_layers([a_run("without", moments=two), a_run("without", moments=two[:2])]) == {
        "relu1_1": 1
    }
    assert recorded_layers([]) == {}


WITHOUT = NoiseCounts(1.0, Accuracy(600, 1000), 0.1)
NORM = NoiseCounts(0.7, Accuracy(700, 1000), 0.01)


@pytest.mark.parametrize(
    ("noisy", "verdict", "words"),
    [
        (NoiseCounts(0.8, Accuracy(650, 1000), 0.2), "against drift", ["cannot be the whole"]),
        (NoiseCounts(1.2, Accuracy(500, 1000), 0.05), "for drift", ["the gain is gone"]),
        (
            NoiseCounts(0.8, Accuracy(500, 1000), 0.05),
            "open",
            ["does not decide", "learns faster", "still steadier", "unlike things"],
        ),
        (
            NoiseCounts(1.1, Accuracy(650, 1000), 0.2),
            "open",
            ["does not decide", "learns no faster"],
        ),
        (NoiseCounts(1.2, Accuracy(500, 1000), 0.005), "open", ["still steadier"]),
    ],
)
def test_the_numbers_decide_for_which_account_they_speak(
    noisy: NoiseCounts, verdict: str, words: list[str]
) -> None:
    assert noise_verdict(WITHOUT, NORM, noisy) == verdict
    counts: dict[Variant, NoiseCounts] = dict(zip(VARIANTS, (WITHOUT, NORM, noisy), strict=True))
    said = noise_conclusion(counts)
    assert all(part in said for part in words)
    assert ("still steadier" in said) == ("still steadier" in words)
    assert ("unlike things" in said) == (verdict == "open" and noisy.held_out.share < 0.6)


def test_the_noise_experiment_as_it_was_recorded() -> None:
    found = recorded("noise")
    counts = noise_counts(found)
    assert counts is not None
    for run in found.runs:
        last = run.epochs[-1]
        assert counts[run.variant].training_loss == last.train_loss
        assert counts[run.variant].held_out.share == pytest.approx(last.validation_accuracy)
    assert noise_counts(replace(found, runs=found.runs[:2])) is None


def test_curves_keep_their_axes_and_colours() -> None:
    runs = [
        a_run(v, steps=(step_record(4, loss=2.0), step_record(8, loss=loss)))
        for v, loss in zip(VARIANTS, (1.0, 1.0, 5.5), strict=True)
    ]
    assert [run.variant for run in in_order(runs)] == ["batch norm", "without", "noisy batch norm"]
    two = experiment_curves_figure(runs[:2], "loss", beside=runs)
    assert two.layout.yaxis.range == experiment_curves_figure(runs, "loss").layout.yaxis.range
    assert two.layout.yaxis.range[1] >= 5.5
    names = [trace.name for trace in two.data if trace.showlegend is not False]
    assert names == ["with, training", "with, held out", "without, training", "without, held out"]

    steps = [step_record(1, gradient_norm=2.0), step_record(9, gradient_norm=30.0)]
    figure = gradient_norms_figure(
        [CurveRun("with", steps, ()), CurveRun("without", steps[:1], ())]
    )
    assert [list(figure.data[place].y) for place in (0, 2)] == [[2, 30], [2]]
    assert [figure.data[place].name for place in (1, 3)] == ["with", "without"]
    low, high = figure.layout.yaxis.range
    assert 10**low <= 2 < 30 <= 10**high


@pytest.mark.parametrize(
    "settings",
    [
        BuysSettings(),
        *(BuysSettings(look=look) for look in LOOKS),
        BuysSettings(look="rates", rate=0.005),
        BuysSettings(look="drift", side="before"),
        BuysSettings(look="noise", layer="relu1_1", channel=3),
    ],
)
def test_the_address_says_exactly_what_is_looked_at(settings: BuysSettings) -> None:
    assert BuysSettings.from_query(settings.to_query()) == (settings, ())


def test_nonsense_in_an_address_becomes_the_nearest_that_was_recorded() -> None:
    asked = {"look": "cat", "side": "up", "rate": "nan", "channel": "-2", "layer": "x" * 200}
    settings, notes = BuysSettings.from_query(asked)
    assert len(notes) == 4
    assert settings == BuysSettings(layer="x" * 24 + "…")
    fitted, notes = fit_layer(replace(settings, channel=9), {"relu1": 4, "relu2": 2})
    assert (fitted.layer, fitted.channel, len(notes)) == ("relu2", 1, 2)
    assert fit_layer(BuysSettings(), {"relu1": 4})[1] == ()  # nothing was asked for
    near, notes = fit_rate(BuysSettings(rate=0.1), (0.005, 0.05, 0.5))
    assert near.rate == 0.05  # by the ratio: 2 times as much, or 5 times as little
    assert notes == ("rate=0.1 is now 0.05 (recorded are 0.005, 0.05, 0.5).",)
    assert fit_rate(BuysSettings(rate=0.5), (0.05, 0.5)) == (BuysSettings(rate=0.5), ())


@pytest.mark.parametrize(
    "wrong",
    [{"look": "cat"}, {"side": 1}, {"rate": 0}, {"rate": True}, {"layer": 3}, {"channel": -1}],
)
def test_what_no_view_can_show(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        BuysSettings(**wrong)


def test_the_snippet_goes_along_the_gradient_as_the_experiment_does() -> None:
    names: dict[str, Any] = {}
    exec(compile(ALONG_SNIPPET, "<snippet>", "exec"), names)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))
    images, labels = torch.randn(8, 3, 8, 8), torch.arange(8)
    lengths = (0.05, 0.5)
    probe = probe_gradient(network, images, labels, lengths)
    found = names["losses_along"](network, images, labels, lengths)
    assert found == pytest.approx(probe.losses, abs=1e-4)


def spreads(values: torch.Tensor) -> tuple[float, float, float]:
    """Mean of all, spread of the units' means, mean of the units' spreads."""
    return float(values.mean()), float(values.mean(0).std()), float(values.std(0).mean())


def test_the_snippet_s_noise_has_the_moments_of_the_experiment_s() -> None:
    from cnnviz.norms.experiments import add_noise

    names: dict[str, Any] = {}
    exec(compile(NOISE_SNIPPET, "<snippet>", "exec"), names)
    values = torch.ones(400, 3, 8, 8)
    noise = names["Noise"]()
    ours = add_noise(values, torch.Generator().manual_seed(0))
    theirs = noise.train()(values)
    for one, other in zip(spreads(theirs), spreads(ours), strict=True):
        assert one == pytest.approx(other, rel=0.1)
    assert torch.equal(noise.eval()(values), values)
