"""The settings of the convolution lesson on a picture, and how they are written in an address."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from cnnviz.errors import SettingError
from cnnviz.filters import FILTERS, Kernel, filter_by_key
from cnnviz.geometry import ConvSpec

SIZES = (3, 5, 7)
STRIDES = range(1, 5)
PADDINGS = range(0, 4)
DILATIONS = range(1, 4)
WEIGHT_LIMIT = 100.0
BIAS_LIMIT = 255.0

Choice = TypeVar("Choice")
Show = Literal["range", "signed", "relu", "clipped"]
SHOWS: tuple[Show, ...] = get_args(Show)

QUERY_KEYS = ("filter", "kernel", "stride", "padding", "dilation", "flip", "bias", "show")
_LONGEST_KERNEL_TEXT = 2000  # 49 weights of up to 24 characters, and the marks between them


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
        """The nearest valid settings to an address's query, and a sentence for every change.

        Takes any text: nothing raises, and no more than 40 characters of a value are repeated.
        Keys that are not in `QUERY_KEYS` are left alone.
        """
        changes: list[str] = []
        key, own = _read_filter(query, changes)
        default = cls()
        return cls(
            filter_key=key,
            own_kernel=own,
            stride=_read_whole(query, "stride", default.stride, STRIDES, changes),
            padding=_read_whole(query, "padding", default.padding, PADDINGS, changes),
            dilation=_read_whole(query, "dilation", default.dilation, DILATIONS, changes),
            flip=_read_choice(query, "flip", {"1": True, "0": False}, default.flip, changes),
            bias=_read_bias(query, default.bias, changes),
            show=_read_choice(
                query, "show", dict(zip(SHOWS, SHOWS, strict=True)), default.show, changes
            ),
        ), tuple(changes)

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `from_query` reads it."""
        default = PictureSettings()
        query: dict[str, str] = {}
        if self.own_kernel is not None:
            query["kernel"] = ";".join(
                ",".join(_number_text(weight) for weight in row) for row in self.own_kernel
            )
        elif self.filter_key is not None and self.filter_key != default.filter_key:
            query["filter"] = self.filter_key
        for name in ("stride", "padding", "dilation"):
            if getattr(self, name) != getattr(default, name):
                query[name] = str(getattr(self, name))
        if self.flip:
            query["flip"] = "1"
        if self.bias != default.bias:
            query["bias"] = _number_text(self.bias)
        if self.show != default.show:
            query["show"] = self.show
        return query


def _check_kernel(kernel: Kernel) -> None:
    size = len(kernel)
    if size not in SIZES or any(len(row) != size for row in kernel):
        raise SettingError("a kernel of your own must have 3×3, 5×5 or 7×7 weights")
    if not all(abs(weight) <= WEIGHT_LIMIT for row in kernel for weight in row):
        raise SettingError(f"weights must lie within ±{WEIGHT_LIMIT:g}")


def _number_text(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(number)


_NUMBER = re.compile(
    r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})(e[+-]?[0-9]{1,9})?", re.I
)


def _parse_number(text: str) -> float | None:
    """The number that a text of any length and nature stands for; may be infinite, never NaN."""
    text = text[:1000].strip()
    if re.fullmatch(r"[+-]?inf(inity)?", text, re.I):
        return -math.inf if text.startswith("-") else math.inf
    return float(text) + 0.0 if _NUMBER.fullmatch(text) else None


def _quoted(text: str) -> str:
    """At most 40 characters of a text, on one line and without what cannot be printed."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[:40])
    return plain.strip() + ("…" if len(text) > 40 else "")


def _clip(number: float, low: float, high: float) -> float:
    return min(max(number, low), high)


def _read_whole(
    query: Mapping[str, str], name: str, default: int, allowed: range, changes: list[str]
) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = _parse_number(text)
    if number is None:
        changes.append(
            f"{name}={_quoted(text)} is no number and became {default}; "
            f"{allowed[0]} to {allowed[-1]} is possible."
        )
        return default
    nearest = round(_clip(number, allowed[0], allowed[-1]))
    if nearest != number:
        changes.append(
            f"{name}={_quoted(text)} became {nearest}; {allowed[0]} to {allowed[-1]} is possible."
        )
    return nearest


def _read_bias(query: Mapping[str, str], default: float, changes: list[str]) -> float:
    text = query.get("bias")
    if text is None:
        return default
    number = _parse_number(text)
    if number is None:
        changes.append(f"bias={_quoted(text)} is no number and became {_number_text(default)}.")
        return default
    nearest = _clip(number, -BIAS_LIMIT, BIAS_LIMIT)
    if nearest != number:
        changes.append(
            f"bias={_quoted(text)} became {_number_text(nearest)}; "
            f"{-BIAS_LIMIT:g} to {BIAS_LIMIT:g} is possible."
        )
    return nearest


def _read_choice(
    query: Mapping[str, str],
    name: str,
    choices: Mapping[str, Choice],
    default: Choice,
    changes: list[str],
) -> Choice:
    text = query.get(name)
    if text is None:
        return default
    found = choices.get(text[:64].strip().lower())
    if found is not None:
        return found
    standard = next(word for word, choice in choices.items() if choice == default)
    changes.append(f"{name}={_quoted(text)} became {standard}; {', '.join(choices)} are possible.")
    return default


def _read_filter(
    query: Mapping[str, str], changes: list[str]
) -> tuple[str, None] | tuple[None, Kernel]:
    default = PictureSettings().filter_key or FILTERS[0].key
    if "kernel" in query:
        own = _read_kernel(query["kernel"], changes)
        if own is not None:
            if "filter" in query:
                changes.append("filter was left out, because kernel gives weights of its own.")
            return None, own
    keys = {named.key: named.key for named in FILTERS}
    return _read_choice(query, "filter", keys, default, changes), None


def _read_kernel(text: str, changes: list[str]) -> Kernel | None:
    """Weights from "1,0,-1;2,0,-2;1,0,-1"; None if there is no number among them."""
    given = f"kernel={_quoted(text)}"
    if len(text) > _LONGEST_KERNEL_TEXT:
        changes.append(f"{given} was left out: it is longer than 49 weights can be.")
        return None
    cells = [row.split(",") for row in text.split(";")]
    numbers = [[_parse_number(cell) for cell in row] for row in cells]
    if all(number is None for row in numbers for number in row):
        changes.append(f"{given} was left out: it has no weights, such as 1,0,-1;2,0,-2;1,0,-1.")
        return None
    rows, columns = len(numbers), max(len(row) for row in numbers)
    size = next((size for size in SIZES if size >= max(rows, columns)), SIZES[-1])
    if rows != size or any(len(row) != size for row in numbers):
        changes.append(
            f"{given} became {size}×{size}: missing weights are 0 and further ones left out."
        )
    if any(number is None for row in numbers for number in row):
        changes.append(f"{given}: weights that are no numbers became 0.")
    if any(abs(number or 0.0) > WEIGHT_LIMIT for row in numbers for number in row):
        changes.append(f"{given}: weights were limited to ±{WEIGHT_LIMIT:g}.")
    # A kernel that is too small keeps its place in the middle.
    top, left = max(0, size - rows) // 2, max(0, size - columns) // 2
    kernel = [[0.0] * size for _ in range(size)]
    for row, weights in enumerate(numbers[:size]):
        for column, weight in enumerate(weights[:size]):
            kernel[top + row][left + column] = _clip(weight or 0.0, -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return tuple(tuple(weights) for weights in kernel)
