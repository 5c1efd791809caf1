"""What a page draws and says of a layer's channels, against counting and PyTorch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.batchnorm import Mode
from cnnviz.errors import SettingError
from cnnviz.figures.channel_bars import bar_shares, shared_top
from cnnviz.norms.capture import capture
from cnnviz.norms.channel_table import STAGES, tabulate
from cnnviz.norms.channel_words import (
    batch_sentence,
    channel_sentences,
    dead_sentence,
    power_text,
    share_text,
    signed,
)
from cnnviz.norms.layer_values import LayerValues
from tests.norms.networks import NORMALIZATION, a_network, pictures

LAYER = "norm2_1"


def captured(mode: Mode = "train", count: int = 3) -> LayerValues:
    return capture(a_network(), pictures(count), NORMALIZATION, LAYER, mode=mode)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_every_value_of_every_channel_is_counted(mode: Mode) -> None:
    values = captured(mode)
    table = tabulate(values, bins=30)
    assert (table.layer, table.mode, table.activation_kind) == (LAYER, mode, "ReLU")
    assert (table.channels, table.pictures, table.side) == (values.channels, 3, (16, 16))
    assert table.values_per_channel == 3 * 16 * 16
    inner = table.edges.copy()
    inner[-1] = np.nextafter(inner[-1], -np.inf)  # np.histogram counts the last edge as inside
    for channel in range(table.channels):
        for stage, found in zip(STAGES, table.histograms(channel), strict=True):
            numbers = getattr(values, stage)[:, channel].astype(np.float64)
            np.testing.assert_array_equal(found.counts, np.histogram(numbers, inner)[0])
            assert found.below == (numbers < table.edges[0]).sum()
            assert found.above == (numbers >= table.edges[-1]).sum()
            assert found.count == numbers.size
            assert found.mean == pytest.approx(numbers.mean())
            assert found.std == pytest.approx(numbers.std())
            assert found.zeros == (numbers == 0).mean()
            assert found.edges is table.edges  # so that all can be compared
    assert table.zeros[-1].mean() == pytest.approx(table.dead.zeros)
    for channel in (-1, table.channels):
        with pytest.raises(SettingError, match=f"channel is {channel}"):
            table.histograms(channel)


def test_bars_are_shares_and_the_height_is_everyones() -> None:
    table = tabulate(captured())
    histograms = [found for c in range(table.channels) for found in table.histograms(c)]
    for found in histograms:
        inside = found.count - found.below - found.above
        assert bar_shares(found).sum() == pytest.approx(inside / found.count)
    top = shared_top(histograms)
    # ReLU's pile of zeros is cut; of the other bars hardly any are.
    before = [bar_shares(table.histograms(c)[0]).max() for c in range(table.channels)]
    assert np.mean([share <= top for share in before]) > 0.8
    assert max(bar_shares(found).max() for found in histograms) > top


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_the_sentences_give_the_formula_that_was_applied(mode: Mode) -> None:
    table = tabulate(captured(mode))
    module: Any = a_network().requires_grad_(False).get_submodule(LAYER)
    _, out, _ = channel_sentences(table, 5)
    before = table.histograms(5)[0]
    mean, variance = (
        (before.mean, before.std**2)
        if mode == "train"
        else (float(module.running_mean[5]), float(module.running_var[5]))
    )
    taken = f"− {mean:.3g}" if mean >= 0 else f"+ {-mean:.3g}"
    beta = float(module.bias[5])
    shift = f"+ {beta:.3g}" if beta >= 0 else f"− {-beta:.3g}"
    divisor = (variance + module.eps) ** 0.5
    assert out.startswith(
        f"{signed(float(module.weight[5]))} · (x {taken}) / {divisor:.3g} {shift}: "
    )


def test_the_sentences_on_the_whole_layer() -> None:
    values = captured()
    values.activated[:, 3] = 0
    table = tabulate(values)
    maps = torch.from_numpy(values.activated)
    dead = (maps == 0).all(dim=0)
    said = dead_sentence(table)
    assert f"{share_text(float((maps == 0).double().mean()))} of all values are exactly 0" in said
    assert f"{int(dead.sum()):,} of {dead.numel():,} units" in said
    assert f"every one of the {len(maps)} pictures" in said
    count = int(dead.flatten(1).all(dim=1).sum())
    assert count == 1
    assert said.endswith("One channel is dead as a whole.")
    assert channel_sentences(table, 3)[2] == "100 % of them are exactly 0 after ReLU: dead for " + (
        "these pictures."
    )
    shift = np.abs(table.comparison.mean_shift)
    told = batch_sentence(table)
    assert f"{shift.mean():.2g} running σ away" in told
    assert f"the farthest, channel {shift.argmax()}, {shift.max():.2g}." in told
    values.activated[:, 4] = 0
    assert dead_sentence(tabulate(values)).endswith("2 channels are dead as a whole.")
    alive = replace(values, activated=np.ones_like(values.activated))
    assert "No channel is dead" in dead_sentence(tabulate(alive))


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_nothing_nor_to_all(share: float) -> None:
    text = share_text(share)
    assert (text == "0 %") == (share == 0)
    assert (text == "100 %") == (share == 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1e-5, "10⁻⁵"), (5.46e-6, "5.5·10⁻⁶"), (-2e3, "−2·10³"), (9.99e-7, "10⁻⁶")],
)
def test_powers_of_ten(value: float, text: str) -> None:
    assert power_text(value) == text
