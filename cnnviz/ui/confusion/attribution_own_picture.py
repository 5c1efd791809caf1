"""The view "Your own picture": a file, a camera shot or a starter picture, and where it looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.confusion.words import percent_text
from cnnviz.data.catalogue import DatasetInfo
from cnnviz.data.datasets import load_split
from cnnviz.figures.snapshots import picture_uri
from cnnviz.pictures import sample_picture
from cnnviz.ui.confusion.attribution_asked import Asked
from cnnviz.ui.confusion.attribution_controls import look_control
from cnnviz.ui.confusion.attribution_networks import FirstLook
from cnnviz.ui.confusion.attribution_view import show_looks, which_network
from cnnviz.ui.confusion.chosen_picture import STYLE as CHOSEN_STYLE
from cnnviz.ui.confusion.kept import PAGE, change, kept_settings
from cnnviz.ui.confusion.networks import open_networks
from cnnviz.ui.own_picture import MAX_SIDE, STEPS_STYLE, fit_with_steps
from cnnviz.ui.uploads import bring_picture
from cnnviz.ui.url_state import PageState

_STARTER: Final = "A starter picture"
_CHELSEA: Final = "Chelsea the cat"
_FILE: Final = "A file of yours"
_CAMERA: Final = "Your camera"
_KEPT: Final = f"{PAGE}.own"
"""Begins the names of what the session keeps: the picture, its file, what was wrong with it."""
_PER_CLASS: Final = 4
"""Starter pictures to choose from; CIFAR-10 has fewer of some classes, and none of three."""
STYLE: Final = CHOSEN_STYLE + STEPS_STYLE


def show(state: PageState) -> None:
    """The picture, its way to the size that the network takes, and what the network makes of it."""
    shown = open_networks(state, "own")
    if shown is None:
        return
    st.html(f"<style>{STYLE}</style>")
    predictions = shown.predictions
    source = _choose_source(predictions.dataset)
    picture, said = st.columns([3, 2], gap="large")
    with picture:
        chosen = _choose_picture(source, predictions.dataset)
    if chosen is None:
        return
    pixels, true = chosen
    asked = Asked(which_network(shown), pixels, predictions.class_names, true)

    def draw_first(look: FirstLook) -> None:
        with said:
            st.markdown("**What the network says**")
            st.html(probability_table(asked.class_names, look.probabilities, true))

    st.subheader("Where it looked", anchor=False)
    show_looks(asked, draw_first)


def probability_table(
    class_names: Sequence[str], shares: npt.NDArray[np.float64], true: int | None
) -> str:
    """The probability of each class as a table in HTML."""
    guess, rows = int(shares.argmax()), []
    for place, name in enumerate(class_names):
        kind = "true" if place == true else "guess" if place == guess else ""
        mark = " (true)" if place == true and true != guess else ""
        share = float(shares[place])
        rows.append(
            f'<tr class="{kind}"><th scope="row">{escape(name)}{mark}</th>'
            '<td class="track" aria-hidden="true">'
            f'<div><span style="width:{100 * share:.2f}%"></span></div></td>'
            f"<td>{percent_text(share)}</td></tr>"
        )
    return (
        '<div class="cnnviz-chosen"><table aria-label="Probability of each class">'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


# ------------------------------------------------------------------------------------ the picture


def _choose_source(info: DatasetInfo) -> str:
    choices = (_STARTER, *((_CHELSEA,) if info.channels == 3 else ()), _FILE, _CAMERA)
    if st.session_state.get(f"{_KEPT}.source") not in choices:
        st.session_state[f"{_KEPT}.source"] = choices[0]
    source: str = st.radio("Picture", choices, horizontal=True, key=f"{_KEPT}.source")
    return source


def _choose_picture(
    source: str, info: DatasetInfo
) -> tuple[npt.NDArray[np.uint8], int | None] | None:
    """The pixels (H, W, C) that the network gets, and their class where it is known."""
    if source == _STARTER:
        return _choose_starter(info)
    picture = (
        sample_picture()
        if source == _CHELSEA
        else bring_picture(_KEPT, is_camera=source == _CAMERA, max_side=MAX_SIDE, camera_width=480)
    )
    if picture is None:
        st.info("Choose a picture: it is brought to the size of the data set's, step by step.")
        return None
    return fit_with_steps(picture, info, key=f"{_KEPT}.place"), None


def _choose_starter(info: DatasetInfo) -> tuple[npt.NDArray[np.uint8], int]:
    """One of the pictures that come with cnnviz, a few of each class."""
    images, labels = _starters(info.name)
    names = [
        f"{info.class_names[label]} {labels[:number].count(label) + 1}"
        for number, label in enumerate(labels)
    ]
    place = min(kept_settings().look.starter, len(names)) - 1
    st.selectbox(
        "Starter picture",
        range(len(names)),
        format_func=names.__getitem__,
        width=280,
        **look_control("starter", place, _choose_starter_at),
    )
    image = images[place]
    name = escape(names[place])
    st.html(
        f'<div class="cnnviz-chosen"><img src="{picture_uri(image)}" alt="{name}, '
        f'{info.width} by {info.height} pixels"></div>'
    )
    return image, labels[place]


def _choose_starter_at(place: int) -> None:
    change(look=replace(kept_settings().look, starter=place + 1))


@st.cache_resource(show_spinner=False, max_entries=2)
def _starters(dataset: str) -> tuple[list[npt.NDArray[np.uint8]], list[int]]:
    """The first few pictures (H, W, C) of each class in the starter set, and their classes."""
    split = load_split(dataset, "test", source="starter")
    places = [
        int(place)
        for label in np.unique(split.labels)
        for place in np.flatnonzero(split.labels == label)[:_PER_CLASS]
    ]
    images = [np.array(split.images[place]) for place in places]
    return images, [int(split.labels[place]) for place in places]
