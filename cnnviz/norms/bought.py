"""What the recorded runs say of batch normalization, in sentences made from their numbers.

Which way a sentence turns is decided by the numbers alone: records that say otherwise make other
sentences. Counts of held-out images are compared by their 95 % intervals, which know nothing of
what another seed would have given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cnnviz.data.catalogue import find_dataset
from cnnviz.evaluation import Accuracy
from cnnviz.norms.comparison import (
    Drift,
    NormComparison,
    Place,
    ToldRun,
    convolutions,
    drift,
    gradient_norm_line,
)
from cnnviz.norms.experiment_records import VARIANTS, Experiment, ExperimentRun, Variant

Verdict = Literal["against drift", "for drift", "open"]

WHERE: Final[dict[Place, str]] = {
    "activation input": "what goes into each ReLU",
    "convolution": "what each convolution puts out",
}


# -------------------------------------------------------------------------------------- the numbers


def held_out(run: ExperimentRun | ToldRun) -> Accuracy:
    """Of the held-out images in the end, without noise; none right of a run that broke off."""
    count = run.config.validation_count
    last = run.epochs[-1].validation_accuracy if len(run.epochs) == run.config.epochs else 0.0
    return Accuracy(0, 0) if last is None else Accuracy(round(last * count), count)


def is_guessing(run: ExperimentRun) -> bool:
    """Whether it recognises no more of the held-out images than one that guesses, or broke off."""
    found = held_out(run)
    classes = len(find_dataset(run.config.dataset).class_names)
    return run.diverged or found.interval[0] <= 1 / classes


def unsteadiness(run: ExperimentRun) -> float:
    """How far a channel's mean moves from record to record, in its deviations: the mean of all.

    Of what goes into the activations, each over its whole maps (N, H, W).
    """
    moves = [
        np.abs(np.diff(told[:, 1])) / np.maximum(told[:-1, 2], np.finfo(np.float64).tiny)
        for layer in dict.fromkeys(m.layer for m in run.moments)
        for channel in range(_channels(run, layer))
        if len(told := run.channel_course(layer, channel)) > 1
    ]
    return float(np.concatenate(moves).mean()) if moves else float("nan")


def recorded_layers(runs: Iterable[ExperimentRun]) -> dict[str, int]:
    """Activation -> channels whose moments all runs recorded, in the network's order."""
    told = [{m.layer: len(m.means) for m in run.moments} for run in runs]
    if not told:
        return {}
    return {
        layer: min(of[layer] for of in told) for layer in told[0] if all(layer in of for of in told)
    }


@dataclass(frozen=True, slots=True)
class NoiseCounts:
    """What the noise experiment measured of one network."""

    training_loss: float
    """Mean over the last epoch, in training: with the noise, where there is some."""
    held_out: Accuracy
    """In evaluation: without noise."""
    unsteadiness: float

    @classmethod
    def of(cls, run: ExperimentRun) -> NoiseCounts:
        """Of one run; its loss is infinite if it broke off."""
        loss = float("inf") if run.diverged or not run.epochs else run.epochs[-1].train_loss
        return cls(loss, held_out(run), unsteadiness(run))


def noise_counts(experiment: Experiment) -> dict[Variant, NoiseCounts] | None:
    """Of the three networks; None if one of them was not recorded."""
    runs = _by_variant(experiment)
    if set(runs) != set(VARIANTS):
        return None
    return {variant: NoiseCounts.of(runs[variant]) for variant in VARIANTS}


def noise_verdict(without: NoiseCounts, norm: NoiseCounts, noisy: NoiseCounts) -> Verdict:
    """Which account the three networks speak for.

    Against steady inputs as the reason: the noisy network has the least steady inputs of all, and
    is better than the one without on both counts. For it: its inputs are less steady than with
    batch normalization alone, and it is better on neither. Else it stays open.
    """
    better = (
        noisy.training_loss < without.training_loss,
        noisy.held_out.share > without.held_out.share,
    )
    if all(better) and noisy.unsteadiness > max(without.unsteadiness, norm.unsteadiness):
        return "against drift"
    if not any(better) and noisy.unsteadiness > norm.unsteadiness:
        return "for drift"
    return "open"


