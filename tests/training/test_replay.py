"""The loop against an ordinary one, written out here with torch.optim and no code of ours.

A hook notes each batch that the network is fed in training. The ordinary loop then takes the same
steps on the same batches and must arrive at the same losses, gradients and weights.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.data.canonical import Split
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.pictures import hold_out
from cnnviz.training.records import Record
from tests.training.splits import digits, epochs_in, run, steps_in
from tests.training.tiny import tiny

BASE = tiny(epochs=3, record_every=1, learning_rate=0.02, warmup=0.2)


class Watched:
    """A training that ran, and the batches that its network was fed in training."""

    def __init__(self, config: TrainingConfig, data: Split) -> None:
        self.config, self.data = config, data
        self.training = train(config, data)
        self.first = copy.deepcopy(self.training.network)
        self.batches: list[torch.Tensor] = []
        handle = self.training.network.register_forward_pre_hook(self._note)
        self.records: list[Record] = run(self.training)
        handle.remove()

    def _note(self, network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if network.training:
            self.batches.append(inputs[0].clone())

    def indices(self) -> list[np.ndarray]:
        """Which images of the split each batch held, found by their pixels."""
        by_pixels = {image.tobytes(): index for index, image in enumerate(self.data.images)}
        assert len(by_pixels) == len(self.data)
        normalization = self.training.normalization
        mean, std = np.array(normalization.mean), np.array(normalization.std)
        found = []
        for batch in self.batches:
            pixels = batch.permute(0, 2, 3, 1).numpy() * std + mean
            bytes_ = np.ascontiguousarray((pixels * 255).round().astype(np.uint8))
            found.append(np.array([by_pixels[image.tobytes()] for image in bytes_]))
        return found

    def labels(self) -> list[torch.Tensor]:
        return [torch.tensor(self.data.labels[indices]) for indices in self.indices()]


def test_each_training_image_once_an_epoch_and_no_other() -> None:
    data = digits(10)
    watched = Watched(BASE, data)
    training, held_out = hold_out(data.labels, 20)
    assert len(training) == 80
    assert len(watched.batches) == 15
    batches = watched.indices()
    epochs = [np.concatenate(batches[start : start + 5]).tolist() for start in (0, 5, 10)]
    for epoch in epochs:
        assert sorted(epoch) == training.tolist()
        assert not set(epoch) & set(held_out.tolist())
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_what_is_left_over_is_not_used_in_that_epoch() -> None:
    config = replace(BASE, batch_size=30, epochs=12)
    watched = Watched(config, digits(10))
    batches = watched.indices()
    assert [len(batch) for batch in batches] == [30, 30] * 12
    for one, other in zip(batches[::2], batches[1::2], strict=True):
        assert len({*one, *other}) == 60
    assert len(set(np.concatenate(batches).tolist())) == 80  # but in others


class OrdinaryLoop:
    """The same steps with torch.optim; per step the loss, images got right, gradient's norm."""

    def __init__(self, watched: Watched) -> None:
        config, network = watched.config, watched.first
        total = len(watched.batches)
        warm = round(config.warmup * total)
        self.network = network
        self.rates, self.losses, self.right, self.norms = [], [], [], []
        norm_biases = {
            f"{name}.bias" for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)
        }
        factors = [1.0, config.bias_learning_rate_factor]
        trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for name, p in trained if name not in norm_biases]},
            {"params": [p for name, p in trained if name in norm_biases]},
        ]
        optimizer: torch.optim.Optimizer
        if config.optimizer == "adamw":
            optimizer = torch.optim.AdamW(groups, betas=(config.momentum, 0.999))
        else:
            optimizer = torch.optim.SGD(groups, lr=1, momentum=config.momentum, nesterov=True)
        average = {name: t.clone() for name, t in self.floats().items()}
        network.train()
        for step, (batch, labels) in enumerate(zip(watched.batches, watched.labels(), strict=True)):
            share = np.interp(step, [-1, warm - 1, warm, total], [0, 1, 1, 0])
            self.rates.append(config.learning_rate * float(share))
            for group, factor in zip(optimizer.param_groups, factors, strict=True):
                group["lr"] = self.rates[-1] * factor
                group["weight_decay"] = config.weight_decay / factor
            logits = network(batch)
            loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self.losses.append(loss.item())
            self.right.append(int((logits.argmax(1) == labels).sum()))
            gradients = [p.grad.double() for _, p in trained if p.grad is not None]
            squares = [float((gradient**2).sum()) for gradient in gradients]
            self.norms.append(math.sqrt(sum(squares)))
            if config.averaging == "lookahead" and (step + 1) % 5 == 0:
                kept = 0.95**5 * ((step + 1) / total) ** 3
                for name, tensor in self.floats().items():
                    average[name] = kept * average[name] + (1 - kept) * tensor
                    tensor.copy_(average[name])
        if config.averaging == "lookahead":
            for name, tensor in self.floats().items():
                tensor.copy_(average[name])

    def floats(self) -> dict[str, torch.Tensor]:
        state = self.network.state_dict()
        return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="sgd"),
        pytest.param({"label_smoothing": 0.2, "weight_decay": 0.1}, id="smoothing and decay"),
        pytest.param({"optimizer": "adamw", "weight_decay": 0.5, "momentum": 0.8}, id="adamw"),
        pytest.param(
            {"batch_norm": True, "bias_learning_rate_factor": 8.0, "weight_decay": 0.1},
            id="biases of their own rate",
        ),
        pytest.param(
            {"batch_norm": True, "bias_learning_rate_factor": 4.0, "averaging": "lookahead"},
            id="lookahead",
        ),
        pytest.param(
            {"batch_norm": True, "averaging": "lookahead", "epochs": 2, "batch_size": 11},
            id="lookahead with a rest of steps",  # 14 steps: the last average is after 10
        ),
        pytest.param(
            {"batch_norm": True, "bias_learning_rate_factor": 8.0, "optimizer": "adamw"},
            id="adamw with biases of their own rate",
        ),
    ],
)
def test_equals_the_ordinary_loop(changes: dict[str, Any]) -> None:
    watched = Watched(replace(BASE, **changes), digits(10))
    ordinary = OrdinaryLoop(watched)
    steps = steps_in(watched.records)
    assert [step.step for step in steps] == list(range(1, len(watched.batches) + 1))
    size = watched.config.batch_size
    np.testing.assert_allclose([s.learning_rate for s in steps], ordinary.rates)
    np.testing.assert_allclose([s.loss for s in steps], ordinary.losses, rtol=1e-5)
    np.testing.assert_allclose([s.gradient_norm for s in steps], ordinary.norms, rtol=1e-4)
    assert [step.accuracy for step in steps] == [right / size for right in ordinary.right]
    trained = watched.training.network.state_dict()
    for name, tensor in ordinary.network.state_dict().items():
        torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=1e-6)


