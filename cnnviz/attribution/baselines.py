"""What stands for "nothing there": pictures that a network is to make nothing of."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F

from cnnviz.attribution.subject import Subject

_BLUR: Final = 1 / 8
"""Standard deviation of the blur, as a share of the picture's shorter side."""
_PLAIN_COLOURS: Final = 16


def baseline_for(subject: Subject, name: str) -> torch.Tensor:
    """The baseline of that name in `cards.BASELINES`, normalized, (1, C, H, W)."""
    x = subject.tensor()
    if name == "mean":
        return torch.zeros_like(x)  # what normalization makes of the mean colour
    if name == "blur":
        return _blurred(x)
    level = {"black": 0, "white": 255}[name]
    return subject.normalized(np.full((1, *subject.picture.shape), level, dtype=np.uint8))


def references_for(subject: Subject, generator: torch.Generator) -> torch.Tensor:
    """Many baselines (N, C, H, W): the subject's references, or plain random colours."""
    if subject.references is not None:
        return subject.normalized(subject.references)
    size = (_PLAIN_COLOURS, 1, 1, subject.picture.shape[2])
    colours = torch.randint(256, size, generator=generator).numpy().astype(np.uint8)
    return subject.normalized(np.tile(colours, (1, *subject.picture.shape[:2], 1)))


def _blurred(x: torch.Tensor) -> torch.Tensor:
    """A picture (1, C, H, W) after a Gaussian blur; beyond the edge its last pixel goes on."""
    channels, height, width = x.shape[1:]
    sigma = min(height, width) * _BLUR
    reach = round(2 * sigma)
    steps = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    weights = torch.exp(-(steps**2) / (2 * sigma**2))
    weights = (weights / weights.sum()).expand(channels, 1, 1, -1)  # (C, 1, 1, 2 reach + 1)
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, weights, groups=channels)
    return F.conv2d(across, weights.transpose(2, 3), groups=channels)
