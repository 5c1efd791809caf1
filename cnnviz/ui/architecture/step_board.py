"""The board of the view "One step": every tensor with its numbers and derivatives, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from cnnviz.one_step.network import Array, Step
from cnnviz.one_step.settings import StepSettings
from cnnviz.one_step.stage import Stage
from cnnviz.one_step.words import Place, text

STYLE: Final = """<style>
.cnnviz-step { display: flex; flex-wrap: wrap; gap: 0.9rem 0.9rem; align-items: flex-start;
  margin: 0.9rem 0 1.5rem; }
.cnnviz-step .tensor { flex: none; }
.cnnviz-step .name { font-weight: 650; line-height: 1.25; }
.cnnviz-step .name small { display: block; white-space: nowrap; font-weight: 400;
  color: var(--cnnviz-muted); }
.cnnviz-step .learned .name b { color: var(--cnnviz-accent); }
.cnnviz-step .by { font-size: 0.85rem; margin: 0.45rem 0 0.1rem; color: var(--cnnviz-muted); }
.cnnviz-step .pair { display: flex; gap: 0.4rem; align-items: flex-start; }
.cnnviz-step table { border-collapse: collapse; table-layout: fixed; margin: 0;
  width: calc(var(--columns) * 3.05rem); }
.cnnviz-step td { height: 1.75rem; padding: 0; text-align: center; white-space: nowrap;
  font-size: 0.78rem; font-variant-numeric: tabular-nums; border: 1px solid var(--cnnviz-border);
  background: color-mix(in srgb, var(--hue, transparent) var(--part, 0%),
    var(--cnnviz-background)); }
.cnnviz-step .pixels table { width: calc(var(--columns) * 1.8rem); }
.cnnviz-step .losses .name small { white-space: normal; }
.cnnviz-step .losses { flex: 1 1 20rem; max-width: 44rem; }
.cnnviz-step svg { display: block; width: 100%; height: 9.5rem; overflow: visible;
  margin-top: 0.7rem; }
.cnnviz-step .line { fill: none; stroke: var(--cnnviz-accent); stroke-width: 2px;
  vector-effect: non-scaling-stroke; }
.cnnviz-step .axis { fill: none; stroke: var(--cnnviz-border); vector-effect: non-scaling-stroke; }
.cnnviz-step .ends { display: flex; justify-content: space-between; font-size: 0.82rem;
  font-variant-numeric: tabular-nums; }
.cnnviz-step .dot { stroke: var(--cnnviz-positive); stroke-width: 13px; stroke-linecap: round;
  vector-effect: non-scaling-stroke; }
.cnnviz-step .p { --hue: var(--cnnviz-positive); }
.cnnviz-step .n { --hue: var(--cnnviz-negative); }
.cnnviz-step .hidden { color: var(--cnnviz-border); }
.cnnviz-step .marked { outline: 3px solid var(--cnnviz-text); outline-offset: -2px; }
.cnnviz-told { border-left: 5px solid var(--cnnviz-accent); padding: 0.1rem 0 0.1rem 1rem;
  min-height: 8.2rem; max-width: 70rem; }
.cnnviz-told h3 { font-size: 1.15rem; padding: 0; margin: 0 0 0.3rem; }
.cnnviz-told p { margin: 0 0 0.35rem; font-variant-numeric: tabular-nums; }
.cnnviz-told .sum { font-size: 1.05rem; overflow-wrap: anywhere; }
</style>"""
_SHADE: Final = 34  # per cent of the colour in the strongest cell

"""What forward computes, in order; the parameters are there from the start."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    letter: str
    what: str
    values: Array
    """(rows, columns)."""
    grad: Array | None
    new: Array | None = None
    """After the update, of what is learned."""
    beside: _Tensor | None = None
    """A bias, which stands beside its weights."""


