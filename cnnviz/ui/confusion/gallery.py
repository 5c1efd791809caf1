"""The selected pictures. One that is picked is the page's chosen picture."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

import numpy as np
import streamlit as st

from cnnviz.confusion.pictures import Pictures
from cnnviz.confusion.predictions import Indices, Predictions
from cnnviz.confusion.selection import selection_sentence
from cnnviz.errors import CnnvizError
from cnnviz.ui.components.picture_gallery import (
    PART,
    GalleryPart,
    GalleryPicture,
    picture_gallery,
)
from cnnviz.ui.confusion.kept import PAGE, change, news_from, select_classes
from cnnviz.ui.confusion.library import identity, pictures_of, selected
from cnnviz.ui.confusion.networks import Shown
from cnnviz.ui.data_offer import offer_data

GALLERY: Final = f"{PAGE}.gallery"
"""The name of the component, under which its reports lie in the session."""
_SENT: Final = f"{PAGE}.gallery.sent"


def receive_pick() -> bool:
    """Choose the picture that was picked, if one was. Call it before anything is drawn."""
    told = news_from(GALLERY, "picked")
    if told is None or type(told.get("picture")) is not int or told["picture"] < 0:
        return False
    change(picture=told["picture"])
    return True


def show_gallery(shown: Shown, *, compares: bool) -> None:
    """What is selected, in words, and its pictures. compares: with the second network's answers."""
    selection = shown.settings.selection
    other = shown.other if compares else None
    if other is None:
        selection = replace(selection, versus="any")
    predictions = shown.predictions
    try:
        pictures = pictures_of(predictions)
        chosen = selected(selection, predictions, other, pictures)
    except CnnvizError as error:
        st.error(str(error))
        return
    here = chosen if pictures is None else chosen[pictures.has(chosen)]
    sentence = selection_sentence(selection, predictions.class_names)
    st.markdown(f"**{len(chosen):,} pictures:** {sentence}.")
    if pictures is None or len(pictures) < predictions.dataset.count(predictions.split):
        _say_what_is_missing(len(chosen), len(here), pictures)
        offer_data(predictions.dataset.name)
    if pictures is None:
        return
    if not len(here):
        if not len(chosen):
            st.info("There is no such picture.")
        return
    name = f"{len(here):,} pictures: {sentence}. Arrow keys move, Enter picks."

    def part() -> None:
        if receive_pick():
            st.rerun()  # the page has more to show than the gallery
        _draw(shown, here, pictures, other, name)

    # A fragment, so that nothing else is drawn anew while somebody scrolls.
    st.fragment(part)()


def _draw(
    shown: Shown, here: Indices, pictures: Pictures, other: Predictions | None, name: str
) -> None:
    gallery = _identity(shown.predictions, other, here)
    picked = shown.settings.picture
    start = _wanted_start(gallery, here, picked)
    picture_gallery(
        key=GALLERY,
        gallery=gallery,
        name=name,
        count=len(here),
        picked=picked,
        part=None if start is None else _part(start, here, pictures, shown.predictions, other),
    )


def _identity(predictions: Predictions, other: Predictions | None, here: Indices) -> str:
    """Another one where other pictures are shown, or other words below them."""
    digest = hashlib.sha256(here.tobytes())
    for each in (predictions, other):
        digest.update(b"" if each is None else identity(each).encode())
    return digest.hexdigest()[:16]


def _wanted_start(gallery: str, here: Indices, picked: int | None) -> int | None:
    """The place of the part that is to be sent; None if the browser has what it asked for."""
    told = news_from(GALLERY, "wanted")
    if told is not None and told.get("gallery") == gallery:
        start = told.get("start")
        if type(start) is int and 0 <= start < len(here):
            return start - start % PART
    if st.session_state.get(_SENT) == gallery:
        return None
    st.session_state[_SENT] = gallery
    places = np.flatnonzero(here == -1 if picked is None else here == picked)
    place = int(places[0]) if len(places) else 0
    return place - place % PART


def _part(
    start: int,
    here: Indices,
    pictures: Pictures,
    predictions: Predictions,
    other: Predictions | None,
) -> GalleryPart:
    some = here[start : start + PART]
    told = [_picture(int(index), predictions, other) for index in some]
    return GalleryPart(start, told, pictures.images_of(some))


def _picture(index: int, predictions: Predictions, other: Predictions | None) -> GalleryPicture:
    judged, names = predictions.judgements, predictions.class_names
    row = predictions.row_of(index)
    true, guess = int(judged.labels[row]), int(judged.predictions[row])
    probabilities = judged.probabilities[row]
    is_right = bool(judged.is_correct[row])
    said = f"{names[guess]} {_percent(probabilities[guess])}"
    own = f"is {names[true]}" + ("" if is_right else f" {_percent(probabilities[true])}")
    lines = [said, own]
    words = f"{names[true]}, " + (
        f"recognised with {_percent(probabilities[guess])}"
        if is_right
        else f"taken for {names[guess]} with {_percent(probabilities[guess])}"
    )
    if other is not None:
        second = int(other.judgements.predictions[row])
        sure = _percent(other.judgements.probabilities[row, second])
        lines.append(f"other: {names[second]} {sure}")
        words += f"; the other network says {names[second]} with {sure}"
    return GalleryPicture(index, is_right, tuple(lines), words)


def _percent(share: float) -> str:
    """Short; what is not quite certain is not called so."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return ">99 %" if share < 0.9995 else "100 %"
    return "<1 %" if whole == 0 and share > 0 else f"{whole} %"


def _say_what_is_missing(chosen: int, here: int, pictures: Pictures | None) -> None:
    if pictures is None:
        st.info("The pictures themselves are not on this machine.")
    elif here or not chosen:
        st.info(
            f"{here:,} of these {chosen:,} pictures {'is' if here == 1 else 'are'} on this "
            f"machine, of the {len(pictures):,} that come with cnnviz."
        )
    else:
        st.info(
            f"None of these {chosen:,} pictures is on this machine: {len(pictures):,} others come "
            "with cnnviz."
        )
        st.button(
            f"Show the {len(pictures):,} that are here", on_click=select_classes, args=(None, None)
        )
