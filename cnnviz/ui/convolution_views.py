"""The views of the convolution lesson, in the order of a class."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from cnnviz.ui import backwards_view, picture_view, quiz_view, window_view
from cnnviz.ui.views import View

CONVOLUTION_VIEWS: Final[Mapping[str, View]] = {
    "hand": View("By hand", partial(window_view.show, "hand")),
    "picture": View("On a picture", picture_view.show),
    "colour": View("In colour", partial(window_view.show, "colour")),
    "pooling": View("Pooling", partial(window_view.show, "pooling")),
    "transposed": View("Transposed", partial(window_view.show, "transposed")),
    "backwards": View("Ask it backwards", backwards_view.show),
    "quiz": View("Try it yourself", quiz_view.show),
}
