"""The table of differences: only what differs, in the configuration's order, in words."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import pytest

from cnnviz.models.registry import spec_for
from cnnviz.training.compare import Difference, differences
from cnnviz.training.config import CHOICES, TrainingConfig
from cnnviz.training.recipes import recipe

BASE = TrainingConfig(model="lenet5", dataset="cifar10")
OTHER: dict[str, Any] = {
    "model": "plain_cnn",
    "dataset": "mnist",
    "batch_norm": True,
    "dropout": 0.25,
    "epochs": 1500,
    "batch_size": 32,
    "seed": 1,
    "validation_count": 0,
    "optimizer": "adamw",
    "learning_rate": 0.001,
    "bias_learning_rate_factor": 64,
    "momentum": 0.85,
    "weight_decay": 0.00005,
    "label_smoothing": 0.1,
    "schedule": "cosine",
    "warmup": 0.0,
    "final_learning_rate": 0.07,
    "averaging": "lookahead",
    "flip": "random",
    "shift": 1,
    "rotation_deg": 10.0,
    "scaling": 0.1,
    "cutout": 8,
    "device": "cpu",
    "precision": "bfloat16",
    "record_every": 1,
}


def test_equal_configurations_differ_in_nothing() -> None:
    assert differences([]) == ()
    assert differences([BASE]) == ()
    assert differences([BASE, replace(BASE), replace(BASE)]) == ()
    assert differences([BASE, replace(BASE, dropout=0)]) == ()  # 0 is 0.0


@pytest.mark.parametrize("field", OTHER)
def test_each_field_is_found_and_no_other(field: str) -> None:
    other = replace(BASE, **{field: OTHER[field]})
    batch_norm = ["batch_norm"] if field == "model" else []  # the network's own
    found = differences([BASE, other, BASE])
    assert [difference.field for difference in found] == [field, *batch_norm]
    first, second, third = found[0].values
    assert first == third != second
    assert found[0].words
    assert all(text and text == text.strip() for text in found[0].values)


def test_the_order_is_that_of_the_fields() -> None:
    other = TrainingConfig(**{**OTHER, "dataset": "mnist"})
    found = [difference.field for difference in differences([BASE, other])]
    assert found == [f.name for f in fields(TrainingConfig) if f.name != "network_text"]


def test_texts_of_networks_are_told_apart() -> None:
    text = "nn.Sequential(nn.Flatten(), nn.Linear(784, 10))"
    configs = [recipe("pasted", "mnist", network_text=text + end) for end in ("", "\n# mine")]
    (found,) = differences(configs)
    assert found.field == "network_text"
    assert re.fullmatch(r"1 line \([0-9a-f]{6}\)", found.values[0])
    assert re.fullmatch(r"2 lines \([0-9a-f]{6}\)", found.values[1])
    words = {each.field: each.values for each in differences([BASE, configs[0]])}
    assert words["model"] == ("LeNet-5", "Pasted network")
    assert words["network_text"][0] == "none"


def test_words_and_units() -> None:
    other = TrainingConfig(**OTHER)
    texts = {difference.field: difference.values for difference in differences([BASE, other])}
    assert texts["model"] == ("LeNet-5", "Plain CNN")
    assert texts["dataset"] == ("CIFAR-10", "MNIST")
    assert texts["batch_norm"] == ("off", "on")
    assert texts["dropout"] == ("none", "25 %")
    assert texts["epochs"] == ("10", "1,500")
    assert texts["batch_size"] == ("256 images", "32 images")
    assert texts["validation_count"] == ("5,000 images", "none")
    assert texts["learning_rate"] == ("0.1", "0.001")
    assert texts["bias_learning_rate_factor"] == ("1 times the others'", "64 times the others'")
    assert texts["weight_decay"] == ("0.0005", "0.00005")
    assert texts["warmup"] == ("20 % of the steps", "none")
    assert texts["final_learning_rate"] == ("0 % of the highest", "7 % of the highest")
    assert texts["shift"] == ("none", "1 pixel")
    assert texts["rotation_deg"] == ("none", "10 degrees")
    assert texts["cutout"] == ("none", "8 x 8 pixels")
    assert texts["record_every"] == ("about forty times an epoch", "each step")


def test_batch_normalization_counts_as_the_network_has_it() -> None:
    own = recipe("plain_cnn", "mnist")
    assert spec_for("plain_cnn", "mnist").batch_norm
    assert differences([own, replace(own, batch_norm=True)]) == ()
    assert differences([own, replace(own, batch_norm=False)]) == (
        Difference("batch_norm", "batch normalization", ("on", "off")),
    )


@pytest.mark.parametrize("field", CHOICES)
def test_choices_stay_apart_in_words(field: str) -> None:
    choices: list[dict[str, Any]] = [{field: choice} for choice in CHOICES[field]]
    configs = [replace(BASE, **choice) for choice in choices]
    (difference,) = differences(configs)
    assert len(set(difference.values)) == len(configs)
