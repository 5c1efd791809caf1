"""Accuracies as text, aligned, for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Sequence

from cnnviz.evaluation import Accuracy, AccuracyTable


def accuracy_text(
    class_names: Sequence[str], single_view: AccuracyTable, with_flip: AccuracyTable
) -> str:
    """Both tables side by side: a row for each class, and one for all."""
    rows = list(
        zip(class_names, single_view.per_class, with_flip.per_class, strict=True),
    )
    rows.append(("all", single_view.overall, with_flip.overall))
    width = max(len(name) for name, _, _ in rows)
    head = f"{'correct':>9}  {'accuracy':>8}  {'95 % interval':^14}"
    lines = [
        f"{'':{width}}  {'':>8}  {'each picture as it is':^{len(head)}}  "
        f"{'mean with its mirror image':^{len(head)}}".rstrip(),
        f"{'class':{width}}  {'pictures':>8}  {head}  {head}".rstrip(),
    ]
    for name, single, flip in rows:
        lines.append(f"{name:{width}}  {single.count:>8,}  {_cells(single)}  {_cells(flip)}")
    return "\n".join(lines)


def percent(accuracy: Accuracy) -> str:
    """The share: 78.10 %."""
    return f"{100 * accuracy.share:.2f} %" if accuracy.count else "-"


def _cells(accuracy: Accuracy) -> str:
    low, high = (100 * end for end in accuracy.interval)
    interval = f"{low:5.2f} to {high:5.2f}" if accuracy.count else "-"
    return f"{accuracy.correct:>9,}  {percent(accuracy):>8}  {interval:>14}"
