"""Questions of the lesson on batch normalization: numbers by hand, in training and in evaluation.

A question is made from its number alone, so that a whole class has the same one on thirty screens.
Topics return in turn; from the second turn on there are two channels.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cnnviz.batchnorm import BatchNormResult, RunningStatistics, batch_norm
from cnnviz.norms.by_hand import HandSettings, freeze_batch, new_layer
from cnnviz.norms.exercise_batches import draw_settings
from cnnviz.norms.relatives import KINDS, NormKind, RelativeSpec, sharing
from cnnviz.query import QueryReader, write_number

LAST_QUESTION: Final = 999
NEAR: Final = 0.01
"""An answer that is off by no more counts: some numbers are asked for to two decimals."""


@dataclass(frozen=True, slots=True)
class NormQuestion:
    """One exercise, with the batch that it is about, if it is about one."""

    text: str
    """The question in one sentence."""
    hint: str
    """What to do, for those whose answer was wrong."""
    answer: float
    settings: HandSettings | None = None
    explanation: str = ""
    """How the answer comes about, where no batch shows it."""
    topic: str = ""
    number: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers are asked for."""
        return self.settings is None

    def is_right(self, given: float) -> bool:
        """Whether it is the answer, or near enough."""
        return abs(given - self.answer) <= (0 if self.is_whole else NEAR + 1e-9)


def make_question(number: int) -> NormQuestion:
    """The question of that number, from 1 to LAST_QUESTION: the same on every machine."""
    if not 1 <= number <= LAST_QUESTION:
        raise ValueError(f"questions are numbered from 1 to {LAST_QUESTION}, not {number}")
    topic = TOPICS[(number - 1) % len(TOPICS)]
    channels = 1 if number <= len(TOPICS) else 2
    return replace(_MAKERS[topic](random.Random(number), channels), topic=topic, number=number)


def question_from_query(query: Mapping[str, str]) -> tuple[NormQuestion, tuple[str, ...]]:
    """The question that a URL asks for, and a sentence where it asks for none that exists."""
    read = QueryReader(query)
    return make_question(read.whole("question", 1, LAST_QUESTION, 1)), tuple(read.notes)


# -------------------------------------------------------------------- of a batch that is shown


def _mean(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels)
    channel = _marked_channel(shown)
    return NormQuestion(
        f"What is the mean of channel {channel}?",
        "Add up its numbers in both pictures, and divide by how many there are.",
        _rounded(_normalize(shown).steps.statistics.mean[channel]),
        shown,
    )


def _variance(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels)
    channel = _marked_channel(shown)
    return NormQuestion(
        f"By which variance is channel {channel} normalized?",
        "Square what each number is away from the mean, add up, and divide by their count n; "
        "n − 1 is for the running variance only.",
        _rounded(_normalize(shown).steps.statistics.variance[channel]),
        shown,
    )


def _normalized(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels)
    return NormQuestion(
        f"What does the marked {_marked_text(shown)} become before γ and β, to two decimals?",
        "Take the mean of its channel away, and divide by the root of the variance; ε is too small "
        "to matter.",
        _rounded(_normalize(shown).steps.normalized.flat[shown.cell]),
        shown,
    )


def _output(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels, is_learned=True)
    return NormQuestion(
        f"In training, with {_learned_text(shown)}, what does the marked {_marked_text(shown)} "
        "become, to two decimals?",
        "Normalize it by the mean and variance of its channel, multiply by γ, and add β.",
        _rounded(_normalize(shown).output.flat[shown.cell]),
        shown,
    )


def _running_mean(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels, is_trained=True)
    channel = _marked_channel(shown)
    before = _text(shown.running_mean[channel])
    return NormQuestion(
        f"The running mean of channel {channel} was {before}; what is it after this batch, with "
        f"momentum {_text(shown.momentum)}?",
        "Momentum is the share of the new batch's mean; what was there keeps the rest.",
        _rounded(_running_after(shown).mean[channel]),
        shown,
    )


def _running_variance(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels, is_trained=True, is_unbiased=True)
    channel = _marked_channel(shown)
    before = _text(shown.running_variance[channel])
    return NormQuestion(
        f"The running variance of channel {channel} was {before}; what is it after this batch, "
        f"with momentum {_text(shown.momentum)}?",
        "The batch's variance enters it unbiased: the sum of squares divided by n − 1.",
        _rounded(_running_after(shown).variance[channel]),
        shown,
    )


