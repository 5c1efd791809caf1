"""The size formula asked backwards: which settings turn an input of one size into another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from cnnviz.geometry import ConvSpec, find_settings
from cnnviz.query import QueryReader

LIMITS: Mapping[str, tuple[int, int]] = {
    "from_size": (1, 1024),
    "to_size": (1, 1024),
    "max_kernel": (1, 11),
    "max_stride": (1, 8),
    "max_padding": (0, 5),
    "max_dilation": (1, 4),
    "in_channels": (1, 2048),
    "out_channels": (1, 2048),
}
"""Smallest and largest value of each field of `Search`."""

_KEYS = {"from_size": "from", "to_size": "to", "in_channels": "in", "out_channels": "out"}
"""Field -> key in the URL, where they differ."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: sizes of one side of a square, bounds, and channels for the cost."""

    from_size: int = 32
    to_size: int = 16
    max_kernel: int = 7
    max_stride: int = 4
    max_padding: int = 3
    max_dilation: int = 2
    in_channels: int = 3
    out_channels: int = 16

    def find(self, to_size: int | None = None) -> tuple[ConvSpec, ...]:
        """Every square setting within the bounds that does it, fewest parameters first."""
        return find_settings(
            self.from_size,
            self.to_size if to_size is None else to_size,
            kernel_sizes=range(1, self.max_kernel + 1),
            strides=range(1, self.max_stride + 1),
            paddings=range(self.max_padding + 1),
            dilations=range(1, self.max_dilation + 1),
        )

    def reachable_sizes(self) -> tuple[int, ...]:
        """Every output size that some setting within the bounds reaches, in order."""
        sizes = set()
        for kernel in range(1, self.max_kernel + 1):
            for dilation in range(1, self.max_dilation + 1):
                for padding in range(self.max_padding + 1):
                    numerator = self.from_size + 2 * padding - dilation * (kernel - 1) - 1
                    if numerator >= 0:
                        sizes |= {numerator // s + 1 for s in range(1, self.max_stride + 1)}
        return tuple(sorted(sizes))

    def nearest_reachable(self) -> tuple[int, ...]:
        """The reachable sizes next below and next above the one asked for; one, both or none."""
        sizes = self.reachable_sizes()
        below = [size for size in sizes if size < self.to_size][-1:]
        above = [size for size in sizes if size > self.to_size][:1]
        return tuple(below + above)


def search_from_query(query: Mapping[str, str]) -> tuple[Search, tuple[str, ...]]:
    """The nearest valid search to what a URL asks for, and a sentence for each change."""
    read = QueryReader(query)
    opening = Search()
    values = {
        field.name: read.whole(
            _KEYS.get(field.name, field.name), *LIMITS[field.name], getattr(opening, field.name)
        )
        for field in fields(Search)
    }
    return Search(**values), tuple(read.notes)


def search_to_query(search: Search) -> dict[str, str]:
    """What a URL must say to open this search: only what differs from the opening one."""
    opening = Search()
    return {
        _KEYS.get(field.name, field.name): str(getattr(search, field.name))
        for field in fields(Search)
        if getattr(search, field.name) != getattr(opening, field.name)
    }


def write_formula(spec: ConvSpec, size: int) -> str:
    """The formula with the numbers put in: "⌊(32 + 2·1 − 1·(3−1) − 1)/2⌋ + 1 = 16"."""
    axis = spec.axes[0]
    return (
        f"⌊({size} + 2·{axis.pad_before} − {axis.dilation}·({axis.kernel_size}−1) − 1)"
        f"/{axis.stride}⌋ + 1 = {axis.output_size(size)}"
    )


def write_layer(spec: ConvSpec, in_channels: int, out_channels: int) -> str:
    """The setting as a PyTorch layer, without what is PyTorch's default."""
    parts = [f"{in_channels}, {out_channels}, kernel_size={spec.kernel_size[0]}"]
    for name, value, default in (
        ("stride", spec.stride[0], 1),
        ("padding", spec.pad_sides[0][0], 0),
        ("dilation", spec.dilation[0], 1),
    ):
        if value != default:
            parts.append(f"{name}={value}")
    return f"nn.Conv2d({', '.join(parts)})"
