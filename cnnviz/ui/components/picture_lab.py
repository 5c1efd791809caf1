"""The picture lab: picture, editable kernel and feature map, computed in the browser.

The browser repaints while a slider is dragged and reports when the hand rests; `picture_lesson`
reads and judges the report.
"""

import base64
import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.picture_lesson import PictureSettings, describe_filters
from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.picture_lab",
    css=read_source("picture_lab.css"),
    # Joined: a component takes one text.
    js=read_source("picture_math.js", "reporter.js", "picture_lab.js"),
)


def picture_id(grey: npt.NDArray[np.float64]) -> str:
    """A short name for the pixels of a grey picture: the same pixels, the same name."""
    digest = hashlib.sha256(f"{grey.shape}".encode() + grey.astype(np.uint8).tobytes())
    return digest.hexdigest()[:16]


def picture_lab(
    grey: npt.NDArray[np.float64],
    settings: PictureSettings,
    *,
    version: int,
    verdict: Mapping[str, object] | None,
    key: str,
) -> None:
    """Show the lab for grey (H, W), whole levels 0 to 255.

    The browser keeps what the hand has set and takes `settings` only when `version` changes or
    when it is mounted anew. Its report is in `st.session_state[key]["state"]` at the next run.
    verdict: {"state_id", "text", "ok"}, about the report with that id.
    """
    levels = np.ascontiguousarray(grey.astype(np.uint8))
    _mount(
        key=key,
        data={
            "picture": {
                "id": picture_id(grey),
                "height": grey.shape[0],
                "width": grey.shape[1],
                "grey_base64": base64.b64encode(levels.tobytes()).decode("ascii"),
            },
            "state": {
                "filter": settings.filter_key,
                "kernel": [list(map(float, row)) for row in settings.kernel],
                "stride": settings.stride,
                "padding": settings.padding,
                "dilation": settings.dilation,
                "flip": settings.flip,
                "bias": settings.bias,
                "show": settings.show,
            },
            "filters": describe_filters(),
            "verdict": dict(verdict) if verdict else None,
            "version": version,
        },
        on_state_change=lambda: None,
    )
