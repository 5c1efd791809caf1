"""Which device trains, and in which precision: the latter is measured, not assumed."""

from __future__ import annotations

import time
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import nn

from cnnviz.errors import SettingError
from cnnviz.machine import processor_name
from cnnviz.models.registry import ModelSpec, build_model
from cnnviz.training.config import DeviceName

Precision = Literal["float32", "bfloat16"]

_TRIAL_IMAGES: Final = 256
"""Of a batch, on a processor, where a step's time grows with its images. On a GPU few images take
as long in either precision, as starting the kernels does: there the trial takes the whole batch.
"""
_TRIAL_STEPS: Final = 3
_WORTH_IT: Final = 1.1
"""How many times faster bfloat16 must be to be taken."""


def choose_device(name: DeviceName) -> torch.device:
    """The device of that name; auto is cuda, else mps, else cpu. SettingError if it is not here."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, is_there in there.items() if is_there))
    if not there[name]:
        usable = " or ".join(kind for kind, is_there in there.items() if is_there)
        raise SettingError(f"device is {name}, which this machine does not have: use {usable}")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device's name for people."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "Apple GPU (Metal)" if device.type == "mps" else processor_name()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device had no memory left; CUDA has a class for that, Metal only the message."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def memory_format(device: torch.device) -> torch.memory_format:
    """channels_last where convolutions are faster in it: on the CPU and on NVIDIA's devices."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def move(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on the device, in the memory format that suits it there."""
    return network.to(device).to(memory_format=memory_format(device))


def measure_precision(spec: ModelSpec, device: torch.device, batch_size: int) -> Precision:
    """bfloat16 if training steps of this network are faster in it by a tenth or more, else float32.

    Takes a few steps of each on random images; torch's random numbers are left as they were.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        count = min(batch_size, _TRIAL_IMAGES) if device.type == "cpu" else batch_size
        network = move(build_model(spec), device)
        images = torch.randn(count, *spec.input_shape, device=device)
        images = images.contiguous(memory_format=memory_format(device))
        labels = torch.randint(spec.classes, (count,), device=device)

        def step_s(precision: Precision) -> float:
            start = time.perf_counter()
            with autocast(device, precision):
                logits = network(images)
            loss = F.cross_entropy(logits.float(), labels)
            torch.autograd.grad(loss, [p for p in network.parameters() if p.requires_grad])
            loss.item()  # waits for the device
            return time.perf_counter() - start

        try:
            times = {
                precision: min(step_s(precision) for _ in range(_TRIAL_STEPS + 1))
                for precision in ("float32", "bfloat16")
            }
        except (RuntimeError, TypeError):  # a device without bfloat16
            return "float32"
    return "bfloat16" if times["float32"] > _WORTH_IT * times["bfloat16"] else "float32"


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """The context in which a network computes in that precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