def board_html(
    settings: StepSettings,
    step: Step,
    stages: Sequence[Stage],
    at: int,
    losses: Sequence[float],
) -> str:
    """Everything that is known at this stage; what is not yet is a dot, so that nothing jumps.

    losses: before the first step and after each, also of those that are not taken yet.
    """
    tensors = _tensors(settings, step, is_after=stages[at].key == "again")
    known, known_grads = _known(stages, at)
    parts = [_tensor_html(tensor, stages[at], known, known_grads) for tensor in tensors]
    parts.append(_losses_html(losses, settings.steps))
    return f'{STYLE}<div class="cnnviz-step">{"".join(parts)}</div>'


def _losses_html(losses: Sequence[float], done: int) -> str:
    """The loss by steps, as a line; the step that is told is marked."""
    most, last = max(losses) or 1.0, len(losses) - 1
    points = [(100 * k / last, 100 - 100 * loss / most) for k, loss in enumerate(losses)]
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    dots = "".join(
        f'<path class="dot" d="M{x:.2f} {y:.2f}h0"/>' for x, y in points[done : done + 2]
    )
    spoken = f"The loss by steps: {text(losses[0])} before the first, {text(losses[-1])} at last."
    return (
        '<div class="losses"><div class="name">The loss by steps <small>at this learning rate; '
        f"the step that is told is marked: {text(losses[done])} → {text(losses[done + 1])}</small>"
        f'</div><svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(spoken)}"><path class="axis" d="M0 0V100H100"/>'
        f'<polyline class="line" points="{line}"/>{dots}</svg>'
        f'<div class="ends"><span>0 steps: {text(losses[0])}</span>'
        f"<span>{last} steps: {text(losses[-1])}</span></div></div>"
    )


def told_html(stages: Sequence[Stage], at: int) -> str:
    """The stage in words: its number and title, then its sentences; sums are set apart."""
    stage = stages[at]
    lines = "".join(
        f'<p class="{"" if line.endswith(".") else "sum"}">{escape(line)}</p>'
        for line in stage.lines
    )
    head = f"{at + 1} of {len(stages)} · {stage.phase}: {stage.title}"
    return f'<div class="cnnviz-told" role="status"><h3>{escape(head)}</h3>{lines}</div>'


def _known(stages: Sequence[Stage], at: int) -> tuple[frozenset[str], frozenset[str]]:
    """The letters whose values, and those whose derivatives, are shown by then."""
    done = {stage.key for stage in stages[: at + 1]}
    values = {
        "convolution": "z",
        "relu": "a",
        "pooling": "f",
        "linear": "s",
        "softmax": "y",
        "loss": "L",
    }
    grads = {
        "grad_logits": "s",
        "grad_linear": "vcf",
        "grad_pooling": "a",
        "grad_relu": "z",
        "grad_filter": "wb",
    }
    known = {"x", "w", "b", "v", "c"} | {values[key] for key in done if key in values}
    if "update" in done:
        known.add("new")
    has_pooling = any(stage.key == "pooling" for stage in stages)
    known_grads = {letter for key in done if key in grads for letter in grads[key]}
    if not has_pooling and "f" in known_grads:
        known_grads.add("a")  # which is the same array
    return frozenset(known), frozenset(known_grads)


