"""The experiments: probes along the gradient, noise, moments; and the file they are kept in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.checkpoints.card import Hardware
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.norms.experiment_records import (
    Experiment,
    ExperimentRun,
    Moments,
    Probe,
    experiment_file,
    load_experiment,
    pack_experiment,
)
from cnnviz.norms.experiments import (
    CHANNELS,
    add_noise,
    noise_after_norms,
    plan_experiment,
    probe_gradient,
    run_variant,
)
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.records import StepRecord
from tests.norms.networks import a_network, a_split, assert_untouched, everything_of

CONFIG = TrainingConfig(
    model="plain_cnn",
    dataset="cifar10",
    epochs=2,
    batch_size=8,
    validation_count=8,
    learning_rate=0.02,
    precision="float32",
    device="cpu",
    record_every=2,
)
DATA = a_split(48, "train")


def test_a_probe_against_gradient_descent_itself() -> None:
    network = a_network()
    before = everything_of(network)
    images = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(12) % 10
    found = probe_gradient(network, images, labels, (0.0, 0.05, 0.4), step=7)
    assert_untouched(network, before)

    def loss_of(of: nn.Module) -> tuple[float, torch.Tensor]:
        of.train().zero_grad()
        loss = F.cross_entropy(of(images), labels)
        torch.autograd.backward(loss)
        return loss.item(), torch.cat([p.grad.flatten() for p in of.parameters()])  # type: ignore[union-attr]

    start, gradient = loss_of(a_network())
    assert found.loss == pytest.approx(start, abs=1e-5)
    assert found.gradient_norm == pytest.approx(float(gradient.norm()), rel=1e-4)
    for length, loss, change in zip(
        found.lengths, found.losses, found.gradient_changes, strict=True
    ):
        moved = a_network()
        loss_of(moved)
        torch.optim.SGD(moved.parameters(), lr=length).step()
        expected, there = loss_of(moved)
        assert loss == pytest.approx(expected, abs=1e-4)
        assert change == pytest.approx(float((there - gradient).norm()), abs=1e-3)
    assert found.step == 7
    assert found.losses[1] < found.loss  # down the gradient
    assert found.loss_range == (min(found.losses), max(found.loss, *found.losses))
    assert found.smoothness == pytest.approx(
        max(
            change / (length * found.gradient_norm)
            for change, length in zip(found.gradient_changes[1:], found.lengths[1:], strict=True)
        )
    )


def test_noise_has_a_mean_and_a_scale_of_its_own_for_each_unit() -> None:
    values = torch.ones(4000, 2, 3, 1)
    noisy = add_noise(values, torch.Generator().manual_seed(0))
    shift = add_noise(
        0 * values, torch.Generator().manual_seed(0)
    )  # the same draws, without values
    assert noisy.shape == values.shape
    means, scales = shift.mean(0), (noisy - shift).mean(0)  # (C, H, W)
    assert means.abs().max() <= 0.5 + 0.01
    assert means.std() > 0.1  # units differ
    assert ((scales >= 1 - 0.02) & (scales <= 1.25 + 0.02)).all()
    assert (shift - means).abs().max() <= 0.1 + 0.01  # within a unit: up to 0.1 about its mean
    np.testing.assert_allclose((noisy - shift).std(0), 0.1, atol=0.01)
    again = add_noise(values, torch.Generator().manual_seed(0))
    assert torch.equal(noisy, again)


def test_noise_is_added_in_training_steps_alone_and_goes_away() -> None:
    plain, noisy = train(CONFIG, DATA), train(CONFIG, DATA)
    images = torch.randn(4, 3, 32, 32)
    with noise_after_norms(noisy):
        hooks = [len(m._forward_hooks) for m in noisy.network.modules()]
        assert sum(hooks) == 6
        with torch.no_grad():
            assert torch.equal(noisy.network.eval()(images), plain.network.eval()(images))
        losses = [
            [record.loss for record in training if isinstance(record, StepRecord)]
            for training in (plain, noisy)
        ]
    assert losses[0] != losses[1]
    assert all(not m._forward_hooks for m in noisy.network.modules())
    repeated = train(CONFIG, DATA)
    with noise_after_norms(repeated):
        again = [record.loss for record in repeated if isinstance(record, StepRecord)]
    assert again == losses[1]


@pytest.mark.parametrize("variant", ["without", "batch norm", "noisy batch norm"])
def test_looking_does_not_change_a_training(variant: Any) -> None:
    config = replace(CONFIG, batch_norm=variant != "without")
    told: list[float] = []
    found = run_variant(
        variant,
        config,
        DATA,
        probe_every=3,
        keep_moments=True,
        progress=lambda words, share: told.append(share),
    )
    assert found.end == "All 2 epochs are done."
    assert not found.diverged
    # Five steps an epoch, told at 2, 4 and 5: the fifth is the next one's "0".
    assert [record.step for record in found.steps] == [2, 4, 5, 7, 9, 10]
    assert [probe.step for probe in found.probes] == [2, 7]
    assert len(found.epochs) == 2
    assert told[-1] == 1
    if variant != "noisy batch norm":
        alone = [r for r in train(config, DATA) if isinstance(r, StepRecord)]
        assert [r.loss for r in alone] == [r.loss for r in found.steps]
        assert [r.gradient_norm for r in alone] == [r.gradient_norm for r in found.steps]
    layers = {moments.layer for moments in found.moments}
    assert layers == {f"relu{s}_{n}" for s in (1, 2, 3) for n in (1, 2)}
    course = found.channel_course("relu1_1", 1)
    assert course[:, 0].tolist() == [record.step for record in found.steps]
    assert all(len(m.means) == len(m.stds) == CHANNELS for m in found.moments)
    if variant == "batch norm":  # gamma is near 1 and beta near 0 in so short a training
        np.testing.assert_allclose(course[:, 1], 0, atol=0.1)
        np.testing.assert_allclose(course[:, 2], 1, atol=0.1)


def test_what_is_trained() -> None:
    rates = plan_experiment("learning-rates", CONFIG, (0.1, 1.0))
    assert [(v, c.learning_rate, c.batch_norm) for v, c in rates] == [
        ("without", 0.1, False),
        ("batch norm", 0.1, True),
        ("without", 1.0, False),
        ("batch norm", 1.0, True),
    ]
    assert [v for v, _ in plan_experiment("noise", CONFIG)] == [
        "without",
        "batch norm",
        "noisy batch norm",
    ]
    assert len(plan_experiment("gradient", CONFIG)) == 2
    with pytest.raises(SettingError, match="there is no learning rate"):
        plan_experiment("learning-rates", CONFIG, ())
    with pytest.raises(SettingError, match="without needs batch_norm False"):
        run_variant("without", CONFIG, DATA)


def an_experiment() -> Experiment:
    run = ExperimentRun(
        variant="batch norm",
        config=CONFIG,
        steps=(),
        epochs=(),
        probes=(Probe(2, 2.5, 1.0, (0.1, 0.2), (2.0, float("nan")), (0.3, 0.4)),),
        moments=(Moments(2, "relu1_1", (0.0, 0.5), (1.0, 1.5)),),
        end="The loss is no longer a finite number.",
    )
    hardware = Hardware(
        processor="a",
        cores=2,
        device="cpu",
        device_name="a",
        precision="float32",
        threads=1,
        torch_version="2",
    )
    return Experiment(
        kind="gradient",
        created="2026-01-31T12:00:00+00:00",
        command="python -m cnnviz batch-norm experiment gradient",
        train_digest=DATA.digest,
        hardware=hardware,
        elapsed_s=1.0,
        runs=(run,),
    )


def test_there_and_back(tmp_path: Path) -> None:
    file = experiment_file(tmp_path, "gradient")
    assert load_experiment(file) is None
    experiment = an_experiment()
    file.parent.mkdir()
    file.write_bytes(pack_experiment(experiment))
    found = load_experiment(file)
    assert found is not None
    assert found.runs[0].diverged
    assert np.isnan(found.runs[0].probes[0].losses[1])
    assert repr(found) == repr(experiment)  # nan is not equal to itself
    assert found.runs[0].told().batch_norm


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain.update(format=9), "reads format 1"),
        (lambda plain: plain.update(kind="cat"), "kind is 'cat'"),
        (lambda plain: plain["runs"][0].update(variant="cat"), "variant is 'cat'"),
        (lambda plain: plain["runs"][0]["config"].update(epochs=0), "epochs is 0"),
        (lambda plain: plain["runs"][0]["probes"][0].pop("loss"), "loss"),
        (lambda plain: plain.pop("hardware"), "hardware"),
    ],
)
def test_what_is_no_experiment(tmp_path: Path, change: Any, message: str) -> None:
    plain = json.loads(pack_experiment(an_experiment()))
    change(plain)
    file = tmp_path / "a.json"
    file.write_text(json.dumps(plain))
    with pytest.raises(CheckpointError, match=message):
        load_experiment(file)
