"""The HTML of "Paste your own": the text with its marked line, and the table of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from cnnviz.architecture.formulas import parameter_formula, size_formula
from cnnviz.model_text.misfits import size_text

if TYPE_CHECKING:
    from cnnviz.model_text.steps import Misfit, Step, Traced

STYLE: Final = """
.stTextArea textarea {
    font-family: ui-monospace, monospace; font-size: 0.85rem; white-space: pre; overflow-x: auto;
}
.cnnviz-listing {
    margin: 0; padding: 0.4rem 0; overflow: auto; max-height: 30rem; line-height: 1.45;
    border: 1px solid var(--cnnviz-border); border-radius: 0.5rem; font-size: 0.85rem;
    background: var(--cnnviz-surface); color: var(--cnnviz-text);
    font-family: var(--cnnviz-mono, ui-monospace, monospace);
}
.cnnviz-listing ol { list-style: none; margin: 0; padding: 0; width: max-content; min-width: 100%; }
.cnnviz-listing li {
    white-space: pre; margin: 0; padding: 0 0.8rem 0 0; min-height: 1.45em; font-size: inherit;
}
.cnnviz-listing .at {
    display: inline-block; width: 2.4rem; margin-right: 0.8rem; text-align: right;
    color: var(--cnnviz-muted); user-select: none;
}
.cnnviz-listing li.wrong {
    background: color-mix(in srgb, var(--cnnviz-red) 16%, transparent);
    box-shadow: inset 3px 0 var(--cnnviz-red);
}
.cnnviz-listing li.used { box-shadow: inset 3px 0 var(--cnnviz-red); }
.cnnviz-listing mark {
    background: color-mix(in srgb, var(--cnnviz-red) 30%, transparent); color: inherit;
    border-radius: 2px; text-decoration: underline wavy var(--cnnviz-red) 1px;
    text-underline-offset: 3px;
}
.cnnviz-steps-box { overflow: auto; max-height: 60rem; }
.cnnviz-steps { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.cnnviz-steps th, .cnnviz-steps td {
    padding: 0.2rem 0.7rem 0.2rem 0; text-align: left; font-weight: 400; font-size: 0.88rem;
    white-space: nowrap; border: 0;
}
.cnnviz-steps thead th {
    color: var(--cnnviz-muted); border-bottom: 1px solid var(--cnnviz-border);
    position: sticky; top: 0; background: var(--cnnviz-background);
}
.cnnviz-steps .number { text-align: right; padding-right: 0.2rem; }
.cnnviz-steps tr.holds th { font-weight: 650; }
.cnnviz-steps tr.plain :is(th, td) { color: var(--cnnviz-muted); }
.cnnviz-steps th small { margin-left: 0.4rem; font-weight: 400; }
.cnnviz-steps small { color: var(--cnnviz-muted); font-size: 0.8rem; }
.cnnviz-steps tr.wrong :is(th, td) {
    color: var(--cnnviz-text); background: color-mix(in srgb, var(--cnnviz-red) 14%, transparent);
}
.cnnviz-steps tfoot :is(th, td) {
    border-top: 1px solid var(--cnnviz-border); font-weight: 650;
}
@media (max-width: 640px) {
    .cnnviz-steps th, .cnnviz-steps td { font-size: 0.78rem; padding-right: 0.5rem; }
    .cnnviz-listing { font-size: 0.75rem; }
}
"""

Span = tuple[int, int]
"""First column and the one after the last, from 0."""


def listing_html(text: str, wrong: Mapping[int, Span | None], used: frozenset[int]) -> str:
    """The text with numbers of lines.

    wrong: lines that are marked, with the columns that are underlined. used: lines that lead there.
    """
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        span = wrong.get(number)
        shown = escape(line)
        if span is not None:
            first, last = span[0], max(span[1], span[0] + 1)
            shown = (
                f"{escape(line[:first])}<mark>{escape(line[first:last])}</mark>"
                f"{escape(line[last:])}"
            )
        kind = "wrong" if number in wrong else "used" if number in used else ""
        rows.append(
            f'<li class="{kind}"><span class="at" aria-hidden="true">{number}</span>{shown}</li>'
        )
    return (
        '<div class="cnnviz-listing" role="region" tabindex="0" aria-label="Your text with the '
        f'marked line"><ol>{"".join(rows)}</ol></div>'
    )


def misfit_listing(text: str, misfit: Misfit) -> str:
    """The text with the layer that does not fit, and the line of forward that calls it."""
    place = misfit.place
    wrong: dict[int, Span | None] = dict.fromkeys(range(place.line, place.end_line + 1))
    if place.line == place.end_line:
        wrong[place.line] = (place.column, place.end_column)
    used = frozenset([misfit.used_at.line]) if misfit.used_at is not None else frozenset[int]()
    return listing_html(text, wrong, used)


def steps_html(traced: Traced) -> str:
    """Every layer's output and the arithmetic of it, up to the one that does not fit."""
    rows = [_row("input", "", size_text(traced.input_shape), "", "", "", "plain")]
    rows += [_step_row(step) for step in traced.steps]
    if (misfit := traced.misfit) is not None:
        name, line = misfit.name, f"line {misfit.place.line}"
        kind = _kind_text(misfit.name, misfit.kind)
        rows.append(_row(name, kind, "does not fit", line, "", "", "wrong"))
        end = ""
    else:
        end = (
            '<tfoot><tr><th scope="row" colspan="3">all layers</th>'
            f'<td class="number">{traced.parameters:,}</td></tr></tfoot>'
        )
    heads = ("layer", "output", "how it follows")
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    return (
        '<div class="cnnviz-steps-box" tabindex="0" role="region" aria-label="Layers of your '
        f'network"><table class="cnnviz-steps"><thead><tr>{head}<th scope="col" class="number">'
        f"parameters</th></tr></thead><tbody>{''.join(rows)}</tbody>{end}</table></div>"
    )


def _step_row(step: Step) -> str:
    formula = parameter_formula(step)
    parameters = f"{step.parameters:,}" if step.parameters else ""
    return _row(
        step.name,
        _kind_text(step.name, step.kind),
        size_text(step.output),
        size_formula(step),
        formula,
        parameters,
        "holds" if step.parameters else "plain",
    )


def _kind_text(name: str, kind: str) -> str:
    last = kind.rpartition(".")[2]
    return "" if name in (last, kind, f"F.{last}") else last


def _row(
    name: str, kind: str, output: str, how: str, formula: str, parameters: str, look: str
) -> str:
    arithmetic = f"<small>{escape(formula)} = </small>" if formula else ""
    return (
        f'<tr class="{look}"><th scope="row">{escape(name)}<small>{escape(kind)}</small></th>'
        f"<td>{escape(output)}</td><td><small>{escape(how)}</small></td>"
        f'<td class="number">{arithmetic}{escape(parameters)}</td></tr>'
    )
