"""What the numbers around a normalization say, in sentences."""

from __future__ import annotations

import numpy as np

from cnnviz.norms.channel_table import ChannelTable


def channel_sentences(table: ChannelTable, channel: int) -> tuple[str, str, str]:
    """Of one channel: what goes in, what comes out, what the activation leaves."""
    before, after, activated = table.histograms(channel)
    gamma, beta = float(table.gamma[channel]), float(table.beta[channel])
    compared = table.comparison
    running = (
        f"running mean {signed(compared.running_mean[channel])}, "
        f"σ {np.sqrt(compared.running_variance[channel]):.3g}"
    )
    into = (
        f"{before.count:,} numbers share mean {signed(before.mean)} and σ {before.std:.3g} "
        f"({running})."
    )
    taken, spread = (
        (before.mean, np.sqrt(before.std**2 + table.eps))
        if table.mode == "train"
        else (
            compared.running_mean[channel],
            np.sqrt(compared.running_variance[channel] + table.eps),
        )
    )
    out = (
        f"{signed(gamma)} · (x {_minus(taken)}) / {spread:.3g} {_plus(beta)}: mean "
        f"{signed(after.mean)}, σ {after.std:.3g}."
    )
    left = f"{share_text(activated.zeros)} of them are exactly 0 after {table.activation_kind}"
    if table.dead.dead_channels[channel]:
        left += ": dead for these pictures."
    else:
        left += f"; mean {signed(activated.mean)}."
    return into, out, left


def batch_sentence(table: ChannelTable) -> str:
    """How far this batch is from what the layer remembers."""
    shift = np.abs(table.comparison.mean_shift)
    spread = table.comparison.spread_ratio
    farthest = int(shift.argmax())
    return (
        f"On average a channel's mean in this batch is {shift.mean():.2g} running σ away from its "
        f"running mean; the farthest, channel {farthest}, {shift[farthest]:.2g}. Its σ is "
        f"{spread.min():.2g} to {spread.max():.2g} times the running one."
    )


def dead_sentence(table: ChannelTable) -> str:
    """What the activation function shuts off, in the whole layer."""
    dead = table.dead
    units = table.channels * table.side[0] * table.side[1]
    count = round(dead.dead_units * units)
    channels = int(dead.dead_channels.sum())
    return (
        f"After {table.activation_kind} {share_text(dead.zeros)} of all values are exactly 0. "
        f"{count:,} of {units:,} units ({share_text(dead.dead_units)}) are 0 for every one of the "
        f"{table.pictures} pictures: dead, for these. "
        f"{'No channel is dead' if not channels else _dead_channels(channels)} as a whole."
    )


def share_text(share: float) -> str:
    """A share as a percentage that never rounds something to nothing, nor to all."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    if share < 0.0001:
        return "less than 0.01 %"
    text = f"{100 * share:.3g}"
    return f"{'99.9' if float(text) >= 100 else text} %"


def signed(value: float) -> str:
    """Three digits, with a minus sign that is one."""
    return f"{value:.3g}".replace("-", "−")


def power_text(value: float) -> str:
    """A small number by a power of ten: 5.5·10⁻⁶, or 10⁻⁵ alone; 0 is 0."""
    if value == 0:
        return "0"
    factor, exponent = f"{value:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if factor == "1.0" else f"{signed(float(factor))}·10{raised}"


def _minus(value: float) -> str:
    return f"− {abs(value):.3g}" if value >= 0 else f"+ {abs(value):.3g}"


def _plus(value: float) -> str:
    return f"+ {abs(value):.3g}" if value >= 0 else f"− {abs(value):.3g}"


def _dead_channels(count: int) -> str:
    return "One channel is dead" if count == 1 else f"{count} channels are dead"
