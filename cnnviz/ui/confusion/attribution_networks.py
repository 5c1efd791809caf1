"""The networks whose maps are made: read once per server, a few kept, shared by all sessions.

Everything here is called in the threads of the `Desk`; nothing imports torch before that.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from cnnviz.attribution.requests import AttributionRequest
from cnnviz.attribution.results import Attribution, DeletionCurve, Doubles, RandomizationCheck
from cnnviz.attribution.turns import Stop
from cnnviz.confusion.sources import PredictionSource
from cnnviz.data.progress import Progress
from cnnviz.errors import CheckpointError
from cnnviz.ui import warm_up

if TYPE_CHECKING:
    from cnnviz.attribution.subject import Subject
    from cnnviz.attribution.support import Support
    from cnnviz.confusion.source_network import SourceNetwork

Pixels = npt.NDArray[np.uint8]
MOST_NETWORKS: Final = 6
"""That are kept; the largest takes 60 MB."""
_TORCH_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class NetworkOfSource:
    """Which network is asked: that of a source, of a run after one of its epochs."""

    source: PredictionSource
    epoch: int | None
    """None for a checkpoint."""

    @classmethod
    def at(cls, source: PredictionSource, epoch: int | None) -> NetworkOfSource:
        """The one that a page shows."""
        return cls(source, source.nearest_epoch(epoch) if source.is_run else None)

    @property
    def key(self) -> Hashable:
        """Another one once its file was written anew."""
        if self.epoch is None:
            file = self.source.folder / f"{self.source.key}.safetensors"
        else:
            file = self.source.snapshot_file(self.epoch)
        return self.source.key, str(self.source.folder), self.epoch, _written_at(file)


@dataclass(frozen=True, slots=True, eq=False)
class FirstLook:
    """What is known of a network and a picture before any map is made."""

    digest: str
    """Of the network."""
    probabilities: Doubles
    """(classes,)"""
    support: Support
    layers: tuple[str, ...]
    """With weights, the first first."""

    @property
    def order(self) -> tuple[int, ...]:
        """The classes, that with the greatest probability first."""
        return tuple(int(place) for place in np.argsort(-self.probabilities, kind="stable"))


def picture_digest(pixels: Pixels) -> str:
    """The same for the same picture, wherever it comes from."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


class Shelf:
    """A few networks, those that were used last."""

    def __init__(self, most: int = MOST_NETWORKS) -> None:
        self._most = most
        self._lock = threading.Lock()  # held while one is read: nobody reads it a second time
        self._networks: OrderedDict[Hashable, SourceNetwork] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._networks)

    def get(self, which: NetworkOfSource) -> SourceNetwork:
        """The network, read if need be; errors as `load_source_network` has them."""
        from cnnviz.confusion.source_network import load_source_network

        with self._lock:
            key = which.key
            if key not in self._networks:
                self._networks[key] = load_source_network(which.source, which.epoch)
            self._networks.move_to_end(key)
            while len(self._networks) > self._most:
                self._networks.popitem(last=False)
            return self._networks[key]


SHELF: Final = Shelf()
_torch_lock: Final = threading.Lock()


def warm(progress: Progress, stop: Stop) -> None:
    """Imports what the first look at any network imports: two seconds that nobody waits for.

    To be asked for once torch is there: until then it would bring its import forward.
    """
    _wait_for_torch()
    from torch import nn

    from cnnviz.attribution.support import examine

    examine(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten()), (1, 2, 2))


def look_first(which: NetworkOfSource, pixels: Pixels, progress: Progress, stop: Stop) -> FirstLook:
    """Loads the network and asks it what the picture shows."""
    progress("Loading PyTorch", 0.0)
    _wait_for_torch()
    from cnnviz.attribution.explain import class_probabilities
    from cnnviz.attribution.randomization import weighted_layers
    from cnnviz.attribution.support import examine

    progress("Loading the network", 0.5)
    subject, digest = _subject(which, pixels)
    return FirstLook(
        digest=digest,
        probabilities=class_probabilities(subject, stop=stop),
        support=examine(subject.network, subject.input_shape),
        layers=weighted_layers(subject.network),
    )


def make_map(
    which: NetworkOfSource,
    pixels: Pixels,
    request: AttributionRequest,
    progress: Progress,
    stop: Stop,
) -> Attribution:
    """One map."""
    from cnnviz.attribution.explain import explain

    return explain(_subject(which, pixels)[0], request, progress=progress, stop=stop)


def check_map(
    which: NetworkOfSource,
    pixels: Pixels,
    trained: Attribution,
    layers: int,
    progress: Progress,
    stop: Stop,
) -> RandomizationCheck:
    """The same map on the network with its last layers randomized."""
    from cnnviz.attribution.randomization import check_by_randomization

    subject = _subject(which, pixels)[0]
    return check_by_randomization(
        subject, trained.request, layers=layers, trained=trained, progress=progress, stop=stop
    )


def delete_pixels(
    which: NetworkOfSource,
    pixels: Pixels,
    trained: Attribution,
    side: int,
    progress: Progress,
    stop: Stop,
) -> DeletionCurve:
    """What is left of the class while the pixels of a map go."""
    from cnnviz.attribution.deletion import deletion_curve

    return deletion_curve(
        _subject(which, pixels)[0],
        trained.map,
        trained.request.target,
        side=side,
        progress=progress,
        stop=stop,
    )


def _subject(which: NetworkOfSource, pixels: Pixels) -> tuple[Subject, str]:
    from cnnviz.attribution.subject import Subject

    found = SHELF.get(which)
    return Subject(found.network, found.normalization, pixels), found.digest


def _wait_for_torch() -> None:
    if not warm_up.wait_for_torch(_TORCH_LIMIT_S):
        raise CheckpointError(f"PyTorch is needed for this and is not there ({warm_up.status()})")
    with _torch_lock:  # two threads that import Captum at once could find it half there
        import cnnviz.attribution.explain  # noqa: F401
    import torch

    # Of this thread. As many compute at a time as there are cores on a small machine: with several
    # threads each they would wait for one another, and for the browser that paints beside them.
    torch.set_num_threads(1)


def _written_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
