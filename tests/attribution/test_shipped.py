"""The networks that come with cnnviz, on the starter pictures: what a class would see."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from cnnviz.attribution.deletion import deletion_curve
from cnnviz.attribution.explain import class_probabilities, explain
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.randomization import check_by_randomization, weighted_layers
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.support import examine
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.sources.starter import read_starter
from cnnviz.predictions import predict_logits
from cnnviz.training.pictures import Normalization

FOLDER = Path(__file__).resolve().parent.parent.parent / SHIPPED
NAMES = ["fast_cnn-cifar10", "lenet5-cifar10", "improved_lenet-mnist"]


@lru_cache
def shipped(name: str) -> tuple[Subject, int]:
    """The starter picture that the network is surest of, and its class."""
    network, card = load_checkpoint(FOLDER, name)
    images, labels = read_starter(card.dataset, "test")
    images, labels = images[:100], labels[:100]
    normalization = Normalization(card.mean, card.std)
    logits = predict_logits(network, images, normalization)
    surest = int(np.argmax(logits[np.arange(len(labels)), labels]))
    return Subject(network, normalization, images[surest]), int(labels[surest])


def second_best(subject: Subject) -> int:
    return int(np.argsort(class_probabilities(subject))[-2])


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_those_of_the_prediction(name: str) -> None:
    subject, label = shipped(name)
    logits = predict_logits(subject.network, subject.picture[None], subject.normalization)[0]
    shares = class_probabilities(subject)
    assert int(shares.argmax()) == label
    np.testing.assert_allclose(np.log(shares / shares[0]), logits - logits[0], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_fifty_steps_account_for_the_score(name: str) -> None:
    subject, label = shipped(name)
    made = explain(
        subject, request_for("integrated_gradients", Target(label, second_best(subject)))
    )
    assert made.completeness is not None
    assert made.score > 0
    assert made.completeness.relative_error < 0.05
    exact = explain(subject, request_for("deeplift", Target(label)))
    assert exact.completeness is not None
    assert exact.completeness.relative_error < 0.01


@pytest.mark.parametrize("name", NAMES)
def test_what_occlusion_finds_matters_more_than_what_it_does_not(name: str) -> None:
    subject, label = shipped(name)
    made = explain(subject, request_for("occlusion", Target(label), window=6, stride=3))
    first, last = (
        deletion_curve(subject, values, Target(label), side=4, steps=16)
        for values in (made.map, -made.map)
    )
    assert first.values[0] > 0.9
    assert first.area < first.random_areas.mean() < last.area


@pytest.mark.parametrize("name", NAMES)
def test_every_map_changes_when_the_network_forgets(name: str) -> None:
    subject, label = shipped(name)
    support = examine(subject.network, subject.input_shape)
    depth = len(weighted_layers(subject.network))
    for method in METHODS:
        if support.why_not(method) or METHODS[method].is_long:
            continue
        check = check_by_randomization(subject, request_for(method, Target(label)), layers=depth)
        assert check.similarity < 0.97, method
