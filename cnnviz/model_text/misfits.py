"""Why a layer does not fit, in a sentence, and what would: PyTorch's message translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnviz.model_text.mends import Mend, with_argument
from cnnviz.settings import Pair

if TYPE_CHECKING:
    from cnnviz.model_text.steps import Misfit, Shape


_MOST_PADDING: Final = 3
"""That is proposed: with more, a window sees little of the map."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A layer that does not fit, in words for a student."""

    sentence: str
    """What it expects, and what arrives."""
    fix: str
    """What would do; a sentence that begins with a verb."""
    mend: Mend | None = None
    """The same as a change of the text, where it is that simple."""


def explain(misfit: Misfit, text: str) -> Explanation:
    """Why it does not fit, and what would. text: that was traced."""
    if misfit.message is None:
        return _mixed(misfit)
    kind = misfit.kind.rpartition(".")[2]
    found = None
    if (work := _EXPLAINED.get(kind)) is not None and misfit.inputs:
        found = work(misfit, text)
    return found or Explanation(
        f"{misfit.name} does not take what arrives: {_arriving(misfit.inputs)}.",
        "Compare with PyTorch's message, and with the shapes of the layers before it.",
    )


def size_text(shape: Shape) -> str:
    """16 × 5 × 5"""
    return " × ".join(map(str, shape)) or "a single number"


# ------------------------------------------------------------------------------------- by layer


def _linear(misfit: Misfit, text: str) -> Explanation | None:
    shape, name = misfit.inputs[0], misfit.name
    expected = misfit.arguments["in_features"]
    if len(shape) == 3 and prod(shape) != shape[-1]:
        count = prod(shape)
        how = "nn.Flatten()" if misfit.is_in_chain else "x = torch.flatten(x, 1)"
        rest = (
            f"{name} then takes all {count:,} numbers."
            if count == expected
            else f"{name} then needs nn.Linear({count}, {misfit.arguments['out_features']})."
        )
        return Explanation(
            f"{name} expects a row of {expected:,} numbers, but a map of {size_text(shape)} "
            "arrives: a linear layer has no height and width.",
            f"Write {how} before it; {rest}",
        )
    if not shape:
        return None
    arrives = shape[-1]
    sentence = f"{name} expects {expected:,} numbers, but {_origin(misfit, arrives)} arrive."
    written, mend = with_argument(misfit, text, "in_features", arrives)
    fix = written or f"nn.Linear({arrives}, {misfit.arguments['out_features']})"
    return Explanation(sentence, f"Write {fix}.", mend)


def _convolution(misfit: Misfit, text: str) -> Explanation | None:
    shape, name, given = misfit.inputs[0], misfit.name, misfit.arguments
    if len(shape) != 3:
        return Explanation(
            f"{name} needs a map (channels, height, width), but {_row(shape)} arrives.",
            f"Flatten after the last convolution, not before {name}.",
        )
    channels, *size = shape
    if given.get("groups", 1) == 1 and channels != given["in_channels"]:
        written, mend = with_argument(misfit, text, "in_channels", channels)
        return Explanation(
            f"{name} expects {given['in_channels']:,} {_channels(given['in_channels'])}, but "
            f"{channels:,} arrive: the layer before it puts out {size_text(shape)}.",
            f"Write {written or f'nn.Conv2d({channels}, ...)'}.",
            mend,
        )
    return _window(misfit, (size[0], size[1]))


def _pooling(misfit: Misfit, text: str) -> Explanation | None:
    shape = misfit.inputs[0]
    if len(shape) != 3:
        return Explanation(
            f"{misfit.name} needs a map (channels, height, width), but {_row(shape)} arrives.",
            "Pool before the maps are flattened.",
        )
    return _window(misfit, shape[1:])


