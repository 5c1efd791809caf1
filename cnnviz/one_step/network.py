"""A network of one filter, forward, backward and one step further, in numpy.

    x  --filter w, bias b-->  z  --ReLU-->  a  --2x2 pooling-->  f  --weights V, biases c-->  s
    y = softmax(s)        L = -log y[target]

A letter with `grad` is the derivative of the loss L by it. The chain rule gives each from the one
behind it, from the loss back to the filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.convolution import cross_correlate
from cnnviz.geometry import ConvSpec
from cnnviz.one_step.settings import Pool, StepSettings

Array = npt.NDArray[np.float64]

FEATURES: Final = 4
_WINDOW: Final = ConvSpec(3)


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """All that is learned."""

    w: Array
    """(3, 3)."""
    b: float
    v: Array
    """(classes, 4)."""
    c: Array
    """(classes,)."""

    def moved(self, along: Parameters, by: float, keep: float = 1.0) -> Parameters:
        """These, `keep` times, and those, `by` times."""
        return Parameters(
            keep * self.w + by * along.w,
            keep * self.b + by * along.b,
            keep * self.v + by * along.v,
            keep * self.c + by * along.c,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """Every number on the way from the picture to the loss."""

    x: Array
    """(side, side)."""
    z: Array
    """The filter's map, (side - 2, side - 2)."""
    a: Array
    """After ReLU."""
    pooled: Array
    """(2, 2); the same as `a` without a pooling."""
    s: Array
    """Logits, (classes,)."""
    y: Array
    """Probabilities."""
    loss: float

    @property
    def f(self) -> Array:
        """The features, row by row, (4,)."""
        return self.pooled.reshape(-1)


@dataclass(frozen=True, slots=True, eq=False)
class Backward:
    """The derivative of the loss by every number."""

    s: Array
    f: Array
    """(4,)."""
    a: Array
    z: Array
    parameters: Parameters


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of the optimizer, and the loss on both sides of it."""

    parameters: Parameters
    """Before."""
    forward: Forward
    backward: Backward
    velocity: Parameters
    """What the parameters move along: the gradient, and with momentum what is left of earlier."""
    new_parameters: Parameters
    new_forward: Forward


def first_parameters(classes: int) -> Parameters:
    """What the network begins with: small numbers of either sign, always the same."""
    w = [[0.5, -0.3, 0.2], [0.1, 0.4, -0.2], [-0.1, 0.3, 0.2]]
    v = [[0.3, -0.2, 0.1, 0.4], [-0.1, 0.5, 0.2, -0.3], [0.2, 0.1, -0.4, 0.3]]
    return Parameters(np.array(w), 0.1, np.array(v)[:classes], np.zeros(classes))


def run_forward(x: Array, p: Parameters, pool: Pool, target: int) -> Forward:
    """From the picture to the loss."""
    (z,) = cross_correlate(x[None], p.w[None, None], _WINDOW, bias=np.array([p.b]))
    a = np.maximum(z, 0)
    pooled = _pool(a, pool)
    s = p.v @ pooled.reshape(-1) + p.c
    powers = np.exp(s - s.max())
    loss = float(np.log(powers.sum()) - (s[target] - s.max()))
    return Forward(x, z, a, pooled, s, powers / powers.sum(), loss)


def run_backward(forward: Forward, p: Parameters, pool: Pool, target: int) -> Backward:
    """From the loss back to every number."""
    grad_s = forward.y - np.eye(len(forward.y))[target]
    grad_v = np.outer(grad_s, forward.f)
    grad_f = p.v.T @ grad_s
    grad_a = _unpool(grad_f.reshape(2, 2), forward.a, pool)
    grad_z = grad_a * (forward.z > 0)
    # The filter's gradient is again a sliding window: over the picture, with grad_z as its filter.
    (grad_w,) = cross_correlate(forward.x[None], grad_z[None, None], ConvSpec(len(grad_z)))
    parameters = Parameters(grad_w, float(grad_z.sum()), grad_v, grad_s)
    return Backward(grad_s, grad_f, grad_a, grad_z, parameters)


def take_step(settings: StepSettings) -> Step:
    """The step that comes after those that are done."""
    return _steps(settings, settings.steps + 1)[-1]


def losses(settings: StepSettings, steps: int) -> list[float]:
    """The loss before the first step, and after each of so many."""
    taken = _steps(replace(settings, steps=0), steps)
    return [taken[0].forward.loss, *(step.new_forward.loss for step in taken)]


def _steps(settings: StepSettings, count: int) -> list[Step]:
    pool, target = settings.pool, settings.target
    p = first_parameters(settings.classes)
    velocity: Parameters | None = None
    forward = run_forward(settings.image, p, pool, target)
    taken = []
    for _ in range(count):
        backward = run_backward(forward, p, pool, target)
        gradient = backward.parameters
        # As PyTorch's SGD: the first velocity is the gradient itself.
        velocity = (
            gradient if velocity is None else velocity.moved(gradient, 1.0, settings.momentum)
        )
        new = p.moved(velocity, -settings.rate)
        after = run_forward(settings.image, new, pool, target)
        taken.append(Step(p, forward, backward, velocity, new, after))
        p, forward = new, after
    return taken


def _windows(a: Array) -> Array:
    """Maps (4, 4) as their four 2x2 windows, (2, 2, 4)."""
    return a.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)


def _pool(a: Array, pool: Pool) -> Array:
    if pool == "none":
        return a
    windows = _windows(a)
    pooled: Array = windows.max(2) if pool == "max" else windows.mean(2)
    return pooled


def _unpool(grad: Array, a: Array, pool: Pool) -> Array:
    """Max pooling sends a gradient to the largest alone (the first of equals), average to all."""
    if pool == "none":
        return grad
    share = np.full((2, 2, 4), 0.25)
    if pool == "max":
        share = np.eye(4)[_windows(a).argmax(2)]
    spread = share * grad[..., None]  # (2, 2, 4)
    whole: Array = spread.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    return whole
