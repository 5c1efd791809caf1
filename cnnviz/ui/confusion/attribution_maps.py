"""The maps: a row for each method, a column for each class and for their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import streamlit as st

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.differences import difference, parts_of
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.requests import AttributionRequest, Target
from cnnviz.attribution.results import Attribution
from cnnviz.attribution.words import completeness_sentence, map_sentence
from cnnviz.confusion.look import LookSettings
from cnnviz.errors import SettingError
from cnnviz.ui.charts import is_dark
from cnnviz.ui.confusion.attribution_asked import Asked, requests_of
from cnnviz.ui.confusion.attribution_networks import FirstLook
from cnnviz.ui.confusion.attribution_pending import Patience, say_why_not, show_when_done, value_of
from cnnviz.ui.confusion.attribution_work import Work
from cnnviz.ui.confusion.kept import PAGE

COLUMNS: Final = 3
STYLE: Final = """
.cnnviz-scale { margin: -0.6rem auto 0; max-width: 22rem; font-size: 0.8rem; }
.cnnviz-scale .bar {
    height: 0.55rem; border-radius: 0.2rem; border: 1px solid var(--cnnviz-border);
    background: linear-gradient(
        to right, var(--cnnviz-negative), transparent, var(--cnnviz-positive)
    );
}
.cnnviz-scale .ends { display: flex; justify-content: space-between; gap: 0.6rem; }
.cnnviz-scale .ends span:last-child { text-align: right; }
"""


def targets_of(one: int, other: int | None) -> tuple[Target, ...]:
    """What is explained side by side: a class; with another, that one too, and the difference."""
    if other is None:
        return (Target(one),)
    return Target(one), Target(other), Target(one, other)


def show_maps(
    asked: Asked, look: FirstLook, settings: LookSettings, targets: tuple[Target, ...]
) -> None:
    """A row of maps for each method that is chosen; what takes long comes when it is there."""
    requests = dict[MethodName, list[AttributionRequest]]()
    reasons = dict[MethodName, str]()
    for method in settings.methods:
        if reason := look.support.why_not(method):
            reasons[method] = reason
            continue
        try:
            requests[method] = requests_of(settings, look, method, targets)
        except SettingError as error:
            reasons[method] = str(error)
    patience = Patience()
    # What shares a scale is drawn together. Else one row after the other: those that come later do
    # not slow down the computation and the drawing of those above.
    groups = [settings.methods] if settings.scale == "all" else [(m,) for m in settings.methods]
    has_drawn = False
    for group in groups:
        for method in group:
            if method in reasons:
                _show_title(method)
                st.info(reasons[method])
        rows = {method: requests[method] for method in group if method in requests}
        if not rows:
            continue
        if has_drawn and not _are_known(asked, look, rows):
            patience.let_paint()
        _show_rows(asked, look, settings, rows, patience)
        has_drawn = True


def _are_known(
    asked: Asked, look: FirstLook, rows: Mapping[MethodName, Sequence[AttributionRequest]]
) -> bool:
    """Whether all maps of these rows were computed before."""
    wanted = (part for row in rows.values() for each in row for part in needed_for(each))
    return all(asked.knows(look, request) for request in wanted)


def _show_rows(
    asked: Asked,
    look: FirstLook,
    settings: LookSettings,
    rows: Mapping[MethodName, Sequence[AttributionRequest]],
    patience: Patience,
) -> None:
    """Rows that share a scale, once all maps of a row are there."""
    needed = {
        method: list(dict.fromkeys(part for request in row for part in needed_for(request)))
        for method, row in rows.items()
    }
    everything = [request for row in needed.values() for request in row]

    def draw(works: Sequence[Work]) -> None:
        table = dict(zip(everything, works, strict=True))
        for method, row in rows.items():
            _show_title(method)
            mine = [table[request] for request in needed[method]]
            say_why_not(method, mine)
            maps = [map_from(table, request) for request in row]
            _show_row(asked, method, maps, settings, _all_maps(table, rows))
            if not all(work.is_done for work in mine):
                st.caption("Computing …")

    show_when_done(
        f"maps.{next(iter(rows))}",
        lambda: [asked.map(look, request) for request in everything],
        draw,
        patience,
    )


def _show_title(method: MethodName) -> None:
    st.markdown(f"##### {METHODS[method].title}")


def needed_for(request: AttributionRequest) -> tuple[AttributionRequest, ...]:
    """The maps that are computed for one that is shown."""
    return parts_of(request) or (request,)


def map_from(
    table: Mapping[AttributionRequest, Work], request: AttributionRequest
) -> Attribution | None:
    """The map that is shown, once all that it needs is there."""
    made: list[Attribution | None] = [value_of(table[part]) for part in needed_for(request)]
    there = [each for each in made if each is not None]
    if len(there) < len(made):
        return None
    return there[0] if len(there) == 1 else difference(there[0], there[1])


def _all_maps(
    table: Mapping[AttributionRequest, Work],
    requests: Mapping[MethodName, Sequence[AttributionRequest]],
) -> list[Attribution]:
    found = [map_from(table, request) for row in requests.values() for request in row]
    return [made for made in found if made is not None]


def _show_row(
    asked: Asked,
    method: MethodName,
    row: Sequence[Attribution | None],
    settings: LookSettings,
    every: Sequence[Attribution],
) -> None:
    """The maps of one method, once all of them are there: they share a scale."""
    maps = [made for made in row if made is not None]
    if len(maps) < len(row):
        return
    layers = {made.layer for made in maps if made.layer is not None}
    if layers:
        st.caption(f"The maps of layer {', '.join(sorted(layers))}, weighted.")
    columns = st.columns(COLUMNS, gap="small")
    for number, (column, made) in enumerate(zip(columns, maps, strict=False)):
        with column:
            show_map(
                asked,
                made,
                settings,
                among=every if settings.scale == "all" else maps,
                key=f"{method}.{number}",
            )
            if made.completeness is not None:
                st.caption(completeness_sentence(made.completeness))


def show_map(
    asked: Asked,
    made: Attribution,
    settings: LookSettings,
    *,
    among: Sequence[Attribution],
    key: str,
    title: str | None = None,
) -> None:
    """One map over the picture. among: those whose scale it shares."""
    from cnnviz.figures.attribution import map_figure, shared_scale

    target, names = made.request.target, asked.class_names
    is_own = settings.scale == "own"
    reach = shared_scale([made.map] if is_own else [other.map for other in among])
    figure = map_figure(
        asked.pixels,
        title or target.title(names),
        made.map,
        scale=reach,
        opacity=settings.opacity_percent / 100,
        dark=is_dark(),
    )
    st.plotly_chart(
        figure,
        theme=None,
        key=f"{PAGE}.map.{key}",
        alt=map_sentence(made, names),
        config={"displayModeBar": False},
    )
    st.html(_scale(target, names, reach))


def _scale(target: Target, class_names: Sequence[str], reach: float) -> str:
    """What the colours stand for, in HTML."""
    for_it = f"for {escape(class_names[target.label])}"
    against_it = f"against {escape(class_names[target.label])}"
    if target.against is not None:
        against_it = f"for {escape(class_names[target.against])}"
    return (
        '<div class="cnnviz-scale"><div class="bar"></div><div class="ends">'
        f"<span>{against_it}<br>−{reach:.3g}</span><span>0</span>"
        f"<span>{for_it}<br>+{reach:.3g}</span></div></div>"
    )
