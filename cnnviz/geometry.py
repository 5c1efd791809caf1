"""Sizes without tensors: convolution, pooling and transposed convolution, and their inverse.

The names follow the literature: input size i, kernel size k, stride s, padding p, dilation d,
output size o. Everything is worked out one axis at a time (``axis``), since height and width never
mix:

    o = floor((i + 2p - d(k-1) - 1) / s) + 1

Sources: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning",
arXiv:1603.07285; the PyTorch documentation of Conv2d, MaxPool2d, AvgPool2d and ConvTranspose2d.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cnnviz.axis import AxisSpec, output_sizes
from cnnviz.errors import NoOutputError, SettingError
from cnnviz.settings import MAX_CELLS, Pair, pair, shown, whole_number

PaddingName = Literal["valid", "same", "full"]
PoolKind = Literal["max", "average"]

__all__ = [
    "MAX_CELLS",
    "PADDING_NAMES",
    "POOL_KINDS",
    "AxisSpec",
    "ConvSpec",
    "PaddingName",
    "Pair",
    "PoolKind",
    "PoolSpec",
    "TransposedConvSpec",
    "find_settings",
]

PADDING_NAMES: tuple[PaddingName, ...] = ("valid", "same", "full")
POOL_KINDS: tuple[PoolKind, ...] = ("max", "average")


@dataclass(frozen=True, slots=True, init=False)
class ConvSpec:
    """Settings of a convolution. Sources: PyTorch, Conv2d; Dumoulin & Visin 2016, 2 and 5.1.

    Each setting is an int or a (height, width) pair, and is held as a pair. ``padding`` may also be
    a name: "valid" (none), "same" (output as large as the input; the extra cell of an uneven total
    goes after), "full" (d(k-1) on every side: each window that touches the input at all).
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair | PaddingName
    dilation: Pair

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | PaddingName = 0,
        dilation: int | Pair = 1,
    ) -> None:
        # Written out so that the fields are pairs to a type checker, while callers may give ints.
        object.__setattr__(self, "kernel_size", pair("kernel_size", kernel_size, least=1))
        object.__setattr__(self, "stride", pair("stride", stride, least=1))
        object.__setattr__(self, "padding", _padding(padding))
        object.__setattr__(self, "dilation", pair("dilation", dilation, least=1))

    @property
    def axes(self) -> tuple[AxisSpec, AxisSpec]:
        """The two axes, height first. Raises NoOutputError for "same" with a stride above 1."""
        (top, bottom), (left, right) = self.pad_sides
        return (
            AxisSpec(self.kernel_size[0], self.stride[0], top, bottom, self.dilation[0]),
            AxisSpec(self.kernel_size[1], self.stride[1], left, right, self.dilation[1]),
        )

    @property
    def pad_sides(self) -> tuple[Pair, Pair]:
        """Padding of each side: ((top, bottom), (left, right)). Raises as ``axes`` does."""
        if self.padding == "same" and self.stride != (1, 1):
            raise NoOutputError(
                f"padding 'same' needs stride 1, not {shown(self.stride)}, because the output of a "
                "larger stride is smaller than its input: set the stride to 1 or give the padding "
                "as a number"
            )
        return self._axis_pads(0), self._axis_pads(1)

    def _axis_pads(self, axis: int) -> Pair:
        total = self.dilation[axis] * (self.kernel_size[axis] - 1)
        if self.padding == "valid":
            return 0, 0
        if self.padding == "same":
            return total // 2, total - total // 2
        if self.padding == "full":
            return total, total
        return self.padding[axis], self.padding[axis]

    def output_size(self, height: int, width: int) -> Pair:
        """(height, width) of the output: floor((i + 2p - d(k-1) - 1) / s) + 1 for each axis."""
        return output_sizes(self.axes, height, width)

    def count_parameters(self, in_channels: int, out_channels: int, bias: bool = True) -> int:
        """Weights and biases that are learned: out * (in * kh * kw + 1)."""
        in_channels = whole_number("in_channels", in_channels, least=1)
        out_channels = whole_number("out_channels", out_channels, least=1)
        weights_per_filter = in_channels * self.kernel_size[0] * self.kernel_size[1]
        return out_channels * (weights_per_filter + (1 if bias else 0))

    def count_macs(self, height: int, width: int, in_channels: int, out_channels: int) -> int:
        """Multiply-accumulates for one image: each output cell takes in * kh * kw of them.

        Products with padding count, as they do in PyTorch's work; adding the bias does not.
        """
        out_height, out_width = self.output_size(height, width)
        weights = self.count_parameters(in_channels, out_channels, bias=False)
        return out_height * out_width * weights


