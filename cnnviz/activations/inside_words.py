"""What a network makes of a picture, in sentences with numbers; and the program that repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cnnviz.activations.exchanged_pooling import PooledBothWays
    from cnnviz.activations.passage import LayerMaps
    from cnnviz.activations.shifts import ShiftSeries
    from cnnviz.activations.walk import Walk


def number(value: float) -> str:
    """Three significant digits, with a true minus."""
    return f"{value:.3g}".replace("-", "−")


def bracketed(value: float) -> str:
    """The same, in brackets below 0."""
    return f"({number(value)})" if value < 0 else number(value)


def place_words(walk: Walk, layer: LayerMaps) -> str:
    """Which number it is."""
    cell = walk.cell
    if layer.is_flat or layer.values[0].size == 1:
        return f"unit {cell.channel} of {cell.layer}"
    return f"channel {cell.channel} of {cell.layer}, row {cell.row}, column {cell.column}"


def walk_sentence(walk: Walk) -> str:
    """How the number came about, on one line."""
    value = f"**{number(walk.total)}**"
    if walk.how == "sum":
        maps = len(walk.parts)
        of = f"{maps} {'map' if maps == 1 else 'maps'} of {walk.source}"
        bias = "" if walk.bias is None else f" + bias {bracketed(walk.bias)}"
        products = float(sum(part.total for part in walk.parts))
        return f"The products with {of} add up to {number(products)}{bias} = {value}"
    if walk.how == "max":
        return f"The greatest number in its window of {walk.source}: {value}"
    if walk.how == "average":
        cells = round(dict(walk.constants)["cells"])
        total = float(np.nansum(walk.parts[0].values))
        return f"The sum of its window of {walk.source}, {number(total)}, by {cells} = {value}"
    if walk.how == "place":
        part = walk.parts[0]
        return (
            f"Only moved: it is row {part.rows[0]}, column {part.columns[0]} of map "
            f"{part.channel} of {walk.source}: {value}"
        )
    return f"{_point_words(walk)} = {value}"


def agreement_sentence(walk: Walk) -> str:
    """Beside what the network itself has computed."""
    return (
        f"The network itself has {walk.network:.7g}; the difference of {abs(walk.difference):.1e} "
        "is rounding."
    ).replace("-", "−")


def _point_words(walk: Walk) -> str:
    x = walk.parts[0].total
    known = dict(walk.constants)
    if "μ" in known:
        mean, variance, eps, gamma, beta = (known[name] for name in ("μ", "σ²", "ε", "γ", "β"))
        return (
            f"({number(x)} − {bracketed(mean)}) / √({number(variance)} + {eps:g}) · "
            f"{bracketed(gamma)} + {bracketed(beta)}"
        )
    if "factor" in known:
        return f"{number(x)} · {number(known['factor'])}"
    return f"From {number(x)} in the same place of {walk.source}"


def softmax_rows(
    logits: npt.NDArray[np.float64], class_names: Sequence[str]
) -> list[tuple[str, str, str, str]]:
    """Class, logit, exp(logit − greatest), and its share of their sum; the greatest first."""
    powers = np.exp(logits - logits.max())
    shares = powers / powers.sum()
    return [
        (class_names[k], number(logits[k]), number(powers[k]), f"{100 * shares[k]:.1f} %")
        for k in np.argsort(-logits, kind="stable")
    ]


def softmax_sentence(logits: npt.NDArray[np.float64]) -> str:
    """How scores become shares."""
    total = float(np.exp(logits - logits.max()).sum())
    return (
        "Each score less the greatest, as a power of e; then divided by the sum of all, "
        f"**{number(total)}**."
    )


def pooling_sentence(both: PooledBothWays, channel: int) -> str:
    """What each kind leaves of one map."""
    average, most = both.average[channel], both.maximum[channel]
    other = {"average": "max", "max": "average"}[both.own]
    return (
        f"This network pools by {both.own}. On the same map the mean of what is left is "
        f"**{number(float(average.mean()))}** by average and **{number(float(most.mean()))}** by "
        f"maximum: {other} pooling would hand on "
        f"{'less' if other == 'average' else 'more'}."
    )


def shift_sentence(series: ShiftSeries, layers: Sequence[int]) -> str:
    """How far the first and the last of these layers move, and how many guesses stay.

    layers: places in `series.layers`.
    """
    most = len(series.in_place) - 1
    count = series.in_place.shape[2]
    first, last = layers[0], layers[-1]
    moved = series.in_place[most].mean(1)
    return (
        f"Moved {series.direction} by {most} pixels, over {count} pictures: the numbers of "
        f"{series.layers[first]} change by **{100 * moved[first]:.0f} %** of their length, those "
        f"of {series.layers[last]} by **{100 * moved[last]:.0f} %**. "
        f"**{round(series.kept_guess[most] * count)} of {count}** pictures are still taken for the "
        "same class."
    )


def inside_snippet(folder: str, model: str, picture: str, layer: str) -> str:
    """A program, to be run beside app.py; it prints a layer's maps and the probabilities.

    picture: the lines that give `pixels`, uint8 (H, W, C).
    """
    return f"""\
from pathlib import Path

import numpy as np
import torch

from cnnviz.checkpoints.store import load_checkpoint

network, card = load_checkpoint(Path({folder!r}), {model!r})  # in evaluation
{picture}
mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
image = (torch.tensor(pixels).permute(2, 0, 1) / 255 - mean) / std  # (C, H, W)

caught = {{}}
network.get_submodule({layer!r}).register_forward_hook(
    lambda module, inputs, output: caught.update(maps=output[0].clone())
)
with torch.no_grad():
    scores = network(image[None])[0]

maps = caught["maps"]
print(f"{layer}: {{tuple(maps.shape)}}, from {{maps.min():.4g}} to {{maps.max():.4g}}")
for name, share in zip(card.dataset.class_names, scores.softmax(0)):
    print(f"{{name}}: {{100 * share:.1f}} %")
"""
