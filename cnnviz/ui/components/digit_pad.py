"""The drawing pad: it renders, asks the networks and draws bars in the browser; Python judges."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from cnnviz.digits.examples import EXAMPLES
from cnnviz.digits.settings import MOST_POINTS, OPENING_STROKES, PENS, DigitSettings
from cnnviz.ui.components.sources import read_source
from cnnviz.ui.training.packing import pack

if TYPE_CHECKING:
    from cnnviz.digits.browser_net import BrowserNet

SOURCES = (
    "element.js",
    "packed.js",
    "digit_ink.js",
    "digit_net.js",
    "digit_hand.js",
    "digit_answers.js",
    "reporter.js",
    "digit_pad.js",
)
"""In the order of use; joined into one module, since a component takes one text."""

_mount = st.components.v2.component(
    "cnnviz.digit_pad",
    css=read_source("picture_lab.css", "digit_pad.css"),
    js=read_source(*SOURCES),
)


@dataclass(frozen=True, slots=True, eq=False)
class AskedNetwork:
    """A network that the browser runs."""

    name: str
    """Of its checkpoint."""
    title: str
    id: str
    """Changes with its numbers: the browser keeps those that it has been sent."""
    net: BrowserNet


@cache
def _lesson_data() -> dict[str, Any]:
    """What the browser must know to follow the hand without asking."""
    return {
        "pens": PENS,
        "most_points": MOST_POINTS,
        "opening": OPENING_STROKES,
        "examples": [
            {"key": example.key, "title": example.title, "strokes": example.strokes}
            for example in EXAMPLES
        ],
    }


def digit_pad(
    settings: DigitSettings,
    networks: Sequence[AskedNetwork],
    *,
    key: str,
    version: int,
    there: Collection[str] = (),
    verdict: Mapping[str, str] | None = None,
    waiting: str = "",
) -> None:
    """Show the pad. What it reports lies in ``st.session_state[key]["report"]``.

    settings: taken when the pad is new or `version` is; otherwise the browser's own state stands.
    there: ids of networks that the browser says it has ("has" in its report): their numbers, half a
    megabyte, are not sent again. verdict: state, text and detail of the judgement, and the id of
    the state that was judged. waiting: what is said while there are no networks.
    """
    sent = [network for network in networks if network.id not in there]
    described = [
        {
            "id": network.id,
            "name": network.name,
            "title": network.title,
            "input_shape": network.net.input_shape,
            "mean": network.net.mean,
            "std": network.net.std,
            "layers": network.net.layers,
            "count": len(network.net.numbers) if network in sent else 0,
        }
        for network in networks
    ]
    content = {
        **_lesson_data(),
        "settings": settings.to_json(),
        "version": version,
        "networks": described,
        "verdict": verdict,
        "waiting": waiting,
    }
    _mount(
        key=key,
        data=pack(content, [network.net.numbers.astype(np.float64) for network in sent]),
        on_report_change=lambda: None,
    )
