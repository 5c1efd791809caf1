"""The views of the page on architectures."""

from collections.abc import Mapping
from typing import Final

from cnnviz.ui.architecture import (
    digit_view,
    field_view,
    flatten_view,
    inside_view,
    paste_view,
    step_view,
    table_view,
)
from cnnviz.ui.views import View

ARCHITECTURE_VIEWS: Final[Mapping[str, View]] = {
    "table": View("Layer by layer", table_view.show),
    "flatten": View("16·5·5", flatten_view.show),
    "paste": View("Paste your own", paste_view.show),
    "field": View("Receptive field", field_view.show),
    "inside": View("Look inside", inside_view.show),
    "digit": View("Draw a digit", digit_view.show),
    "step": View("One step", step_view.show),
}
