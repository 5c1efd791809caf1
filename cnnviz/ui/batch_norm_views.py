"""The views of the page on batch normalization."""

from collections.abc import Mapping
from typing import Final

from cnnviz.ui.batch_norm import (
    buys_view,
    by_hand_view,
    inference_view,
    modes_view,
    network_view,
    quiz_view,
    relatives_view,
    running_view,
)
from cnnviz.ui.views import View

BATCH_NORM_VIEWS: Final[Mapping[str, View]] = {
    "hand": View("By hand", by_hand_view.show),
    "network": View("In a real network", network_view.show),
    "modes": View("Train against eval", modes_view.show),
    "running": View("Running statistics", running_view.show),
    "buys": View("What it buys", buys_view.show),
    "inference": View("At inference", inference_view.show),
    "relatives": View("Its relatives", relatives_view.show),
    "quiz": View("Try it yourself", quiz_view.show),
}
