"""The settings of the convolution lesson on a picture, and how they are written in an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from cnnviz.errors import SettingError
from cnnviz.filters import FILTERS, Kernel, filter_by_key
from cnnviz.geometry import ConvSpec
from cnnviz.query import QueryReader, write_number, write_planes

SIZES = (3, 5, 7)
STRIDES = range(1, 5)
PADDINGS = range(0, 4)
DILATIONS = range(1, 4)
WEIGHT_LIMIT = 100.0
BIAS_LIMIT = 255.0

Show = Literal["range", "signed", "relu", "clipped"]
SHOWS: tuple[Show, ...] = get_args(Show)


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """One setting of the lesson: a named filter or a kernel of one's own, and how it slides.

    `own_kernel` is None while `filter_key` names the filter, and the other way round. With `flip`
    the kernel is turned by 180 degrees first (a convolution in the sense of signal processing);
    without, it is the cross-correlation that convolutional layers compute. `show` is how the map
    is painted and changes no number.
    """

    filter_key: str | None = "sobel_x"
    own_kernel: Kernel | None = None
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    flip: bool = False
    bias: float = 0.0
    show: Show = "signed"

    def __post_init__(self) -> None:
        if (self.filter_key is None) == (self.own_kernel is None):
            raise SettingError("give either the key of a filter or a kernel of your own")
        if self.filter_key is not None:
            filter_by_key(self.filter_key)
        if self.own_kernel is not None:
            _check_kernel(self.own_kernel)
        for name, value, allowed in (
            ("stride", self.stride, STRIDES),
            ("padding", self.padding, PADDINGS),
            ("dilation", self.dilation, DILATIONS),
        ):
            if type(value) is not int or value not in allowed:
                raise SettingError(
                    f"{name} must be {allowed[0]} to {allowed[-1]}, not {str(value)[:40]}"
                )
        if not abs(self.bias) <= BIAS_LIMIT:
            raise SettingError(f"bias must lie within ±{BIAS_LIMIT:g}, not {self.bias}")
        if type(self.flip) is not bool:
            raise SettingError(f"flip must be True or False, not {str(self.flip)[:40]}")
        if self.show not in SHOWS:
            raise SettingError(f"show must be one of {', '.join(SHOWS)}")

    @property
    def kernel(self) -> Kernel:
        """The weights as they are printed, before any flip."""
        if self.own_kernel is not None:
            return self.own_kernel
        return filter_by_key(self.filter_key or "").kernel

    @property
    def size(self) -> int:
        """Rows of the kernel, and as many columns: 3, 5 or 7."""
        return len(self.kernel)

    def to_spec(self) -> ConvSpec:
        """How the window slides."""
        return ConvSpec(self.size, stride=self.stride, padding=self.padding, dilation=self.dilation)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "tuple[PictureSettings, tuple[str, ...]]":
        """The nearest valid settings to what a URL asks for, and a sentence for each change."""
        read = QueryReader(query, decimals=None)
        default = cls()
        own = _read_kernel(read)
        keys = tuple(named.key for named in FILTERS)
        named = read.choice("filter", keys, default.filter_key or keys[0])
        settings = cls(
            filter_key=None if own else named,
            own_kernel=own,
            stride=read.whole("stride", STRIDES[0], STRIDES[-1], default.stride),
            padding=read.whole("padding", PADDINGS[0], PADDINGS[-1], default.padding),
            dilation=read.whole("dilation", DILATIONS[0], DILATIONS[-1], default.dilation),
            flip=read.switch("flip"),
            bias=read.number("bias", BIAS_LIMIT, default.bias),
            show=read.choice("show", SHOWS, default.show),
        )
        return settings, tuple(read.notes)

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `from_query` reads it."""
        default = PictureSettings()
        query: dict[str, str] = {}
        if self.own_kernel is not None:
            query["kernel"] = write_planes([self.own_kernel])
        elif self.filter_key is not None and self.filter_key != default.filter_key:
            query["filter"] = self.filter_key
        for name in ("stride", "padding", "dilation"):
            if getattr(self, name) != getattr(default, name):
                query[name] = str(getattr(self, name))
        if self.flip:
            query["flip"] = "1"
        if self.bias != default.bias:
            query["bias"] = write_number(self.bias)
        if self.show != default.show:
            query["show"] = self.show
        return query


def _check_kernel(kernel: Kernel) -> None:
    size = len(kernel)
    if size not in SIZES or any(len(row) != size for row in kernel):
        raise SettingError("a kernel of your own must have 3×3, 5×5 or 7×7 weights")
    if not all(abs(weight) <= WEIGHT_LIMIT for row in kernel for weight in row):
        raise SettingError(f"weights must lie within ±{WEIGHT_LIMIT:g}")


def _read_kernel(read: QueryReader) -> Kernel | None:
    """A kernel of 3×3, 5×5 or 7×7 weights, or None where the URL has none that fits."""
    rows = (read.given("kernel") or "").count("~") + 1
    size = rows if rows in SIZES else SIZES[0]
    planes = read.planes("kernel", (1, size, size), WEIGHT_LIMIT)
    return planes[0] if planes else None
