"""The drawings on the cards of the page on confusions, from a network that comes with cnnviz.

Like `preview`, whose rules hold here too. A network that is not there leaves its cards without
drawings: the cards are links first.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from cnnviz.confusion.calibration import reliability
from cnnviz.confusion.judgements import Judgements
from cnnviz.confusion.sources import list_sources, load_predictions
from cnnviz.errors import CnnvizError
from cnnviz.pictures import sample_picture
from cnnviz.ui import drawing
from cnnviz.ui.preview import middle_of

_NETWORK: Final = "lenet5-cifar10"
_CLASSES: Final = ("bird", "cat", "deer", "dog")


@cache
def matrix() -> str:
    """Four classes of the matrix, cat taken for dog marked."""
    found = _judged()
    if found is None:
        return ""
    judgements, names = found
    chosen = [names.index(name) for name in _CLASSES]
    counts = judgements.confusion[np.ix_(chosen, chosen)].astype(np.float64)
    cat, dog = _CLASSES.index("cat"), _CLASSES.index("dog")
    words = [
        drawing.text(150, 44 + 40 * row, name, 17, "muted") for row, name in enumerate(_CLASSES)
    ]
    words += [
        drawing.text(206 + 40 * column, 12, name, 16, "muted")
        for column, name in enumerate(_CLASSES)
    ]
    cells = drawing.grid(counts, 186, 24, 40, marked=[(cat, dog)], outline=(cat, dog, 1, 1))
    cats = judgements.confusion[chosen[cat]].sum()
    said = f"cat taken for dog: {counts[cat, dog]:.0f} of {cats:,}"
    description = f"A part of the confusion matrix; {said}"
    return drawing.svg((500, 188), [*words, cells], description, below=f"<b>{said}</b>")


@cache
def calibrated() -> str:
    """How often the network is right against how sure it is."""
    found = _judged()
    if found is None:
        return ""
    judgements = found[0]
    bins = reliability(judgements.confidence, judgements.is_correct).bins
    points = " ".join(
        f"{10 + 290 * one.mean_confidence:.1f},{148 - 140 * one.accuracy.share:.1f}"
        for one in bins
        if one.accuracy.count
    )
    return drawing.svg(
        (310, 178),
        [
            '<line class="rule" x1="10" y1="148" x2="300" y2="148"></line>',
            '<line class="rule" x1="10" y1="148" x2="300" y2="8" stroke-dasharray="6 5"></line>',
            f'<polyline class="curve" points="{points}"></polyline>',
            drawing.text(155, 166, "how sure, how often right", 17, "muted"),
        ],
        "How often the network is right against how sure it is",
    )


@cache
def own_picture() -> str:
    """A photograph beside what of it a network of 32 by 32 pixels gets to see."""
    pixels = middle_of(sample_picture(180))
    small = middle_of(sample_picture(48))  # 32 by 32, as the networks have it
    return (
        '<div class="cnnviz-preview"><div class="pair">'
        f'<img alt="A photograph of a cat" src="{drawing.png(pixels)}">'
        '<span aria-hidden="true">→</span>'
        '<img alt="The same in the few pixels that a network is given" '
        f'src="{drawing.png(small)}">'
        "</div></div>"
    )


def _judged() -> tuple[Judgements, list[str]] | None:
    try:
        source = list_sources().find(_NETWORK)
        predictions = load_predictions(source)
    except CnnvizError:
        return None
    return predictions.judgements, list(predictions.class_names)
