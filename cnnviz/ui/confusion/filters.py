"""The selection by select boxes: classes, filter and order. All that a click can do, and more."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from cnnviz.confusion.selection import Sort, Versus, Which
from cnnviz.ui.confusion.kept import change, control, kept_settings, select_classes, setting
from cnnviz.ui.confusion.networks import Shown

_ANY: Final = -1
_WHICH: Final[dict[Which, str]] = {
    "all": "right and wrong",
    "correct": "only right",
    "wrong": "only wrong",
    "near": "near misses: right at the second guess",
    "close": "close calls: the first guess barely ahead",
}
_VERSUS: Final[dict[Versus, str]] = {
    "any": "whatever the other says",
    "disagree": "the two disagree",
    "first_only": "only the first is right",
    "second_only": "only the second is right",
    "both_wrong": "both are wrong",
}
_SORTS: Final[dict[Sort, str]] = {
    "confidence": "confidence",
    "margin": "margin to the second guess",
    "loss": "loss",
    "logits": "likeness to the network",
    "pixels": "likeness to the eye",
    "index": "number",
}


def show_filters(shown: Shown, *, compares: bool) -> None:
    """The select boxes. compares: whether the second network's answers can be filtered by too."""
    selection = shown.settings.selection
    names = shown.predictions.class_names
    first, second = st.columns(2)
    with first:
        _choose_class("True class", "true", selection.true, names)
    with second:
        _choose_class("Taken for", "taken_for", selection.taken_for, names)
    first, second = st.columns(2)  # anew, so that they follow the others on a phone
    with first:
        st.selectbox(
            "Which",
            list(_WHICH),
            format_func=_WHICH.__getitem__,
            **setting("which", selection.which),
        )
    with second:
        _choose_order(shown)
    if selection.which == "close":
        st.slider(
            "Ahead by less than, in percentage points",
            1,
            100,
            **setting("margin_percent", selection.margin_percent),
        )
    if compares and shown.other is not None:
        st.selectbox(
            "The two networks",
            list(_VERSUS),
            format_func=_VERSUS.__getitem__,
            **setting("versus", selection.versus),
        )


def sort_by_likeness(sort: Sort) -> None:
    """Order by likeness to the chosen picture, among all pictures of its kind. For callbacks."""
    change(sort=sort, like=kept_settings().picture, reverse=False)


def _choose_class(label: str, name: str, place: int | None, class_names: tuple[str, ...]) -> None:
    def take(chosen: int) -> None:
        selection = kept_settings().selection
        classes = {"true": selection.true, "taken_for": selection.taken_for}
        classes[name] = None if chosen == _ANY else chosen
        select_classes(**classes)

    st.selectbox(
        label,
        [_ANY, *range(len(class_names))],
        format_func=lambda chosen: "any" if chosen == _ANY else class_names[chosen],
        **control(name, _ANY if place is None else place, take),
    )


def _choose_order(shown: Shown) -> None:
    settings = shown.settings
    selection = settings.selection
    # What all are compared with: the picture that was compared last, else the chosen one.
    like = settings.picture if selection.like is None else selection.like
    sorts = [sort for sort in _SORTS if like is not None or sort not in ("logits", "pixels")]
    options = [(sort, reverse) for sort in sorts for reverse in (False, True)]

    def take(chosen: tuple[Sort, bool]) -> None:
        sort, reverse = chosen
        change(sort=sort, reverse=reverse, like=like if sort in ("logits", "pixels") else None)

    st.selectbox(
        "Sorted by",
        options,
        format_func=_order_words,
        **control("order_of_pictures", (selection.sort, selection.reverse), take),
    )


def _order_words(order: tuple[Any, bool]) -> str:
    sort, reverse = order
    ends: dict[str, tuple[str, str]] = {
        "confidence": ("surest first", "least sure first"),
        "margin": ("closest call first", "clearest call first"),
        "loss": ("greatest first", "smallest first"),
        "logits": ("most alike first", "least alike first"),
        "pixels": ("most alike first", "least alike first"),
        "index": ("lowest first", "highest first"),
    }
    return f"{_SORTS[sort]}, {ends[sort][reverse]}"
