"""Who computed what: the lesson's output by cnnviz, by PyTorch and by the browser, compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnnviz.convolution import convolve, cross_correlate
from cnnviz.convolution_lesson import LessonSettings
from cnnviz.errors import CnnvizError
from cnnviz.geometry import PoolSpec, TransposedConvSpec
from cnnviz.padding import Array
from cnnviz.pooling import average_pool, max_pool
from cnnviz.transposed import transposed_convolve


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all who have answered agree. state: "agree", "differ" or "waiting" (for PyTorch)."""

    state: Literal["agree", "differ", "waiting"]
    text: str
    detail: str


def judge(
    settings: LessonSettings, browser: object, *, ask_torch: bool, why_no_torch: str = ""
) -> Verdict:
    """Compare the browser's output (nested lists, None for none) with cnnviz and PyTorch.

    Each party answers with an array or with "no output". Float sums may differ in the last bits,
    since each adds in an order of its own: 1e-9 relative is rounding, more is a difference.
    """
    answers: dict[str, Array | None] = {"your browser": _read_output(browser)}
    answers["cnnviz"] = _answer(compute, settings)
    if ask_torch:
        answers["PyTorch"] = _answer(compute_by_torch, settings)
    ours = answers["cnnviz"]
    differing = [name for name, theirs in answers.items() if not _is_same(theirs, ours)]
    shown = "no output" if ours is None else "×".join(map(str, ours.shape[-2:]))
    if differing:
        told = "; ".join(f"{name}: {_describe(answers[name])}" for name in answers)
        return Verdict("differ", f"✗ {' and '.join(differing)} differs from cnnviz", told)
    if not ask_torch:
        return Verdict("waiting", f"✓ browser = cnnviz · {why_no_torch}", f"Both say {shown}.")
    if ours is None:
        return Verdict("agree", "✓ all three: no output", "cnnviz and PyTorch refuse it too.")
    return Verdict(
        "agree", "✓ browser = cnnviz = PyTorch", f"All three computed the same output: {shown}."
    )


def _answer(by: Callable[[LessonSettings], Array], settings: LessonSettings) -> Array | None:
    try:
        output: Array = by(settings)
    except CnnvizError:
        return None
    return output


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


def _is_same(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-9, atol=1e-9))


def _describe(output: Array | None) -> str:
    if output is None:
        return "no output"
    return f"{'×'.join(map(str, output.shape))}, sum {output.sum():g}"
