"""Receptive fields in sentences, with their numbers; and the program that measures one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cnnviz.activations.receptive import MeasuredField, SeenLayer, Unit

NOTICEABLE: Final = 0.03
"""Relative: a smaller change of the effective size is called none."""


def theory_sentence(layer: SeenLayer, measured: MeasuredField) -> str:
    """How large the field is, by its layer, and how much of it lies in the picture."""
    theory = measured.theory
    height, width = measured.gradient.shape
    size = f"{theory.height} × {theory.width}"
    if measured.visible == theory.height * theory.width:
        inside = f"{measured.visible:,} of the picture's {height * width:,}"
    else:
        inside = (
            f"of which {measured.visible:,} of the picture's {height * width:,} are there: the "
            "rest lies beyond its edge, in zeros"
        )
    jump = layer.field.rows.jump
    return (
        f"In theory a unit of {layer.name} sees {size} pixels, {inside}. Its neighbour sees as "
        f"many, {jump} {'pixel' if jump == 1 else 'pixels'} further."
    )


def measured_words(measured: MeasuredField) -> tuple[str, str]:
    """Where the gradient lies: the effective size, and what the central half holds."""
    if measured.is_dead:
        return "no gradient in any picture", "the unit is off"
    count = int(measured.effective().sum())
    side = measured.effective_size()
    return (
        f"95 % in {count:,} pixels, as in {side:.1f} × {side:.1f}",
        f"{measured.share_in_middle:.0%} in the central half".replace("%", " %"),
    )


def change_sentence(before: MeasuredField, after: MeasuredField, *, words: str = "Training") -> str:
    """What the training has done to the field."""
    if before.is_dead or after.is_dead:
        return "Where a unit is off for every picture, its field cannot be measured."
    one, other = before.effective_size(), after.effective_size()
    change = other / one - 1
    if abs(change) < NOTICEABLE:
        return f"{words} left the size of the field as it was: {one:.1f} and {other:.1f} pixels."
    did = "widened" if change > 0 else "narrowed"
    return f"{words} {did} what the unit sees: from {one:.1f} to {other:.1f} pixels a side."


LEGEND: Final = (
    "Dashed: the theoretical field. Dotted: its central half, which would hold 25 % if every pixel "
    "counted the same. Solid: the fewest pixels with 95 % of the gradient."
)


def field_snippet(folder: str, model: str, dataset: str, indices: Sequence[int], unit: Unit) -> str:
    """A program, to be run beside app.py; it ends with `gradient`, (H, W)."""
    chosen = (
        "signs = 2 * torch.randint(0, 2, there.shape, generator=torch.Generator().manual_seed(0)) "
        "- 1\nchosen = there * signs  # all channels, so that they do not cancel\n"
        if unit.channel is None
        else f"chosen = there[:, {unit.channel}]\n"
    )
    return f"""\
from pathlib import Path

import torch

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.data.datasets import load_split

network, card = load_checkpoint(Path({folder!r}), {model!r})  # in evaluation
indices = {_wrapped(indices)}
pixels = torch.tensor(load_split({dataset!r}, "test").images[indices])  # (N, H, W, C)
mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (card.mean, card.std))
images = ((pixels.permute(0, 3, 1, 2) / 255 - mean) / std).requires_grad_()  # (N, C, H, W)

values = images
for name, layer in network.named_children():
    values = layer(values)
    if name == {unit.layer!r}:
        break
there = values[:, :, {unit.row}, {unit.column}]  # (N, C)
{chosen}
(gradients,) = torch.autograd.grad(chosen.sum(), images)
gradient = gradients.abs().mean((0, 1))  # over pictures and colours
print(gradient.shape, "rows that see anything:", int((gradient.sum(1) > 0).sum()))
"""


def _wrapped(indices: Sequence[int], per_line: int = 12) -> str:
    lines = [
        ", ".join(map(str, indices[start : start + per_line]))
        for start in range(0, len(indices), per_line)
    ]
    return "[\n    " + ",\n    ".join(lines) + ",\n]"
