"""A layer's arithmetic in lines, links to the convolution page, settings, the program."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest

from cnnviz.architecture.layer_table import LayerTable, layer_table
from cnnviz.architecture.networks import build_without_numbers, find_network
from cnnviz.architecture.table_settings import TableSettings, read_table_settings
from cnnviz.architecture.table_words import (
    arithmetic,
    bytes_text,
    convolution_links,
    table_snippet,
    totals_sentence,
)
from cnnviz.backwards import search_from_query
from cnnviz.convolution_lesson import from_query
from cnnviz.errors import SettingError


def table_of(name: str) -> LayerTable:
    return layer_table(build_without_numbers(name), find_network(name).made_for)


def test_lenets_arithmetic() -> None:
    table = table_of("lenet5")
    lines = dict(arithmetic(table, table.row("conv2")))
    assert lines == {
        "Output": "(14 − 5) + 1 = 10, 16 × 10 × 10",
        "Parameters": "16·(6·5·5 + 1) = 2,416",
        "Multiply-accumulates": "16·10·10 · 6·5·5 = 240,000",
        "Memory": "4·16·10·10 bytes = 6.4 kB, in float32",
        "Receptive field": "6 + (5 − 1)·2 = 14, 14 × 14 pixels",
        "Jump": "2 pixels from one unit's field to the next",
        "Effective padding": "0: by so many pixels the first unit's field begins before the "
        "picture",
    }
    assert "Parameters" not in dict(arithmetic(table, table.row("relu1")))
    assert "**62,006** parameters" in totals_sentence(table)
    assert bytes_text(12) == "12 bytes"
    assert bytes_text(1_234_567) == "1.23 MB"


def test_branches_and_what_no_picture_passes_are_said() -> None:
    table = table_of("tv:resnet18")
    lines = dict(arithmetic(table, table.row("layer2.0.add")))
    assert lines["Branches meet"] == "layer2.0.bn2 and layer2.0.downsample.1"
    assert "Branches meet" not in dict(arithmetic(table, table.row("layer2.0.conv1")))
    assert "no picture passes" not in totals_sentence(table)
    assert "**13,004,888** parameters" in (said := totals_sentence(table_of("tv:googlenet")))
    assert f"{13_004_888 - 6_624_904:,} of the parameters" in said  # its two auxiliary heads


def test_links_open_this_layers_window() -> None:
    table = table_of("lenet5-mnist")
    (words, by_hand), (_, backwards) = convolution_links(table.row("conv1"))
    assert "10 × 10" in words
    view = dict(by_hand)
    assert view.pop("view") == "hand"
    settings, notes = from_query("hand", view)
    assert not notes
    assert (settings.size, settings.kernel, settings.stride, settings.padding) == (10, 5, 1, 1)
    asked = dict(backwards)
    assert asked.pop("view") == "backwards"
    search, notes = search_from_query(asked)
    assert not notes
    assert (search.from_size, search.to_size, search.out_channels) == (28, 26, 6)
    assert any(spec.kernel_size == (5, 5) for spec in search.find())

    ((_, pooling),) = convolution_links(table.row("pool1"))
    settings, notes = from_query("pooling", {k: v for k, v in pooling.items() if k != "view"})
    assert (settings.pool, settings.kernel, settings.stride) == ("average", 2, 2)
    assert not notes
    assert convolution_links(table.row("fc1")) == []
    # Larger than the page slides by hand: only the sizes are shown.
    alex = table_of("tv:alexnet")
    titles = [words for words, _ in convolution_links(alex.row("features.0"))]
    assert titles == ["Every window that turns 224 into 55"]


def test_settings_come_back_from_a_url() -> None:
    for settings in (
        TableSettings(),
        TableSettings(network="tv:resnet18", side=96, layer="layer1.0.conv1"),
    ):
        assert read_table_settings(settings.to_query()) == (settings, ())
    settings, notes = read_table_settings({"network": "nobody", "side": "4"})
    assert settings.network == "lenet5"
    assert len(notes) == 2
    assert TableSettings(network="tv:resnet18", side=96).input_shape == (3, 96, 96)
    assert TableSettings(network="lenet5", side=96).input_shape == (3, 32, 32)
    with pytest.raises(SettingError):
        _ = TableSettings(network="tv:nobody").input_shape
    changes: dict[str, Any]
    for changes in ({"side": 7}, {"side": 513}, {"layer": 3}, {"network": "x" * 201}):
        with pytest.raises(SettingError):
            TableSettings(**changes)


@pytest.mark.parametrize(
    "name", ["lenet5-mnist", "plain_cnn-norm", "plain_cnn", "tv:squeezenet1_1"]
)
def test_the_program_prints_the_same(name: str) -> None:
    table = table_of(name)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(table_snippet(name, table.input_shape), {})
    lines = printed.getvalue().splitlines()
    assert lines[-1] == f"{table.parameters:,} parameters"
    for row in table.rows:
        if row.kind in ("Conv2d", "Linear"):
            assert any(line.split(" ")[0] == row.name and str(row.output) in line for line in lines)
