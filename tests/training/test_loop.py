"""What a training does: learns, repeats itself, ends as it should, and leaves nothing behind."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.data.canonical import Split
from cnnviz.data.catalogue import DatasetName
from cnnviz.errors import SettingError
from cnnviz.models.registry import MODELS, ModelName
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import Training, train
from cnnviz.training.pictures import hold_out
from cnnviz.training.records import EpochRecord, StartRecord, StepRecord
from cnnviz.training.schedule import learning_rate_at
from tests.training.splits import (
    assert_same_state,
    digits,
    end_in,
    epochs_in,
    invented,
    run,
    split_of,
    steps_in,
    without_times,
)
from tests.training.tiny import tiny

NETWORKS = [
    pytest.param(
        *(card.name, dataset, batch_norm),
        # Its 15 million weights learn slowly without batch normalization: ten seconds.
        marks=[pytest.mark.slow] if (card.name, batch_norm) == ("vgg16", False) else [],
    )
    for card in MODELS.values()
    for dataset in card.datasets
    for batch_norm in ((False, True) if card.batch_norm_is_optional else (card.batch_norm,))
]


@pytest.mark.parametrize(("model", "dataset", "batch_norm"), NETWORKS)
def test_overfits_a_tiny_batch(model: ModelName, dataset: DatasetName, batch_norm: bool) -> None:
    few = digits(1) if dataset == "mnist" else invented("cifar10", 10)
    data = split_of(dataset, few.images[::2], few.labels[::2])
    rate, steps = 0.005, 30
    if model in ("vgg16", "fast_cnn"):
        rate, steps = (0.001, 8) if batch_norm else (0.0003, 15)
    config = TrainingConfig(
        model=model,
        dataset=dataset,
        batch_norm=batch_norm,
        epochs=steps,
        batch_size=5,
        validation_count=0,
        optimizer="adamw",
        learning_rate=rate,
        warmup=0.1,
        weight_decay=0,
        device="cpu",
        precision="float32",
    )
    losses = [step.loss for step in steps_in(train(config, data))]
    assert losses[0] > 2
    # To know which five classes there are, and no more, would give log(5) = 1.6.
    assert losses[-1] < 0.9, losses


def test_four_thousand_digits_in_seconds() -> None:
    config = TrainingConfig(
        model="lenet5",
        dataset="mnist",
        epochs=3,
        batch_size=50,
        learning_rate=0.05,
        validation_count=1000,
        shift=1,
        device="cpu",
        precision="float32",
    )
    last = epochs_in(train(config, digits()))[-1]
    assert last.validation_accuracy is not None
    assert last.validation_accuracy > 0.9


# ---------------------------------------------------------------------------------------- records


def test_records_in_order() -> None:
    config = tiny()
    data = digits(10)
    training = train(config, data)
    records = run(training)
    kinds = [type(record).__name__ for record in records]
    one_epoch = ["StepRecord"] * 3 + ["EpochRecord"]
    assert kinds == ["StartRecord", *one_epoch, *one_epoch, "EndRecord"]

    start = records[0]
    assert isinstance(start, StartRecord)
    assert (start.device, start.precision, start.threads) == ("cpu", "float32", 1)
    assert (start.train_count, start.validation_count) == (80, 20)
    assert (start.steps_per_epoch, start.total_steps, start.first_step) == (5, 10, 0)
    assert start.parameters == sum(p.numel() for p in training.network.parameters())
    assert start.train_digest == data.digest
    pixels = data.images[hold_out(data.labels, 20)[0]] / 255
    assert start.mean == pytest.approx((pixels.mean(),))
    assert start.std == pytest.approx((pixels.std(),))

    steps = steps_in(records)
    assert [step.step for step in steps] == [2, 4, 5, 7, 9, 10]
    assert [step.epoch for step in steps] == pytest.approx([0.4, 0.8, 1, 1.4, 1.8, 2])
    assert [step.fraction_done for step in steps] == pytest.approx([0.2, 0.4, 0.5, 0.7, 0.9, 1])
    rates = [learning_rate_at(config, step.step - 1, 10) for step in steps]
    assert [step.learning_rate for step in steps] == rates
    assert all(step.remaining_s > 0 for step in steps[:-1])
    assert steps[-1].remaining_s == 0
    assert [epoch.epoch for epoch in epochs_in(records)] == [1, 2]
    assert [epoch.step for epoch in epochs_in(records)] == [5, 10]
    end = end_in(records)
    assert (end.reason, end.message, end.step) == ("finished", "All 2 epochs are done.", 10)

    times = [record.elapsed_s for record in records if not isinstance(record, StartRecord)]
    assert times == sorted(times)
    assert times[0] > 0
    assert list(training) == []


def test_expected_time_left_is_in_proportion() -> None:
    for step in steps_in(train(tiny(), digits(10))):
        left = step.elapsed_s * (10 - step.step) / step.step
        assert step.remaining_s == pytest.approx(left, rel=0.2, abs=0.01)


def test_about_forty_records_an_epoch_unless_told_otherwise() -> None:
    config = tiny(record_every=0, batch_size=2, epochs=1)
    steps = steps_in(train(config, digits(19)))  # 170 images, 85 steps
    assert [step.step for step in steps] == [*range(2, 85, 2), 85]


def test_nothing_held_out() -> None:
    training = train(tiny(validation_count=0), digits(10))
    for epoch in epochs_in(training):
        assert epoch.validation_loss is None
        assert epoch.validation_accuracy is None
        assert epoch.per_class_accuracy is None
        assert epoch.activations  # of training images
    assert training.snapshot().validation_logits is None


def test_summaries_of_an_epoch_are_of_the_network_as_it_is() -> None:
    training = train(tiny(batch_norm=True), digits(10))
    for record in training:
        if not isinstance(record, EpochRecord):
            continue
        network = training.network
        assert set(record.weights) == {name for name, _ in network.named_parameters()}
        for name, parameter in network.named_parameters():
            numbers = parameter.detach().numpy()
            assert record.weights[name].mean == pytest.approx(numbers.mean(), abs=1e-6)
            assert record.weights[name].maximum == numbers.max()
        variance = network.get_buffer("norm2.running_var").numpy().mean()
        assert set(record.batch_norm) == {"norm1", "norm2"}
        assert record.batch_norm["norm2"].variance == pytest.approx(variance)
        layers = [name for name, module in network.named_modules() if name]
        assert list(record.activations) == layers
        assert record.activations["relu1"].minimum == 0
        assert 0 < record.activations["relu1"].zeros < 1


def test_no_hook_stays() -> None:
    training = train(tiny(batch_norm=True), digits(10))
    run(training)
    for module in training.network.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


# --------------------------------------------------------------------------------------- repeated


@pytest.mark.parametrize(
    ("config", "data"),
    [
        (tiny(dropout=0.3, shift=2), digits(10)),
        (tiny(model="fast_cnn", dataset="cifar10", epochs=1), invented("cifar10", 52)),
    ],
)
def test_the_same_seed_twice_and_another(config: TrainingConfig, data: Split) -> None:
    first, again = train(config, data), train(config, data)
    assert [without_times(r) for r in first] == [without_times(r) for r in again]
    assert_same_state(first.state(), again.state())
    other = train(replace(config, seed=1), data)
    fresh, others = train(config, data).state().tensors, other.state().tensors
    random = {"conv1.weight", "conv2.weight", "conv1_1.weight", "conv2_1.weight", "fc1.weight"}
    names = [name for name in fresh if name.removeprefix("model/") in random]
    assert len(names) == 3
    assert not any(torch.equal(fresh[name], others[name]) for name in names)


def seen(config: TrainingConfig, data: Split) -> list[torch.Tensor]:
    """What the network is fed in training."""
    training = train(config, data)
    batches: list[torch.Tensor] = []

    def note(network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if network.training:
            batches.append(inputs[0].clone())

    training.network.register_forward_pre_hook(note)
    run(training)
    return batches


def test_a_seed_decides_order_and_augmentation_but_not_what_is_held_out() -> None:
    plain, shifted = tiny(), tiny(shift=2)
    other = replace(plain, seed=1)
    assert not torch.equal(seen(plain, digits(10))[0], seen(other, digits(10))[0])
    one, two = (torch.cat(seen(c, digits(10))[:5]) for c in (plain, other))
    assert torch.equal(sorted_rows(one), sorted_rows(two))
    assert not torch.equal(seen(shifted, digits(10))[0], seen(plain, digits(10))[0])
    means = [batch.mean() for batch in seen(shifted, digits(10))]
    assert len(set(means)) == len(means)


def sorted_rows(images: torch.Tensor) -> torch.Tensor:
    rows = images.flatten(1)
    return rows[np.lexsort(rows.numpy().T)]


def test_dropout_is_on_and_new_in_each_step() -> None:
    training = train(tiny(dropout=0.25), digits(10))
    dropout = training.network.get_submodule("dropout1")
    kept: list[torch.Tensor] = []

    def feed_ones(module: nn.Module, inputs: tuple[torch.Tensor]) -> torch.Tensor:
        return torch.ones_like(inputs[0])

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        if module.training:
            kept.append(output != 0)
        else:
            assert (output == 1).all()

    dropout.register_forward_pre_hook(feed_ones)
    dropout.register_forward_hook(note)
    run(training)
    assert len(kept) == 10
    for one, other in itertools.combinations(kept, 2):
        assert not torch.equal(one, other)
    assert float(torch.stack(kept).float().mean()) == pytest.approx(0.75, abs=0.02)


def test_the_learning_rate_can_be_changed_while_it_goes_on() -> None:
    config = tiny(record_every=1)
    training = train(config, digits(10))
    steps: list[StepRecord] = []
    for record in training:
        if isinstance(record, StepRecord):
            steps.append(record)
            if record.step == 4:
                training.change(learning_rate=0.01, weight_decay=0.5)
    planned = [learning_rate_at(config, step, 10) for step in range(10)]
    assert [step.learning_rate for step in steps[:4]] == planned[:4]
    factor = 0.01 / planned[4]
    expected = [rate * factor for rate in planned[4:]]
    assert [step.learning_rate for step in steps[4:]] == pytest.approx(expected)
    assert [step.weight_decay for step in steps] == [5e-4] * 4 + [0.5] * 6


def test_a_learning_rate_of_zero_stops_learning_until_it_is_changed_again() -> None:
    training = train(tiny(record_every=1), digits(10))
    next(training)
    training.change(learning_rate=0.0)
    assert training.learning_rate == 0
    before = training.network.get_parameter("fc1.weight").clone()
    next(training)
    assert torch.equal(training.network.get_parameter("fc1.weight"), before)
    training.change(learning_rate=0.03)
    assert training.learning_rate == pytest.approx(0.03)
    next(training)
    assert not torch.equal(training.network.get_parameter("fc1.weight"), before)


def test_changes_that_cannot_be() -> None:
    training = train(tiny(), digits(10))
    for value in (-0.1, float("nan"), float("inf")):
        with pytest.raises(SettingError, match=f"learning_rate is {value}: use a number from 0 up"):
            training.change(learning_rate=value)
        with pytest.raises(SettingError, match=f"weight_decay is {value}: use a number from 0 up"):
            training.change(weight_decay=value)
    still = train(tiny(learning_rate=0.0), digits(10))
    with pytest.raises(SettingError, match="learning_rate is 0 in this training's configuration"):
        still.change(learning_rate=0.1)


# ------------------------------------------------------------------------------------------- ends


@pytest.mark.parametrize("model", ["lenet5", "plain_cnn"])
def test_a_loss_that_is_not_finite_ends_the_training(model: str) -> None:
    config = tiny(model=model, learning_rate=1000.0, epochs=10, batch_norm=False)
    training = train(config, digits(10))
    records = run(training)
    end = end_in(records)
    assert end.reason == "non_finite"
    last = steps_in(records)[-1]
    assert end.step == last.step
    assert not np.isfinite(last.loss)
    assert all(np.isfinite(step.loss) for step in steps_in(records)[:-1])
    assert f"no longer a finite number at step {end.step}" in end.message
    assert f"Use a learning rate below {last.learning_rate:.3g}" in end.message
    assert list(training) == []
    training.state()
    training.snapshot()


def test_weights_beyond_half_precision_are_no_error() -> None:
    """The logits kept for each epoch have 16 bits; those of a run that diverges may not fit."""
    training = train(tiny(), digits(10))
    with torch.no_grad():
        training.network.get_parameter("fc3.bias").add_(100_000)
    run(training)
    logits = training.snapshot().validation_logits
    assert logits is not None
    assert np.isinf(logits).all()


@pytest.mark.parametrize("when", [1, 3, 6])
def test_a_device_without_memory_left(monkeypatch: pytest.MonkeyPatch, when: int) -> None:
    training = train(tiny(), digits(10))
    calls, original = 0, training.network.forward

    def forward(images: torch.Tensor) -> object:
        nonlocal calls
        calls += 1
        if calls == when:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return original(images)

    monkeypatch.setattr(training.network, "forward", forward)
    records = run(training)
    end = end_in(records)
    assert end.reason == "out_of_memory"
    assert "has not enough memory for a batch of 16" in end.message
    assert "use a smaller batch_size, such as 8" in end.message
    assert end.step == min(when - 1, 5)
    assert list(training) == []


def test_a_device_without_room_for_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr("cnnviz.training.learner.DeviceImages", refuse)
    with pytest.raises(SettingError, match="not enough memory for the images and the network"):
        train(tiny(), digits(10))


def test_a_mac_without_memory_left(monkeypatch: pytest.MonkeyPatch) -> None:
    training = train(tiny(), digits(10))

    def forward(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)")

    monkeypatch.setattr(training.network, "forward", forward)
    assert end_in(run(training)).reason == "out_of_memory"


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    training = train(tiny(), digits(10))

    def forward(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("a bug")

    monkeypatch.setattr(training.network, "forward", forward)
    next(training)
    with pytest.raises(RuntimeError, match="a bug"):
        next(training)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "cifar10"}, "the configuration is for cifar10, but the images are of mnist"),
        ({"batch_size": 81}, "batch_size is 81, but there are 80 images to train on: use a small"),
        ({"validation_count": 100}, "validation_count is 100, but there are 100 training images"),
    ],
)
def test_data_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train(tiny(**changes), digits(10))


def test_the_test_split_is_not_trained_on() -> None:
    with pytest.raises(SettingError, match="these are the test images: train on the train split"):
        train(tiny(), replace(digits(10), name="test"))


def test_threads_are_left_as_they_are() -> None:
    before = torch.get_num_threads(), torch.get_num_interop_threads()
    run(train(tiny(), digits(10)))
    assert (torch.get_num_threads(), torch.get_num_interop_threads()) == before


# --------------------------------------------------------------------------- devices and precision


def test_bfloat16_is_close_and_keeps_weights_in_float32() -> None:
    config = tiny(batch_norm=True)
    exact, coarse = (
        train(config, digits(10)),
        train(replace(config, precision="bfloat16"), digits(10)),
    )
    losses = [[step.loss for step in steps_in(run(t))] for t in (exact, coarse)]
    assert losses[0] != losses[1]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.05)
    assert {p.dtype for p in coarse.network.parameters()} == {torch.float32}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here")
def test_a_gpu_gives_nearly_the_same_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    # Slow enough that a rounding does not grow from step to step.
    config = tiny(
        model="plain_cnn", learning_rate=0.01, shift=2, flip="alternating", rotation_deg=10
    )
    on_cpu = steps_in(train(config, digits(10)))
    gpu = train(replace(config, device="cuda"), digits(10))
    on_gpu = steps_in(gpu)
    assert {p.device.type for p in gpu.network.parameters()} == {"cuda"}
    expected = [step.loss for step in on_cpu]
    np.testing.assert_allclose([step.loss for step in on_gpu], expected, rtol=0.01)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here")
def test_a_gpus_random_numbers_are_left_as_they_were() -> None:
    before = torch.cuda.get_rng_state()
    config = tiny(device="cuda", dropout=0.5, precision="auto")
    run(train(config, digits(10)))
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_training_is_its_own_iterator() -> None:
    training = train(tiny(), digits(10))
    assert isinstance(training, Training)
    assert iter(training) is training
