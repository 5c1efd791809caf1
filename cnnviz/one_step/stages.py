"""The step told in stages: what each one computes, one number of it written out, what is marked."""

from __future__ import annotations

import numpy as np

from cnnviz.one_step.backward_stages import (
    tell_grad_filter,
    tell_grad_linear,
    tell_grad_logits,
    tell_grad_pooling,
    tell_grad_relu,
)
from cnnviz.one_step.forward_stages import (
    tell_convolution,
    tell_linear,
    tell_loss,
    tell_pooling,
    tell_relu,
    tell_softmax,
    tell_start,
)
from cnnviz.one_step.network import Step
from cnnviz.one_step.settings import StepSettings
from cnnviz.one_step.stage import Stage
from cnnviz.one_step.words import at, bracketed, greatest, percent, text


def stages_of(settings: StepSettings, step: Step) -> tuple[Stage, ...]:
    """All stages, in order; a pooling that is not there has none."""
    told = [tell_start(settings), tell_convolution(step), tell_relu(step)]
    if settings.pool != "none":
        told.append(tell_pooling(settings, step))
    told += [tell_linear(settings, step), tell_softmax(settings, step), tell_loss(settings, step)]
    told += [tell_grad_logits(settings, step), tell_grad_linear(settings, step)]
    if settings.pool != "none":
        told.append(tell_grad_pooling(settings, step))
    told += [
        tell_grad_relu(step),
        tell_grad_filter(step),
        _tell_update(settings, step),
        _tell_again(settings, step),
    ]
    return tuple(told)


def _tell_update(settings: StepSettings, step: Step) -> Stage:
    """Each number against its gradient."""
    gradient = step.backward.parameters.w
    row, column = greatest(np.abs(gradient))
    name, old = at("w", row, column), step.parameters.w[row, column]
    slope, along = float(gradient[row, column]), float(step.velocity.w[row, column])
    lines = [
        "Every number moves a little against its gradient, all at once: w ← w − η · ∂L/∂w, with "
        f"the learning rate η = {settings.rate:g}."
    ]
    if settings.momentum and settings.steps:
        before = (along - slope) / settings.momentum
        lines.append(
            "With momentum the step goes along what is left of the one before, too: "
            f"{settings.momentum:g} · {bracketed(before)} + {bracketed(slope)} = {text(along)}"
        )
    elif settings.momentum:
        lines.append("Momentum has nothing to keep yet: it is the first step.")
    new = step.new_parameters.w[row, column]
    lines.append(f"{name} ← {text(old)} − {settings.rate:g} · {bracketed(along)} = {text(new)}")
    place = frozenset({(row, column)})
    return Stage(
        "update", "one step of the optimizer", "Update", tuple(lines), {"w": place}, {"w": place}
    )


def _tell_again(settings: StepSettings, step: Step) -> Stage:
    """What it was good for."""
    before, after = step.forward, step.new_forward
    k = settings.target
    name = settings.class_names[k]
    did = "fell" if after.loss < before.loss else "did not fall"
    return Stage(
        "again",
        "the loss again",
        "Update",
        (
            "Forward once more, with the new numbers.",
            f"The loss {did}: {text(before.loss)} → {text(after.loss)}. The probability of "
            f"“{name}”: {percent(before.y[k])} → {percent(after.y[k])}.",
        ),
        {"y": frozenset({(k, 0)}), "L": frozenset({(0, 0)})},
    )
