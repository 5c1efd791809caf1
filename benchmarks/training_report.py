"""What `training.py` prints of the loops that it timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from benchmarks.latency_table import format_table, percentile
from benchmarks.machine_facts import caution
from benchmarks.training_results import Speed

Variant = Literal["tutorial", "ours", "ours, float32"]
GOALS: Final = {"lenet5": 3.0, "fast_cnn": 1.5}
"""Times the tutorial loop that ours must be at least, on a CPU."""


@dataclass(slots=True)
class Results:
    """What was measured, by model and variant, in the order of the rounds."""

    speeds: dict[tuple[str, Variant], list[Speed]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    random_images: int | None = None
    """None: CIFAR-10."""

    def models(self) -> list[str]:
        """Those of which there is something."""
        return list(dict.fromkeys(model for model, _ in self.speeds))

    def of(self, model: str, variant: Variant) -> list[Speed]:
        """The speeds, one a round; empty if there are none."""
        return self.speeds.get((model, variant), [])


def is_float32(results: Results, model: str) -> bool:
    """Whether ours computes in float32 by its own choice."""
    return all(speed.precision == "float32" for speed in results.of(model, "ours"))


def ratios(
    results: Results, model: str, slower: Variant, faster: Variant, *, of_epoch: bool = False
) -> list[float]:
    """How many times faster one variant is than another, in each round that has both."""
    pairs = zip(results.of(model, slower), results.of(model, faster), strict=False)
    if of_epoch:
        return [slow.epoch_s / fast.epoch_s for slow, fast in pairs]
    return [fast.images_per_s / slow.images_per_s for slow, fast in pairs]


def spread(values: Sequence[float], unit: str = "") -> str:
    """Median (lowest to highest), as "3.1× (2.9× to 3.3×)"; "none" of nothing."""
    if not values:
        return "none"
    middle, *ends = (_number(value) + unit for value in (_median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({ends[0]} to {ends[1]})"


def _median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def speed_table(results: Results) -> str:
    """Both loops of each model, and how many times faster ours is."""
    rows = []
    for model in results.models():
        for variant in ("tutorial", "ours"):
            speeds = results.of(model, variant)
            if not speeds:
                continue
            by_step = ratios(results, model, "tutorial", variant)
            by_epoch = ratios(results, model, "tutorial", variant, of_epoch=True)
            first = speeds[0]
            precisions = " and ".join(sorted({speed.precision for speed in speeds}))
            measured = f"{first.steps} of {first.steps_per_epoch}"
            rows.append(
                [
                    f"{model}, {variant}",
                    str(first.batch_size),
                    precisions,
                    str(len(speeds)),
                    measured,
                    spread([speed.images_per_s for speed in speeds]),
                    spread([speed.epoch_s for speed in speeds]),
                    *(["", ""] if variant == "tutorial" else map(_times, (by_step, by_epoch))),
                ]
            )
    header = ["training loop", "batch", "precision", "rounds", "steps run"]
    header += ["images/s", "s an epoch", "by images/s", "by epoch"]
    return format_table(header, rows)


def _times(values: Sequence[float]) -> str:
    return spread(values, "×")


def source_table(results: Results) -> str:
    """How much of it is the loop around the network, and how much the precision."""
    rows = []
    for model in results.models():
        both = ratios(results, model, "tutorial", "ours")
        if not both:
            continue
        if is_float32(results, model):
            rows.append([model, _times(both), "none: ours is float32", _times(both)])
            continue
        loop = ratios(results, model, "tutorial", "ours, float32")
        precision = ratios(results, model, "ours, float32", "ours")
        rows.append([model, _times(loop), _times(precision), _times(both)])
    header = ["where it comes from, by images/s", "the loop, in float32", "bfloat16", "together"]
    return format_table(header, rows)


def judgement(results: Results) -> str:
    """Whether each model's goal was met, by images per second and by epoch, a line each."""
    lines = []
    for model in results.models():
        by_step = ratios(results, model, "tutorial", "ours")
        by_epoch = ratios(results, model, "tutorial", "ours", of_epoch=True)
        if not by_step:
            continue
        found = (
            f"{model} is {_median(by_step):.2f}× by images/s and {_median(by_epoch):.2f}× by epoch"
        )
        goal = GOALS.get(model)
        if goal is None or results.of(model, "ours")[0].device != "cpu":
            lines.append(f"{found} (no goal is set for it on this device)")
            continue
        met = min(_median(by_step), _median(by_epoch)) >= goal
        lines.append(f"{'met' if met else 'MISSED'}, at least {goal:g}×: {found}")
    return "\n".join(lines)


def notes(results: Results) -> list[str]:
    """What a reader must know of these figures."""
    found = []
    if results.random_images is not None:
        found.append(
            f"CIFAR-10 is not on this machine: the images are {results.random_images:,} random "
            "ones of its shape, which take as long."
        )
    if any(not speed.is_whole for speeds in results.speeds.values() for speed in speeds):
        found.append(
            "Where not all steps of an epoch were run, its seconds are those of the steps that "
            "were run, of its beginning and of its validation, and for the others the mean step."
        )
    if results.left_out:
        found.append("Left out for want of time: " + "; ".join(results.left_out))
    return found


def to_text(results: Results, machine: Mapping[str, str]) -> str:
    """The whole report, as Markdown."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in machine.items())]
    if results.speeds:
        parts += [speed_table(results), judgement(results), caution(machine)]
        parts.append(source_table(results))
    return "\n\n".join(part for part in [*parts, *notes(results)] if part)


def to_json(results: Results, machine: Mapping[str, str]) -> dict[str, object]:
    """Every measurement, for whoever wants to compute something else."""
    return {
        "machine": dict(machine),
        "random_images": results.random_images,
        "speeds": [
            {
                "model": model,
                "variant": variant,
                "round": turn,
                "images_per_s": round(speed.images_per_s, 2),
                "epoch_s": round(speed.epoch_s, 3),
                **asdict(speed),
            }
            for (model, variant), speeds in results.speeds.items()
            for turn, speed in enumerate(speeds, start=1)
        ],
        "left_out": results.left_out,
    }
