"""Who computed what: the lesson's output by cnnviz, by PyTorch and by the browser, compared."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from cnnviz.convolution import convolve, cross_correlate
from cnnviz.convolution_lesson import LessonSettings
from cnnviz.geometry import PoolSpec, TransposedConvSpec
from cnnviz.padding import Array
from cnnviz.pooling import average_pool, max_pool
from cnnviz.transposed import transposed_convolve
from cnnviz.verdict import Verdict, answer_of, compare


def compute(settings: LessonSettings) -> Array:
    """The output by cnnviz: (maps, Ho, Wo). Raises a CnnvizError where there is none."""
    image, spec = settings.image_array, settings.spec
    if isinstance(spec, PoolSpec):
        return max_pool(image, spec) if spec.kind == "max" else average_pool(image, spec)
    bias = np.full(settings.filters, settings.bias)
    if isinstance(spec, TransposedConvSpec):
        return transposed_convolve(image, settings.weight_array, spec, bias=bias)
    slide = convolve if settings.flip else cross_correlate
    return slide(image, settings.weight_array, spec, bias=bias, padding_mode=settings.padding_mode)


def compute_by_torch(settings: LessonSettings) -> Array:
    """The same by torch.nn.functional. Imports torch: 1.4 s the first time in a process."""
    from cnnviz import torch_reference

    image, spec = settings.image_array, settings.spec
    if isinstance(spec, PoolSpec):
        return torch_reference.pool2d(image, spec)
    bias = np.full(settings.filters, settings.bias)
    if isinstance(spec, TransposedConvSpec):
        return torch_reference.conv_transpose2d(image, settings.weight_array, spec, bias=bias)
    weight = settings.weight_array[..., ::-1, ::-1] if settings.flip else settings.weight_array
    return torch_reference.conv2d(
        image, weight.copy(), spec, bias=bias, padding_mode=settings.padding_mode
    )


def judge(
    settings: LessonSettings, browser: object, *, ask_torch: bool, why_no_torch: str = ""
) -> Verdict:
    """Compare the browser's output (nested lists, None for none) with cnnviz and PyTorch.

    Each party answers with an array or with "no output".
    """
    ours = answer_of(partial(compute, settings))
    answers = {"your browser": _read_output(browser), "cnnviz": ours}
    if ask_torch:
        answers["PyTorch"] = answer_of(partial(compute_by_torch, settings))
    shown = "" if ours is None else "×".join(map(str, ours.shape[-2:]))
    return compare(answers, shown=shown, why_no_torch=why_no_torch)


def _read_output(value: object) -> Array | None:
    """Nested lists from the browser; its null inside stands for −∞, which JSON cannot say."""
    if value is None:
        return None
    try:
        rows = [
            [[-math.inf if cell is None else cell for cell in row] for row in plane]
            for plane in value  # type: ignore[attr-defined]
        ]
        return np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty((0, 0, 0))
