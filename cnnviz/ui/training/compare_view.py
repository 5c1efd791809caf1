"""The view "compare": all runs as a table, those that are ticked one over the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Final

import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.figures.curves import AXES, SMOOTHING, CurveRun, Quantity, XAxis
from cnnviz.query import QueryReader, shorten
from cnnviz.runs.run import Run
from cnnviz.training.compare import differences
from cnnviz.ui.charts import is_dark
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.manage_runs import show_manage
from cnnviz.ui.training.refusals import show_refusals
from cnnviz.ui.training.run_choice import PAGE
from cnnviz.ui.training.run_table import forget_ticks, tick_runs
from cnnviz.ui.training.service import TrainingService, training_service
from cnnviz.ui.training.viewer import show_passphrase_box, this_viewer
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view

MOST_RUNS: Final = 8
"""So many are drawn: more could not be told apart."""
_KEPT: Final = "training.compare"
_CONTROLS: Final = ("axis", "smooth", "log")

STYLE: Final = """
.cnnviz-differences { overflow-x: auto; max-width: 100%; }
.cnnviz-differences table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.cnnviz-differences :is(th, td) {
    padding: 0.35rem 1rem 0.35rem 0; text-align: left; vertical-align: top;
    border-bottom: 1px solid var(--cnnviz-border);
}
.cnnviz-differences tbody th { font-weight: 400; color: var(--cnnviz-muted); white-space: nowrap; }
.cnnviz-differences thead th { min-width: 7rem; max-width: 16rem; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, and how it is drawn."""

    runs: tuple[int, ...] = ()
    """In the order of their colours."""
    axis: XAxis = "step"
    smoothing_steps: int = 0
    logarithmic: bool = False
    """The loss."""

    def to_query(self) -> dict[str, str]:
        """The URL's query, without what is usual."""
        query = {"view": "compare"}
        if self.runs:
            query["runs"] = ",".join(map(str, self.runs))
        if self.axis != "step":
            query["axis"] = self.axis
        if self.smoothing_steps:
            query["smooth"] = str(self.smoothing_steps)
        if self.logarithmic:
            query["log"] = "1"
        return query


def show(state: PageState) -> None:
    """The table, the curves, the differences, and what can be done to runs; kept in the URL."""
    st.html(f"<style>{STYLE}</style>")
    try:
        service = training_service()
        viewer = this_viewer(service)
        runs = service.live.runs()
    except CnnvizError as error:
        st.error(plain(str(error)))
        return
    if state.has_news_for(_KEPT):
        _keep(_read(state, {run.id for run in runs}))
        forget_ticks()
        for name in _CONTROLS:
            st.session_state.pop(f"{_KEPT}.{name}", None)
    with st.container():
        state.show_notes()
        show_refusals()
    if not runs:
        st.info("There are no runs yet. What is trained here stays in this list.")
        st.button("Start a training", on_click=go_to_view, args=(state.page, "new"))
        return
    st.caption(
        "Tick one run to look at it, or several to see them over each other. "
        "A click on a column's name sorts, the magnifier searches."
    )
    kept = kept_comparison()
    ticked = tick_runs(runs, kept.runs)
    known = {run.id: run for run in runs}
    chosen = [known[number] for number in ticked]
    comparison = _choose_look(tuple(ticked)) if chosen else replace(kept, runs=())
    _keep(comparison)
    state.write(comparison.to_query())
    if not chosen:
        st.info("No run is ticked: their curves, and in what they differ, are shown here.")
        return
    drawn = chosen[:MOST_RUNS]
    if len(chosen) > MOST_RUNS:
        st.warning(f"{len(chosen)} runs are ticked; the first {MOST_RUNS} of them are drawn.")
    _show_curves(service, drawn, comparison)
    told, one = st.columns([3, 2], gap="large")
    with told:
        _show_differences(drawn)
    with one:
        show_manage(service, viewer, chosen)
        show_passphrase_box(service, viewer)


def compare_with_ticked(run_id: int) -> None:
    """Let the next run of the page compare this training with those that are ticked.

    For callbacks.
    """
    kept = kept_comparison()
    others = (number for number in kept.runs if number != run_id)
    _keep(replace(kept, runs=(run_id, *others)))
    forget_ticks()
    go_to_view(PAGE, "compare")


def kept_comparison() -> Comparison:
    """What the session compares."""
    kept: Comparison = st.session_state.get(_KEPT, Comparison())
    return kept


def _keep(comparison: Comparison) -> None:
    st.session_state[_KEPT] = comparison


def _read(state: PageState, known: set[int]) -> Comparison:
    """What a link asks for; what of it is not there is noted."""
    read = QueryReader(state.query)
    axis: XAxis = read.choice("axis", AXES, "step")
    smoothing = read.whole("smooth", 0, SMOOTHING[-1], 0)
    logarithmic = read.switch("log")
    numbers, lacking = [], []
    for text in state.query.get("runs", "").split(",")[:100]:
        is_number = text.isascii() and text.isdecimal() and len(text) < 10
        if is_number and int(text) in known:
            numbers.append(int(text))
        elif text:
            lacking.append(shorten(text))
    if lacking:
        read.notes.append(f"runs: {', '.join(lacking[:5])} is not on this server.")
    state.keep_notes(read.notes)
    nearest = min(SMOOTHING, key=lambda steps: abs(steps - smoothing))
    return Comparison(tuple(dict.fromkeys(numbers)), axis, nearest, logarithmic)


def _choose_look(runs: tuple[int, ...]) -> Comparison:
    kept = kept_comparison()
    values = (kept.axis, kept.smoothing_steps, kept.logarithmic)
    for name, value in zip(_CONTROLS, values, strict=True):  # new, or forgotten in another view
        st.session_state.setdefault(f"{_KEPT}.{name}", value)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = st.segmented_control(
            "Along",
            AXES,
            format_func=str.capitalize,
            required=True,
            key=f"{_KEPT}.axis",
            width="content",
        )
        smoothing = st.select_slider(
            "Smoothing of the training curves",
            SMOOTHING,
            format_func=lambda steps: f"{steps} steps" if steps else "none",
            key=f"{_KEPT}.smooth",
            width=320,
        )
        logarithmic = st.checkbox("Logarithmic loss", key=f"{_KEPT}.log")
    return Comparison(runs, axis or "step", smoothing, logarithmic)


# ------------------------------------------------------------------------------------- the curves


def _show_curves(service: TrainingService, runs: Sequence[Run], comparison: Comparison) -> None:
    of = tuple((run.id, run.version, run.name) for run in runs)
    quantities: tuple[Quantity, ...] = ("loss", "accuracy")
    try:
        with st.container(), st.spinner("Reading the runs …"):
            figures = [
                _figure(
                    str(service.store.folder),
                    of,
                    quantity,
                    comparison.axis,
                    comparison.smoothing_steps,
                    comparison.logarithmic and quantity == "loss",
                    is_dark(),
                    service,
                )
                for quantity in quantities
            ]
    except CnnvizError as error:  # one was deleted a moment ago
        st.error(plain(str(error)))
        return
    for column, quantity, figure in zip(st.columns(2), quantities, figures, strict=True):
        with column:
            st.markdown(f"**{quantity.capitalize()}**")
            st.plotly_chart(
                figure,
                theme=None,
                alt=f"{quantity.capitalize()} of {', '.join(run.name for run in runs)}, in "
                "training and on held-out images.",
                key=f"{_KEPT}.{quantity}",
                config={"displaylogo": False},
            )
    if going_on := [run for run in runs if run.is_open]:
        words = "One of them is" if len(going_on) == 1 else f"{len(going_on)} of them are"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{words} still to tell more; the curves are as of now.", width="content")
            st.button("Draw them anew")


@st.cache_resource(show_spinner=False, max_entries=64)
def _figure(
    folder: str,
    of: tuple[tuple[int, int, str], ...],
    quantity: Quantity,
    axis: XAxis,
    smoothing_steps: int,
    logarithmic: bool,
    dark: bool,
    _service: TrainingService,
) -> Any:
    """The figure of some runs at some versions; made once for all who compare the same."""
    from cnnviz.figures.training import curves_figure

    curves = []
    for number, _, name in of:
        told = _service.live.told(number)
        title = escape(f"{number} {name}", quote=False)  # plotly takes it for markup
        curves.append(CurveRun(title, told.steps, told.epochs, told.events))
    return curves_figure(
        curves,
        quantity,
        axis,
        smoothing_steps=smoothing_steps,
        logarithmic=logarithmic,
        dark=dark,
    )


# -------------------------------------------------------------------------------- the differences


def _show_differences(runs: Sequence[Run]) -> None:
    st.subheader("In what they differ", anchor=False)
    if len(runs) == 1:
        st.caption("One run is ticked. Tick another one, and the settings that differ stand here.")
        return
    found = differences([run.config for run in runs])
    if not found:
        st.caption("In nothing: they have the same settings, the seed included.")
        return
    head = "".join(f'<th scope="col">{run.id} {escape(run.name)}</th>' for run in runs)
    rows = "".join(
        f'<tr><th scope="row">{escape(difference.words)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in difference.values)
        + "</tr>"
        for difference in found
    )
    st.html(
        '<div class="cnnviz-differences"><table><thead><tr><td></td>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
