"""Cards and specs: facts without torch, and messages for what does not exist."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from cnnviz.data.catalogue import DATASETS
from cnnviz.errors import SettingError
from cnnviz.models.registry import (
    MODELS,
    PASTED,
    ModelName,
    ModelSpec,
    build_model,
    find_model,
    spec_for,
)

SPEC = spec_for("lenet5", "mnist")


def test_every_name_has_a_card() -> None:
    assert (*MODELS, PASTED.name) == get_args(ModelName)
    for name, card in MODELS.items():
        assert card.name == name
        assert find_model(name) is card
        assert card.datasets
        assert set(card.datasets) <= set(DATASETS)
        assert card.title
        assert card.summary.endswith(".")
        assert any(year in card.paper for year in ("1998", "2015", "2024"))


@pytest.mark.parametrize("name", ["LeNet5", "", "resnet18", None, 5, ["lenet5"]])
def test_names_that_do_not_exist(name: Any) -> None:
    with pytest.raises(SettingError, match=r"model is .*: use one of lenet5, improved_lenet, "):
        find_model(name)
    with pytest.raises(SettingError, match="model is "):
        spec_for(name, "mnist")


def test_data_sets_that_do_not_fit() -> None:
    with pytest.raises(SettingError, match="dataset is 'imagenet': use cifar10 or mnist"):
        spec_for("lenet5", "imagenet")
    with pytest.raises(SettingError, match="VGG-16 is not made for MNIST: use CIFAR-10"):
        spec_for("vgg16", "mnist")
    with pytest.raises(SettingError, match="Fast CNN is not made for MNIST: use CIFAR-10"):
        spec_for("fast_cnn", "mnist")


@pytest.mark.parametrize("name", [*MODELS])
def test_specs_are_of_the_data_set(name: ModelName) -> None:
    card = MODELS[name]
    for dataset in card.datasets:
        spec, info = spec_for(name, dataset), DATASETS[dataset]
        assert spec.input_shape == (info.channels, info.height, info.width)
        assert spec.classes == len(info.class_names)
        assert (spec.name, spec.batch_norm, spec.dropout) == (name, card.batch_norm, 0)
        for batch_norm in (False, True):
            if card.batch_norm_is_optional or batch_norm == card.batch_norm:
                assert spec_for(name, dataset, batch_norm=batch_norm).batch_norm is batch_norm


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "alexnet"}, "model is 'alexnet': use one of"),
        ({"channels": 0}, "channels is 0: use a whole number from 1 up"),
        ({"height": -1}, "height is -1: use"),
        ({"width": 28.0}, r"width is 28\.0: use a whole number"),
        ({"classes": 0}, "classes is 0: use"),
        ({"classes": True}, "classes is True: use"),
        ({"batch_norm": None}, "batch_norm is None: use True or False"),
        ({"batch_norm": 1}, "batch_norm is 1: use True or False"),
        ({"dropout": 1.0}, r"dropout is 1\.0: use a number from 0 to below 1"),
        ({"dropout": -0.1}, "dropout is "),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"dropout": "0.5"}, "dropout is '0.5'"),
        ({"name": "fast_cnn"}, "batch_norm is False: Fast CNN is defined with batch_norm True"),
    ],
)
def test_specs_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        replace(SPEC, **changes)


@pytest.mark.parametrize(
    ("name", "height", "width", "message"),
    [
        ("lenet5", 32, 28, "LeNet-5 is built for images of 28x28 or 32x32, not 32x28"),
        (
            "improved_lenet",
            27,
            27,
            "ImprovedLeNet is built for images of 28x28 or 32x32, not 27x27",
        ),
        ("vgg16", 64, 64, "VGG-16 is built for images of 32x32 or 224x224, not 64x64"),
        ("plain_cnn", 16, 16, "Plain CNN is built for images of 28x28 or 32x32, not 16x16"),
        ("fast_cnn", 28, 28, "Fast CNN is built for images of 32x32, not 28x28"),
    ],
)
def test_sizes_that_a_network_is_not_built_for(
    name: ModelName, height: int, width: int, message: str
) -> None:
    spec = ModelSpec(name, 3, height, width, 10, batch_norm=MODELS[name].batch_norm)
    with pytest.raises(SettingError, match=f"^{message}$"):
        build_model(spec)


def test_the_cards_need_no_torch(project: Path) -> None:
    code = (
        "import sys\n"
        "from cnnviz.models.registry import spec_for\n"
        "from cnnviz.training.config import TrainingConfig\n"
        "import cnnviz.training.records, cnnviz.training.schedule\n"
        "spec_for('vgg16', 'cifar10')\n"
        "TrainingConfig(model='lenet5', dataset='mnist')\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
