"""Which device, which precision, and seeds that depend on their purpose alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnviz.errors import SettingError
from cnnviz.models.registry import ModelSpec, build_model, spec_for
from cnnviz.training import device as device_module
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import (
    autocast,
    choose_device,
    device_name,
    is_out_of_memory,
    measure_precision,
    memory_format,
    move,
)
from cnnviz.training.loop import train
from cnnviz.training.precision import choose_precision
from cnnviz.training.records import StartRecord
from cnnviz.training.seeds import generator_for, seed_number, seeded_global
from tests.training.splits import digits

CPU = torch.device("cpu")
SPEC = spec_for("lenet5", "mnist")


def machine_has(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_fastest_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    machine_has(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto").type == expected
    assert choose_device("cpu") == CPU


def test_a_device_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_has(monkeypatch, cuda=False, mps=False)
    for name in ("cuda", "mps"):
        with pytest.raises(SettingError, match=f"device is {name}, which .* not have: use cpu$"):
            choose_device(name)
    machine_has(monkeypatch, cuda=False, mps=True)
    with pytest.raises(SettingError, match=r"use mps or cpu$"):
        choose_device("cuda")


def test_names_and_formats() -> None:
    assert device_name(CPU)
    assert device_name(torch.device("mps")) == "Apple GPU (Metal)"
    assert memory_format(CPU) == memory_format(torch.device("cuda")) == torch.channels_last
    assert memory_format(torch.device("mps")) == torch.contiguous_format
    weight = move(build_model(SPEC), CPU).get_parameter("conv2.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_autocast() -> None:
    images, network = torch.randn(2, 1, 28, 28), build_model(SPEC)
    with autocast(CPU, "bfloat16"):
        assert network(images).dtype == torch.bfloat16
    with autocast(CPU, "float32"):
        assert network(images).dtype == torch.float32


def test_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))


# -------------------------------------------------------------------------------------- precision


def test_precision_is_measured_and_random_numbers_are_left() -> None:
    before = torch.random.get_rng_state()
    assert measure_precision(SPEC, CPU, 8) in ("float32", "bfloat16")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("coarse_s", "expected"), [(1.0, "float32"), (0.95, "float32"), (0.8, "bfloat16")]
)
def test_bfloat16_must_be_a_tenth_faster(
    monkeypatch: pytest.MonkeyPatch, coarse_s: float, expected: str
) -> None:
    clock = itertools.accumulate([0.0, 5.0] + [1.0, 1.0] * 3 + [1.0, coarse_s] * 4)
    monkeypatch.setattr("cnnviz.training.device.time.perf_counter", lambda: next(clock))
    assert measure_precision(SPEC, CPU, 4) == expected


@pytest.mark.parametrize("error", [RuntimeError, TypeError])
def test_a_device_without_bfloat16(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    class Stubborn(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if torch.is_autocast_enabled("cpu"):
                raise error("not implemented for BFloat16")
            return super().forward(images.flatten(1))

    def build(spec: ModelSpec) -> nn.Module:
        torch.rand(3)
        return Stubborn(784, 10)

    monkeypatch.setattr(device_module, "build_model", build)
    before = torch.random.get_rng_state()
    assert measure_precision(SPEC, CPU, 4) == "float32"
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("measured", ["float32", "bfloat16"])
def test_auto_takes_what_was_measured_and_a_state_keeps_it(
    monkeypatch: pytest.MonkeyPatch, measured: str
) -> None:
    config = TrainingConfig(
        model="lenet5", dataset="mnist", batch_size=16, validation_count=20, device="cpu"
    )
    monkeypatch.setattr("cnnviz.training.loop.choose_precision", lambda *_: measured)
    training = train(config, digits(10))
    start = next(training)
    assert isinstance(start, StartRecord)
    assert start.precision == measured
    state = training.state()
    monkeypatch.setattr("cnnviz.training.loop.choose_precision", lambda *_: "other")
    assert train(config, digits(10), state=state).precision == measured


def test_what_was_measured_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter(["bfloat16", "float32", "bfloat16"])
    monkeypatch.setattr(
        "cnnviz.training.precision.measure_precision", lambda *_: next(answers, None)
    )

    def choose(batch_size: int) -> str:
        return choose_precision(SPEC, CPU, batch_size, cache_folder=tmp_path / "cache")

    assert [choose(8), choose(8), choose(16), choose(8), choose(16)] == [
        *("bfloat16", "bfloat16", "float32", "bfloat16", "float32")
    ]
    for damage in (b"", b"[1]", b'{"a": 3}', b"\xff", b'{"a": [[]]}'):
        (tmp_path / "cache" / "precision.json").write_bytes(damage)
        monkeypatch.setattr("cnnviz.training.precision.measure_precision", lambda *_: "bfloat16")
        assert choose(8) == "bfloat16"


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("cnnviz.training.precision.measure_precision", lambda *_: "float32")
    assert choose_precision(SPEC, CPU, 8, cache_folder=tmp_path / "file") == "float32"


# ------------------------------------------------------------------------------------------- seeds


def test_seeds_differ_by_seed_purpose_and_number() -> None:
    grid = itertools.product((0, 1, 2**62), ("order", "augmentation"), (0, 1, 12))
    numbers = [seed_number(*each) for each in grid]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**63 for number in numbers)
    # The same on every machine and for ever: a state that was kept goes on as before.
    assert seed_number(0, "order", 1) == 8_333_033_473_410_880_890


def test_generators_are_their_own() -> None:
    one, again = generator_for(3, "order", 1), generator_for(3, "order", 1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(4, generator=one), torch.rand(4, generator=again))
    assert not torch.equal(torch.rand(4), torch.rand(4, generator=generator_for(3, "order", 2)))


def test_the_global_seed_is_restored_even_after_an_error() -> None:
    before = torch.random.get_rng_state()
    with seeded_global(1, "dropout", 2, CPU):
        first = torch.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(2)
    before = torch.random.get_rng_state()

    def fail() -> None:
        with seeded_global(1, "dropout", 2, CPU):
            assert torch.equal(torch.rand(3), first)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here")
def test_seeding_the_cpu_leaves_the_gpu_alone() -> None:
    before = torch.cuda.get_rng_state()
    with seeded_global(1, "weights", 0, CPU):
        torch.rand(3)
    assert torch.equal(torch.cuda.get_rng_state(), before)
