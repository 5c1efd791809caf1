"""The view "Look inside": a picture goes through a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from cnnviz.activations.inside_settings import (
    LOOKS,
    InsideSettings,
    Look,
    fit_inside_settings,
    read_inside_settings,
)
from cnnviz.activations.inside_words import inside_snippet
from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.checkpoints.folders import checkpoint_folders, find_checkpoint
from cnnviz.data.canonical import Split
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.figures.snapshots import picture_uri
from cnnviz.ui.architecture.inside_picture import ShownPicture, choose_picture, picture_of_the_set
from cnnviz.ui.batch_norm.networks import is_torch_here, network_titles, say_where_from
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.shipped import shown_split, trained_card, trained_network, trained_networks
from cnnviz.ui.url_state import PageState

if TYPE_CHECKING:
    from torch import nn

    from cnnviz.activations.passage import Passage

_TITLES: Final[Mapping[Look, str]] = {
    "maps": "Feature maps",
    "filters": "Filters",
    "patches": "Strongest patches",
    "pooling": "Pooling compared",
    "shifts": "Moved a little",
}
_OF_A_PICTURE: Final = ("maps", "pooling")
"""Looks that show what becomes of one picture."""
ASKED: Final = "digit.look_inside"
"""In the session: the pad asks to be looked at from inside; the network under ASKED.model."""


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """A network and a picture on its way through it. Shared: never changed."""

    card: CheckpointCard
    network: nn.Module
    folder: str
    """Of its files, as seen from app.py."""
    split: Split
    picture: ShownPicture
    passage: Passage


def show(state: PageState) -> None:
    """Choose a network and a picture; look at what becomes of it."""
    models = _models()
    if not models:
        state.show_notes()
        st.info("There is no trained network here.")
        return
    kept = KeptSettings("architectures", "inside", partial(read_inside_settings, models=models))
    kept.open(state)
    if st.session_state.pop(ASKED, False):
        model = st.session_state.pop(f"{ASKED}.model", "")
        if model in models:
            kept.change(model=model, source="drawn", look="maps", layer="")
    draw_until_torch(partial(_show, state, kept, models))


def _models() -> tuple[str, ...]:
    """The networks whose cards can be read. Needs no torch."""
    found = []
    for file in trained_networks():
        try:
            trained_card(file.name)
        except CnnvizError:
            continue
        found.append(file.name)
    return tuple(found)


def _show(state: PageState, kept: KeptSettings[InsideSettings], models: tuple[str, ...]) -> None:
    if not is_torch_here():
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Network",
            models,
            format_func=network_titles(models).__getitem__,
            width=260,
            **{**kept.setting("model"), "on_change": partial(_change_model, kept)},
        )
        st.segmented_control(
            "Look at",
            LOOKS,
            format_func=_TITLES.__getitem__,
            required=True,
            wrap=True,
            **kept.setting("look"),
        )
    try:
        card = trained_card(kept.now().model)
        network, split = trained_network(kept.now().model), shown_split(card.dataset.name)
    except CnnvizError as error:
        st.error(str(error))
        return
    kept.change(picture=kept.now().picture % len(split))
    if kept.now().source == "drawn" and card.dataset.channels != 1:
        kept.change(source="set")
    if kept.now().look in _OF_A_PICTURE:
        left, right = st.columns([3, 1], gap="large")
        with left:
            picture = choose_picture(kept, card.dataset, split)
            say_where_from(split)
        if picture is None:
            kept.write(state)
            return
        with right:
            st.html(
                f'<img src="{picture_uri(picture.pixels)}" alt="{picture.words}" style="width: '
                '9rem; image-rendering: pixelated; border-radius: 0.4rem">'
            )
    else:
        picture = picture_of_the_set(split, kept.now().picture)
        say_where_from(split)
    try:
        passage = _passage(f"{card.name}/{card.weights_sha256}", picture.pixels.tobytes(), picture)
        folder = find_checkpoint(card.name, checkpoint_folders(PROJECT)).folder.name
        inside = Inside(card, network, folder, split, picture, passage)
        _fit(state, kept, inside)
        _draw(kept, inside)
    except CnnvizError as error:
        st.error(str(error))
        return
    kept.write(state)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Runs this picture through the network; to be run beside app.py.")
        st.code(
            inside_snippet(folder, card.name, picture.code, kept.now().layer),
            language="python",
            height=400,
        )
        st.caption("Opens this view as it is now; a picture of your own does not travel with it.")
        st.code(state.link(), language=None, wrap_lines=True)


def _change_model(kept: KeptSettings[InsideSettings]) -> None:
    model = st.session_state[f"{kept.prefix}.model"]
    kept.change(model=model, layer="", channel=0, row=0, column=0)


@st.cache_resource(show_spinner="Running the network …", max_entries=64)
def _passage(identity: str, pixels: bytes, _picture: ShownPicture) -> Passage:
    """The picture's way, run once for all who look at it."""
    from cnnviz.activations.passage import pass_through
    from cnnviz.training.pictures import Normalization

    name = identity.partition("/")[0]
    card = trained_card(name)
    return pass_through(trained_network(name), _picture.pixels, Normalization(card.mean, card.std))


def _fit(state: PageState, kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    """The nearest number that there is."""
    layers = inside.passage.layers[1:]
    first = next((layer.name for layer in layers if layer.kind == "Conv2d"), layers[0].name)
    settings, notes = fit_inside_settings(
        kept.now(), {layer.name: layer.shape for layer in layers}, first=first
    )
    if settings != kept.now():
        kept.change(**{name: getattr(settings, name) for name in InsideSettings.__slots__})
        state.keep_notes(notes)
        if notes:
            st.rerun()


def _draw(kept: KeptSettings[InsideSettings], inside: Inside) -> None:
    # What each look needs is imported when it is looked at: all of it needs torch.
    from cnnviz.ui.architecture import inside_features, inside_filters, inside_moves

    looks = {
        "maps": inside_features.show,
        "filters": inside_filters.show_filters,
        "patches": inside_filters.show_patches,
        "pooling": inside_moves.show_pooling,
        "shifts": inside_moves.show_shifts,
    }
    looks[kept.now().look](kept, inside)
