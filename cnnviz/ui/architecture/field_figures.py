"""A picture with the outlines of a receptive field, as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from cnnviz.figures.snapshots import picture_uri

if TYPE_CHECKING:
    from cnnviz.activations.receptive import Window

STYLE: Final = """<style>
.cnnviz-fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr));
  gap: 0.8rem 1.6rem; }
.cnnviz-fields figure { margin: 0; max-width: 26rem; }
.cnnviz-fields figcaption { line-height: 1.35; margin-bottom: 0.3rem; min-height: 4.1em; }
.cnnviz-fields figcaption b { display: block; }
.cnnviz-fields svg { display: block; width: 100%; }
.cnnviz-fields image { image-rendering: pixelated; }
.cnnviz-fields path, .cnnviz-fields rect { fill: none; vector-effect: non-scaling-stroke; }
.cnnviz-fields .ground { stroke: var(--cnnviz-border); }
.cnnviz-fields .field { stroke: var(--cnnviz-positive); stroke-width: 2.5px;
  stroke-dasharray: 7 4; }
.cnnviz-fields .half { stroke: var(--cnnviz-positive); stroke-width: 2px;
  stroke-dasharray: 2 3.5; }
.cnnviz-fields .most { stroke: var(--cnnviz-text); stroke-width: 2px; }
.cnnviz-fields .light { stroke: #ffd400; }
.cnnviz-fields .halo { stroke: #000; stroke-width: 5px; }
</style>"""


def field_figure(
    picture: npt.NDArray[np.uint8],
    theory: Window,
    *,
    title: str,
    words: tuple[str, str],
    most: str = "",
    is_photo: bool = False,
) -> str:
    """A picture with the outlines of a field, as HTML."""
    height, width = picture.shape[:2]
    half = (
        theory.middle[0] - theory.height / 4,
        theory.middle[1] - theory.width / 4,
        theory.height / 2,
        theory.width / 2,
    )
    field = (theory.top, theory.left, theory.height, theory.width)
    light = " light" if is_photo else ""
    spoken = escape(f"{title}: {'; '.join(words)}")
    shapes = _rectangle(field, f"field{light}")
    if is_photo:
        shapes = _rectangle(field, "halo") + shapes
    else:
        shapes = f'<path class="most" d="{most}"/>{shapes}{_rectangle(half, "half")}'
    return (
        f"<figure><figcaption><b>{escape(title)}</b>{'<br>'.join(map(escape, words))}</figcaption>"
        f'<svg viewBox="-1 -1 {width + 2} {height + 2}" role="img" aria-label="{spoken}">'
        f'<image href="{picture_uri(picture)}" width="{width}" height="{height}"/>'
        f'<rect class="ground" width="{width}" height="{height}"/>{shapes}</svg></figure>'
    )


def _rectangle(at: tuple[float, float, float, float], name: str) -> str:
    top, left, height, width = at
    return f'<rect class="{name}" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}"/>'
