"""Cards, parameters and requests: facts without torch, and messages for what cannot be."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any, get_args

import pytest

from cnnviz.attribution.cards import BASELINES, BaselineName, MethodName
from cnnviz.attribution.methods import METHODS, find_method
from cnnviz.attribution.parameters import Choice, LayerChoice, Number, Switch, WholeNumber
from cnnviz.attribution.requests import AttributionRequest, Target, request_for, shown_value
from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import SettingError
from tests.test_layers_of_imports import modules_after


def test_every_method_has_a_card() -> None:
    assert tuple(METHODS) == get_args(MethodName)
    assert tuple(word for word, _ in BASELINES) == get_args(BaselineName)
    for name, card in METHODS.items():
        assert card.name == name
        assert find_method(name) is card
        assert len(card.explanation) == 3
        for sentence in card.explanation:
            assert sentence.endswith(".")
            assert ". " not in sentence, "one sentence each"
            assert len(sentence) < 190
        assert card.formula
        assert any(str(year) in card.paper for year in range(2013, 2022))
        names = [parameter.name for parameter in card.parameters]
        assert len(names) == len(set(names))
        assert card.is_random == ("seed" in names)
        for parameter in card.parameters:
            assert parameter.title
            assert parameter.help.endswith(".")
            assert parameter.checked(parameter.default) == parameter.default


@pytest.mark.parametrize("card", METHODS.values(), ids=lambda card: str(card.name))
def test_bounds_are_kept(card: Any) -> None:
    for parameter in card.parameters:
        match parameter:
            case WholeNumber() | Number():
                for good in (parameter.least, parameter.most):
                    assert parameter.checked(good) == good
                for bad in (parameter.least - 1, parameter.most + 1, "5", None, True, float("nan")):
                    with pytest.raises(SettingError, match=f"^{parameter.name} "):
                        parameter.checked(bad)
            case Choice():
                for word, meaning in parameter.choices:
                    assert parameter.checked(word) == word
                    assert meaning
                for bad in ("grey", "", None, 0):
                    with pytest.raises(SettingError, match=f"{parameter.name} is .*: use .* or "):
                        parameter.checked(bad)
            case Switch():
                assert parameter.checked(True) is True
                with pytest.raises(SettingError, match="use True or False"):
                    parameter.checked(1)
            case LayerChoice():
                assert parameter.checked("conv1") == "conv1"
                with pytest.raises(SettingError, match="use the name of a layer"):
                    parameter.checked(None)


def test_a_request_is_complete_equal_and_frozen() -> None:
    request = request_for("integrated_gradients", Target(5, 3), steps=20)
    assert request.settings == (("steps", 20), ("baseline", "mean"))
    assert request == request_for("integrated_gradients", Target(5, 3), baseline="mean", steps=20)
    assert hash(request) == hash(replace(request))
    assert (request.whole("steps"), request.word("baseline")) == (20, "mean")
    assert request.card.title == "Integrated Gradients"
    with pytest.raises(FrozenInstanceError):
        request.method = "lrp"  # type: ignore[misc]
    # A whole number where a number is meant becomes one, so that equal requests are equal.
    lrp = AttributionRequest("lrp", Target(0), (("gamma", 0),))
    assert lrp == request_for("lrp", Target(0), gamma=0.0)
    assert isinstance(lrp.number("gamma"), float)
    assert request_for("saliency", Target(0)).switch("magnitude") is False


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("gradcam", {}, "method is 'gradcam': use one of saliency, input_x_gradient, "),
        ("saliency", {"steps": 5}, "Saliency has no parameter 'steps': use one of magnitude"),
        ("guided_backprop", {"x": 5}, "Guided Backprop has no parameter 'x': it has none"),
        ("integrated_gradients", {"steps": 1}, "steps is 1: use a whole number from 2 up"),
        ("integrated_gradients", {"steps": 301}, "steps is 301: use a whole number from 2 to 300"),
        ("integrated_gradients", {"baseline": "pink"}, "baseline is 'pink': use mean or black or"),
        ("smoothgrad", {"noise": -0.1}, r"noise is -0\.1: use a number from 0 to 1"),
        ("smoothgrad", {"seed": -1}, "seed is -1: use a whole number from 0 up"),
        ("grad_cam", {"layer": 5}, "layer is 5: use the name of a layer"),
        ("occlusion", {"window": 3, "stride": 4}, "stride is 4 and window 3: pixels between"),
    ],
)
def test_requests_that_cannot_be(method: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        request_for(method, Target(0), **settings)


def test_a_request_needs_all_its_settings() -> None:
    with pytest.raises(SettingError, match="LRP needs a value for each of its parameters"):
        AttributionRequest("lrp", Target(0), ())


def test_targets() -> None:
    assert Target(3).title(CIFAR10.class_names) == "cat"
    assert Target(5, 3).title(CIFAR10.class_names) == "dog − cat"
    Target(9, 0).check(10)
    with pytest.raises(SettingError, match="class 3 against itself is always 0"):
        Target(3, 3)
    with pytest.raises(SettingError, match="the class is -1"):
        Target(-1)
    for target in (Target(10), Target(0, 10)):
        with pytest.raises(SettingError, match="class is 10: the network has classes 0 to 9"):
            target.check(10)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (False, "no"), (50, "50"), (0.15, "0.15"), ("", "the last")]
)
def test_values_as_text(value: Any, text: str) -> None:
    assert shown_value(value) == text


def test_what_a_page_opens_with_brings_no_torch() -> None:
    modules = modules_after(
        "import cnnviz.attribution.requests, cnnviz.attribution.results, "
        "cnnviz.attribution.network_input, cnnviz.attribution.ranks, cnnviz.figures.attribution"
    )
    assert not {"torch", "captum", "matplotlib"} & modules
