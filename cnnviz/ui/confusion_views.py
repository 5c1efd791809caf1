"""The views of the page on confusions."""

from collections.abc import Mapping
from typing import Final

from cnnviz.ui.confusion import (
    attribution_own_picture,
    calibration_view,
    classes_view,
    comparison_view,
    matrix_view,
)
from cnnviz.ui.views import View

CONFUSION_VIEWS: Final[Mapping[str, View]] = {
    "matrix": View("Matrix", matrix_view.show),
    "classes": View("Class by class", classes_view.show),
    "calibration": View("Calibration", calibration_view.show),
    "two": View("Two networks", comparison_view.show),
    "own": View("Your own picture", attribution_own_picture.show),
}
