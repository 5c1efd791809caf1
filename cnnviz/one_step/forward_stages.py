"""From the picture to the loss, told."""

from __future__ import annotations

import numpy as np

from cnnviz.one_step.network import FEATURES, Step
from cnnviz.one_step.settings import StepSettings
from cnnviz.one_step.stage import Stage
from cnnviz.one_step.words import at, block, bracketed, count_words, greatest, products, text


def tell_start(settings: StepSettings) -> Stage:
    """What goes in, and what is to be learned."""
    wanted = ", ".join(str(int(k == settings.target)) for k in range(settings.classes))
    count = 9 + 1 + settings.classes * (FEATURES + 1)
    done = (
        "They begin with small numbers."
        if settings.steps == 0
        else f"{settings.steps} {'step is' if settings.steps == 1 else 'steps are'} done already."
    )
    return Stage(
        "start",
        "the picture, and what is to be learned",
        "Forward",
        (
            f"The picture x is of the class “{settings.class_names[settings.target]}”, so the "
            f"network should answer t = ({wanted}).",
            f"Its {count} numbers are the filter w with its bias b, and the linear layer V with "
            f"its biases c. {done}",
        ),
    )


def tell_convolution(step: Step) -> Stage:
    """The filter's map."""
    row, column = greatest(step.forward.z)
    window = step.forward.x[row : row + 3, column : column + 3]
    terms = products(
        (float(pixel), float(weight))
        for pixel, weight in zip(window.flat, step.parameters.w.flat, strict=True)
    )
    return Stage(
        "convolution",
        "the filter slides over the picture",
        "Forward",
        (
            "Each z is a window of x times w, summed, plus b. The greatest of them, without the "
            "pixels that are 0:",
            f"{at('z', row, column)} = {terms} + {bracketed(step.parameters.b)} = "
            f"{text(step.forward.z[row, column])}",
        ),
        {
            "x": block(row, column, 3, 3),
            "w": block(0, 0, 3, 3),
            "z": frozenset({(row, column)}),
        },
    )


def tell_relu(step: Step) -> Stage:
    """What is off."""
    z = step.forward.z
    off = int((z <= 0).sum())
    row, column = np.unravel_index(int(z.argmin()), z.shape)
    place = frozenset({(int(row), int(column))})
    return Stage(
        "relu",
        "ReLU",
        "Forward",
        (
            f"a = max(0, z). {count_words(off, z.size, 'is', 'are')} off.",
            f"{at('a', row, column)} = max(0, {text(z[row, column])}) = "
            f"{text(step.forward.a[row, column])}",
        ),
        {"z": place, "a": place},
    )


def tell_pooling(settings: StepSettings, step: Step) -> Stage:
    """What a window leaves."""
    row, column = greatest(step.forward.pooled)
    window = step.forward.a[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    numbers = [text(value) for value in window.flat]
    result = text(step.forward.pooled[row, column])
    if settings.pool == "max":
        what, line = "its greatest number", f"max({', '.join(numbers)}) = {result}"
    else:
        what, line = "its mean", f"({' + '.join(numbers)}) / 4 = {result}"
    return Stage(
        "pooling",
        f"{settings.pool} pooling",
        "Forward",
        (f"Each 2 × 2 window of a leaves {what}.", f"{at('f', row, column)} = {line}"),
        {"a": block(2 * row, 2 * column, 2, 2), "f": frozenset({(row, column)})},
    )


def tell_linear(settings: StepSettings, step: Step) -> Stage:
    """From features to logits."""
    k, p = settings.target, step.parameters
    terms = products(
        (float(weight), float(feature))
        for weight, feature in zip(p.v[k], step.forward.f, strict=True)
    )
    return Stage(
        "linear",
        "the linear layer",
        "Forward",
        (
            "The four features, read row by row, are weighed for each class: s = V·f + c. These "
            f"are the logits; that of “{settings.class_names[k]}”:",
            f"{at('s', k)} = {terms} + {bracketed(p.c[k])} = {text(step.forward.s[k])}",
        ),
        {
            "f": block(0, 0, 2, 2),
            "v": block(k, 0, 1, FEATURES),
            "c": frozenset({(k, 0)}),
            "s": frozenset({(k, 0)}),
        },
    )


def tell_softmax(settings: StepSettings, step: Step) -> Stage:
    """From logits to probabilities."""
    k, s = settings.target, step.forward.s
    powers = " + ".join(f"e^{bracketed(value)}" for value in s)
    return Stage(
        "softmax",
        "softmax",
        "Forward",
        (
            "Logits become probabilities: each power of e by the sum of all, so that they are "
            "positive and sum to 1.",
            f"{at('y', k)} = e^{bracketed(s[k])} / ({powers}) = {text(step.forward.y[k])}",
        ),
        {"s": block(0, 0, len(s), 1), "y": frozenset({(k, 0)})},
    )


def tell_loss(settings: StepSettings, step: Step) -> Stage:
    """What the step is to lower."""
    k = settings.target
    return Stage(
        "loss",
        "the loss",
        "Forward",
        (
            "Cross-entropy asks for the probability of the right class alone. A network that is "
            "sure and right has a loss of 0.",
            f"L = −log {at('y', k)} = −log {text(step.forward.y[k])} = {text(step.forward.loss)}",
        ),
        {"y": frozenset({(k, 0)}), "L": frozenset({(0, 0)})},
    )
