"""Which network is shown, and which one it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.selection import Selection
from cnnviz.confusion.settings import (
    ConfusionSettings,
    default_source,
    fit_settings,
    from_query,
    may_compare,
    to_query,
)
from cnnviz.confusion.sources import PredictionSource, SourceList
from cnnviz.confusion.words import interval_text, percent_text
from cnnviz.errors import CnnvizError, SettingError
from cnnviz.evaluation import Accuracy
from cnnviz.ui.confusion.kept import KEPT, change, control, kept_settings, setting
from cnnviz.ui.confusion.library import open_library, predictions_of
from cnnviz.ui.url_state import PageState

_NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a view draws."""

    settings: ConfusionSettings
    predictions: Predictions
    other: Predictions | None
    """Of the network that it is compared with."""


def open_networks(state: PageState, view: str) -> Shown | None:
    """Draws the choice of networks, loads what they say, and writes the URL.

    None, after a sentence that says why, if there is nothing to show.
    """
    library = open_library()
    try:
        _settle(state, library.sources)
    except SettingError as error:
        st.info(f"{str(error)[:1].upper()}{str(error)[1:]}.")
        return None
    notes_above = st.container()
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    with bar:
        _choose(library.sources)
    if library.problems:
        with st.expander("Some networks cannot be read"):
            st.text("\n".join(library.problems))
    settings = kept_settings()
    model = library.sources.find(settings.model)
    against = None if settings.against is None else library.sources.find(settings.against)
    try:
        predictions = predictions_of(model, settings.epoch, flip=settings.flip)
        other = None
        if against is not None:
            other = predictions_of(against, settings.against_epoch, flip=settings.flip)
    except CnnvizError as error:
        st.error(str(error))
        return None
    fitted, notes = fit_settings(settings, predictions)
    if state.is_new_query:
        state.keep_notes(notes)
    with notes_above:
        state.show_notes()
    st.session_state[KEPT] = fitted
    first = {} if view == "matrix" else {"view": view}
    state.write(first | to_query(fitted, library.sources))
    with bar:
        st.caption(_accuracies(predictions, other), width="stretch")
    return Shown(settings=fitted, predictions=predictions, other=other)


def _settle(state: PageState, sources: SourceList) -> None:
    """Let the session keep settings that the link asks for, or that still can be shown."""
    if state.has_news_for(KEPT):
        settings, notes = from_query(state.query, sources)
        state.keep_notes(notes)
        st.session_state[KEPT] = settings
        return
    if KEPT not in st.session_state:
        st.session_state[KEPT] = ConfusionSettings(model=default_source(sources).key)
    keys = {source.key for source in sources.sources}
    settings = kept_settings()
    if settings.model not in keys:  # deleted a moment ago
        _show(default_source(sources), sources)
    elif settings.against is not None and settings.against not in keys:
        change(against=None, against_epoch=None, versus="any")


def _choose(sources: SourceList) -> None:
    settings = kept_settings()
    titles = {source.key: source.title for source in sources.sources}
    model = sources.find(settings.model)
    others = [  # two epochs of a run are two networks
        source.key
        for source in sources.sources
        if may_compare(model, source)
        and (source.is_run or source.key != model.key or source.key == settings.against)
    ]
    st.selectbox(
        "Network",
        list(titles),
        format_func=titles.__getitem__,
        width=350,
        **control("model", settings.model, lambda key: _show(sources.find(key), sources)),
    )
    _choose_epoch("epoch", "Epoch", model, settings.epoch)
    st.selectbox(
        "Compare with",
        [_NONE, *others],
        format_func=lambda key: titles.get(key, "no other network"),
        width=340,
        **control("against", settings.against or _NONE, _compare_with),
    )
    if settings.against is not None:
        against = sources.find(settings.against)
        _choose_epoch("against_epoch", "Its epoch", against, settings.against_epoch)
    if model.has_flip:
        st.checkbox(
            "With flip",
            help="What a network says is then the mean over a picture and its mirror image.",
            **setting("flip", settings.flip),
        )


def _choose_epoch(name: str, label: str, source: PredictionSource, epoch: int | None) -> None:
    if not source.is_run or len(source.epochs) < 2:
        return
    st.select_slider(
        label,
        source.epochs,
        width=260,
        **control(
            name,
            source.nearest_epoch(epoch),
            lambda chosen: change(**{name: None if chosen == source.epochs[-1] else chosen}),
        ),
    )


def _show(model: PredictionSource, sources: SourceList) -> None:
    """Another network, and of what was chosen for the last one all that still makes sense."""
    settings = kept_settings()
    known = {source.key: source for source in sources.sources}
    before, against = known.get(settings.model), known.get(settings.against or _NONE)
    settings = replace(settings, model=model.key, epoch=None)
    settings = replace(settings, flip=settings.flip and model.has_flip)
    is_itself = against is not None and against.key == model.key and not model.is_run
    if against is None or is_itself or not may_compare(model, against):
        selection = replace(settings.selection, versus="any")
        settings = replace(settings, against=None, against_epoch=None, selection=selection)
    if before is None or before.dataset != model.dataset or before.is_run != model.is_run:
        is_same_classes = before is not None and before.dataset == model.dataset
        true, taken_for = settings.selection.true, settings.selection.taken_for
        selection = Selection(true, taken_for) if is_same_classes else Selection()
        look = settings.look if is_same_classes else settings.look.without_classes()
        settings = replace(settings, selection=selection, picture=None, look=look)
    st.session_state[KEPT] = settings


def _compare_with(key: str) -> None:
    if key == _NONE:
        change(against=None, against_epoch=None, versus="any")
    else:
        change(against=key, against_epoch=None)


def _accuracies(predictions: Predictions, other: Predictions | None) -> str:
    """How many pictures each gets right, and which pictures these are; Markdown."""
    lines = []
    for name, each in (("First", predictions), ("Second", other)):
        if each is not None:
            right = Accuracy(int(each.judgements.is_correct.sum()), len(each))
            who = "" if other is None else f"{name}: "
            lines.append(
                f"{who}{percent_text(right.share)} right "
                f"(95 % interval: {interval_text(right.interval)})."
            )
    return "  \n".join([*lines, predictions.note])
