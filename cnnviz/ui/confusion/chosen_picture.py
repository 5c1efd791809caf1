"""The chosen picture: large, with the probabilities of all classes."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.words import percent_text
from cnnviz.errors import CnnvizError
from cnnviz.figures.snapshots import picture_uri
from cnnviz.ui.confusion.filters import sort_by_likeness
from cnnviz.ui.confusion.kept import change
from cnnviz.ui.confusion.library import pictures_of
from cnnviz.ui.confusion.networks import Shown

STYLE: Final = """
.cnnviz-chosen img {
    display: block; width: min(100%, 12.44rem); image-rendering: pixelated; border-radius: 0.3rem;
}
.cnnviz-chosen p { margin: 0.3rem 0 0.6rem; text-wrap: pretty; }
.cnnviz-chosen table {
    width: 100%; max-width: 30rem; border-collapse: collapse; font-variant-numeric: tabular-nums;
}
.cnnviz-chosen :is(th, td) { padding: 0.08rem 0; font-weight: 400; font-size: 0.85rem; }
.cnnviz-chosen th { text-align: left; padding-right: 0.6rem; white-space: nowrap; }
.cnnviz-chosen td:last-child { text-align: right; padding-left: 0.5rem; white-space: nowrap; }
.cnnviz-chosen .track { width: 100%; }
.cnnviz-chosen .track div { background: var(--cnnviz-surface); border-radius: 0.2rem; }
.cnnviz-chosen .track span {
    display: block; height: 0.8rem; min-width: 1px; border-radius: 0.2rem;
    background: var(--cnnviz-muted);
}
.cnnviz-chosen .track div + div { margin-top: 1px; }
.cnnviz-chosen tr:is(.true, .guess) th { font-weight: 650; }
.cnnviz-chosen tr.true .track span { background: var(--cnnviz-accent); }
.cnnviz-chosen tr.guess .track span { background: var(--cnnviz-positive); }
.cnnviz-chosen .track div.second span { opacity: 0.5; }
"""


def show_chosen(shown: Shown, *, compares: bool) -> None:
    """The picture that the settings name, if any. compares: beside what the second one says."""
    index = shown.settings.picture
    if index is None:
        st.caption("Pick a picture: it is shown here, with the probabilities of all classes.")
        return
    other = shown.other if compares else None
    st.html(f"<style>{STYLE}</style>{_html(shown.predictions, other, index)}")
    with st.container(horizontal=True):
        st.button(
            "Alike to the network",
            on_click=sort_by_likeness,
            args=("logits",),
            help="Sorts the pictures by how alike their logits are to those of this one.",
        )
        st.button(
            "Alike to the eye",
            on_click=sort_by_likeness,
            args=("pixels",),
            disabled=not _is_here(shown.predictions, index),
            help="Sorts the pictures by how alike their pixels are to those of this one.",
        )
        st.button("Close", on_click=change, kwargs={"picture": None})


def _html(predictions: Predictions, other: Predictions | None, index: int) -> str:
    names, row = predictions.class_names, predictions.row_of(index)
    judged = predictions.judgements
    true, guess = int(judged.labels[row]), int(judged.predictions[row])
    rows = []
    for place, name in enumerate(names):
        shares = [float(judged.probabilities[row, place])]
        if other is not None:
            shares.append(float(other.judgements.probabilities[row, place]))
        kind = "true" if place == true else "guess" if place == guess else ""
        mark = " (true)" if place == true and true != guess else ""
        bars = "".join(
            f"<div{' class=second' if number else ''}>"
            f'<span style="width:{100 * share:.2f}%"></span></div>'
            for number, share in enumerate(shares)
        )
        values = "<br>".join(percent_text(share) for share in shares)
        rows.append(
            f'<tr class="{kind}"><th scope="row">{escape(name)}{mark}</th>'
            f'<td class="track" aria-hidden="true">{bars}</td><td>{values}</td></tr>'
        )
    return (
        f'<div class="cnnviz-chosen">{_picture(predictions, index, names[true])}'
        f"<p>{_sentence(predictions, other, index)}</p>"
        '<table aria-label="Probability of each class">'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _sentence(predictions: Predictions, other: Predictions | None, index: int) -> str:
    names, row = predictions.class_names, predictions.row_of(index)
    judged = predictions.judgements
    true, guess = int(judged.labels[row]), int(judged.predictions[row])
    said = f"<b>{escape(names[true])}</b> "
    said += "recognised" if true == guess else f"taken for <b>{escape(names[guess])}</b>"
    said += f". Picture {index:,}; loss {float(judged.loss[row]):.2f}"
    place = int(judged.rank[row])
    if place:
        said += f"; {escape(names[true])} is its {_ordinal(place + 1)} guess"
    if other is not None:
        second = int(other.judgements.predictions[row])
        said += f". The other network, with the paler bars, says <b>{escape(names[second])}</b>"
    return said + "."


def _ordinal(number: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
    return words[number - 1] if number <= len(words) else f"{number}th"


def _picture(predictions: Predictions, index: int, name: str) -> str:
    image = _image(predictions, index)
    if image is None:
        return "<p>This picture is not on this machine; what the network said of it is.</p>"
    return f'<img src="{picture_uri(image)}" alt="Picture {index}, {escape(name)}">'


def _is_here(predictions: Predictions, index: int) -> bool:
    return _image(predictions, index) is not None


def _image(predictions: Predictions, index: int) -> npt.NDArray[np.uint8] | None:
    try:
        pictures = pictures_of(predictions)
    except CnnvizError:  # the gallery has said why
        return None
    wanted = np.array([index], dtype=np.int64)
    if pictures is None or not pictures.has(wanted).all():
        return None
    image: npt.NDArray[np.uint8] = pictures.images_of(wanted)[0]
    return image
