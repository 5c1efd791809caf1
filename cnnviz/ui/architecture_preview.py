"""The drawings on the cards of the page on architectures, from numbers that cnnviz computes.

Like `preview`, whose rules hold here too. None of them needs torch.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from cnnviz.activations.fields import Field
from cnnviz.digits.examples import EXAMPLES
from cnnviz.digits.ink import PAD, SIDE, render
from cnnviz.digits.settings import DigitSettings
from cnnviz.geometry import ConvSpec, PoolSpec
from cnnviz.one_step.network import take_step
from cnnviz.one_step.settings import StepSettings
from cnnviz.ui import drawing

LENET: Final[tuple[tuple[str, ConvSpec | PoolSpec], ...]] = (
    ("conv1", ConvSpec(5)),
    ("pool1", PoolSpec("max", 2)),
    ("conv2", ConvSpec(5)),
    ("pool2", PoolSpec("max", 2)),
)
"""The windows of LeNet-5, on pictures of 32 by 32."""
_PIXELS: Final = 32
_DIGIT: Final = "four-or-nine"


@cache
def one_step() -> str:
    """The lesson's picture, its filter and what ReLU leaves; the loss before and after a step."""
    step = take_step(StepSettings())
    forward = step.forward
    before, after = (drawing.number(round(told.loss, 3)) for told in (forward, step.new_forward))
    return drawing.svg(
        (564, 160),
        [
            drawing.grid(forward.x, 6, 8, 144 / len(forward.x)),
            drawing.text(172, 82, "∗", 34, "muted"),
            drawing.grid(step.parameters.w.round(2), 194, 23, 38, height=0.4),
            drawing.text(334, 82, "→", 28, "muted"),
            drawing.grid(forward.a.round(1), 360, 8, 144 / len(forward.a), height=0.42),
            drawing.text(532, 82, "→ y", 24, "muted"),
        ],
        "A picture, a filter and the feature map after ReLU",
        below=f"loss {before} → <b>{after}</b> after one step",
    )


@cache
def fields() -> str:
    """How much of the picture a unit of each layer of LeNet-5 sees, one within the other."""
    scale = 150 / _PIXELS
    parts = ['<rect class="cell" x="6" y="12" width="150" height="150"></rect>']
    field, size = Field(), (_PIXELS, _PIXELS)
    for number, (name, spec) in enumerate(LENET):
        field = field.through(spec.axes if isinstance(spec, ConvSpec) else spec.axes_for(*size))
        size = spec.output_size(*size)
        side = field.size[0]
        x, width = 6 + scale * (_PIXELS - side) / 2, scale * side
        parts.append(
            f'<rect class="window" x="{x:g}" y="{x + 6:g}" width="{width:g}" '
            f'height="{width:g}"></rect>'
        )
        parts.append(drawing.text(236, 36 + 34 * number, f"{name}: {side} × {side}", 17))
    return drawing.svg(
        (310, 178), parts, f"A unit behind LeNet-5's last pooling sees {side} by {side} pixels"
    )


@cache
def digit() -> str:
    """Strokes of a pen, and the few grey levels that a network is given."""
    example = next(example for example in EXAMPLES if example.key == _DIGIT)
    scale = 140 / PAD
    strokes = (
        " ".join(f"{2 + scale * x:.1f},{8 + scale * y:.1f}" for x, y in stroke)
        for stroke in example.strokes
    )
    parts = [f'<polyline class="curve" points="{points}"></polyline>' for points in strokes]
    parts.append(drawing.text(155, 78, "→", 26, "muted"))
    cell = 140 / SIDE
    pixels = render(example.strokes, DigitSettings().pen)
    for (row, column), value in ((at, pixels[at]) for at in zip(*pixels.nonzero(), strict=True)):
        parts.append(
            f'<rect class="ink" x="{168 + cell * column:g}" y="{8 + cell * row:g}" '
            f'width="{cell:g}" height="{cell:g}" fill-opacity="{value / 255:.2f}"></rect>'
        )
    parts.append('<rect class="rule" fill="none" x="168" y="8" width="140" height="140"></rect>')
    parts.append(drawing.text(155, 166, example.title, 17, "muted"))
    return drawing.svg((310, 178), parts, f"A drawn digit and its pixels: {example.title}")