def _window(misfit: Misfit, size: Shape) -> Explanation | None:
    """A window that is larger than the map with its padding."""
    given, name = misfit.arguments, misfit.name
    kernel, padding = _pair(given["kernel_size"]), given.get("padding", 0)
    dilation = _pair(given.get("dilation", 1))
    if isinstance(padding, str):
        return None
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    around = _pair(padding)
    padded = tuple(s + 2 * p for s, p in zip(size, around, strict=True))
    if all(r <= p for r, p in zip(reach, padded, strict=True)):
        if any(2 * p > k for p, k in zip(around, kernel, strict=True)):
            return Explanation(
                f"The padding of {name}, {_side(around)}, is more than half of its kernel, "
                f"{_side(kernel)}: some windows would see padding alone.",
                "Use a smaller padding.",
            )
        return None
    lacking = max(r - s for r, s in zip(reach, size, strict=True))
    fixes = ["leave out a pooling or a stride before it", "begin with a larger picture"]
    needed = -(-lacking // 2)
    if misfit.kind == "Conv2d" and needed <= _MOST_PADDING:
        fixes.insert(0, f"give it padding={needed}")
    with_padding = f" (with its padding {size_text(padded)})" if any(around) else ""
    return Explanation(
        f"Maps of {size_text(size)}{with_padding} arrive at {name}, but its window reaches over "
        f"{size_text(reach)}: it fits nowhere.",
        f"{fixes[0].capitalize()}, or {' or '.join(fixes[1:])}.",
    )


def _norm(misfit: Misfit, text: str) -> Explanation | None:
    shape, name, given = misfit.inputs[0], misfit.name, misfit.arguments
    wanted = 3 if misfit.kind in ("BatchNorm2d", "InstanceNorm2d") else None
    if wanted == 3 and len(shape) != 3:
        return Explanation(
            f"{name} is for maps (channels, height, width), but {_row(shape)} arrives.",
            f"Write nn.BatchNorm1d({prod(shape)}) for what linear layers put out.",
        )
    if misfit.kind == "BatchNorm1d" and len(shape) == 3:
        return Explanation(
            f"{name} is for rows of numbers, but maps of {size_text(shape)} arrive.",
            f"Write nn.BatchNorm2d({shape[0]}).",
        )
    field = "num_channels" if misfit.kind == "GroupNorm" else "num_features"
    if not shape or shape[0] == given[field]:
        return None
    written, mend = with_argument(misfit, text, field, shape[0])
    what = "channels" if len(shape) == 3 else "numbers"
    return Explanation(
        f"{name} expects {given[field]:,} {what}, but {shape[0]:,} arrive.",
        f"Write {written or f'nn.{misfit.kind}({shape[0]})'}.",
        mend,
    )


def _layout(misfit: Misfit, text: str) -> Explanation | None:
    """Of view and reshape."""
    shape = misfit.inputs[0]
    lengths = misfit.arguments.get("shape")
    lengths = (lengths,) if isinstance(lengths, int) else tuple(lengths or ())
    count = prod(shape)
    if len(lengths) != 2 or "invalid for input" not in (misfit.message or ""):
        return None
    return Explanation(
        f"{_product(shape)} numbers of each picture arrive, which cannot be laid out in rows of "
        f"{lengths[1]:,}.",
        f"Write torch.flatten(x, 1), which takes whatever arrives, or x.view(-1, {count}).",
    )


def _sum(misfit: Misfit, text: str) -> Explanation | None:
    if len(misfit.inputs) != 2:
        return None
    left, right = misfit.inputs
    fix = "Bring both to one shape."
    if len(left) == len(right) == 3:
        if left[0] != right[0] and left[1:] == right[1:]:
            fix = (
                f"Bring one side to as many channels, by a convolution with a window of 1: "
                f"nn.Conv2d({left[0]}, {right[0]}, 1)."
            )
        elif left[1:] != right[1:]:
            fix = "Use padding that keeps height and width, or the same stride on both ways."
    return Explanation(
        f"{size_text(left)} and {size_text(right)} cannot be added cell by cell.", fix
    )


def _joined(misfit: Misfit, text: str) -> Explanation | None:
    shapes = [size_text(shape) for shape in misfit.inputs]
    return Explanation(
        f"torch.cat joins what differs in one dimension only, but {' and '.join(shapes)} arrive.",
        "Join along the channels, torch.cat([x, y], 1), of maps of the same height and width.",
    )


_EXPLAINED: Final[Mapping[str, Callable[[Any, str], Explanation | None]]] = {
    "Linear": _linear,
    "Conv2d": _convolution,
    **dict.fromkeys(("MaxPool2d", "AvgPool2d", "max_pool2d", "avg_pool2d"), _pooling),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "InstanceNorm2d", "GroupNorm"), _norm),
    **dict.fromkeys(("view", "reshape"), _layout),
    **dict.fromkeys(("+", "+=", "-", "*", "add", "mul"), _sum),
    "cat": _joined,
}
"""By the last part of a kind."""


def _mixed(misfit: Misfit) -> Explanation:
    """The pictures of a batch were joined or divided, which PyTorch lets pass."""
    shape = misfit.inputs[0] if misfit.inputs else ()
    rows = misfit.output[0] if misfit.output else 0
    return Explanation(
        f"{misfit.name} mixes the pictures of a batch: 2 go in, and {rows:,} "
        f"{'row comes' if rows == 1 else 'rows come'} out. PyTorch lets that pass here, and fails "
        "later, or learns nonsense.",
        "Keep the first dimension: write torch.flatten(x, 1), which makes "
        f"{_product(shape)} numbers of each picture.",
    )


# ---------------------------------------------------------------------------------------- words


def _origin(misfit: Misfit, arrives: int) -> str:
    """16·5·5 = 400, where such a map was flattened just before; else 400."""
    for step in reversed(misfit.before):
        if step.output != (arrives,):
            break
        before = step.inputs[0] if step.inputs else ()
        if len(before) == 3 and prod(before) == arrives:
            return _product(before)
    return f"{arrives:,}"


def _product(shape: Shape) -> str:
    return (
        f"{'·'.join(map(str, shape))} = {prod(shape):,}" if len(shape) > 1 else f"{prod(shape):,}"
    )


def _row(shape: Shape) -> str:
    return f"a row of {shape[0]:,} numbers" if len(shape) == 1 else size_text(shape)


def _arriving(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(map(size_text, shapes)) or "nothing"


def _channels(count: int) -> str:
    return "channel" if count == 1 else "channels"


def _pair(value: Any) -> Pair:
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)


def _side(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else size_text(pair)
