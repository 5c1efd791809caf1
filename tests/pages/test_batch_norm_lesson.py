"""The links of the batch normalization lesson's plan open what they promise; its numbers hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest

from cnnviz.batchnorm import batch_norm
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import ShapeError
from cnnviz.norms import bought, by_hand
from cnnviz.norms.buys_settings import BuysSettings, fit_rate
from cnnviz.norms.comparison import PAIR, shipped_comparison
from cnnviz.norms.exercises import question_from_query
from cnnviz.norms.experiment_records import (
    Experiment,
    ExperimentKind,
    experiment_file,
    load_experiment,
)
from cnnviz.norms.forgotten_eval import load_forgotten_eval
from cnnviz.norms.modes_settings import read_modes_settings
from cnnviz.norms.modes_words import share
from cnnviz.norms.network_norms import find_norms
from cnnviz.norms.network_settings import (
    fit_fold_settings,
    fit_network_settings,
    read_fold_settings,
    read_network_settings,
)
from cnnviz.norms.relatives import RelativeSpec, sharing
from cnnviz.norms.relatives_lesson import RelativesSettings
from cnnviz.norms.running_settings import fit_running_settings, read_running_settings
from cnnviz.norms.running_words import pace_sentence
from cnnviz.ui.batch_norm_views import BATCH_NORM_VIEWS
from cnnviz.ui.shipped import trained_card, trained_network

PLAN = (PROJECT / "docs" / "lessons" / "batch_norm.md").read_text()
LINKS = {
    title: dict(parse_qsl(urlsplit(link).query))
    for title, link in re.findall(
        r"\[([^\]]+)\]\((http://localhost:8501/batch_norm[^)]*)\)", PLAN.replace("\n", " ")
    )
}
BOLD = set(re.findall(r"\*\*([^*]+)\*\*", PLAN))


def reopened(query: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the page would write after opening this link, and what it would say."""
    view = query.get("view", "hand")
    layers = {norm.name: norm.channels for norm in find_norms(trained_network(PAIR[0]))}
    if view == "hand":
        shown, notes = by_hand.from_query(query)
        return by_hand.to_query(shown), notes
    if view == "network":
        network, notes = read_network_settings(query, [PAIR[0]])
        network, more = fit_network_settings(network, layers, {})
        return network.to_query(), notes + more
    if view == "modes":
        modes, notes = read_modes_settings(query, [PAIR[0]])
        return modes.to_query(), notes
    if view == "running":
        running, notes = read_running_settings(query, [PAIR[0]])
        layer, channel, more = fit_running_settings(running, layers)
        assert channel == running.channel
        assert running.layer in ("", layer)
        return running.to_query(), notes + more
    if view == "inference":
        fold, notes = read_fold_settings(query, [PAIR[0]])
        fold, more = fit_fold_settings(fold, {name: (n, n) for name, n in layers.items()})
        return fold.to_query(), notes + more
    if view == "buys":
        buys, notes = BuysSettings.from_query(query)
        rates = sorted({run.config.learning_rate for run in recorded("learning-rates").runs})
        buys, more = fit_rate(buys, rates)
        return buys.to_query(), notes + more
    if view == "relatives":
        relatives, notes = RelativesSettings.from_query(query)
        return relatives.to_query(), notes
    question, notes = question_from_query(query)
    return {"question": str(question.number)}, notes


def recorded(kind: ExperimentKind) -> Experiment:
    found = load_experiment(experiment_file(PROJECT, kind))
    assert found is not None
    return found


def bold(words: str) -> set[str]:
    """What of a sentence the page prints in bold."""
    return set(re.findall(r"\*\*([^*]+)\*\*", words))


@pytest.mark.parametrize("title", LINKS)
def test_every_link_says_exactly_what_is_opened(title: str) -> None:
    query = LINKS[title]
    asked = {key: text for key, text in query.items() if key != "view"}
    assert reopened(query) == (asked, ())


