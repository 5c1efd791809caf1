"""Randomized networks: what changes, what does not, and the number that compares the maps."""

from __future__ import annotations

import math
from statistics import correlation

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnnviz.attribution.explain import explain
from cnnviz.attribution.randomization import (
    cascade,
    check_by_randomization,
    randomize,
    weighted_layers,
)
from cnnviz.attribution.ranks import rank_correlation, ranks, similarity_of_magnitudes
from cnnviz.attribution.requests import Target, request_for
from cnnviz.errors import SettingError, ShapeError, StoppedError
from cnnviz.training.pictures import Normalization
from tests.attribution.networks import (
    A_FEW,
    CAT,
    DOG,
    EVERY,
    LENET,
    SPECS,
    network_named,
    subject_named,
)
from tests.attribution.untouched import untouched

REQUEST = request_for("saliency", Target(DOG, CAT))


@EVERY
def test_the_last_layers_are_new_and_the_others_are_not(name: str) -> None:
    network = network_named(name)
    names = weighted_layers(network)
    count = (len(names) + 1) // 2
    with untouched(network):
        twin, forgotten = randomize(network, count, seed=3)
    assert forgotten == names[::-1][:count]
    before, after = network.state_dict(), twin.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    modules = [name for name, module in network.named_modules() if not list(module.children())]
    first = modules.index(forgotten[-1])
    for key in before:
        layer, _, what = key.rpartition(".")
        if what == "num_batches_tracked":
            continue
        assert (key in kept) == (modules.index(layer) < first), key
    for layer in forgotten:
        module = twin.get_submodule(layer)
        assert isinstance(module, nn.Conv2d | nn.Linear)
        deviation = (2 / module.weight[0].numel()) ** 0.5
        assert float(module.weight.std()) == pytest.approx(deviation, rel=0.2)
        assert module.bias is None or float(module.bias.abs().max()) == 0
    twin(subject_named(name).tensor())


def test_the_seed_decides_and_deeper_only_adds() -> None:
    network = network_named(LENET)
    shallow, deep, other = (
        randomize(network, layers, seed)[0].state_dict()
        for layers, seed in ((2, 0), (4, 0), (2, 1))
    )
    for layer in ("fc2", "fc3"):
        assert torch.equal(shallow[f"{layer}.weight"], deep[f"{layer}.weight"])
        assert not torch.equal(shallow[f"{layer}.weight"], other[f"{layer}.weight"])
    assert not torch.equal(shallow["fc1.weight"], deep["fc1.weight"])


@A_FEW
def test_the_check_compares_two_maps_of_one_request(name: str) -> None:
    subject = subject_named(name)
    with untouched(subject.network):
        check = check_by_randomization(subject, REQUEST, layers=2, seed=1)
    np.testing.assert_array_equal(check.trained.map, explain(subject, REQUEST).map)
    assert not np.allclose(check.trained.map, check.randomized.map)
    assert check.similarity == similarity_of_magnitudes(check.trained.map, check.randomized.map)
    assert -1 <= check.similarity < 1
    assert len(check.layers) == 2
    again = check_by_randomization(subject, REQUEST, layers=2, seed=1, trained=check.trained)
    assert again.trained is check.trained
    assert again.similarity == check.similarity


def test_a_cascade_goes_down_to_the_first_layer() -> None:
    told: list[float] = []
    subject = subject_named(LENET)
    checks = cascade(subject, REQUEST, progress=lambda words, share: told.append(share))
    assert [len(check.layers) for check in checks] == [1, 2, 3, 4, 5]
    assert checks[-1].layers == ("fc3", "fc2", "fc1", "conv2", "conv1")
    assert len({id(check.trained) for check in checks}) == 1
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1
    with pytest.raises(StoppedError):
        cascade(subject, REQUEST, stop=lambda: True)


def test_a_map_that_shows_the_picture_is_found_out() -> None:
    """Input times gradient is 0 wherever the picture is 0, whatever the network has learnt."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    disc = ((rows**2 + columns**2 < 36) * 200).astype(np.uint8)[:, :, None]
    subject = subject_named(
        "lenet5-mnist-norm", picture=disc, normalization=Normalization((0.0,), (1.0,))
    )
    product, slope = (
        check_by_randomization(subject, request_for(method, Target(CAT)), layers=5).similarity
        for method in ("input_x_gradient", "saliency")
    )
    assert product > 0.9
    assert slope < 0.7


@pytest.mark.parametrize(
    ("layers", "seed", "message"),
    [
        (0, 0, "layers is 0: use a whole number from 1 up"),
        (6, 0, "layers is 6: this network has 5 with weights"),
        (1, -1, "seed is -1"),
    ],
)
def test_randomizations_that_cannot_be(layers: int, seed: int, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        check_by_randomization(subject_named(LENET), REQUEST, layers=layers, seed=seed)


def test_a_map_of_another_request_is_refused() -> None:
    trained = explain(subject_named(LENET), request_for("saliency", Target(CAT)))
    with pytest.raises(SettingError, match="made by another request"):
        check_by_randomization(subject_named(LENET), REQUEST, trained=trained)


# ------------------------------------------------------------------------------------------- ranks


def test_ranks_by_hand() -> None:
    assert ranks(np.array([10.0, 30.0, 20.0])).tolist() == [1, 3, 2]
    assert ranks(np.array([[5.0, 1.0], [5.0, 5.0]])).tolist() == [3, 1, 3, 3]
    assert ranks(np.array([2.0, 2.0, 1.0, 1.0])).tolist() == [3.5, 3.5, 1.5, 1.5]


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=40))
def test_rank_correlation_is_the_correlation_of_ranks(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, dtype=np.float64).T
    found = rank_correlation(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(correlation(ranks(one).tolist(), ranks(other).tolist()))
        # Spearman's knows the order alone.
        assert rank_correlation(one**3, np.exp(other)) == pytest.approx(found)


def test_signs_do_not_count_for_the_similarity() -> None:
    values = np.random.default_rng(0).normal(size=(6, 7))
    assert similarity_of_magnitudes(values, -values) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)
    with pytest.raises(ShapeError, match=r"arrays are \(6, 7\) and \(6, 6\)"):
        similarity_of_magnitudes(values, values[:, :6])


def test_every_network_has_layers_to_randomize() -> None:
    assert all(weighted_layers(network_named(name)) for name in SPECS)
