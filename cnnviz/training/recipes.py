"""The configurations that the shipped networks were trained with, and good ones to begin from."""

from __future__ import annotations

from typing import Any, Final

from cnnviz.data.catalogue import DatasetName, find_dataset
from cnnviz.models.registry import ModelName, find_model, spec_for
from cnnviz.training.config import TrainingConfig

# Each was found by trying on held-out images; docs/training.md says what was tried.
_RECIPES: Final[dict[tuple[ModelName, DatasetName], dict[str, Any]]] = {
    ("lenet5", "mnist"): {
        "epochs": 20,
        "batch_size": 128,
        "learning_rate": 0.05,
        "weight_decay": 5e-4,
        "shift": 2,
        "rotation_deg": 10,
        "scaling": 0.1,
    },
    ("improved_lenet", "mnist"): {
        "epochs": 30,
        "batch_size": 128,
        "learning_rate": 0.05,
        "weight_decay": 5e-4,
        "dropout": 0.2,
        "shift": 2,
        "rotation_deg": 10,
        "scaling": 0.1,
    },
    ("lenet5", "cifar10"): {
        "epochs": 40,
        "batch_size": 256,
        "learning_rate": 0.1,
        "label_smoothing": 0.1,
        "averaging": "lookahead",
        "flip": "alternating",
        "shift": 2,
    },
    ("improved_lenet", "cifar10"): {
        "epochs": 40,
        "batch_size": 256,
        "learning_rate": 0.05,
        "label_smoothing": 0.05,
        "flip": "random",
        "shift": 2,
    },
    ("plain_cnn", "mnist"): {"epochs": 5, "batch_size": 256, "learning_rate": 0.05},
    ("plain_cnn", "cifar10"): {
        "epochs": 20,
        "batch_size": 256,
        "learning_rate": 0.05,
        "flip": "random",
        "shift": 2,
    },
    ("vgg16", "cifar10"): {
        "epochs": 24,
        "batch_size": 256,
        "learning_rate": 0.15,
        "weight_decay": 5e-4,
        "label_smoothing": 0.1,
        "averaging": "lookahead",
        "flip": "alternating",
        "shift": 4,
        "cutout": 12,
        "validation_count": 500,
    },
    # Of a network that nobody has tried: what suits most small ones.
    ("pasted", "mnist"): {"epochs": 5, "batch_size": 128, "learning_rate": 0.05},
    ("pasted", "cifar10"): {
        "epochs": 10,
        "batch_size": 128,
        "learning_rate": 0.05,
        "flip": "random",
        "shift": 2,
    },
    # Jordan 2024, arXiv:2404.00498, in the units of torch.optim.SGD on the mean loss.
    ("fast_cnn", "cifar10"): {
        "epochs": 14,
        "batch_size": 1024,
        "learning_rate": 1.5,
        "bias_learning_rate_factor": 64,
        "momentum": 0.85,
        "weight_decay": 0.00133,
        "label_smoothing": 0.2,
        "final_learning_rate": 0.07,
        "averaging": "lookahead",
        "flip": "alternating",
        "shift": 2,
        "validation_count": 2000,
    },
}


def recipe(model: str, dataset: str, **changes: Any) -> TrainingConfig:
    """The configuration for a network and a data set, with some fields changed.

    SettingError for a pair that does not exist or a field that cannot be.
    """
    spec_for(model, dataset, text=changes.get("network_text", ""))
    key = find_model(model).name, find_dataset(dataset).name
    return TrainingConfig.from_json(
        {"model": model, "dataset": dataset, **_RECIPES[key], **changes}
    )
