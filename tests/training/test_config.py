"""Every field's bounds, and configurations that come as JSON from anywhere."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.errors import SettingError
from cnnviz.training.config import CHOICES, TrainingConfig

PLAIN = TrainingConfig(model="lenet5", dataset="mnist")
INFINITY = float("inf")
NAN = float("nan")

# field: (values that are taken, values that are refused)
BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "model": (["improved_lenet", "plain_cnn"], ["resnet", "LENET5", "", None, 5, ["lenet5"]]),
    "dataset": (["cifar10"], ["imagenet", "MNIST", "", None, 0, {}]),
    "batch_norm": ([None, True, False], [0, 1, "True"]),
    "dropout": ([0, 0.5, 0.999], [-0.1, 1, 1.5, NAN, "0.1", None, True]),
    "epochs": ([1, 10_000], [0, -1, 1.0, "3", None, True, 2**63, 10**400]),
    "batch_size": ([2, 50_000], [1, 0, -2, 64.0, None]),
    "seed": ([0, 2**63 - 1], [-1, 0.5, 2**63, None]),
    "validation_count": ([0, 10], [-1, 0.1, None]),
    "learning_rate": ([0, 1e-9, 1000], [-1e-9, 1000.1, NAN, INFINITY, "0.1", None, True, 10**400]),
    "bias_learning_rate_factor": ([1e-3, 64, 1000], [0, -1, 1001, NAN, INFINITY]),
    "momentum": ([0, 0.99], [-0.1, 1, 1.1, NAN]),
    "weight_decay": ([0, 10], [-0.1, 10.1, NAN, INFINITY]),
    "label_smoothing": ([0, 1], [-0.1, 1.1, NAN]),
    "warmup": ([0, 1], [-0.1, 1.1, NAN]),
    "final_learning_rate": ([0, 1], [-0.1, 1.1, NAN]),
    "shift": ([0, 27], [-1, 28, 1.0]),
    "rotation_deg": ([0, 180], [-1, 181, NAN]),
    "scaling": ([0, 0.9], [-0.1, 1, NAN]),
    "cutout": ([0, 27], [-1, 28, 2.0]),
    "record_every": ([0, 1000], [-1, 1.5]),
    "network_text": ([""], ["nn.ReLU()", 3, None]),  # of a pasted network only: test_pasted.py
}
for _name, _choices in CHOICES.items():
    BOUNDS[_name] = [*_choices], ["", _choices[0].upper(), None, 0, [_choices[0]]]


def test_every_field_is_here() -> None:
    assert {field.name for field in fields(TrainingConfig)} == set(BOUNDS)


def test_choices() -> None:
    assert CHOICES == {
        "optimizer": ("sgd", "adamw"),
        "schedule": ("constant", "triangular", "cosine", "step"),
        "averaging": ("none", "lookahead"),
        "flip": ("none", "random", "alternating"),
        "device": ("auto", "cpu", "cuda", "mps"),
        "precision": ("auto", "float32", "bfloat16"),
    }


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, (taken, _) in BOUNDS.items() for v in taken]
)
def test_taken(name: str, value: Any) -> None:
    config = TrainingConfig.from_json(PLAIN.to_json() | {name: value})
    assert getattr(config, name) == value


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, (_, refused) in BOUNDS.items() for v in refused]
)
def test_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(SettingError, match=rf"^{name} "):
        TrainingConfig.from_json(PLAIN.to_json() | {name: value})


def test_messages_say_what_would_do() -> None:
    with pytest.raises(SettingError, match=r"^epochs is 0: use a whole number from 1 up$"):
        replace(PLAIN, epochs=0)
    with pytest.raises(SettingError, match=r"^momentum is 1: use a number from 0 to below 1$"):
        replace(PLAIN, momentum=1)
    with pytest.raises(SettingError, match=r"^learning_rate is -1: use a number from 0 to 1000$"):
        replace(PLAIN, learning_rate=-1)
    with pytest.raises(SettingError, match=r"^optimizer is 'adam': use sgd or adamw$"):
        TrainingConfig.from_json(PLAIN.to_json() | {"optimizer": "adam"})
    with pytest.raises(SettingError, match=r"^shift is 28: use less than the image's side, 28$"):
        replace(PLAIN, shift=28)
    assert replace(PLAIN, dataset="cifar10", shift=28).shift == 28


def test_networks_that_do_not_fit() -> None:
    with pytest.raises(SettingError, match="VGG-16 is not made for MNIST: use CIFAR-10"):
        TrainingConfig(model="vgg16", dataset="mnist")
    with pytest.raises(SettingError, match="batch_norm is False: Fast CNN is defined with"):
        TrainingConfig(model="fast_cnn", dataset="cifar10", batch_norm=False)


def test_the_networks_spec() -> None:
    spec = replace(PLAIN, dropout=0.25, batch_norm=True).spec
    assert (spec.name, spec.input_shape, spec.classes) == ("lenet5", (1, 28, 28), 10)
    assert (spec.batch_norm, spec.dropout) == (True, 0.25)
    assert not PLAIN.spec.batch_norm
    assert TrainingConfig(model="vgg16", dataset="cifar10").spec.batch_norm


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from(taken) for name, (taken, _) in BOUNDS.items() if name != "model"
        },
    )
)
def test_there_and_back_through_json(changes: dict[str, Any]) -> None:
    config = TrainingConfig.from_json(PLAIN.to_json() | changes)
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_json_may_leave_out_what_has_a_default() -> None:
    assert TrainingConfig.from_json({"model": "lenet5", "dataset": "mnist"}) == PLAIN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "a training needs model"),
        ({"model": "lenet5"}, "a training needs dataset"),
        (PLAIN.to_json() | {"gpu": 1}, "a training has no setting 'gpu'"),
        (PLAIN.to_json() | {"__class__": "x"}, "a training has no setting '__class__'"),
        (PLAIN.to_json() | {"x" * 1000: 1}, r"a training has no setting 'xxx.*\.\.\."),
        (["model", "dataset"], "a training is"),
        ("model", "a training is"),
        (None, "a training is None: use an object of settings"),
        (7, "a training is 7"),
    ],
)
def test_json_that_is_no_configuration(content: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        TrainingConfig.from_json(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(BOUNDS)) | st.text(max_size=8), JSON, max_size=4))
def test_any_json_makes_a_configuration_or_a_setting_error(content: dict[str, Any]) -> None:
    try:
        config = TrainingConfig.from_json(PLAIN.to_json() | content)
    except SettingError:
        return
    assert set(content) <= set(BOUNDS)
    assert config.spec


def test_numpy_s_numbers_become_plain_ones() -> None:
    config = TrainingConfig(
        model="lenet5",
        dataset="mnist",
        epochs=np.int64(3),  # type: ignore[arg-type]
        rotation_deg=5,
        learning_rate=np.float64(0.5),
    )
    assert json.loads(json.dumps(config.to_json()))["epochs"] == 3
    assert type(config.rotation_deg) is type(config.learning_rate) is float
