"""What is asked of the desk about one picture: the first look, the maps, the checks."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.requests import AttributionRequest, Target
from cnnviz.attribution.results import Attribution
from cnnviz.attribution.turns import Stop
from cnnviz.confusion.look import LookSettings
from cnnviz.data.progress import Progress
from cnnviz.ui.confusion.attribution_networks import (
    FirstLook,
    NetworkOfSource,
    check_map,
    delete_pixels,
    look_first,
    make_map,
    picture_digest,
)
from cnnviz.ui.confusion.attribution_pending import DESK, ask
from cnnviz.ui.confusion.attribution_work import Make, Work


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A picture, and the network that is asked about it."""

    which: NetworkOfSource
    pixels: npt.NDArray[np.uint8]
    """(H, W, C)."""
    class_names: tuple[str, ...]
    true: int | None
    """The picture's class, where it is known."""

    def first_look(self) -> Work:
        """The probabilities, and what the network allows: a `FirstLook`."""
        key = "look", self.which.key, picture_digest(self.pixels)
        return self._ask(key, partial(look_first, self.which, self.pixels))

    def map(self, look: FirstLook, request: AttributionRequest) -> Work:
        """One map: an `Attribution`."""
        key = self._key(look, "map", request)
        return self._ask(key, partial(make_map, self.which, self.pixels, request))

    def knows(self, look: FirstLook, request: AttributionRequest) -> bool:
        """Whether that map was computed before and is remembered."""
        return DESK.result(self._key(look, "map", request)) is not None

    def check(self, look: FirstLook, request: AttributionRequest, layers: int) -> Work:
        """The map on a network that forgot its last layers: a `RandomizationCheck`."""

        def make(progress: Progress, stop: Stop) -> Any:
            trained = self._trained(look, request, stop)
            return check_map(self.which, self.pixels, trained, layers, progress, stop)

        return self._ask(self._key(look, "randomized", request, layers), make)

    def deletion(self, look: FirstLook, request: AttributionRequest, side: int) -> Work:
        """What is left of the class while pixels go: a `DeletionCurve`."""

        def make(progress: Progress, stop: Stop) -> Any:
            trained = self._trained(look, request, stop)
            return delete_pixels(self.which, self.pixels, trained, side, progress, stop)

        return self._ask(self._key(look, "deletion", request, side), make)

    def _trained(self, look: FirstLook, request: AttributionRequest, stop: Stop) -> Attribution:
        known: Attribution | None = DESK.result(self._key(look, "map", request))
        if known is not None:
            return known
        return make_map(self.which, self.pixels, request, lambda words, share: None, stop)

    def _ask(self, key: Hashable, make: Make) -> Work:
        source = self.which.source
        about = source.key, str(source.folder), self.which.epoch, picture_digest(self.pixels)
        return ask(key, make, about)

    def _key(self, look: FirstLook, *what: Hashable) -> Hashable:
        return look.digest, picture_digest(self.pixels), *what


def requests_of(
    settings: LookSettings, look: FirstLook, method: MethodName, targets: tuple[Target, ...]
) -> list[AttributionRequest]:
    """What is asked of a method; a layer that this network does not have is its last one.

    SettingError for settings that do not go together.
    """
    known = {"", *(layer.name for layer in look.support.layers)}
    parameters = tuple(
        (one, name, value)
        for one, name, value in settings.parameters
        if name != "layer" or value in known
    )
    fitted = LookSettings(methods=settings.methods, parameters=parameters)
    return [fitted.request(method, target) for target in targets]