def _one_in_evaluation(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels, pictures=1, is_learned=True, is_trained=True, mode="eval")
    channel = _marked_channel(shown)
    return NormQuestion(
        f"In evaluation, with running mean {_text(shown.running_mean[channel])}, running "
        f"variance {_text(shown.running_variance[channel])}, {_learned_text(shown)}, what "
        f"does the marked {_marked_text(shown)} become, to two decimals?",
        "Evaluation does not look at the batch: subtract the running mean, and divide by the root "
        "of the running variance.",
        _rounded(_normalize(shown).output.flat[shown.cell]),
        shown,
    )


def _constant(draw: random.Random, channels: int) -> NormQuestion:
    shown = draw_settings(draw, channels, is_learned=True)
    channel = _marked_channel(shown)
    batch = shown.batch
    batch[:, channel] = draw.randint(2, 9)
    shown = new_layer(freeze_batch(batch), gamma=shown.gamma, beta=shown.beta, cell=shown.cell)
    return NormQuestion(
        f"In training, with {_learned_text(shown)}, what does every number of channel {channel} "
        "become?",
        "All are their own mean: what is left before γ and β?",
        _rounded(_normalize(shown).output.flat[shown.cell]),
        shown,
    )


# -------------------------------------------------------------------- of shapes alone


def _parameters(draw: random.Random, channels: int) -> NormQuestion:
    width, pictures = draw.choice((6, 16, 32, 64, 128, 256, 512)), draw.choice((32, 64, 128))
    side = draw.choice((7, 14, 28))
    answer = 2 * width
    return NormQuestion(
        f"A batch has {pictures} pictures with {width} channels of {side}×{side}: how many numbers "
        "does its batch normalization learn?",
        "It learns as much for each channel, whatever the batch and the size of the maps.",
        answer,
        explanation=f"γ and β for each of the {width} channels: 2 · {width} = {answer}. The "
        "running mean and variance are kept beside them, but not learned.",
    )


def _sharing(draw: random.Random, channels: int) -> NormQuestion:
    kind, groups = draw.choice(KINDS), draw.choice((2, 3))
    pictures, width, side = draw.choice((2, 4, 8)), draw.choice((6, 12)), draw.choice((3, 4, 5))
    spec = RelativeSpec(kind, groups if kind == "group" else 1)
    answer = int(np.bincount(sharing(spec, (pictures, width, side, side)).reshape(-1))[0])
    whose, product = {
        "batch": ("of one channel of all pictures", f"N·H·W = {pictures}·{side}·{side}"),
        "layer": ("of one picture", f"C·H·W = {width}·{side}·{side}"),
        "instance": ("of one channel of one picture", f"H·W = {side}·{side}"),
        "group": (
            f"of {width // groups} channels of one picture",
            f"C/{groups}·H·W = {width // groups}·{side}·{side}",
        ),
    }[kind]
    with_groups = f" with {groups} groups" if kind == "group" else ""
    return NormQuestion(
        f"A batch has {pictures} pictures with {width} channels of {side}×{side}: how many numbers "
        f"share one mean in {kind} normalization{with_groups}?",
        _WHO_SHARES[kind],
        answer,
        explanation=f"The numbers {whose} share one: {product} = {answer}.",
    )


_WHO_SHARES: Final[dict[NormKind, str]] = {
    "batch": "One mean for each channel, over all pictures and places.",
    "layer": "One mean for each picture, over all its channels and places.",
    "instance": "One mean for each channel of each picture.",
    "group": "One mean for each group of channels of each picture.",
}
_MAKERS: Final[dict[str, Callable[[random.Random, int], NormQuestion]]] = {
    "mean": _mean,
    "variance": _variance,
    "normalized": _normalized,
    "output": _output,
    "parameters": _parameters,
    "running mean": _running_mean,
    "one picture in evaluation": _one_in_evaluation,
    "constant channel": _constant,
    "sharing": _sharing,
    "running variance": _running_variance,
}
TOPICS: Final = tuple(_MAKERS)


def _marked_channel(shown: HandSettings) -> int:
    return int(np.unravel_index(shown.cell, shown.shape)[1])


def _marked_text(shown: HandSettings) -> str:
    return _text(shown.batch.reshape(-1)[shown.cell])


def _learned_text(shown: HandSettings) -> str:
    channel = _marked_channel(shown)
    return f"γ = {_text(shown.gamma[channel])} and β = {_text(shown.beta[channel])}"


def _text(value: float) -> str:
    return write_number(value).replace("-", "−")


def _normalize(shown: HandSettings) -> BatchNormResult:
    return batch_norm(
        shown.batch,
        shown.gamma,
        shown.beta,
        mode=shown.mode,
        settings=shown.norm_settings,
        running=shown.running,
    )


def _running_after(shown: HandSettings) -> RunningStatistics:
    running = _normalize(shown).running
    assert running is not None
    return running


def _rounded(value: float) -> float:
    return round(float(value), 2) + 0.0  # -0.0 becomes 0.0
