"""Test accuracy on CIFAR-10 against seconds of training, by the recipes and by the tutorial loop.

    python benchmarks/accuracy_over_time.py [--quick] [--models lenet5,fast_cnn] [--out FILE]
                                            [--plot FILE.html]

`benchmarks/README.md` says what is counted as training and how to read it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.accuracy_report import GOALS, Results, accuracy_figure, to_json, to_text
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
from benchmarks.training_results import Curve
from cnnviz.training.recipes import recipe

TUTORIAL_MODEL: Final = "lenet5"
"""The only network that the tutorial loop is given: with the other it would take hours."""
MINUTES: Final = 75.0
BASELINE_MINUTES: Final = 10.0
QUICK_BASELINE_MINUTES: Final = 0.25
SCHEDULES: Final = {"lenet5": (4, 8, 16, 32), "fast_cnn": (2, 4, 8)}
"""Epochs of the shorter schedules; the recipe's own comes after them."""
QUICK_SCHEDULES: Final = {"lenet5": (1, 2), "fast_cnn": (1,)}
"""The last of them stands for the recipe's own."""


def measure(
    schedules: Mapping[str, Sequence[int]],
    baseline_s: float,
    device: str,
    seed: int,
    clock: Clock,
    results: Results,
    say: Callable[[str], None],
) -> None:
    """The schedules of each model from the shortest to the longest, then the tutorial loop.

    Every training has a process of its own. One that does not fit into the time by what the last
    took for an epoch is left out.
    """

    def run(model: str, job: dict[str, Any]) -> Curve:
        shared = {"measure": "accuracy", "model": model, "device": device, "seed": seed}
        return Curve.from_json(run_apart({**shared, **job}))

    for model, lengths in schedules.items():
        epoch_s = 0.0
        for epochs in lengths:
            name = f"{model} in {epochs} epochs"
            if not clock.has(epochs * epoch_s, name):
                continue
            say(f"{name} ...")
            began = time.monotonic()
            every = epochs == lengths[-1]
            curve = run(model, {"loop": "ours", "epochs": epochs, "every_epoch": every})
            results.schedules.setdefault(model, {})[epochs] = curve
            epoch_s = (time.monotonic() - began) / epochs
        if model != TUTORIAL_MODEL or not baseline_s:
            continue
        name = f"{model} by the tutorial loop"
        if clock.has(baseline_s, name):
            say(f"{name}, at most {baseline_s:.0f} s ...")
            enough = GOALS[model].accuracy
            job = {"loop": "tutorial", "enough": enough, "limit_s": baseline_s}
            results.tutorial[model] = run(model, job)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the files. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--baseline-minutes",
        type=float,
        help=f"for the tutorial loop, 0 to leave it out (default: {BASELINE_MINUTES:g})",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also write a plot as HTML")
    options = parse_options(
        parser,
        arguments,
        quick="an epoch or two: what works, no more",
        models=SCHEDULES,
        minutes=MINUTES,
    )
    if not has_cifar10():
        parser.error(
            "CIFAR-10 is not on this machine: `python -m cnnviz data fetch cifar10`, or set "
            "CNNVIZ_DATA to a folder that holds it"
        )
    leave_on_sigterm()
    load, others = warn_if_busy(), OthersLoad()
    began = time.monotonic()
    baseline_minutes = options.baseline_minutes
    if baseline_minutes is None:
        baseline_minutes = QUICK_BASELINE_MINUTES if options.quick else BASELINE_MINUTES
    results = Results()
    measure(
        {model: planned_epochs(model, quick=options.quick) for model in options.models},
        60 * baseline_minutes,
        options.device,
        options.seed,
        Clock(60 * options.minutes, results.left_out),
        results,
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    machine = machine_facts("torch", "torchvision")
    for curve in [curve for curves in results.schedules.values() for curve in curves.values()][:1]:
        machine["device"] = device_fact(curve.device_name, curve.device, curve.threads)
    machine["load per core before"] = f"{load:.2f}"
    machine["others during the run"] = describe_others(others.cores())
    machine["run"] = f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s"
    print(to_text(results, machine))
    if options.out:
        text = json.dumps(to_json(results, machine), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    if options.plot:
        # plotly's script goes into the file, so that it can be opened without a network.
        accuracy_figure(results).write_html(options.plot, include_plotlyjs=True)
    return 0


def planned_epochs(model: str, *, quick: bool) -> tuple[int, ...]:
    """Epochs of the schedules that are trained, ascending; the last is measured each epoch."""
    if quick:
        return QUICK_SCHEDULES[model]
    full = recipe(model, "cifar10").epochs
    return (*(epochs for epochs in SCHEDULES[model] if epochs < full), full)


if __name__ == "__main__":
    sys.exit(main())