def test_the_plan_goes_through_the_views() -> None:
    linked = {query.get("view", "hand") for query in LINKS.values()}
    assert linked == set(BATCH_NORM_VIEWS)


def test_what_the_plan_says_of_the_batch_by_hand_is_so() -> None:
    steps = batch_norm(by_hand.OPENING.batch, mode="train").steps
    assert (steps.statistics.mean[0], steps.statistics.variance[0]) == (3, 4)
    assert steps.output.flat[0] == pytest.approx(-1.5, abs=1e-4)
    assert {"3", "4", "−1.5"} <= BOLD
    undone = by_hand.from_query(LINKS["γ and β undo it"])[0]
    again = batch_norm(undone.batch, undone.gamma, undone.beta, mode="train").output
    np.testing.assert_allclose(again, undone.batch, atol=1e-4)
    with pytest.raises(ShapeError):
        batch_norm(by_hand.from_query(LINKS["one value in all"])[0].batch, mode="train")


def test_what_the_plan_says_of_modes_is_so() -> None:
    measured = load_forgotten_eval(PROJECT / SHIPPED, trained_card(PAIR[0]))
    assert measured is not None
    many, one = measured.row("shuffled", 256), measured.row("shuffled", 1)
    assert many is not None
    assert one is not None
    assert {
        share(each.share) for each in (measured.evaluation, many.accuracy, one.accuracy)
    } <= BOLD
    half = bold(pace_sentence(read_running_settings({}, [PAIR[0]])[0])) & {"6.6"}
    assert half <= BOLD
    assert half


def test_what_the_plan_says_of_the_records_is_so() -> None:
    compared = shipped_comparison(PROJECT / SHIPPED)
    assert bold(bought.learning_words(compared)) <= BOLD
    assert "1.5 times as long" in bought.learning_words(compared)
    for place in ("activation input", "convolution"):
        assert "**5 of 6** layers" in bought.drift_words(compared, place)
    assert "**steadier** with it" in bought.gradients_words(compared)
    assert bold(bought.along_words(recorded("gradient"))) - {"smoother"} == {"0.12", "0.91"}

    rates = recorded("learning-rates")
    assert bold(bought.rates_words(rates)) == {"81.4 %", "65.4 %"}
    best = {
        variant: max(
            (bought.held_out(run).share, run.config.learning_rate)
            for run in rates.runs
            if run.variant == variant
        )[1]
        for variant in ("batch norm", "without")
    }
    assert best["batch norm"] == pytest.approx(10 * best["without"])
    chosen = BuysSettings.from_query(LINKS["Learning rate 0.2"])[0].rate
    guessing = {r.config.learning_rate for r in rates.runs if bought.is_guessing(r)}
    assert chosen == 0.2
    assert chosen in guessing
    assert "At 0.005 it does not help" in bought.rates_words(rates)

    counts = bought.noise_counts(recorded("noise"))
    assert counts is not None
    losses = {f"{told.training_loss:.2f}" for told in counts.values()}
    assert losses | {bought.percent(counts["noisy batch norm"].held_out)} <= BOLD
    assert losses | {"0.12", "0.91", "81.4 %", "65.4 %", "5 of 6"} <= BOLD
    assert "does not decide" in bought.noise_conclusion(counts)


def test_what_the_plan_says_of_the_relatives_is_so() -> None:
    def sets(kind: str, query: str) -> list[int]:
        shown = RelativesSettings.from_query(LINKS[query])[0]
        spec = RelativeSpec(kind, groups=shown.groups)  # type: ignore[arg-type]
        return [int(number) for number in sharing(spec, shown.shape).flat]

    assert sets("batch", "one picture") == sets("instance", "one picture")
    assert sets("group", "six groups") == sets("instance", "six groups")
    assert sets("group", "one group") == sets("layer", "one group")


def test_the_readme_names_the_plan() -> None:
    assert "(docs/lessons/batch_norm.md)" in (Path(PROJECT) / "README.md").read_text()