@dataclass(frozen=True, slots=True, init=False)
class PoolSpec:
    """Settings of max or average pooling. Source: PyTorch, MaxPool2d and AvgPool2d.

    ``stride`` None means the kernel size. ``padding`` may be at most half of the kernel size, so
    that no window lies in the padding alone (a dilated one still can). ``dilation`` is for max
    pooling only. ``ceil_mode`` keeps a last window that hangs over the end of the padded input,
    provided that it starts inside the input or the padding before it. ``count_include_pad``: an
    average divides by the padding cells too, but never by the overhang; a maximum ignores it.
    """

    kind: PoolKind
    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    ceil_mode: bool
    count_include_pad: bool

    def __init__(
        self,
        kind: PoolKind,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        if kind not in POOL_KINDS:
            raise SettingError(f"pooling of kind {shown(kind)} is unknown: use 'max' or 'average'")
        for name, flag in (("ceil_mode", ceil_mode), ("count_include_pad", count_include_pad)):
            if not isinstance(flag, bool):
                raise SettingError(f"{name} is {shown(flag)}: use True or False")
        kernel = pair("kernel_size", kernel_size, least=1)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "kernel_size", kernel)
        object.__setattr__(
            self, "stride", kernel if stride is None else pair("stride", stride, least=1)
        )
        object.__setattr__(self, "padding", pair("padding", padding, least=0))
        object.__setattr__(self, "dilation", pair("dilation", dilation, least=1))
        object.__setattr__(self, "ceil_mode", ceil_mode)
        object.__setattr__(self, "count_include_pad", count_include_pad)
        self._check_together()

    def _check_together(self) -> None:
        if self.kind == "average" and self.dilation != (1, 1):
            raise SettingError(
                f"average pooling has no dilation, but {shown(self.dilation)} was given: use 1, or "
                "max pooling"
            )
        for padding, kernel_size in zip(self.padding, self.kernel_size, strict=True):
            if padding > kernel_size // 2:
                raise SettingError(
                    f"padding {padding} is more than half of the kernel size {kernel_size}: use "
                    f"at most {kernel_size // 2}, or a larger kernel"
                )

    @property
    def _floor_axes(self) -> tuple[AxisSpec, AxisSpec]:
        (kernel_y, kernel_x), (stride_y, stride_x) = self.kernel_size, self.stride
        (pad_y, pad_x), (dilation_y, dilation_x) = self.padding, self.dilation
        return (
            AxisSpec(kernel_y, stride_y, pad_y, pad_y, dilation_y),
            AxisSpec(kernel_x, stride_x, pad_x, pad_x, dilation_x),
        )

    def axes_for(self, height: int, width: int) -> tuple[AxisSpec, AxisSpec]:
        """The two axes, height first; ``pad_after`` holds the overhang of ceil_mode as well."""
        rows, columns = self._floor_axes
        if not self.ceil_mode:
            return rows, columns
        return rows.with_overhang(height), columns.with_overhang(width)

    def output_size(self, height: int, width: int) -> Pair:
        """(height, width) of the output; NoOutputError if no window fits."""
        return output_sizes(self.axes_for(height, width), height, width)


