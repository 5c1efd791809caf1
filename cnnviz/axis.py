"""One axis of a sliding window: the arithmetic that all of ``geometry`` rests on.

Height and width never mix, so every question about sizes is answered one axis at a time:

    o = floor((i + 2p - d(k-1) - 1) / s) + 1

Source: Dumoulin & Visin 2016, arXiv:1603.07285, relationships 1 to 6 and 15.
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz.errors import NoOutputError
from cnnviz.settings import Pair, check_cells, whole_number


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """One axis of a sliding window: where each window starts and which cells it reads.

    A *padded position* counts from 0 at the first cell of padding; an *input position* counts from
    0 at the first real cell, so it is negative in the padding before it. A negative pad is a crop.
    """

    kernel_size: int
    stride: int = 1
    pad_before: int = 0
    pad_after: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        for name in ("kernel_size", "stride", "dilation"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=1))
        for name in ("pad_before", "pad_after"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=None))

    @property
    def extent(self) -> int:
        """Cells from the first tap of a window to its last: d(k-1) + 1."""
        return self.dilation * (self.kernel_size - 1) + 1

    def padded_size(self, size: int) -> int:
        """Cells of the padded input: i + pads."""
        size = whole_number("input size", size, least=1)
        return self.pad_before + size + self.pad_after

    def numerator(self, size: int) -> int:
        """Steps the first window can move: i + pads - d(k-1) - 1; negative if it never fits."""
        return self.padded_size(size) - self.extent

    def output_size(self, size: int) -> int:
        """Number of windows: floor(numerator / stride) + 1. Raises NoOutputError if none fits."""
        numerator = self.numerator(size)
        if numerator < 0:
            raise NoOutputError(
                f"a kernel of {self.kernel_size} with dilation {self.dilation} reaches over "
                f"{self.extent} cells, but the padded input has {self.padded_size(size)} "
                f"({self.pad_before} + {size} + {self.pad_after}): make the kernel or the dilation "
                "smaller, or the input or the padding larger"
            )
        return numerator // self.stride + 1

    def remainder(self, size: int) -> int:
        """Padded cells at the end that no window reaches: numerator mod stride."""
        self.output_size(size)  # refuses a window that never fits
        return self.numerator(size) % self.stride

    def window_start(self, index: int) -> int:
        """Input position of the first tap of window ``index``; negative in the padding."""
        return index * self.stride - self.pad_before

    def window_positions(self, index: int) -> tuple[int, ...]:
        """Input positions of all taps of window ``index``; some may lie in the padding."""
        check_cells("one window", self.kernel_size)
        start = self.window_start(index)
        return tuple(start + tap * self.dilation for tap in range(self.kernel_size))

    def reads(self, size: int) -> tuple[int, ...]:
        """For each padded position, how many windows read it; a dilation's holes are not read."""
        windows = self.output_size(size)
        check_cells("the padded input", self.padded_size(size))
        check_cells("all windows together", windows, self.kernel_size)
        counts = [0] * self.padded_size(size)
        for index in range(windows):
            for tap in range(self.kernel_size):
                counts[index * self.stride + tap * self.dilation] += 1
        return tuple(counts)

    def unreached(self, size: int) -> tuple[int, ...]:
        """Padded positions after the last window's last tap: what the floor throws away."""
        check_cells("what no window reaches", self.remainder(size))
        end = self.padded_size(size)
        return tuple(range(end - self.remainder(size), end))

    def skipped(self, size: int) -> tuple[int, ...]:
        """Input positions that no window reads although windows lie before and after them.

        A stride larger than the kernel jumps over them, or a dilation leaves them in its holes.
        """
        counts = self.reads(size)
        end = self.padded_size(size) - self.remainder(size)
        return tuple(
            position
            for position in range(size)
            if position + self.pad_before < end
            and (position + self.pad_before < 0 or counts[position + self.pad_before] == 0)
        )

    def with_overhang(self, size: int) -> AxisSpec:
        """The axis with ``pad_after`` made as long as ceil_mode's last window needs it."""
        windows = -(-self.numerator(size) // self.stride) + 1  # ceil instead of floor
        if self.window_start(windows - 1) >= size:
            windows -= 1  # it would start in the padding after the input: PyTorch drops it
        last_end = (windows - 1) * self.stride + self.extent
        overhang = max(0, last_end - self.padded_size(size)) if windows > 0 else 0
        return AxisSpec(
            self.kernel_size, self.stride, self.pad_before, self.pad_after + overhang, self.dilation
        )


def output_sizes(axes: tuple[AxisSpec, AxisSpec], height: int, width: int) -> Pair:
    """Number of windows along (height, width). The NoOutputError says which of the two has none."""
    sizes = []
    for name, axis, size in (("height", axes[0], height), ("width", axes[1], width)):
        try:
            sizes.append(axis.output_size(size))
        except NoOutputError as error:
            raise NoOutputError(f"no output in {name}: {error}") from None
    return sizes[0], sizes[1]
