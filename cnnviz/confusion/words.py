"""Cells and confusions as sentences, short enough to be read aloud."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnviz.confusion.matrix import ConfusedPair, MatrixTable, confused_pair


def pair_sentence(pair: ConfusedPair, class_names: Sequence[str]) -> str:
    """What a cell says: `cat taken for dog: 103 of 1,000 pictures (10.3 %)`."""
    true, predicted = class_names[pair.true], class_names[pair.predicted]
    how = f"{true} recognised" if pair.true == pair.predicted else f"{true} taken for {predicted}"
    return f"{how}: {count_text(pair.count, pair.of_true)}"


def cell_sentence(table: MatrixTable, row: int, column: int) -> str:
    """What the cell in that row and column of the table says; of a difference both counts."""
    true, predicted = table.order[row], table.order[column]
    names = dict(zip(table.order, table.class_names, strict=True))
    pair = confused_pair(table.confusion, true, predicted)
    said = pair_sentence(pair, [names[place] for place in range(len(names))])
    if table.before is None:
        return said
    before = int(table.before[true, predicted])
    change = cell_text(pair.count - before, is_share=False, signed=True)
    return f"{said}; {before:,} by the first network: {change}"


def row_sentence(table: MatrixTable, row: int) -> str:
    """What the name of a row stands for: `all of class cat: 503 of 1,000 pictures recognised`."""
    true = table.order[row]
    right, total = int(table.confusion[true, true]), int(table.confusion[true].sum())
    return f"all of class {table.class_names[row]}: {count_text(right, total)} recognised"


def column_sentence(table: MatrixTable, column: int) -> str:
    """What the name of a column stands for: `everything taken for cat: 503 of 790 ... rightly`."""
    predicted = table.order[column]
    right = int(table.confusion[predicted, predicted])
    total = int(table.confusion[:, predicted].sum())
    return f"everything taken for {table.class_names[column]}: {count_text(right, total)} rightly"


def count_text(count: int, total: int) -> str:
    """`103 of 1,000 pictures (10.3 %)`."""
    share = f" ({percent_text(count / total)})" if total else ""
    return f"{count:,} of {total:,} {'picture' if total == 1 else 'pictures'}{share}"


def top_sentences(pairs: Sequence[ConfusedPair], class_names: Sequence[str]) -> tuple[str, ...]:
    """The most frequent confusions, each a sentence; one that says so if there are none."""
    if not pairs:
        return ("No picture was taken for another class.",)
    return tuple(f"{_first_upper(pair_sentence(pair, class_names))}." for pair in pairs)


def percent_text(share: float) -> str:
    """10.3 %; a dash of nan."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def interval_text(interval: tuple[float, float]) -> str:
    """55.3 to 61.4 %, as it stands beside a share."""
    low, high = interval
    return "–" if math.isnan(low + high) else f"{100 * low:.1f} to {100 * high:.1f} %"


def cell_text(value: float, *, is_share: bool, signed: bool = False) -> str:
    """What stands in a cell: pictures, or whole percents without their sign; nothing of nan.

    A share that is not 0 and would be rounded to it is `<1`; of a difference `+<1` or `−<1`.
    """
    if math.isnan(value):
        return ""
    whole = round(100 * value) if is_share else round(value)
    text = "<1" if is_share and whole == 0 and value != 0 else f"{abs(whole):,}"
    sign = "−" if value < 0 else "+" if signed and value > 0 else ""
    return sign + text


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
