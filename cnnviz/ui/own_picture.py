"""A picture that a viewer brought, on its way to the size that a network takes."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.attribution.network_input import NetworkInput, fit_picture
from cnnviz.data.catalogue import DatasetInfo
from cnnviz.figures.snapshots import picture_uri
from cnnviz.pictures import Picture

MAX_SIDE: Final = 480
"""Pixels on the longer side of what is read; many times what any network here takes."""
STEPS_STYLE: Final = """
.cnnviz-steps { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; }
.cnnviz-steps figure { margin: 0; width: min(100%, 14rem); }
.cnnviz-steps figcaption { color: var(--cnnviz-muted); font-size: 0.85rem; margin-top: 0.2rem; }
.cnnviz-steps .frame { position: relative; display: inline-block; line-height: 0; }
.cnnviz-steps img { max-width: 100%; max-height: 14rem; border-radius: 0.3rem; }
.cnnviz-steps img.pixels {
    width: 14rem; max-width: 100%; max-height: none; image-rendering: pixelated;
}
.cnnviz-steps .cut {
    position: absolute; border: 2px solid var(--cnnviz-accent);
    box-shadow: 0 0 0 1px var(--cnnviz-background); box-sizing: border-box;
}
.cnnviz-steps ol { margin: 0; padding-left: 1.2rem; flex: 1 1 16rem; }
"""


def fit_with_steps(picture: Picture, info: DatasetInfo, *, key: str) -> npt.NDArray[np.uint8]:
    """What the network gets of it (H, W, C); shows every step, and asks where a cut is to lie.

    key: of the control that asks. Needs `STEPS_STYLE` on the page.
    """
    place = 0.5
    if picture.height * info.width != picture.width * info.height:
        place = st.slider(
            "Where the cut lies",
            0.0,
            1.0,
            0.5,
            step=0.05,
            width=320,
            help="0 is the left or upper end of the picture, 1 the right or lower one.",
            key=key,
        )
    fitted = fit_picture(picture, info, place=place)
    st.html(_steps(picture, fitted, info))
    return np.array(fitted.pixels)


def _steps(picture: Picture, fitted: NetworkInput, info: DatasetInfo) -> str:
    """The picture with its cut, what the network gets of it, and every step in words."""
    height, width = fitted.cut.shape[:2]
    sides = {
        "left": fitted.left / picture.width,
        "top": fitted.top / picture.height,
        "width": width / picture.width,
        "height": height / picture.height,
    }
    frame = ";".join(f"{side}:{100 * share:.2f}%" for side, share in sides.items())
    cut = "" if fitted.cut.shape == picture.pixels.shape else f'<span class="cut" style="{frame}">'
    notes = "".join(f"<li>{escape(note)}</li>" for note in (*picture.notes, *fitted.notes))
    return (
        '<div class="cnnviz-steps">'
        f'<figure><span class="frame"><img src="{picture_uri(picture.pixels)}" '
        f'alt="The picture as it was brought">{cut}{"</span>" if cut else ""}</span>'
        f"<figcaption>{picture.width} × {picture.height} pixels, as it was brought</figcaption>"
        "</figure>"
        f'<figure><img class="pixels" src="{picture_uri(fitted.pixels)}" '
        f'alt="The picture as the network gets it">'
        f"<figcaption>{info.width} × {info.height} pixels, as the network gets it</figcaption>"
        "</figure>"
        f"<ol>{notes}</ol></div>"
    )
