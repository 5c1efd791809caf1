"""The picture that goes through the network: of the set, drawn, a file, a camera shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.activations.inside_settings import InsideSettings, Source
from cnnviz.data.canonical import Split
from cnnviz.data.catalogue import DatasetInfo
from cnnviz.ui.drawn_digit import drawn_digit
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.own_picture import MAX_SIDE, STEPS_STYLE, fit_with_steps
from cnnviz.ui.uploads import bring_picture
from cnnviz.ui.views import go_to_view

_OWN: Final = "architectures.inside.own"
_TITLES: Final[dict[Source, str]] = {
    "set": "Test pictures",
    "drawn": "The digit I drew",
    "file": "A file of mine",
    "camera": "My camera",
}


@dataclass(frozen=True, slots=True, eq=False)
class ShownPicture:
    """What the network gets."""

    pixels: npt.NDArray[np.uint8]
    """(H, W, C)."""
    words: str
    """What it is, for those who cannot see it."""
    label: int | None
    """Its class, where it is known."""
    code: str
    """Lines of Python that give `pixels`."""


def choose_picture(
    kept: KeptSettings[InsideSettings], info: DatasetInfo, split: Split
) -> ShownPicture | None:
    """The controls, and the picture; None where there is none yet."""
    settings = kept.now()
    sources = [name for name in _TITLES if name != "drawn" or info.channels == 1]
    titles = _TITLES | ({"set": "Starter pictures"} if split.source == "starter" else {})
    st.segmented_control(
        "Picture",
        sources,
        format_func=titles.__getitem__,
        required=True,
        wrap=True,
        **kept.setting("source"),
    )
    if settings.source == "set":
        _choose_of_the_set(kept, split)
        return picture_of_the_set(split, kept.now().picture)
    if settings.source == "drawn":
        return _drawn()
    picture = bring_picture(
        _OWN, is_camera=settings.source == "camera", max_side=MAX_SIDE, camera_width=480
    )
    if picture is None:
        st.info("Choose a picture: it is brought to the size of the data set's, step by step.")
        return None
    st.html(f"<style>{STEPS_STYLE}</style>")
    pixels = fit_with_steps(picture, info, key=f"{_OWN}.place")
    return ShownPicture(
        pixels, "your picture", None, _in_full("pixels = your picture, made that small", pixels)
    )


def picture_of_the_set(split: Split, picture: int) -> ShownPicture:
    """The picture of that index."""
    label = int(split.labels[picture])
    source = ', source="starter"' if split.source == "starter" else ""
    code = (
        "from cnnviz.data.datasets import load_split\n\n"
        f'pixels = load_split("{split.dataset}", "test"{source}).images[{picture}]'
    )
    words = f"{split.class_names[label]}, picture {picture:,}"
    return ShownPicture(np.array(split.images[picture]), words, label, code)


def _choose_of_the_set(kept: KeptSettings[InsideSettings], split: Split) -> None:
    picture = kept.now().picture
    label = int(split.labels[picture])
    names = split.class_names
    there = [name for k, name in enumerate(names) if (split.labels == k).any()]

    def change_class() -> None:
        name = st.session_state[f"{kept.prefix}.class"]
        kept.change(picture=int(np.flatnonzero(split.labels == names.index(name))[0]))

    def next_picture() -> None:
        same = np.flatnonzero(split.labels == label)
        later = same[same > picture]
        kept.change(picture=int(later[0] if len(later) else same[0]))

    st.session_state[f"{kept.prefix}.class"] = names[label]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Of class", there, width=160, key=f"{kept.prefix}.class", on_change=change_class
        )
        st.button("Another one", key=f"{kept.prefix}.next", on_click=next_picture)


def _drawn() -> ShownPicture | None:
    pixels = drawn_digit()
    if pixels is None:
        st.info("Nothing is drawn yet.")
        st.button(
            "Draw a digit",
            key=f"{_OWN}.draw",
            on_click=go_to_view,
            args=("architectures", "digit"),
        )
        return None
    image = pixels[:, :, None]
    return ShownPicture(image, "the digit that was drawn", None, _in_full("the digit", image))


def _in_full(words: str, pixels: npt.NDArray[np.uint8]) -> str:
    data = pixels.tobytes().hex()
    lines = "\n".join(f'    "{data[at : at + 88]}"' for at in range(0, len(data), 88))
    return (
        f"pixels = np.frombuffer(bytes.fromhex(  # {words}\n{lines}\n"
        f"), np.uint8).reshape{pixels.shape}"
    )