# ------------------------------------------------------------------------------------ the sentences


def learning_words(compared: NormComparison) -> str:
    """Held-out images in the end, when the better one was level, and what it took."""
    norm, without = compared.runs
    here, there = held_out(norm), held_out(without)
    words = (
        f"After {len(norm.epochs)} epochs **{percent(here)}** of the held-out images are right "
        f"with batch normalization, **{percent(there)}** without{_reservation(here, there)}."
    )
    level = [e.epoch for e in norm.epochs if (e.validation_accuracy or 0.0) >= there.share]
    if level and here.share > there.share:
        words += f" With it, the other's {percent(there)} were reached in epoch {level[0]}."
    took = [run.epochs[-1].elapsed_s for run in compared.runs]
    if took[1] > 0 and took[0] > took[1]:
        words += f" It is not free: its training took {took[0] / took[1]:.1f} times as long."
    return words


def rates_words(experiment: Experiment) -> str:
    """The best rate of both, where one learns nothing, and where they do not differ."""
    by_variant = {v: _by_rate(experiment, v) for v in ("batch norm", "without")}
    parts = []
    for name, variant in (("With", "batch norm"), ("Without", "without")):
        runs = by_variant[variant]
        if not runs:
            continue
        best = max(runs.values(), key=lambda run: held_out(run).share)
        lost = [rate for rate, run in runs.items() if is_guessing(run)]
        words = (
            f"{name} batch normalization the best rate is {best.config.learning_rate:g}: "
            f"**{percent(held_out(best))}**"
        )
        words += f"; at {_list(lost)} it only guesses." if lost else "; it learns at every one."
        parts.append(words)
    for rate, run in by_variant["batch norm"].items():
        other = by_variant["without"].get(rate)
        if other is None:
            continue
        here, there = held_out(run), held_out(other)
        if _overlap(here, there) or here.share < there.share:
            verb = "does not help" if here.share < there.share else "hardly helps"
            parts.append(
                f"At {rate:g} it {verb}: {percent(here)} with, {percent(there)} without"
                f"{_reservation(here, there)}."
            )
    return " ".join(parts)


def drift_words(compared: NormComparison, place: Place) -> str:
    """How far the means move from epoch to epoch, in both, and where the last layer goes."""
    there = convolutions(compared.with_norm)
    layers = [name for name in convolutions(compared.without) if name in there]
    if not layers:
        return "These runs did not record what their layers put out."
    norm, without = ([drift(run, layer, place) for layer in layers] for run in compared.runs)
    steps = [[float(told.moves.mean()) for told in of] for of in (norm, without)]
    steadier = sum(a < b for a, b in zip(*steps, strict=True))
    return (
        f"Between two epochs the mean of {WHERE[place]} moves by {_span(steps[0])} of its "
        f"deviations with batch normalization, by {_span(steps[1])} without: less with it in "
        f"**{steadier} of {len(layers)}** layers. {layers[-1]} goes from {_course(without[-1])} "
        f"without, from {_course(norm[-1])} with it (mean ± deviation)."
    )


def gradients_words(compared: NormComparison) -> str:
    """The middle of the gradient's norms, and how much they vary."""
    parts, ratios = [], []
    for name, run in zip(("with batch normalization", "without"), compared.runs, strict=True):
        norms = gradient_norm_line(run).y
        low, middle, high = np.quantile(norms, (0.1, 0.5, 0.9))
        ratios.append(high / low)
        parts.append(
            f"**{middle:.2f}** {name} (eight of ten steps: {low:.2f} to {high:.2f}; at most "
            f"{norms.max():.1f})"
        )
    steadier = "steadier" if ratios[0] < ratios[1] else "no steadier"
    return f"The gradient's length is {' and '.join(parts)}: **{steadier}** with it."


