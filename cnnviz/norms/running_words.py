"""Running statistics in sentences, with their numbers; and the program that feeds them again."""

from __future__ import annotations

import math

from cnnviz.batchnorm import Statistics
from cnnviz.norms.running import FORGOTTEN, Course, batches_until, share_left
from cnnviz.norms.running_settings import CHANGE_AT, RunningSettings


def number(value: float) -> str:
    """Four significant digits, with a true minus."""
    return f"{value:.4g}".replace("-", "−")


def step_lines(
    told: Course, batches: tuple[Statistics, ...], settings: RunningSettings
) -> tuple[str, ...]:
    """The last batch's step with its numbers, as TeX: mean, unbiased variance, variance.

    told: of all batches that can be fed. Empty before the first.
    """
    k, channel = settings.fed, settings.channel
    if not k:
        return ()
    last = batches[k - 1]
    share = 1 / k if settings.momentum is None else settings.momentum
    name = r"\tfrac{1}{" + str(k) + "}" if settings.momentum is None else f"{share:g}"
    biased, unbiased = last.variance[channel], last.unbiased_variance[channel]
    lines = []
    for symbol, batch_symbol, running, batch in (
        (r"\mu", r"\mu_B", told.running_mean[:, channel], last.mean[channel]),
        (r"\sigma^2", "s_B^2", told.running_variance[:, channel], unbiased),
    ):
        old, new = running[k - 1], running[k]
        lines.append(
            rf"{symbol} \leftarrow (1 - m)\,{symbol} + m\,{batch_symbol} = "
            rf"(1 - {name}) \cdot {_bracketed(old)} + {name} \cdot {_bracketed(batch)} = "
            rf"\mathbf{{{number(new)}}}"
        )
    between = (
        rf"s_B^2 = \tfrac{{n}}{{n - 1}}\,\sigma_B^2 = \tfrac{{{last.count}}}{{{last.count - 1}}} "
        rf"\cdot {number(biased)} = {number(unbiased)}"
    )
    return lines[0], between, lines[1]


def pace_sentence(settings: RunningSettings) -> str:
    """How much of the start is left, and how long a half of it lasts."""
    m, k = settings.momentum, settings.fed
    if m is None:
        return (
            "With momentum None every batch counts alike: after n batches the last one has the "
            "share 1/n, and of the start nothing is left after the first."
        )
    if m == 1:
        return "With momentum 1 only the last batch counts."
    half = math.log(0.5) / math.log1p(-m)
    left = share_left(m, k)
    return (
        f"Of the start (mean 0, variance 1) (1 − {m:g}){_power(k)} = **{100 * left:.3g} %** is "
        "left. Half "
        f"of it is gone every ln ½ / ln(1 − {m:g}) = **{half:.1f}** batches, all but "
        f"{100 * FORGOTTEN:g} % after **{batches_until(m)}**."
    )


def shift_sentence(told: Course, settings: RunningSettings) -> str | None:
    """What is left of the darker pictures; None while there are no others.

    told: of all batches that can be fed.
    """
    if not settings.shift or settings.fed <= CHANGE_AT:
        return None
    m, since = settings.momentum, settings.fed - CHANGE_AT
    left = share_left(m, since, before=CHANGE_AT)
    until = batches_until(m, before=CHANGE_AT)
    error = float(told.mean_error[settings.fed, settings.channel])
    return (
        f"Since batch {CHANGE_AT} the pictures are brighter by {settings.shift} of 255 levels. Of "
        f"the darker ones **{100 * left:.3g} %** is still in the running statistics; less than "
        f"{100 * FORGOTTEN:g} % after **{until:,}** brighter batches. The running mean is "
        f"**{error:.2g}** standard deviations from the brighter pictures' own."
    )


def distance_sentence(told: Course, settings: RunningSettings) -> str:
    """How far the running mean is from the true one, after the last batch."""
    error = float(told.mean_error[settings.fed, settings.channel])
    return (
        f"After {settings.fed} {'batch' if settings.fed == 1 else 'batches'} the running mean is "
        f"{error:.2g} standard deviations from the mean of all batches together."
    )


def running_snippet(folder: str, model: str, dataset: str, settings: RunningSettings) -> str:
    """A program, to be run beside app.py; it prints the running statistics of the channel."""
    return f"""\
from pathlib import Path

import torch
from torch import nn

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split
from cnnviz.norms.batch_effects import brighten, draw_neighbours

network, card = load_checkpoint(Path({folder!r}), {model!r})
split = load_split({dataset!r}, "test")
indices = draw_neighbours(split.labels, {max(1, settings.fed)} * {settings.size}, seed=0)
mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))

for module in network.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.train()
layer = network.get_submodule({settings.layer!r})
layer.reset_running_stats()  # mean 0, variance 1
layer.momentum = {settings.momentum}

with torch.no_grad():
    for number, batch in enumerate(torch.tensor(indices).split({settings.size})):
        pixels = split.images[batch.numpy()]
        if number >= {CHANGE_AT}:
            pixels = brighten(pixels, {settings.shift})
        network((torch.tensor(pixels).permute(0, 3, 1, 2) / 255 - mean) / std)

print(f"running mean {{layer.running_mean[{settings.channel}]:.4g}}")
print(f"running variance {{layer.running_var[{settings.channel}]:.4g}}")
"""


def _power(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _bracketed(value: float) -> str:
    text = number(value)
    return f"({text})" if value < 0 else text