def test_means_over_several_steps_and_over_the_epoch() -> None:
    each = steps_in(train(BASE, digits(10)))
    some = run(train(replace(BASE, record_every=3), digits(10)))
    assert [step.step for step in steps_in(some)] == [3, 5, 8, 10, 13, 15]
    begin = 0
    for record in steps_in(some):
        part = each[begin : record.step]
        assert record.loss == pytest.approx(sum(step.loss for step in part) / len(part), rel=1e-9)
        assert record.accuracy == pytest.approx(sum(s.accuracy for s in part) / len(part))
        assert record.gradient_norm == part[-1].gradient_norm
        assert record.learning_rate == part[-1].learning_rate
        begin = record.step
    for number, epoch in enumerate(epochs_in(some)):
        part = each[5 * number : 5 * number + 5]
        assert epoch.train_loss == pytest.approx(sum(step.loss for step in part) / 5, rel=1e-9)
        assert epoch.train_accuracy == pytest.approx(sum(step.accuracy for step in part) / 5)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_validation_against_a_loop_over_the_images_held_out(batch_norm: bool) -> None:
    data = digits(10)
    training = train(replace(BASE, batch_norm=batch_norm), data)
    epochs = epochs_in(training)
    training_indices, held_out = hold_out(data.labels, 20)
    pixels = data.images[training_indices] / 255
    losses, right = [], []
    all_logits = []
    network = training.network.eval()
    for index in held_out:
        image = (data.images[index] / 255 - pixels.mean()) / pixels.std()  # (H, W, 1)
        with torch.no_grad():
            logits = network(torch.tensor(image).permute(2, 0, 1)[None].float())[0]
        all_logits.append(logits.numpy())
        label = int(data.labels[index])
        losses.append(float(torch.logsumexp(logits, 0) - logits[label]))
        right.append(int(logits.argmax()) == label)
    last = epochs[-1]
    assert last.validation_loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert last.validation_accuracy == pytest.approx(np.mean(right))
    by_class = np.array(right).reshape(10, 2).mean(1)  # two of each class, in order
    assert last.per_class_accuracy == pytest.approx(tuple(by_class))
    kept = training.snapshot().validation_logits
    assert kept is not None
    np.testing.assert_allclose(kept, np.array(all_logits), rtol=2e-3, atol=2e-3)
