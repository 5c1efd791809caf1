"""From the loss back to the filter, told."""

from __future__ import annotations

import numpy as np

from cnnviz.one_step.network import Step
from cnnviz.one_step.settings import StepSettings
from cnnviz.one_step.stage import Stage
from cnnviz.one_step.words import at, block, bracketed, greatest, products, text


def tell_grad_logits(settings: StepSettings, step: Step) -> Stage:
    """The error."""
    differences = "; ".join(
        f"{text(probability)} − {int(k == settings.target)} = {text(step.backward.s[k])}"
        for k, probability in enumerate(step.forward.y)
    )
    every = block(0, 0, settings.classes, 1)
    return Stage(
        "grad_logits",
        "from the loss to the logits",
        "Backward",
        (
            "How much would the loss change with each logit? Softmax and cross-entropy together "
            "have a derivative as simple as the error itself: ∂L/∂s = y − t.",
            differences,
        ),
        {"y": every},
        {"s": every},
    )


def tell_grad_linear(settings: StepSettings, step: Step) -> Stage:
    """To its weights and biases, and to the features."""
    back, p = step.backward, step.parameters
    k, j = settings.target, int(step.forward.f.argmax())
    terms = products(
        (float(weight), float(error)) for weight, error in zip(p.v[:, j], back.s, strict=True)
    )
    row, column = divmod(j, 2)
    return Stage(
        "grad_linear",
        "through the linear layer",
        "Backward",
        (
            "A weight multiplies a feature, so its derivative is the error behind it times that "
            "feature; a bias is only added, so its derivative is the error.",
            f"∂L/∂{at('V', k, j)} = {bracketed(back.s[k])} · {text(step.forward.f[j])} = "
            f"{text(back.parameters.v[k, j])}",
            "A feature reached every logit through its weight, and gathers their errors by the "
            "same weights.",
            f"∂L/∂{at('f', row, column)} = {terms} = {text(back.f[j])}",
        ),
        {"f": frozenset({(row, column)}), "v": block(0, j, settings.classes, 1)},
        {
            "s": block(0, 0, settings.classes, 1),
            "v": frozenset({(k, j)}),
            "c": block(0, 0, settings.classes, 1),
            "f": frozenset({(row, column)}),
        },
    )


def tell_grad_pooling(settings: StepSettings, step: Step) -> Stage:
    """To the map, by who had a say."""
    row, column = divmod(int(step.forward.f.argmax()), 2)
    window = block(2 * row, 2 * column, 2, 2)
    gradient = step.backward.f[2 * row + column]
    if settings.pool == "max":
        lines = (
            "Only the greatest number of a window had a say (the first, of equal ones): all of the "
            "gradient goes there, and 0 to the others.",
            f"∂L/∂{at('f', row, column)} = {text(gradient)} goes to one place of its window.",
        )
    else:
        lines = (
            "All four numbers of a window had the same say: each gets a quarter.",
            f"{text(gradient)} / 4 = {text(gradient / 4)}",
        )
    return Stage(
        "grad_pooling",
        "through the pooling",
        "Backward",
        lines,
        {"a": window},
        {"f": frozenset({(row, column)}), "a": window},
    )


def tell_grad_relu(step: Step) -> Stage:
    """What passes."""
    z, gradient = step.forward.z, step.backward.a
    stopped = int(((z <= 0) & (gradient != 0)).sum())
    if not (z > 0).any():
        what = "Here all are off: nothing passes, and the filter learns nothing from this picture."
    elif stopped:
        what = f"Here it stops {stopped}."
    else:
        what = "Here it stops none."
    return Stage(
        "grad_relu",
        "through ReLU",
        "Backward",
        (f"Where z > 0, ReLU lets the gradient pass as it is; where it is off, it stops. {what}",),
        {"z": frozenset((int(r), int(c)) for r, c in np.argwhere(z <= 0))},
        {"z": frozenset((int(r), int(c)) for r, c in np.argwhere(step.backward.z != 0))},
    )


def tell_grad_filter(step: Step) -> Stage:
    """The filter's own derivative."""
    gradient, back = step.backward.parameters.w, step.backward.z
    row, column = greatest(np.abs(gradient))
    side = len(back)
    seen = step.forward.x[row : row + side, column : column + side]
    terms = products(
        (float(each), float(pixel)) for each, pixel in zip(back.flat, seen.flat, strict=True)
    )
    return Stage(
        "grad_filter",
        "to the filter",
        "Backward",
        (
            "A weight of the filter met another pixel at each place, so it gathers from all of "
            "them: a convolution again, of x with ∂L/∂z as its filter.",
            f"∂L/∂{at('w', row, column)} = {terms} = {text(gradient[row, column])}",
            f"∂L/∂b = the sum of all ∂L/∂z = {text(step.backward.parameters.b)}",
        ),
        {"x": block(row, column, side, side)},
        {"z": block(0, 0, side, side), "w": frozenset({(row, column)}), "b": frozenset({(0, 0)})},
    )