def along_words(experiment: Experiment) -> str:
    """How far the loss varies along the gradient, and how quickly the gradient changes."""
    runs = _by_variant(experiment)
    if not {"batch norm", "without"} <= set(runs):
        return "This record lacks one of the two networks."
    ranges, changes = [], []
    for variant in ("batch norm", "without"):
        probes = runs[variant].probes
        ranges.append(
            float(np.median([high - low for low, high in (p.loss_range for p in probes)]))
        )
        changes.append(float(np.median([p.smoothness for p in probes])))
    smoother = [a < b for a, b in (ranges, changes)]
    judged = (
        "By both counts the surface is **smoother** with it: a step keeps what the gradient "
        "promises."
        if all(smoother)
        else "By neither count is it smoother with it."
        if not any(smoother)
        else "The two counts disagree."
    )
    return (
        f"Along the gradient the loss varies by **{ranges[0]:.2g}** nats with batch normalization, "
        f"by **{ranges[1]:.2g}** without, and the gradient changes by {changes[0]:.2g} and by "
        f"{changes[1]:.2g} for each unit of the way (medians). {judged}"
    )


def noise_conclusion(counts: Mapping[Variant, NoiseCounts]) -> str:
    """What follows from the three networks, and why it may not follow."""
    without, norm, noisy = (counts[variant] for variant in VARIANTS)
    verdict = noise_verdict(without, norm, noisy)
    if verdict == "against drift":
        return (
            "So the least steady inputs of all, and yet better than without: steady inputs cannot "
            "be the whole reason."
        )
    if verdict == "for drift":
        return "So with the steadiness the gain is gone, as the first account has it."
    reasons = ["So **this run does not decide**."]
    if noisy.training_loss < without.training_loss:
        reasons.append(
            "On the training images it learns faster than without, which speaks against the first "
            "account."
        )
    else:
        reasons.append(
            "On the training images it learns no faster than without, which speaks for the first "
            "account."
        )
    if noisy.unsteadiness <= without.unsteadiness:
        reasons.append(
            "But by this measure its inputs are still steadier than without, so that the first "
            "account is not put to the test in full."
        )
    if noisy.held_out.share < without.held_out.share:
        reasons.append(
            "And that it is worse on held-out images compares unlike things: they are judged "
            "without noise, by running statistics that were gathered with it."
        )
    return " ".join(reasons)


# ------------------------------------------------------------------------------------------- parts


def _by_variant(experiment: Experiment) -> dict[Variant, ExperimentRun]:
    return {run.variant: run for run in experiment.runs}


def _by_rate(experiment: Experiment, variant: str) -> dict[float, ExperimentRun]:
    found = {r.config.learning_rate: r for r in experiment.runs if r.variant == variant}
    return dict(sorted(found.items()))


def _channels(run: ExperimentRun, layer: str) -> int:
    return min(len(m.means) for m in run.moments if m.layer == layer)


def _overlap(one: Accuracy, other: Accuracy) -> bool:
    return max(one.interval[0], other.interval[0]) <= min(one.interval[1], other.interval[1])


def _reservation(one: Accuracy, other: Accuracy) -> str:
    """What so few images leave open."""
    if not (one.count and other.count and _overlap(one, other)):
        return ""
    return f", which {min(one.count, other.count):,} images cannot tell apart"


def percent(accuracy: Accuracy) -> str:
    """The share, to a tenth: 5,000 images tell no more."""
    return f"{100 * accuracy.share:.1f} %" if accuracy.count else "an unknown share"


def _list(rates: Sequence[float]) -> str:
    return " and ".join(f"{rate:g}" for rate in rates)


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.2g} to {max(values):.2g}"


def _course(told: Drift) -> str:
    first, last = (f"{_signed(told.mean[at])} ± {told.std[at]:.2g}" for at in (0, -1))
    return f"{first} to **{last}**"


def _signed(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")
