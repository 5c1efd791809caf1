"""A small network that has learned a little, and a checkpoint of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.checkpoints.store import describe_hardware, save_checkpoint
from cnnviz.data.canonical import Split, split_digest
from cnnviz.data.datasets import load_split
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.pictures import Normalization

NAME = "tiny"
Save = Callable[..., CheckpointCard]


@dataclass(frozen=True)
class Trained:
    network: nn.Module
    config: TrainingConfig
    normalization: Normalization
    train_digest: str
    test: Split

    def save(self, folder: Path, name: str = NAME, **changes: Any) -> CheckpointCard:
        arguments: dict[str, Any] = {
            "network": self.network,
            "test": self.test,
            "config": self.config,
            "normalization": self.normalization,
            "train_digest": self.train_digest,
            "command": "python -m cnnviz train --model lenet5 --dataset mnist",
            "epochs": self.config.epochs,
            "train_s": 1.25,
            "hardware": describe_hardware(torch.device("cpu"), "float32"),
        }
        return save_checkpoint(folder, name, **(arguments | changes))


@pytest.fixture(scope="session")
def trained() -> Trained:
    """LeNet-5 after a few steps on starter digits."""
    data = load_split("mnist", "train", source="starter")
    images, labels = data.images[::4].copy(), data.labels[::4].copy()
    digest = split_digest(images, labels)
    some = Split("mnist", "train", images, labels, data.class_names, digest, "starter")
    config = TrainingConfig(
        model="lenet5",
        dataset="mnist",
        epochs=2,
        batch_size=50,
        validation_count=0,
        optimizer="adamw",
        learning_rate=0.003,
        device="cpu",
        precision="float32",
    )
    training = train(config, some)
    for _ in training:
        pass
    test = load_split("mnist", "test", source="starter")
    return Trained(training.network, config, training.normalization, digest, test)


@pytest.fixture(scope="session")
def original(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of it, not to be changed."""
    folder = tmp_path_factory.mktemp("checkpoint")
    trained.save(folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it that may be damaged."""
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def read_card(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"{NAME}.json").read_bytes())
    return content


def change_card(folder: Path, **changes: Any) -> None:
    content = read_card(folder) | changes
    (folder / f"{NAME}.json").write_text(json.dumps(content))


def forge(folder: Path, suffix: str, data: bytes) -> None:
    """Puts other weights or logits there, with a card that has their digest."""
    (folder / f"{NAME}.{suffix}").write_bytes(data)
    field = "weights_sha256" if suffix == "safetensors" else "logits_sha256"
    change_card(folder, **{field: hashlib.sha256(data).hexdigest()})
