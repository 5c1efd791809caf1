"""One computation: what every method is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from cnnviz.attribution.requests import AttributionRequest, Target
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.support import Support
from cnnviz.attribution.turns import Turn
from cnnviz.data.progress import Progress


class Watch:
    """Tells how far a computation is, and lets others go first, whenever the network is run."""

    def __init__(self, turn: Turn, words: str, progress: Progress) -> None:
        self._turn = turn
        self._words = words
        self._progress = progress
        self._done = 0
        self._total = 1

    def expect(self, images: int) -> None:
        """So many images will be run through the network from now on."""
        self._done, self._total = 0, images

    def before(self, images: int) -> None:
        """So many images are about to be run. StoppedError if it was told to stop."""
        self._turn.pass_on()
        self._progress(self._words, min(self._done / self._total, 1.0))
        self._done += images


class Score(nn.Module):
    """The number that is explained, as a network: images (N, C, H, W) to scores (N,).

    A class's logit, or the difference of two. Every method of Captum works on it as on a network.
    """

    def __init__(self, network: nn.Module, target: Target, watch: Watch) -> None:
        super().__init__()
        self.network = network
        self._target = target
        self._watch = watch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N,)."""
        self._watch.before(len(x))
        return score_of_logits(self.network(x), self._target)


def score_of_logits(logits: torch.Tensor, target: Target) -> torch.Tensor:
    """Logits (N, classes) to scores (N,)."""
    score = logits[:, target.label]
    return score if target.against is None else score - logits[:, target.against]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a method is given. The network is a private copy."""

    subject: Subject
    request: AttributionRequest
    support: Support
    network: nn.Module
    score: Score
    watch: Watch
    x: torch.Tensor
    """(1, C, H, W), normalized."""

    def input(self) -> torch.Tensor:
        """The picture as a tensor that Captum finds as it wants it: a leaf with a gradient."""
        return self.x.detach().clone().requires_grad_()

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """Of images (N, C, H, W), float64 (N,), without gradients, a few at a time."""
        with torch.no_grad():
            parts = [self.score(part) for part in torch.split(images, self.support.chunk)]
        return torch.cat(parts).cpu().double()

    def generator(self) -> torch.Generator:
        """Random numbers from the request's seed; on the CPU, so that all devices draw the same."""
        return torch.Generator().manual_seed(self.request.whole("seed"))


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What a method gives back: either a number for each channel of each pixel, or for each pixel.

    Both, where the one is not the other's sum.
    """

    channels: torch.Tensor | None = None
    """(C, H, W)."""
    map: torch.Tensor | None = None
    """(H, W); None for the sum of the channels."""
    expected_total: float | None = None
    """What the map should add up to, of a method that promises it."""
    layer: str | None = None
    """Whose maps were used."""
