"""Whether the browser sees the picture that cnnviz sees, and computes the logits that PyTorch does.

The browser runs the networks in plain JavaScript while a hand draws; nobody need take its word.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnviz.digits.ink import SIDE, Pixels
from cnnviz.digits.settings import DigitSettings
from cnnviz.errors import SettingError
from cnnviz.verdict import Verdict

ROUNDING: Final = 1e-4
"""Of the largest logit: each adds thousands of float32 products in an order of its own."""
GREY_LEVELS: Final = 1
"""By which a pixel may differ: 127.49999 and 127.50001 are rounded apart."""

Logits = npt.NDArray[np.float64]


def judge(
    settings: DigitSettings,
    browser: object,
    *,
    ask: Callable[[Pixels], Mapping[str, Logits]] | None,
    why_no_torch: str = "",
) -> Verdict:
    """Compare the browser's answer {"pixels", "logits"} with cnnviz's picture and PyTorch's logits.

    ask: a picture (28, 28) -> logits by the networks' names; None where PyTorch cannot be asked.
    SettingError for an answer that makes no sense.
    """
    pixels, theirs = read_answer(browser)
    ours = settings.pixels
    apart = int(np.abs(pixels.astype(int) - ours.astype(int)).max())
    if apart > GREY_LEVELS:
        told = f"A pixel of the browser's picture is {apart} grey levels from cnnviz's."
        return Verdict("differ", "✗ the browser's picture differs from cnnviz", told)
    if ask is None:
        return Verdict("waiting", f"✓ same picture · {why_no_torch}", "The logits are not checked.")
    answers = ask(pixels)
    if not theirs or not answers:
        return Verdict("waiting", "✓ same picture", "No network has answered in the browser yet.")
    gaps = {name: _gap(theirs.get(name), logits) for name, logits in answers.items()}
    greatest = max(gaps.values(), default=0.0)
    told = ", ".join(f"{name} by {gap:.1g}" for name, gap in gaps.items())
    if not all(
        gap <= ROUNDING * (1 + float(np.abs(answers[name]).max())) for name, gap in gaps.items()
    ):
        return Verdict("differ", "✗ browser and PyTorch differ", f"Logits differ at most: {told}.")
    return Verdict(
        "agree",
        "✓ browser = PyTorch",
        f"The same picture; logits differ by at most {greatest:.1g}, which is rounding.",
    )


def read_answer(browser: object) -> tuple[Pixels, dict[str, Logits]]:
    """The browser's picture (28, 28) and its logits by name; SettingError unless they are that."""
    try:
        if not isinstance(browser, Mapping):
            raise TypeError("it is not a mapping")
        data = base64.b64decode(browser["pixels"], validate=True)
        pixels = np.frombuffer(data, dtype=np.uint8).reshape(SIDE, SIDE)
        logits = {
            str(name)[:100]: np.array([float(value) for value in values], dtype=np.float64)
            for name, values in browser["logits"].items()
        }
    except (
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        OverflowError,
        binascii.Error,
    ) as error:
        raise SettingError(f"the browser's answer makes no sense: {str(error)[:80]}") from None
    return pixels, logits


def _gap(theirs: Logits | None, ours: Logits) -> float:
    """The greatest difference; infinite where there is nothing to compare."""
    if theirs is None or theirs.shape != ours.shape or not np.isfinite(theirs).all():
        return float("inf")
    return float(np.abs(theirs - ours).max())
