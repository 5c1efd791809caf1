"""The view "Class by class": accuracy, precision and F1 with intervals, beside the lesson's own."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.scores import (
    LESSON_CIFAR10,
    MEASURES,
    F1Score,
    LessonTable,
    class_scores,
    mean_f1,
)
from cnnviz.confusion.words import interval_text, percent_text
from cnnviz.evaluation import Accuracy
from cnnviz.ui.charts import is_dark
from cnnviz.ui.confusion.kept import PAGE, setting
from cnnviz.ui.confusion.library import order_of
from cnnviz.ui.confusion.networks import Shown, open_networks
from cnnviz.ui.url_state import PageState

if TYPE_CHECKING:
    from cnnviz.confusion.scores import Measure

_MEASURES: Final[dict[Measure, str]] = {
    "recall": "Accuracy (recall)",
    "precision": "Precision",
    "f1": "F1",
}
STYLE: Final = """
.cnnviz-scores { overflow-x: auto; max-width: 100%; }
.cnnviz-scores table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.cnnviz-scores :is(th, td) {
    padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; font-weight: 400; font-size: 0.95rem;
    white-space: nowrap;
}
.cnnviz-scores thead th {
    color: var(--cnnviz-muted); border-bottom: 1px solid var(--cnnviz-border);
}
.cnnviz-scores tfoot :is(th, td) {
    border-top: 1px solid var(--cnnviz-border); font-weight: 650;
}
.cnnviz-scores small { color: var(--cnnviz-muted); font-size: 0.8em; margin-left: 0.4rem; }
@media (max-width: 640px) {
    .cnnviz-scores :is(th, td) { font-size: 0.8rem; padding-right: 0.7rem; }
    .cnnviz-scores small { display: block; margin: 0; }
}
"""


def show(state: PageState) -> None:
    """A table of each network, and a figure of both."""
    st.html(f"<style>{STYLE}</style>")
    shown = open_networks(state, "classes")
    if shown is None:
        return
    table, figure = st.columns([9, 6], gap="medium")
    with table:
        for predictions in (shown.predictions, shown.other):
            if predictions is not None:
                if shown.other is not None:
                    st.markdown(
                        "**First network**"
                        if predictions is shown.predictions
                        else "**Second network**"
                    )
                st.html(scores_table(predictions, lesson_of(predictions)))
        st.caption(
            "Accuracy (recall): of the pictures of a class, the share that is recognised. "
            "Precision: of the pictures taken for a class, the share that belongs to it. "
            "F1: the harmonic mean of the two. Beside each its 95 % interval."
        )
        if lesson_of(shown.predictions) is not None:
            st.caption(LESSON_CIFAR10.sentence())
    with figure:
        _show_figure(shown)


def lesson_of(predictions: Predictions) -> LessonTable | None:
    """What the lesson prints about the pictures of these predictions."""
    is_its = predictions.dataset.name == "cifar10" and predictions.split == "test"
    return LESSON_CIFAR10 if is_its else None


def scores_table(predictions: Predictions, lesson: LessonTable | None) -> str:
    """The scores of each class as a table in HTML."""
    scores = class_scores(predictions.judgements.confusion, predictions.class_names)
    heads = ["class", *_MEASURES.values(), *(["the lesson"] if lesson else [])]
    rows = []
    for place, score in enumerate(scores):
        cells = [_cell(found) for found in (score.recall, score.precision, score.f1)]
        if lesson is not None:
            cells.append(f"<td>{lesson.percent[place]} %</td>")
        rows.append(f'<tr><th scope="row">{escape(score.class_name)}</th>{"".join(cells)}</tr>')
    overall = Accuracy(int(predictions.judgements.is_correct.sum()), len(predictions))
    foot = [_cell(overall), "<td></td>", f"<td>{percent_text(mean_f1(scores))}</td>"]
    if lesson is not None:
        foot.append(f"<td>{lesson.stated_mean_percent:.2f} %</td>")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return (
        '<div class="cnnviz-scores" tabindex="0" role="region" '
        f'aria-label="Scores of {escape(predictions.title)}"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f'<tfoot><tr><th scope="row">all</th>{"".join(foot)}</tr></tfoot></table></div>'
    )


def _cell(score: Accuracy | F1Score) -> str:
    value = score.value if isinstance(score, F1Score) else score.share
    return f"<td>{percent_text(value)} <small>{interval_text(score.interval)}</small></td>"


def _show_figure(shown: Shown) -> None:
    from cnnviz.figures.class_scores import class_scores_figure

    settings = shown.settings
    st.segmented_control(
        "Drawn",
        list(MEASURES),
        format_func=_MEASURES.__getitem__,
        required=True,
        **setting("measure", settings.measure),
    )
    networks = {}
    first = "this network" if shown.other is None else "first network"
    for name, predictions in ((first, shown.predictions), ("second network", shown.other)):
        if predictions is not None:
            confusion = predictions.judgements.confusion
            networks[name] = class_scores(confusion, predictions.class_names)
    figure = class_scores_figure(
        networks,
        settings.measure,
        order=order_of(shown.predictions, settings.order),
        lesson=lesson_of(shown.predictions),
        dark=is_dark(),
    )
    st.plotly_chart(
        figure,
        theme=None,
        key=f"{PAGE}.scores",
        alt=f"{_MEASURES[settings.measure]} of each class, as in the table.",
        config={"displayModeBar": False},
    )
