"""A layer's arithmetic in lines, a network's totals in a sentence, links, and the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnviz.architecture.formulas import short_kind
from cnnviz.architecture.layer_table import LayerRow, LayerTable
from cnnviz.backwards import LIMITS, Search, search_to_query
from cnnviz.convolution_lesson import BOUNDS, from_query, to_query

POOLINGS = {
    "MaxPool2d": "max",
    "max_pool2d": "max",
    "AvgPool2d": "average",
    "avg_pool2d": "average",
}


def shape_text(shape: tuple[int, ...]) -> str:
    """6 × 28 × 28."""
    return " × ".join(f"{number:,}" for number in shape)


def bytes_text(count: int) -> str:
    """18.4 kB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def totals_sentence(table: LayerTable) -> str:
    """Of the whole network."""
    passed = sum(row.parameters for row in table.rows)
    beside = (
        f" {table.parameters - passed:,} of the parameters are in layers that no picture passes in "
        "evaluation."
        if passed < table.parameters
        else ""
    )
    return (
        f"**{table.parameters:,}** parameters, **{table.macs:,}** multiply-accumulates and "
        f"**{bytes_text(table.memory)}** of activations for a picture of "
        f"{shape_text(table.input_shape)}.{beside}"
    )


def arithmetic(table: LayerTable, row: LayerRow) -> list[tuple[str, str]]:
    """What is reckoned, and how, with the layer's numbers; in the order of reading."""
    lines = [("Output", _with_formula(shape_text(row.output), row.size_formula))]
    if len(row.inputs) > 1:
        branches = [*row.sources, *["the picture"] * (len(row.inputs) - len(row.sources))]
        lines.append(("Branches meet", " and ".join(branches)))
    if row.parameters:
        formula = f"{row.parameter_formula} = " if row.parameter_formula else ""
        lines.append(("Parameters", f"{formula}{row.parameters:,}"))
    if row.macs:
        formula = f"{row.mac_formula} = " if row.mac_formula else ""
        lines.append(("Multiply-accumulates", f"{formula}{row.macs:,}"))
    lines.append(("Memory", f"{row.memory_formula} bytes = {bytes_text(row.memory)}, in float32"))
    lines.append(("Receptive field", field_text(table, row)))
    if row.jump is not None and row.effective_padding is not None and row.field is not None:
        pixels = "pixel" if set(row.jump) == {1} else "pixels"
        lines.append(("Jump", f"{_pair(row.jump)} {pixels} from one unit's field to the next"))
        lines.append(
            (
                "Effective padding",
                f"{_pair(row.effective_padding)}: by so many pixels the first unit's field begins "
                "before the picture",
            )
        )
    return lines


def field_text(table: LayerTable, row: LayerRow) -> str:
    """Its size, and how it follows from the layer's before; or why it cannot be said."""
    if row.field is None:
        return f"cannot be said: {row.reason}"
    height, width = row.field.size
    text = f"{height} × {width} pixels"
    if len(row.sources) <= 1 and (step := _field_step(table, row)):
        text = f"{step}, {text}"
    if row.sees_all:
        text += "; and the whole picture, through a branch that had pooled it"
    return text


def _field_step(table: LayerTable, row: LayerRow) -> str:
    """5 + (5 − 1)·1 = 9: of a window that makes the field larger, by rows."""
    assert row.field is not None
    before = table.row(row.sources[0]).field if row.sources else None
    size, jump = (1, 1) if before is None else (before.rows.size, before.rows.jump)
    if row.sources and before is None:
        return ""
    grown = row.field.rows.size - size
    if grown <= 0 or grown % jump:
        return ""
    return f"{size} + ({grown // jump + 1} − 1)·{jump} = {row.field.rows.size}"


def convolution_links(row: LayerRow) -> list[tuple[str, Mapping[str, str]]]:
    """Where the convolution page shows this layer's window: words and query; none if nowhere."""
    kind = short_kind(row.kind)
    view = "hand" if kind in ("Conv2d", "conv2d") else "pooling" if kind in POOLINGS else None
    if view is None or not row.inputs or len(row.inputs[0]) != 3:
        return []
    numbers = _square(row.arguments, is_pool=view == "pooling")
    if numbers is None:
        return []
    links: list[tuple[str, Mapping[str, str]]] = []
    channels, height, width = row.inputs[0]
    low, high = BOUNDS[view].size  # type: ignore[index]
    size = max(low, min(high, height))
    asked = {"size": str(size), **{name: str(value) for name, value in numbers.items()}}
    if view == "pooling":
        asked["pool"] = POOLINGS[kind]
    settings, notes = from_query(view, asked)  # type: ignore[arg-type]
    if not notes:
        links.append(
            (
                f"Slide it by hand, {size} × {size}",
                {"view": view} | to_query(settings),
            )
        )
    out = row.output
    wanted = {
        "from_size": height,
        "to_size": out[1],
        "max_kernel": numbers["kernel"],
        "max_stride": numbers["stride"],
        "max_padding": numbers["padding"],
        "max_dilation": numbers["dilation"],
        "in_channels": channels,
        "out_channels": out[0],
    }
    is_square = height == width and out[1] == out[2]
    if (
        view == "hand"
        and is_square
        and all(LIMITS[name][0] <= value <= LIMITS[name][1] for name, value in wanted.items())
    ):
        query = {"view": "backwards"} | search_to_query(Search(**wanted))
        links.append((f"Every window that turns {height} into {out[1]}", query))
    return links


def _square(arguments: Mapping[str, Any], *, is_pool: bool) -> dict[str, int] | None:
    """Kernel, stride, padding and dilation; None unless they are the same in height and width."""
    kernel = arguments["kernel_size"]
    stride = arguments.get("stride") or (kernel if is_pool else 1)
    found = {
        "kernel": kernel,
        "stride": stride,
        "padding": arguments.get("padding", 0),
        "dilation": arguments.get("dilation", 1),
    }
    numbers = {}
    for name, value in found.items():
        pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
        if len(set(pair)) != 1 or not isinstance(pair[0], int):
            return None
        numbers[name] = pair[0]
    return numbers


def table_snippet(name: str, shape: tuple[int, int, int]) -> str:
    """A program that prints every layer's output and the parameters, with PyTorch alone."""
    size = ", ".join(map(str, shape))
    if name.startswith("tv:"):
        build = (
            "from torchvision import models\n\n"
            f'network = models.get_model("{name.removeprefix("tv:")}", weights=None)'
        )
    else:
        model, _, rest = name.partition("-")
        dataset = "mnist" if shape[0] == 1 else "cifar10"
        norm = {"plain_cnn": f", batch_norm={rest == 'norm'}"}.get(model, "")
        build = (
            "from cnnviz.models.registry import build_model, spec_for\n\n"
            f'network = build_model(spec_for("{model}", "{dataset}"{norm}))'
        )
    return f"""\
import torch
{build}


def tell(name):
    return lambda module, inputs, output: print(f"{{name:24}} {{tuple(output.shape[1:])}}")


for name, module in network.eval().named_modules():
    if not list(module.children()):
        module.register_forward_hook(tell(name))
with torch.no_grad():
    network(torch.zeros(1, {size}))
print(f"{{sum(p.numel() for p in network.parameters()):,}} parameters")
"""


def _with_formula(result: str, formula: str) -> str:
    return f"{formula}, {result}" if formula else result


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else f"{value[0]} and {value[1]}"
