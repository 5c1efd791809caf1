"""What the small drawings on cards are made of: SVG in the theme's colours.

Streamlit's `st.markdown(..., unsafe_allow_html=True)` keeps inline SVG that stands on one line.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float64]

STYLE: Final = """
.cnnviz-preview {
    display: flex; flex-direction: column; align-items: center; justify-content: center;
    gap: 0.6rem; min-height: 11rem; padding-bottom: 1.5rem;
}
.cnnviz-preview svg { width: 100%; height: auto; max-height: 11rem; display: block; }
.cnnviz-preview text { fill: var(--cnnviz-text); text-anchor: middle; dominant-baseline: central; }
.cnnviz-preview .cell { fill: var(--cnnviz-background); stroke: var(--cnnviz-border); }
.cnnviz-preview .filled {
    fill: color-mix(in srgb, var(--cnnviz-text) 13%, var(--cnnviz-background));
}
.cnnviz-preview .marked {
    fill: color-mix(in srgb, var(--cnnviz-accent) 26%, var(--cnnviz-background));
}
.cnnviz-preview .window { fill: none; stroke: var(--cnnviz-accent); stroke-width: 3.5; }
.cnnviz-preview .red { fill: none; stroke: var(--cnnviz-red); stroke-width: 3; }
.cnnviz-preview .green { fill: none; stroke: var(--cnnviz-green); stroke-width: 3; }
.cnnviz-preview .blue { fill: none; stroke: var(--cnnviz-blue); stroke-width: 3; }
.cnnviz-preview .ink { fill: var(--cnnviz-text); }
.cnnviz-preview .rule { stroke: var(--cnnviz-muted); stroke-width: 1.5; }
.cnnviz-preview .accent { fill: var(--cnnviz-accent); font-weight: 700; }
.cnnviz-preview .muted { fill: var(--cnnviz-muted); }
.cnnviz-preview .strong { font-weight: 700; }
.cnnviz-preview .curve { fill: none; stroke: var(--cnnviz-accent); stroke-width: 3.5; }
.cnnviz-preview .curve.muted { stroke: var(--cnnviz-muted); stroke-dasharray: 7 5; }
.cnnviz-preview .curve.other { stroke: var(--cnnviz-positive); stroke-dasharray: 9 6; }
.cnnviz-preview .epochs { display: flex; gap: 1.1rem; justify-content: center; }
.cnnviz-preview .epochs img {
    height: 9rem; padding: 0; margin: 0; image-rendering: pixelated; border-radius: 0.3rem;
}
.cnnviz-preview .sum { margin: 0; color: var(--cnnviz-muted); text-align: center; }
.cnnviz-preview .pair {
    display: grid; grid-template-columns: 1fr auto 1fr; gap: 0.6rem; align-items: center;
    width: 100%; max-width: 25rem;
}
.cnnviz-preview .pair img {
    width: 100%; max-width: 100%; max-height: none; padding: 0; margin: 0; display: block;
    aspect-ratio: 1; object-fit: fill; border-radius: 0.4rem; image-rendering: pixelated;
    background: var(--cnnviz-background);
}
.cnnviz-preview .pair span { color: var(--cnnviz-muted); font-size: 1.4rem; line-height: 1; }
"""


def grid(
    values: Array,
    x: float,
    y: float,
    cell: float,
    *,
    marked: Iterable[tuple[int, ...]] = (),
    muted: Iterable[tuple[int, ...]] = (),
    hidden: Iterable[tuple[int, ...]] = (),
    outline: tuple[int, int, int, int] | None = None,
    height: float = 0.5,
) -> str:
    """A grid of numbers (H, W) at (x, y); `outline` is (row, column, rows, columns).

    height: of the numbers, as a share of a cell.
    """
    marked, muted, hidden = set(marked), set(muted), set(hidden)
    parts = []
    for place, value in np.ndenumerate(values):
        left, top = x + place[1] * cell, y + place[0] * cell
        kind = "cell"
        if place in marked:
            kind += " marked"
        elif value and place not in muted:
            kind += " filled"
        parts.append(
            f'<rect class="{kind}" x="{left:g}" y="{top:g}" '
            f'width="{cell:g}" height="{cell:g}"></rect>'
        )
        shown = "?" if place in hidden else number(value)
        style = "muted" if place in muted else ("strong" if place in marked else "")
        parts.append(text(left + cell / 2, top + cell / 2 + 1, shown, cell * height, style))
    if outline:
        row, column, rows, columns = outline
        parts.append(
            f'<rect class="window" x="{x + column * cell:g}" y="{y + row * cell:g}" '
            f'width="{columns * cell:g}" height="{rows * cell:g}" rx="3"></rect>'
        )
    return "".join(parts)


def text(x: float, y: float, text: str, size: float, style: str = "") -> str:
    """Words whose middle is at (x, y)."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}" font-size="{size:g}">{text}</text>'


def svg(size: tuple[int, int], parts: Iterable[str], description: str, below: str = "") -> str:
    """A whole drawing (width, height), and a line of HTML below it.

    description: what a screen reader says in its place.
    """
    width, height = size
    sentence = f'<p class="sum">{below}</p>' if below else ""
    return (
        f'<div class="cnnviz-preview"><svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{description}">{"".join(parts)}</svg>{sentence}</div>'
    )


def number(value: float) -> str:
    """A number as it is printed, with a real minus sign."""
    return f"{value:g}".replace("-", "−")


def signed_number(value: float) -> str:
    """The same, with its sign always."""
    return f"{value:+g}".replace("-", "−")


def signed(values: Array) -> npt.NDArray[np.uint8]:
    """Values as colour with transparency (H, W, 4), so that zero is the page behind it."""
    colours = np.where(values[..., None] < 0, (0x2F, 0x7B, 0xD8), (0xE8, 0x77, 0x1F))
    strength = np.abs(values) / max(float(np.abs(values).max()), 1e-12)
    alpha = np.minimum(1.0, strength**0.6 * 1.25) * 255
    return np.dstack([colours, alpha]).astype(np.uint8)


def png(pixels: npt.NDArray[np.uint8]) -> str:
    """Pixels (H, W, 3) or (H, W, 4) as the address of an image."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
