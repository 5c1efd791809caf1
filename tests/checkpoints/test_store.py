"""Networks to checkpoints and back: what is kept, and that each number follows from another."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import nn

from cnnviz.atomic_files import write_atomically
from cnnviz.checkpoints import store
from cnnviz.checkpoints.card import CheckpointCard, load_card
from cnnviz.checkpoints.folders import list_checkpoints
from cnnviz.checkpoints.logits import load_logits
from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.checkpoints.verify import verify_on_pictures, verify_stored
from cnnviz.checkpoints.weights import build_skeleton, pack_weights, unpack_weights
from cnnviz.data.catalogue import MNIST
from cnnviz.data.datasets import load_split
from cnnviz.errors import CheckpointError, CnnvizError, SettingError
from cnnviz.models.registry import MODELS, ModelSpec, build_model, spec_for
from cnnviz.training.config import TrainingConfig
from cnnviz.training.pictures import Normalization
from tests.checkpoints.conftest import NAME, Trained, read_card

SPECS = [spec_for(name, data) for name, card in MODELS.items() for data in card.datasets]


def test_what_the_card_says(original: Path, trained: Trained) -> None:
    card = load_card(original, NAME)
    assert card.name == NAME
    assert abs((datetime.now(UTC) - card.created_at).total_seconds()) < 3600
    assert card.config == trained.config
    assert card.spec == spec_for("lenet5", "mnist")
    assert (card.train_digest, card.test_digest) == (trained.train_digest, trained.test.digest)
    assert (card.test_count, card.is_of_complete_test) == (1000, False)
    assert (card.mean, card.std) == (trained.normalization.mean, trained.normalization.std)
    assert (card.parameters, card.macs) == (61_706, 450_720)
    assert (card.epochs, card.train_s, card.stored_precision) == (2, 1.2, "float32")
    assert card.hardware.torch_version == torch.__version__
    assert card.single_view.overall.share > 0.5  # it has learned something
    assert card.single_view != card.with_flip  # and digits are not symmetric
    content = read_card(original)
    assert content["format"] == 1
    assert content["model"]["name"] == "lenet5"
    assert [row["class"] for row in content["with_flip"]["per_class"]] == list(MNIST.class_names)
    low, high = card.with_flip.overall.interval
    assert (content["with_flip"]["low"], content["with_flip"]["high"]) == (
        pytest.approx(low, abs=1e-6),
        pytest.approx(high, abs=1e-6),
    )
    assert CheckpointCard.from_json(content) == card


def test_the_weights_come_back(original: Path, trained: Trained) -> None:
    network, card = load_checkpoint(original, NAME)
    assert card == load_card(original, NAME)
    assert not network.training
    before, after = trained.network.state_dict(), network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_table_follows_from_the_stored_logits(original: Path, trained: Trained) -> None:
    """Counted here with numpy alone."""
    card = load_card(original, NAME)
    with np.load(original / f"{NAME}.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["logits", "mirrored_logits"]
        one, other = arrays["logits"], arrays["mirrored_logits"]
    assert one.dtype == other.dtype == np.float16
    assert one.shape == other.shape == (1000, 10)
    labels = trained.test.labels
    np.testing.assert_array_equal(card.test_labels(), labels)
    mean = (one.astype(np.float64) + other.astype(np.float64)) / 2
    for logits, table in ((one, card.single_view), (mean, card.with_flip)):
        right = logits.argmax(1) == labels
        assert table.overall.correct == right.sum()
        assert [a.correct for a in table.per_class] == [
            right[labels == label].sum() for label in range(10)
        ]
        assert [a.count for a in table.per_class] == np.bincount(labels).tolist()


@pytest.mark.parametrize("half", [False, True])
def test_the_logits_follow_from_the_stored_weights(
    trained: Trained, tmp_path: Path, half: bool
) -> None:
    """By the loaded network, run here in one piece by PyTorch."""
    trained.save(tmp_path, half=half)
    network, card = load_checkpoint(tmp_path, NAME)
    assert card.stored_precision == ("float16" if half else "float32")
    pixels = trained.test.images.astype(np.float64) / 255
    images = torch.tensor((pixels - card.mean) / card.std).permute(0, 3, 1, 2).float()
    stored = load_logits(tmp_path, card, test=trained.test)
    for logits, batch in ((stored.logits, images), (stored.mirrored_logits, images.flip(3))):
        with torch.no_grad():
            fresh = network(batch).numpy()
        np.testing.assert_allclose(logits, fresh, rtol=2**-10, atol=1e-3)
    assert verify_stored(list_checkpoints(tmp_path)[0]) == card
    assert verify_on_pictures(list_checkpoints(tmp_path)[0], trained.test).most == 0


def test_half_precision_rounds_all_but_running_variances(tmp_path: Path, trained: Trained) -> None:
    config = TrainingConfig(model="lenet5", dataset="mnist", batch_norm=True, epochs=1)
    network = build_model(config.spec)
    network.train()
    network(100 * torch.randn(50, 1, 28, 28))  # large variances
    few = load_split("mnist", "test", source="starter")
    trained.save(tmp_path, network=network, config=config, test=few, half=True, epochs=0)
    arrays = safetensors.numpy.load_file(tmp_path / f"{NAME}.safetensors")
    for name, tensor in network.state_dict().items():
        kept = arrays[name]
        if name.endswith("running_var"):
            assert kept.dtype == np.float32
            np.testing.assert_array_equal(kept, tensor.numpy())
        elif name.endswith("num_batches_tracked"):
            assert kept.dtype == np.int64
            assert kept.shape == ()
            assert int(kept) == 1
        else:
            assert kept.dtype == np.float16
            np.testing.assert_array_equal(kept, tensor.numpy().astype(np.float16))
    loaded, _ = load_checkpoint(tmp_path, NAME)
    assert {t.dtype for t in loaded.state_dict().values()} == {torch.float32, torch.int64}
    assert all(
        torch.equal(loaded.state_dict()[name], torch.from_numpy(array).to(tensor.dtype))
        for (name, tensor), array in zip(
            network.state_dict().items(), (arrays[n] for n in network.state_dict()), strict=True
        )
    )


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.name}-{spec.height}")
def test_every_network_comes_back(spec: ModelSpec) -> None:
    network = build_model(spec)
    random = torch.get_rng_state()
    loaded = unpack_weights(pack_weights(network, "float32"), spec, "float32")
    assert torch.equal(random, torch.get_rng_state())
    assert all(
        torch.equal(before, after)
        for before, after in zip(
            network.state_dict().values(), loaded.state_dict().values(), strict=True
        )
    )
    assert [p.requires_grad for p in loaded.parameters()] == [
        p.requires_grad for p in network.parameters()
    ]
    assert all(t.device.type == "meta" for t in build_skeleton(spec).state_dict().values())


def test_saving_changes_nothing_else(trained: Trained, tmp_path: Path) -> None:
    trained.network.train()
    before = {name: t.clone() for name, t in trained.network.state_dict().items()}
    random = torch.get_rng_state()
    trained.save(tmp_path, half=True)
    assert trained.network.training
    assert all(torch.equal(before[n], t) for n, t in trained.network.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        f"{NAME}.json",
        f"{NAME}.npz",
        f"{NAME}.safetensors",
    ]


def test_the_same_network_gives_the_same_files(trained: Trained, tmp_path: Path) -> None:
    first, second = trained.save(tmp_path / "a"), trained.save(tmp_path / "b")
    assert first.weights_sha256 == second.weights_sha256
    assert first.logits_sha256 == second.logits_sha256


@pytest.mark.parametrize("broken_at", [0, 1, 2])
def test_a_full_disk_leaves_the_older_checkpoint(
    folder: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    real, calls = write_atomically, iter(range(3))

    def write(file: Path, data: bytes) -> None:
        if next(calls) == broken_at:
            raise OSError(28, "No space left on device")
        real(file, data)

    monkeypatch.setattr(store, "write_atomically", write)
    with pytest.raises(OSError, match="No space left"):
        trained.save(folder, half=True)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_an_older_checkpoint_is_replaced(folder: Path, trained: Trained) -> None:
    card = trained.save(folder, half=True)
    assert load_checkpoint(folder, NAME)[1] == card
    assert len(list(folder.iterdir())) == 3


class Scaled(nn.Module):
    """Gives a state in which one weight is multiplied."""

    def __init__(self, network: nn.Module, name: str, factor: float) -> None:
        super().__init__()
        state = network.state_dict()
        self.changed = state | {name: state[name] * factor}

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        return self.changed


@pytest.mark.parametrize(
    ("name", "factor", "half", "message"),
    [
        ("fc3.weight", math.nan, False, "fc3.weight holds nan or infinity in float32$"),
        ("fc3.weight", 1e6, True, "fc3.weight .* in float16; store it in float32$"),
        ("fc3.weight", 1e7, False, "tiny cannot be kept: .* no finite number"),
    ],
)
def test_a_broken_network_is_not_kept(
    trained: Trained, tmp_path: Path, name: str, factor: float, half: bool, message: str
) -> None:
    broken = Scaled(trained.network, name, factor)
    with pytest.raises(CheckpointError, match=message):
        trained.save(tmp_path / "new", network=broken, half=half)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"name": "../x"}, SettingError, "the checkpoint's name is '../x'"),
        (
            {"config": TrainingConfig(model="plain_cnn", dataset="mnist", epochs=2)},
            CheckpointError,
            "it lacks 'conv1_1.bias', .* and 39 more of plain_cnn",
        ),
        (
            {"config": TrainingConfig(model="lenet5", dataset="cifar10", epochs=2)},
            SettingError,
            "the configuration is for cifar10, but the test pictures are of mnist",
        ),
        ({"command": "two\nlines"}, CheckpointError, "command is .*: use one line"),
        ({"epochs": 3}, CheckpointError, "epochs is 3: use a whole number, 0 to 2"),
        ({"train_digest": "unknown"}, CheckpointError, "train_digest is 'unknown': use 64"),
    ],
)
def test_what_cannot_be_saved(
    trained: Trained,
    tmp_path: Path,
    changes: dict[str, Any],
    error: type[CnnvizError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        trained.save(tmp_path / "new", **changes)
    assert not (tmp_path / "new").exists()


def test_logits_are_refused_for_other_pictures(original: Path, trained: Trained) -> None:
    card = load_card(original, NAME)
    other = load_split("mnist", "train", source="starter")
    with pytest.raises(CheckpointError, match=r"tiny.npz is about other pictures: 1,000 .* 4,000"):
        load_logits(original, card, test=other)
    assert load_logits(original, card).logits.shape == (1000, 10)


def test_a_class_without_pictures(trained: Trained, tmp_path: Path) -> None:
    """The starter set of CIFAR-10 has no birds and no deer."""
    config = TrainingConfig(model="lenet5", dataset="cifar10", epochs=1)
    test = load_split("cifar10", "test", source="starter")
    normal = Normalization((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    network = build_model(config.spec)
    saved = trained.save(
        tmp_path, network=network, config=config, test=test, normalization=normal, epochs=1
    )
    bird = json.loads((tmp_path / f"{NAME}.json").read_bytes())["single_view"]["per_class"][2]
    assert bird == {
        "class": "bird",
        "correct": 0,
        "count": 0,
        "accuracy": None,
        "low": 0.0,
        "high": 1.0,
    }
    assert load_card(tmp_path, NAME) == saved
    assert verify_on_pictures(list_checkpoints(tmp_path)[0], test).most == 0
