"""The PyTorch program that asks a network about a drawn digit."""

from __future__ import annotations

from cnnviz.digits.ink import Pixels


def digit_snippet(pixels: Pixels, folder: str, model: str) -> str:
    """A program, to be run beside app.py; it ends with `logits` and `probabilities`."""
    rows = "\n".join(f'    "{row.tobytes().hex()}"' for row in pixels)
    return f"""\
from pathlib import Path

import torch

from cnnviz.checkpoints.store import load_checkpoint

network, card = load_checkpoint(Path({folder!r}), {model!r})  # in evaluation

# The 28 rows of the picture: two hexadecimal digits a pixel, 00 black to ff white.
drawn = bytes.fromhex(
{rows}
)
pixels = torch.tensor(list(drawn)).reshape(1, 1, 28, 28)  # (N, C, H, W)
image = (pixels / 255 - card.mean[0]) / card.std[0]

with torch.no_grad():
    logits = network(image)[0]
probabilities = logits.softmax(0)
for digit, probability in enumerate(probabilities.tolist()):
    print(digit, f"{{probability:.2%}}")
"""
