"""PyTorch programs that reproduce what the convolution lesson shows."""

from __future__ import annotations

from cnnviz.convolution_lesson import LessonSettings
from cnnviz.geometry import ConvSpec
from cnnviz.query import Cells, write_number

_HEAD = """\
import torch
import torch.nn.functional as F
"""


def lesson_snippet(settings: LessonSettings) -> str:
    """A complete program; it ends by printing `output`, a tensor of shape (1, maps, Ho, Wo).

    For a setting that PyTorch refuses the program stops with PyTorch's own error, as it should.
    """
    image = _tensor("image", settings.image, _image_shape(settings))
    body = {
        "hand": _convolution,
        "colour": _convolution,
        "pooling": _pooling,
        "transposed": _transposed,
    }[settings.view](settings)
    return f"{_HEAD}\n{image}{body}print(output.shape)\nprint(output)\n"


def _image_shape(settings: LessonSettings) -> str:
    return f"(1, {len(settings.image)}, {settings.size}, {settings.size})"


def _convolution(s: LessonSettings) -> str:
    weight = _tensor(
        "weight",
        tuple(plane for bank in s.weight for plane in bank),
        f"({s.filters}, {s.depth}, {s.kernel}, {s.kernel})",
    )
    flip = ""
    if s.flip:
        flip = "weight = weight.flip(-2, -1)  # convolution: the filter turned by 180 degrees\n"
    padding: str | int = s.padding if isinstance(s.padding, int) else f'"{s.padding}"'
    fill = ""
    if s.padding == "full":
        padding = s.dilation * (s.kernel - 1)  # PyTorch has no name for it
    is_refused = s.padding == "same" and s.stride > 1
    if s.padding_mode != "zeros" and s.padding != "valid" and not is_refused:
        (top, bottom), (left, right) = ConvSpec(s.kernel, s.stride, s.padding, s.dilation).pad_sides
        fill = (
            f"image = F.pad(image, ({left}, {right}, {top}, {bottom}), "
            f'mode="{s.padding_mode}")  # left, right, top, bottom\n'
        )
        padding = 0
    return (
        f"{weight}{flip}{fill}{_bias(s)}"
        f"output = F.conv2d(\n    image, weight, bias, stride={s.stride}, padding={padding}, "
        f"dilation={s.dilation}\n)\n"
    )


def _transposed(s: LessonSettings) -> str:
    weight = _tensor("weight", s.weight[0], f"(1, 1, {s.kernel}, {s.kernel})")
    return (
        f"{weight}{_bias(s)}output = F.conv_transpose2d(\n    image,\n    weight,\n    bias,\n"
        f"    stride={s.stride},\n    padding={s.padding},\n"
        f"    output_padding={s.output_padding},\n    dilation={s.dilation},\n)\n"
    )


def _pooling(s: LessonSettings) -> str:
    if s.pool == "max":
        return (
            f"output = F.max_pool2d(\n    image, {s.kernel}, stride={s.stride}, "
            f"padding={s.padding}, dilation={s.dilation}, ceil_mode={s.ceil_mode}\n)\n"
        )
    return (
        f"output = F.avg_pool2d(\n    image,\n    {s.kernel},\n    stride={s.stride},\n"
        f"    padding={s.padding},\n    ceil_mode={s.ceil_mode},\n"
        f"    count_include_pad={s.count_include_pad},\n)\n"
    )


def _bias(s: LessonSettings) -> str:
    if not s.bias:
        return "bias = None\n"
    value = write_number(s.bias)
    return f"bias = torch.full(({s.filters},), {value}, dtype=torch.float64)\n"


def _tensor(name: str, planes: tuple[Cells, ...], shape: str) -> str:
    """An assignment that a student can read: one row of cells a line, one plane after another."""
    rows = [
        f"        [{', '.join(write_number(cell) for cell in row)}],"
        for plane in planes
        for row in plane
    ]
    cells = "\n".join(rows)
    return (
        f"{name} = torch.tensor(\n    [\n{cells}\n    ],\n    dtype=torch.float64,\n"
        f").reshape{shape}\n"
    )
