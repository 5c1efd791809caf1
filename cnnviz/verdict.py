"""Whether all who computed the same thing agree: the browser, cnnviz and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cnnviz.errors import CnnvizError

Array = npt.NDArray[np.float64]
ROUNDING = 1e-9
"""Relative and absolute: sums differ in the last bits, since each adds in an order of its own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all who have answered agree. state: "agree", "differ" or "waiting" (for PyTorch)."""

    state: Literal["agree", "differ", "waiting"]
    text: str
    detail: str


def answer_of(compute: Callable[[], Array]) -> Array | None:
    """What it computes; None, for no output, where it raises a CnnvizError."""
    try:
        return compute()
    except CnnvizError:
        return None


def compare(
    answers: Mapping[str, Array | None],
    *,
    shown: str,
    why_no_torch: str = "",
    rounding: float = ROUNDING,
) -> Verdict:
    """Compare those of "your browser" and, where it is there, of "PyTorch" with those of "cnnviz".

    None stands for no output. shown: what was computed, in a word or two. why_no_torch: what is
    said where PyTorch has not answered. rounding: the absolute difference that is none.
    """
    ours = answers["cnnviz"]
    differing = [name for name, theirs in answers.items() if not _is_same(theirs, ours, rounding)]
    if differing:
        told = "; ".join(f"{name}: {_describe(answer)}" for name, answer in answers.items())
        return Verdict("differ", f"✗ {' and '.join(differing)} differs from cnnviz", told)
    if "PyTorch" not in answers:
        both = "no output" if ours is None else shown
        return Verdict("waiting", f"✓ browser = cnnviz · {why_no_torch}", f"Both say {both}.")
    if ours is None:
        return Verdict("agree", "✓ all three: no output", "cnnviz and PyTorch refuse it too.")
    return Verdict(
        "agree", "✓ browser = cnnviz = PyTorch", f"All three computed the same output: {shown}."
    )


def _is_same(one: Array | None, other: Array | None, rounding: float) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=ROUNDING, atol=rounding))


def _describe(output: Array | None) -> str:
    if output is None:
        return "no output"
    return f"{'×'.join(map(str, output.shape))}, sum {output.sum():g}"
