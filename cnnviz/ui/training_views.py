"""The views of the training page: before, during and after."""

from collections.abc import Mapping
from typing import Final

from cnnviz.ui.training import compare_view, setup_view, time_machine_view, watch_view
from cnnviz.ui.views import View

TRAINING_VIEWS: Final[Mapping[str, View]] = {
    "new": View("New training", setup_view.show),
    "watch": View("Watch", watch_view.show),
    "compare": View("Compare", compare_view.show),
    "time": View("Time machine", time_machine_view.show),
}
