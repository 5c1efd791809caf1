"""The presets: what they promise is what their configurations, and the cards, say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.catalogue import find_dataset
from cnnviz.data.datasets import PROJECT
from cnnviz.models.registry import find_model
from cnnviz.runs.estimate import seconds_by_card
from cnnviz.runs.limits import Limits
from cnnviz.training.compare import differences
from cnnviz.training.presets import PRESETS, Preset
from cnnviz.training.schedule import learning_rate_at

TRAINED = [preset for preset in PRESETS.values() if preset.checkpoint is not None]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_a_preset_says_what_it_trains(preset: Preset) -> None:
    config = preset.config
    said = f"{preset.sentence} {preset.note}"
    if preset.key != "no-norm":  # "the same network"
        assert find_model(config.model).title in said
        assert find_dataset(config.dataset).title in said
    if "epochs" in said:
        assert f"{config.epochs} epochs" in said
    Limits().check(config)  # the server's own defaults allow each of them


@pytest.mark.parametrize("preset", TRAINED, ids=[preset.key for preset in TRAINED])
def test_the_network_that_it_names_was_trained_so(preset: Preset) -> None:
    assert preset.checkpoint is not None
    card = load_card(PROJECT / SHIPPED, preset.checkpoint)
    assert differences((preset.config, card.config)) == ()


def test_a_minute_is_a_minute() -> None:
    """By the time that the card of the same network has for an epoch, on one thread."""
    card = load_card(PROJECT / SHIPPED, "lenet5-cifar10")
    config = PRESETS["minute"].config
    assert PRESETS["minute"].pace == card.name
    assert (config.spec, config.batch_size) == (card.spec, card.config.batch_size)
    count = find_dataset("cifar10").train_count
    per_image = card.train_s / (card.epochs * (count - card.config.validation_count))
    seconds = per_image * config.epochs * (count - config.validation_count)
    assert 40 < seconds < 60
    assert seconds_by_card(config, card) == pytest.approx(seconds)


def test_94_percent_is_what_the_card_has() -> None:
    preset = PRESETS["94-percent"]
    assert preset.checkpoint is not None
    card = load_card(PROJECT / SHIPPED, preset.checkpoint)
    assert round(100 * card.single_view.overall.share) == 94
    assert 100 * card.with_flip.overall.share >= 94


def test_the_pair_differs_in_batch_normalization_alone() -> None:
    with_norm, without = PRESETS["norm"].config, PRESETS["no-norm"].config
    assert [found.field for found in differences((with_norm, without))] == ["batch_norm"]
    assert replace(without, batch_norm=True) == with_norm


def test_1998_is_plain_gradient_descent_in_steps() -> None:
    config = PRESETS["lenet-1998"].config
    assert (config.model, config.dataset, config.epochs) == ("lenet5", "mnist", 20)
    assert (config.optimizer, config.momentum, config.weight_decay) == ("sgd", 0, 0)
    assert (config.flip, config.shift, config.rotation_deg, config.scaling, config.cutout) == (
        "none",
        0,
        0,
        0,
        0,
    )
    rates = [learning_rate_at(config, step, 1000) for step in range(1000)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == config.learning_rate
    assert f"takes {config.batch_size}" in PRESETS["lenet-1998"].note
    assert len(set(rates)) == 3
