"""A run that is being prepared: presets, changes, and what a URL may say."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.data.catalogue import DATASETS
from cnnviz.model_text.link import pack_text
from cnnviz.models.registry import MODELS
from cnnviz.runs.limits import Limits
from cnnviz.runs.plan import (
    QUERY_KEYS,
    Plan,
    hold_out_at_most,
    ranges,
    read_plan,
    value_of,
)
from cnnviz.training.config import CHOICES, TrainingConfig
from cnnviz.training.presets import PRESETS
from cnnviz.training.recipes import recipe

LIMITS = Limits()


def read(limits: Limits = LIMITS, /, **query: str) -> tuple[Plan, tuple[str, ...]]:
    return read_plan(query, limits, first="minute")


def test_every_field_can_be_set_or_is_left_to_the_base() -> None:
    left = {field.name for field in fields(TrainingConfig)} - set(QUERY_KEYS)
    assert left == {
        *("model", "dataset", "network_text"),
        *("bias_learning_rate_factor", "device", "record_every"),
    }
    assert len(set(QUERY_KEYS.values())) == len(QUERY_KEYS)
    assert not set(QUERY_KEYS.values()) & {"view", "run", "preset", "net", "data", "name", "text"}


def test_the_ends_of_every_range_can_be_trained() -> None:
    config = recipe("lenet5", "mnist")
    for field, allowed in ranges(LIMITS).items():
        for value in (allowed.low, allowed.high):
            changed: dict[str, Any] = {field: value}
            LIMITS.check(replace(config, **changed))
    assert set(ranges(LIMITS)) == set(QUERY_KEYS) - set(CHOICES) - {"batch_norm"}


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_is_its_configuration_and_survives_its_url(key: str) -> None:
    plan, notes = read(preset=key)
    assert plan.config == PRESETS[key].config
    assert plan.to_query() == {"preset": key}
    assert notes == ()
    assert plan.differences() == ()
    assert plan.changes == {}


def test_an_empty_query_is_the_first_preset() -> None:
    assert read() == (Plan.of_preset("minute"), ())
    assert read(view="new")[0].preset == "minute"


def test_single_settings_over_a_preset() -> None:
    plan, notes = read(preset="minute", epochs="3", lr="0.02", norm="1", opt="adamw", name=" a  b ")
    assert notes == ()
    assert plan.preset == "minute"
    assert plan.changes == {
        "epochs": 3,
        "learning_rate": 0.02,
        "optimizer": "adamw",
        "batch_norm": True,
    }
    assert plan.name == "a b"
    assert plan.to_query() == {
        "preset": "minute",
        "epochs": "3",
        "lr": "0.02",
        "opt": "adamw",
        "norm": "1",
        "name": "a b",
    }
    assert [found.values for found in plan.differences() if found.field == "epochs"] == [
        ("12", "3")
    ]
    assert plan.unchanged() == replace(Plan.of_preset("minute"), name="a b")


@pytest.mark.parametrize(
    ("query", "config"),
    [
        ({"net": "vgg16"}, recipe("vgg16", "cifar10")),
        ({"data": "mnist"}, recipe("lenet5", "mnist")),
        ({"net": "improved_lenet", "data": "mnist"}, recipe("improved_lenet", "mnist")),
        ({"net": "lenet5"}, recipe("lenet5", "cifar10")),
        ({"preset": "minute", "net": "vgg16"}, recipe("vgg16", "cifar10")),
        ({"preset": "lenet-1998", "data": "cifar10"}, recipe("lenet5", "cifar10")),
        ({"preset": "minute", "net": "lenet5"}, PRESETS["minute"].config),
    ],
)
def test_a_network_comes_with_its_recipe(query: dict[str, str], config: TrainingConfig) -> None:
    plan, notes = read(**query)
    assert (plan.config, notes) == (config, ())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"preset": "nonsense"}, "preset=nonsense is now minute"),
        ({"net": "resnet"}, "net=resnet is now lenet5"),
        ({"net": "vgg16", "data": "mnist"}, "data=mnist is now cifar10"),
        ({"epochs": "0"}, "epochs=0 is now 1"),
        ({"epochs": "1e9"}, "epochs=1e9 is now 200"),
        ({"batch": "1"}, "batch=1 is now 8"),
        ({"lr": "-1"}, "lr=-1 is now 0"),
        ({"lr": "cat"}, "lr=cat is not a number: 0.1 is kept"),
        ({"lr": "inf"}, "lr=inf is now 100"),
        ({"dropout": "1"}, "dropout=1 is now 0.95"),
        ({"opt": "lion"}, "opt=lion is now sgd"),
        ({"norm": "maybe"}, "norm=maybe is now 0"),
        ({"preset": "94-percent", "norm": "0"}, "norm=0 is now 1 (Fast CNN is defined with"),
        ({"shift": "99"}, "shift=99 is now 8"),
    ],
)
def test_nonsense_becomes_the_nearest_and_is_said(query: dict[str, str], said: str) -> None:
    _, notes = read(**query)
    assert len(notes) == 1
    assert said in notes[0]


@given(
    st.dictionaries(
        st.sampled_from(["preset", "net", "data", "name", *QUERY_KEYS.values()]),
        st.one_of(
            st.text(max_size=40),
            st.floats().map(repr),
            st.integers().map(str),
            st.sampled_from([*PRESETS, *MODELS, *DATASETS, *sum(CHOICES.values(), ())]),
        ),
    )
)
def test_whatever_a_url_says_can_be_trained_and_written_again(query: dict[str, str]) -> None:
    plan, _ = read(**query)
    LIMITS.check(plan.config)
    again, notes = read(**plan.to_query())
    assert again == plan
    assert notes == ()


def test_another_network_keeps_what_was_changed_by_hand() -> None:
    plan = Plan.of_preset("minute").changed("epochs", 3).changed("model", "vgg16")
    assert plan.config == recipe("vgg16", "cifar10", epochs=3)
    assert plan.preset is None
    assert plan.to_query() == {"net": "vgg16", "data": "cifar10", "epochs": "3"}


def test_a_network_that_does_not_know_the_data_set_brings_one() -> None:
    plan = Plan.of_preset("lenet-1998").changed("model", "fast_cnn")
    assert (plan.config.model, plan.config.dataset) == ("fast_cnn", "cifar10")


def test_batch_normalization_that_cannot_be_left_out_is_not_kept_out() -> None:
    plan = Plan.of_preset("minute").changed("model", "plain_cnn").changed("batch_norm", False)
    assert value_of(plan.config, "batch_norm") is False
    plan = plan.changed("model", "fast_cnn")
    assert value_of(plan.config, "batch_norm") is True


def test_a_server_with_narrow_limits() -> None:
    narrow = Limits(max_epochs=5, min_batch_size=32)
    plan, notes = read(narrow, preset="lenet-1998")
    assert (plan.config.epochs, plan.config.batch_size) == (5, 32)
    assert notes == ()
    assert plan.beyond(narrow) == (
        "This server allows at most 5 epochs.",
        "This server allows at least 32 pictures in a batch.",
    )
    assert plan.beyond(LIMITS) == ()
    assert plan.unchanged().within(narrow) == plan


def test_of_few_images_a_tenth_is_held_out() -> None:
    config = PRESETS["minute"].config
    assert hold_out_at_most(config, 50_000) == config
    assert hold_out_at_most(config, 4000) == replace(config, validation_count=400)


TEXT = "nn.Sequential(nn.Flatten(), nn.Linear(784, 10))"


def test_a_pasted_network_survives_its_url_and_another_choice() -> None:
    plan = Plan.of_text(TEXT, "mnist").changed("epochs", 3)
    query = plan.to_query()
    assert query["net"] == "pasted"
    assert read(**query) == (plan, ())
    assert plan.title == "Pasted network on MNIST"
    other = plan.changed("model", "improved_lenet").changed("dropout", 0.3)
    assert other.config.network_text == ""
    assert other.config.epochs == 3
    back = other.changed("model", "pasted")  # its text is still known, dropout is the text's own
    assert back.config == plan.config
    assert plan.changed("dataset", "cifar10").config.network_text == TEXT


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"net": "pasted"}, "net=pasted is now lenet5"),
        ({"net": "pasted", "text": "cat"}, "text: this link holds no whole text"),
        ({"net": "pasted", "text": pack_text("import os") or ""}, "text: line 1: the import"),
        (Plan.of_text(TEXT, "mnist").to_query() | {"dropout": "0.5"}, "dropout=0.5 is left out"),
        (Plan.of_text(TEXT, "mnist").to_query() | {"norm": "1"}, "norm=1 is left out"),
    ],
)
def test_nonsense_about_a_pasted_network(query: dict[str, str], said: str) -> None:
    plan, notes = read(**query)
    assert said in " ".join(notes)
    LIMITS.check(plan.config)
