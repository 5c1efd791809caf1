"""Do the pixels that a map calls important matter? They are removed first, and the class watched.

Petsiuk, Das, Saenko: RISE, BMVC 2018, arXiv:1806.07421, section 4 ("deletion"). If the class falls
no faster than when pixels go at random, the map has not found what the network uses. To beware of:
a picture with holes is like none that the network was trained on, and single pixels gone at random
are holes everywhere. Squares of several pixels are fairer to the random order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from cnnviz.attribution.baselines import baseline_for
from cnnviz.attribution.cards import BASELINES, BaselineName
from cnnviz.attribution.explain import probabilities
from cnnviz.attribution.private_copy import private_copy
from cnnviz.attribution.requests import Target
from cnnviz.attribution.results import DeletionCurve, Doubles, Floats
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.support import examine
from cnnviz.attribution.turns import TURNS, Stop, never
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError, ShapeError
from cnnviz.settings import shown, whole_number

STEPS: Final = 32
ORDERS: Final = 5
MOST_SIDE: Final = 16
MOST_STEPS: Final = 256
MOST_ORDERS: Final = 20

Order = npt.NDArray[np.int64]  # (H W,), indices of pixels, the first to go first


def deletion_curve(
    subject: Subject,
    importance: Floats,
    target: Target,
    *,
    baseline: BaselineName = "mean",
    side: int = 1,
    steps: int = STEPS,
    orders: int = ORDERS,
    seed: int = 0,
    progress: Progress = no_progress,
    stop: Stop = never,
) -> DeletionCurve:
    """Replaces pixels by the baseline, the most positive of the map first, and at random.

    importance: a map (H, W); pixels of equal value go in random order. side: pixels go in squares
    of this side, by their sum. orders: how many random orders there are to compare with. Errors as
    `explain` has them.
    """
    _check(subject, importance, baseline, side, steps, orders)
    support = examine(subject.network, subject.input_shape)
    target.check(support.classes)
    random = np.random.default_rng(seed)
    flat = np.zeros_like(importance)
    every = [order_of(values, random, side) for values in (importance, *[flat] * orders)]
    removed = np.rint(np.linspace(0, importance.size, steps + 1)).astype(np.int64)
    curves = []
    with TURNS.take(stop) as turn:
        network = private_copy(subject.network)
        x, nothing = subject.tensor(), baseline_for(subject, baseline)
        for number, order in enumerate(every):
            progress("Removing pixels", number / len(every))
            is_gone = torch.from_numpy(_gone(order, removed)).to(x.device)  # (steps + 1, H W)
            is_gone = is_gone.view(-1, 1, *importance.shape)
            parts = [
                probabilities(network, torch.where(gone, nothing, x), support.chunk, turn)
                for gone in torch.split(is_gone, support.chunk)
            ]
            curves.append(np.concatenate(parts))
    return DeletionCurve(
        target=target,
        baseline=baseline,
        removed=removed,
        probabilities=curves[0],
        values=value_of(curves[0], target),
        random_values=np.stack([value_of(curve, target) for curve in curves[1:]]),
    )


def order_of(importance: Floats, random: np.random.Generator, side: int = 1) -> Order:
    """The pixels of a map (H, W), square by square, that of the greatest sum first.

    Squares of equal sum, and the pixels of a square, go in random order.
    """
    rows, columns = np.indices(importance.shape) // side
    squares = (rows * (columns.max() + 1) + columns).reshape(-1)  # (H W,), the number of each
    sums = np.bincount(squares, weights=importance.reshape(-1).astype(np.float64))
    lots = random.random(len(sums))
    return np.lexsort((random.random(squares.size), lots[squares], -sums[squares]))


def value_of(shares: Doubles, target: Target) -> Doubles:
    """What is watched, from probabilities (N, classes): (N,).

    Of a class its probability. Of two that of the one if there were only these two, which depends
    on the difference of their logits alone.
    """
    one: Doubles = shares[:, target.label]
    if target.against is None:
        return one.copy()
    other = shares[:, target.against]
    # Both may have underflowed to 0; then neither is ahead.
    both = one + other
    return np.divide(one, both, out=np.full_like(one, 0.5), where=both > 0)


def _gone(order: Order, removed: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which pixels are gone at each step, (steps + 1, H W)."""
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    gone: npt.NDArray[np.bool_] = rank[None, :] < removed[:, None]
    return gone


def _check(
    subject: Subject, importance: Floats, baseline: str, side: int, steps: int, orders: int
) -> None:
    if importance.shape != subject.picture.shape[:2]:
        raise ShapeError(
            f"the map is {importance.shape}, the picture {subject.picture.shape[:2]}: use a map of "
            "this picture"
        )
    if baseline not in (words := [word for word, _ in BASELINES]):
        raise SettingError(f"baseline is {shown(baseline)}: use {' or '.join(words)}")
    bounds = (
        ("side", side, MOST_SIDE),
        ("steps", steps, MOST_STEPS),
        ("orders", orders, MOST_ORDERS),
    )
    for name, value, most in bounds:
        if whole_number(name, value, least=1) > most:
            raise SettingError(f"{name} is {value}: use a whole number from 1 to {most}")
