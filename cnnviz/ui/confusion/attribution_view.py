"""Where the network looked in the chosen picture, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnnviz.errors import CnnvizError
from cnnviz.ui import warm_up
from cnnviz.ui.confusion.attribution_asked import Asked
from cnnviz.ui.confusion.attribution_controls import show_controls
from cnnviz.ui.confusion.attribution_maps import STYLE, show_maps, targets_of
from cnnviz.ui.confusion.attribution_methods import show_methods
from cnnviz.ui.confusion.attribution_networks import FirstLook, NetworkOfSource, warm
from cnnviz.ui.confusion.attribution_pending import (
    ask,
    leave_all,
    say_why_not,
    show_when_done,
    value_of,
)
from cnnviz.ui.confusion.attribution_trust import show_trust
from cnnviz.ui.confusion.attribution_work import Work
from cnnviz.ui.confusion.library import open_library, pictures_of
from cnnviz.ui.confusion.networks import Shown


def begin(shown: Shown) -> None:
    """Asks for what `show` will need first, so that it is computed while the rest is drawn."""
    if shown.settings.picture is None:
        leave_all()
        if warm_up.torch_is_ready():
            ask("warm", warm)
    elif (asked := _what_is_asked(shown)) is not None:
        asked.first_look()


def show(shown: Shown) -> None:
    """The maps of the picture that the settings name; nothing if they name none."""
    if shown.settings.picture is None:
        return
    st.subheader("Where it looked", anchor=False)
    asked = _what_is_asked(shown)
    if asked is None:
        st.info("Maps need the picture itself, and it is not on this machine.")
        return
    if shown.settings.flip:
        st.caption("The maps are of the picture as it is, without its mirror image.")
    show_looks(asked)


def _what_is_asked(shown: Shown) -> Asked | None:
    """The chosen picture and the network; None if the picture is not on this machine."""
    index, predictions = shown.settings.picture, shown.predictions
    assert index is not None
    wanted = np.array([index], dtype=np.int64)
    try:
        pictures = pictures_of(predictions)
    except CnnvizError:  # the gallery says why
        return None
    if pictures is None or not pictures.has(wanted).all():
        return None
    return Asked(
        which=which_network(shown),
        pixels=np.array(pictures.images_of(wanted)[0]),
        class_names=predictions.class_names,
        true=int(predictions.labels[predictions.row_of(index)]),
    )


def which_network(shown: Shown) -> NetworkOfSource:
    """The first network of those that are shown."""
    settings = shown.settings
    source = open_library().sources.find(settings.model)
    return NetworkOfSource.at(source, settings.epoch)


def show_looks(asked: Asked, draw_first: Callable[[FirstLook], None] | None = None) -> None:
    """Everything about one picture: controls, maps, checks.

    draw_first: draws what the network says of the picture, above all the rest.
    """
    st.html(f"<style>{STYLE}</style>")
    work = asked.first_look()
    look: FirstLook | None = value_of(work)
    if look is None:

        def draw(works: Sequence[Work]) -> None:
            say_why_not("look", works)

        show_when_done("look", lambda: [asked.first_look()], draw)
        look = value_of(asked.first_look())
        if look is None:
            return
    if draw_first is not None:
        draw_first(look)
    settings = show_controls(look, asked.class_names, asked.true)
    one, other = settings.classes(look.order, asked.true)
    show_maps(asked, look, settings, targets_of(one, other))
    show_methods(look, settings)
    show_trust(asked, look, settings, one)
