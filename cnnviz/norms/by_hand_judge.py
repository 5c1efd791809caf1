"""The view "By hand" by cnnviz and by PyTorch, compared with what the browser computed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from cnnviz.batchnorm import Array, batch_norm
from cnnviz.errors import ShapeError
from cnnviz.norms.by_hand import HandSettings
from cnnviz.verdict import ROUNDING, Verdict, answer_of, compare

ANSWER_PARTS = ("output", "running_mean", "running_variance")
"""What is compared, in this order: (N, C, H, W) of output, then (C,) and (C,) after the batch."""


def compute(settings: HandSettings) -> Array:
    """By cnnviz: all parts of the answer in one row. ShapeError where there is none."""
    result = batch_norm(
        settings.batch,
        settings.gamma,
        settings.beta,
        mode=settings.mode,
        settings=settings.norm_settings,
        running=settings.running,
    )
    assert result.running is not None
    parts = (result.output, result.running.mean, result.running.variance)
    return np.concatenate([part.reshape(-1) for part in parts])


def compute_by_torch(settings: HandSettings) -> Array:
    """The same by torch.nn.BatchNorm2d. Imports torch: 1.4 s the first time in a process."""
    import torch

    layer = torch.nn.BatchNorm2d(settings.shape[1], settings.eps, settings.momentum).double()
    assert layer.running_mean is not None
    assert layer.running_var is not None
    with torch.no_grad():
        for kept, given in (
            (layer.weight, settings.gamma),
            (layer.bias, settings.beta),
            (layer.running_mean, settings.running_mean),
            (layer.running_var, settings.running_variance),
        ):
            kept.copy_(torch.tensor(given, dtype=torch.float64))
        layer.train(settings.mode == "train")
        try:
            output = layer(torch.from_numpy(settings.batch))
        except ValueError as error:  # one value a channel
            raise ShapeError(str(error)) from None
    parts = (output, layer.running_mean, layer.running_var)
    return np.concatenate([part.numpy().reshape(-1) for part in parts])


def judge(
    settings: HandSettings, browser: object, *, ask_torch: bool, why_no_torch: str = ""
) -> Verdict:
    """Compare the browser's answer (lists by the names of ANSWER_PARTS, None for none)."""
    answers = {
        "your browser": _read_answer(browser),
        "cnnviz": answer_of(partial(compute, settings)),
    }
    if ask_torch:
        answers["PyTorch"] = answer_of(partial(compute_by_torch, settings))
    return compare(
        answers,
        shown=" × ".join(map(str, settings.shape)),
        why_no_torch=why_no_torch,
        rounding=rounding_of(settings),
    )


def rounding_of(settings: HandSettings) -> float:
    """The absolute difference of outputs that is rounding.

    What a mean is off by in its last bits is divided by the root and multiplied by gamma.
    """
    largest = np.abs(settings.batch).max() * max(map(abs, settings.gamma))
    return float(ROUNDING + 64 * np.finfo(np.float64).eps * largest / np.sqrt(settings.eps))


def _read_answer(value: object) -> Array | None:
    if value is None:
        return None
    try:
        assert isinstance(value, Mapping)
        parts = [np.array(value[name], dtype=np.float64).reshape(-1) for name in ANSWER_PARTS]
        return np.concatenate(parts)
    except (AssertionError, KeyError, TypeError, ValueError, OverflowError):
        return np.empty(0)
