"""How fast our training loop is, beside the loop that PyTorch's tutorials end with.

    python benchmarks/training.py [--quick] [--models lenet5,fast_cnn] [--out FILE]

Images per second and seconds per epoch, same network, same batch size, same images, in one run,
each measurement in a process of its own, in turn. `benchmarks/README.md` says how to read it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.apart import leave_on_sigterm
from benchmarks.clock import Clock
from benchmarks.machine_facts import (
    OthersLoad,
    describe_others,
    device_fact,
    machine_facts,
    warn_if_busy,
)
from benchmarks.training_images import has_cifar10
from benchmarks.training_options import parse_options
from benchmarks.training_process import run_apart
from benchmarks.training_report import Results, Variant, is_float32, to_json, to_text
from benchmarks.training_results import Speed

VARIANTS: Final[tuple[Variant, ...]] = ("ours", "tutorial", "ours, float32")
"""In the order of a round; the last is left out where ours computes in float32 anyway."""
RANDOM_IMAGES: Final = 50_000
MINUTES: Final = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """rounds: of all variants. steps: of the measured epoch, None for all. warm_up: before it."""

    rounds: int
    steps: int | None
    warm_up: int


QUICK: Final = {"lenet5": Plan(2, 24, 4), "fast_cnn": Plan(1, 4, 1)}
FULL: Final = {"lenet5": Plan(5, None, 20), "fast_cnn": Plan(3, 10, 2)}


def measure(
    plans: Mapping[str, Plan],
    device: str,
    clock: Clock,
    results: Results,
    say: Callable[[str], None],
) -> None:
    """All rounds; every measurement in a process of its own, the variants in turn."""
    took_s: dict[tuple[str, Variant], float] = {}
    for turn in range(max(plan.rounds for plan in plans.values())):
        for model, plan in plans.items():
            for variant in VARIANTS:
                if turn >= plan.rounds or (
                    variant == "ours, float32" and is_float32(results, model)
                ):
                    continue
                name = f"{model}, {variant}, round {turn + 1}"
                if not clock.has(took_s.get((model, variant), 0.0), name):
                    continue
                say(f"{name} of {plan.rounds} ...")
                began = time.monotonic()
                speed = measure_once(model, variant, plan, device, results.random_images)
                took_s[model, variant] = time.monotonic() - began
                results.speeds.setdefault((model, variant), []).append(speed)


def measure_once(
    model: str, variant: Variant, plan: Plan, device: str, random_images: int | None
) -> Speed:
    """One measurement, in a process of its own."""
    return Speed(
        **run_apart(
            {
                "measure": "speed",
                "loop": "tutorial" if variant == "tutorial" else "ours",
                "model": model,
                "device": device,
                "steps": plan.steps,
                "warm_up": plan.warm_up,
                "changes": {"precision": "float32"} if variant == "ours, float32" else {},
                "random_images": random_images,
            }
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options = parse_options(
        parser, arguments, quick="few steps: under five minutes", models=FULL, minutes=MINUTES
    )
    leave_on_sigterm()
    load, others = warn_if_busy(), OthersLoad()
    began = time.monotonic()
    results = Results(random_images=None if has_cifar10() else RANDOM_IMAGES)
    plans = {model: (QUICK if options.quick else FULL)[model] for model in options.models}
    measure(
        plans,
        options.device,
        Clock(60 * options.minutes, results.left_out),
        results,
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    machine = machine_facts("torch", "torchvision")
    for speed in [speed for speeds in results.speeds.values() for speed in speeds][:1]:
        machine["device"] = device_fact(speed.device_name, speed.device, speed.threads)
    machine["load per core before"] = f"{load:.2f}"
    machine["others during the run"] = describe_others(others.cores())
    machine["run"] = f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s"
    print(to_text(results, machine))
    if options.out:
        text = json.dumps(to_json(results, machine), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