def _tensors(settings: StepSettings, step: Step, *, is_after: bool) -> list[_Tensor]:
    forward = step.new_forward if is_after else step.forward
    p = step.new_parameters if is_after else step.parameters
    back, new = step.backward, step.new_parameters
    grad = back.parameters

    def column(values: Array) -> Array:
        return values.reshape(-1, 1)

    def one(value: float) -> Array:
        return np.array([[value]])

    def of(values: Array) -> Array | None:
        """Derivatives and new numbers belong to the step, and not to what comes after it."""
        return None if is_after else values

    bias = _Tensor("b", "bias", one(p.b), of(one(grad.b)), of(one(new.b)))
    biases = _Tensor("c", "biases", column(p.c), of(column(grad.c)), of(column(new.c)))
    pooled = (
        []
        if settings.pool == "none"
        else [_Tensor("f", "pooled", forward.pooled, of(back.f.reshape(2, 2)))]
    )
    return [
        _Tensor("x", "picture", forward.x, None),
        _Tensor("w", "filter, learned", p.w, of(grad.w), of(new.w), bias),
        _Tensor("z", "its map", forward.z, of(back.z)),
        _Tensor(
            "a",
            "ReLU" if pooled else "ReLU: f",
            forward.a,
            of(back.a),
        ),
        *pooled,
        _Tensor("v", "linear layer, learned", p.v, of(grad.v), of(new.v), biases),
        _Tensor("s", "logits", column(forward.s), of(column(back.s))),
        _Tensor("y", "softmax", column(forward.y), None),
        _Tensor("L", "loss", one(forward.loss), None),
    ]


def _tensor_html(
    tensor: _Tensor, stage: Stage, known: frozenset[str], known_grads: frozenset[str]
) -> str:
    classes = "tensor" + (" learned" if tensor.new is not None or tensor.beside else "")
    classes += " pixels" if tensor.letter == "x" else ""
    pair = [each for each in (tensor, tensor.beside) if each is not None]
    rows = [_tables(pair, "values", stage, known, known_grads)]
    if tensor.grad is not None:
        names = " and ".join(f"∂L/∂{_capital(each.letter)}" for each in pair)
        rows.append(f'<div class="by">{names}</div>')
        rows.append(_tables(pair, "grad", stage, known, known_grads))
    if tensor.new is not None:
        rows.append('<div class="by">after the step</div>')
        rows.append(_tables(pair, "new", stage, known, known_grads))
    names = " and ".join(f"<b>{_capital(each.letter)}</b>" for each in pair)
    return (
        f'<div class="{classes}"><div class="name">{names} <small>{escape(tensor.what)}</small>'
        f"</div>{''.join(rows)}</div>"
    )


def _capital(letter: str) -> str:
    return "V" if letter == "v" else letter


def _tables(
    pair: Sequence[_Tensor],
    kind: str,
    stage: Stage,
    known: frozenset[str],
    known_grads: frozenset[str],
) -> str:
    tables = []
    for tensor in pair:
        letter = tensor.letter
        values: Array | None = tensor.values
        is_known, marks = letter in known, stage.marks
        if kind == "grad":
            values, is_known, marks = tensor.grad, letter in known_grads, stage.grad_marks
        elif kind == "new":
            values, is_known = tensor.new, "new" in known
        name = {"values": "", "grad": "derivative of the loss by ", "new": "after the step, "}[kind]
        if values is not None:
            tables.append(
                _table(values, f"{name}{letter}", marks.get(letter, frozenset()), is_known=is_known)
            )
    return f'<div class="pair">{"".join(tables)}</div>'


def _table(values: Array, name: str, marked: frozenset[Place], *, is_known: bool) -> str:
    most = float(np.abs(values).max()) or 1.0
    rows = []
    for r, row in enumerate(values):
        cells = []
        for c, value in enumerate(row):
            if not is_known:
                cells.append('<td class="hidden">·</td>')
                continue
            part = round(_SHADE * abs(float(value)) / most)
            sign = "p" if value > 0 else "n"
            classes = sign + (" marked" if (r, c) in marked else "")
            cells.append(
                f'<td class="{classes}" style="--part: {part}%">{_short(float(value))}</td>'
            )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<table style="--columns: {values.shape[1]}" aria-label="{escape(name)}"><tbody>'
        f"{''.join(rows)}</tbody></table>"
    )


def _short(value: float) -> str:
    """Never so long that it leaves its cell."""
    size = abs(value)
    if size < 10 or size >= 10_000:
        return text(value)
    return text(round(value, 2 if size < 100 else 1 if size < 1000 else 0))