@dataclass(frozen=True, slots=True, init=False)
class TransposedConvSpec:
    """Settings of a transposed convolution. Source: PyTorch, ConvTranspose2d; Dumoulin & Visin, 4.

    ``padding`` crops the output: it is the padding of the ordinary convolution whose shapes this
    one turns round. ``output_padding`` adds rows and columns at the end of the output, to choose
    among the input sizes that a stride maps to one output size; it must be smaller than the stride
    or the dilation.
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair
    output_padding: Pair
    dilation: Pair

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        dilation: int | Pair = 1,
    ) -> None:
        object.__setattr__(self, "kernel_size", pair("kernel_size", kernel_size, least=1))
        object.__setattr__(self, "stride", pair("stride", stride, least=1))
        object.__setattr__(self, "padding", pair("padding", padding, least=0))
        object.__setattr__(self, "output_padding", pair("output_padding", output_padding, least=0))
        object.__setattr__(self, "dilation", pair("dilation", dilation, least=1))
        for extra, step, spread in zip(
            self.output_padding, self.stride, self.dilation, strict=True
        ):
            if extra >= max(step, spread):
                raise SettingError(
                    f"output_padding {extra} must be smaller than the stride ({step}) or the "
                    f"dilation ({spread}): use at most {max(step, spread) - 1}"
                )

    def output_size(self, height: int, width: int) -> Pair:
        """(height, width) of the output: (i-1)s + 1 + d(k-1) - 2p + output_padding each."""
        stuffed = self.stuffed_size(height, width)
        sizes = []
        for name, axis, size in zip(("height", "width"), (0, 1), stuffed, strict=True):
            spread = self.dilation[axis] * (self.kernel_size[axis] - 1)
            output_size = size + spread - 2 * self.padding[axis] + self.output_padding[axis]
            if output_size < 1:
                raise NoOutputError(
                    f"no output in {name}: without padding there would be {size + spread} cells, "
                    f"but padding {self.padding[axis]} crops as many from both sides: use a "
                    "smaller padding, or a larger kernel, stride or input"
                )
            sizes.append(output_size)
        return sizes[0], sizes[1]

    def stuffed_size(self, height: int, width: int) -> Pair:
        """(height, width) of the input with s-1 zeros between its cells: (i-1)s + 1 each."""
        height = whole_number("height", height, least=1)
        width = whole_number("width", width, least=1)
        return (height - 1) * self.stride[0] + 1, (width - 1) * self.stride[1] + 1

    @property
    def equivalent_conv(self) -> tuple[AxisSpec, AxisSpec]:
        """The ordinary convolution of stride 1 over the zero-stuffed input, height first.

        Its padding is d(k-1) - p before, and output_padding more after; where p > d(k-1) that is
        negative, which means a crop. Its kernel is the transposed one turned by 180 degrees.
        """
        return self._equivalent_axis(0), self._equivalent_axis(1)

    def _equivalent_axis(self, axis: int) -> AxisSpec:
        kernel_size, dilation = self.kernel_size[axis], self.dilation[axis]
        before = dilation * (kernel_size - 1) - self.padding[axis]
        return AxisSpec(kernel_size, 1, before, before + self.output_padding[axis], dilation)


def find_settings(
    input_size: int,
    output_size: int,
    *,
    kernel_sizes: Iterable[int] = range(1, 8),
    strides: Iterable[int] = range(1, 5),
    paddings: Iterable[int] = range(4),
    dilations: Iterable[int] = range(1, 3),
) -> tuple[ConvSpec, ...]:
    """Every square setting within the bounds that turns ``input_size`` into ``output_size``.

    Ordered: fewest parameters (smallest kernel) first, then by stride, padding, dilation.
    """
    input_size = whole_number("input size", input_size, least=1)
    output_size = whole_number("output size", output_size, least=1)
    strides, paddings, dilations = (
        sorted(set(strides)),
        sorted(set(paddings)),
        sorted(set(dilations)),
    )
    found = []
    for kernel_size in sorted(set(kernel_sizes)):
        for stride in strides:
            for padding in paddings:
                for dilation in dilations:
                    spec = ConvSpec(kernel_size, stride, padding, dilation)
                    axis = spec.axes[0]
                    fits = axis.numerator(input_size) >= 0
                    if fits and axis.output_size(input_size) == output_size:
                        found.append(spec)
    return tuple(found)


def _padding(value: object) -> Pair | PaddingName:
    if isinstance(value, str):
        for name in PADDING_NAMES:
            if value == name:
                return name
        raise SettingError(
            f"padding {shown(value)} is unknown: use a number, a (height, width) pair, or one of "
            "'valid', 'same', 'full'"
        )
    return pair("padding", value, least=0)
