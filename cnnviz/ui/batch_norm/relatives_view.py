"""The view "Its relatives": layer, instance and group normalization of the same tensor."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import streamlit as st

from cnnviz.batchnorm import Array
from cnnviz.norms.network_settings import DEFAULT_MODEL
from cnnviz.norms.picture_batch import draw_batch
from cnnviz.norms.relatives_lesson import (
    CHANNELS,
    GROUPS,
    MOST_DRAWS,
    ONE_PICTURE,
    PICTURES,
    SIDES,
    RelativesSettings,
    Source,
    draw_tensor,
)
from cnnviz.norms.snippets import relatives_snippet
from cnnviz.ui.batch_norm.lab_state import LabState, place_below
from cnnviz.ui.batch_norm.networks import (
    NormalizedNetwork,
    is_torch_here,
    network_names,
    network_titles,
    open_network,
    say_where_from,
)
from cnnviz.ui.components.sharing_lab import sharing_lab
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

LAB: Final = LabState("batch_norm.relatives.lab")
_KEPT: Final = KeptSettings("batch_norm", "relatives", RelativesSettings.from_query)
_SOURCES: Final[dict[Source, str]] = {"lot": "by lot", "network": "from a real network"}


def show(state: PageState) -> None:
    """The tensor's controls, and the lab that shows it four times."""
    _KEPT.open(state)
    draw_until_torch(partial(_show, state))


def _show(state: PageState) -> None:
    _receive()
    settings = _KEPT.now()
    _show_choices()
    st.markdown(
        ONE_PICTURE
        if settings.pictures == 1
        else "Numbers of one colour share a mean and a variance. Point at one: whom does it share "
        "with?"
    )
    x = draw_tensor(settings) if settings.source == "lot" else _from_network(settings)
    if x is None:
        return
    identity = f"{settings.source}/{settings.draw}/{settings.shape}"
    sharing_lab(
        x,
        identity=identity,
        groups=settings.groups,
        cell=settings.cell,
        version=LAB.version(identity, (settings.groups, settings.cell)),
        key=LAB.key,
    )
    _KEPT.write(state)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Computes all four from this tensor, with PyTorch alone.")
        st.code(relatives_snippet(x, settings.groups), language="python", height=400)
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)


def _receive() -> None:
    """Keep what was pointed at, and the number of groups."""
    told = LAB.news()
    if told is None:
        return
    cell = place_below(told, "cell", _KEPT.now().size)
    groups = told.get("groups")
    if cell is not None and type(groups) is int and groups in GROUPS:
        _KEPT.change(cell=cell, groups=groups)
        LAB.agree_on((groups, cell))


def _show_choices() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, label, choices in (
            ("pictures", "Pictures N", PICTURES),
            ("side", "Height and width of a map", SIDES),
        ):
            st.segmented_control(label, list(choices), required=True, **_resizing(name))
        st.segmented_control(
            "Numbers",
            list(_SOURCES),
            format_func=_SOURCES.__getitem__,
            required=True,
            **_KEPT.setting("source"),
        )
        st.button(
            "Other numbers",
            key=f"{_KEPT.prefix}.other",
            on_click=lambda: _KEPT.change(draw=(_KEPT.now().draw + 1) % MOST_DRAWS),
        )


def _resizing(name: str) -> Mapping[str, Any]:
    """A control of the tensor's size: what is pointed at must be in it."""
    given = _KEPT.setting(name)

    def taken() -> None:
        _KEPT.change(**{name: st.session_state[given["key"]], "cell": 0})

    return {**given, "on_change": taken}


# ------------------------------------------------------------------------------- a real activation


def _from_network(settings: RelativesSettings) -> Array | None:
    """What goes into a layer of a trained network, from the middle of its maps."""
    names = network_names().normalized
    if not names:
        st.info("No trained network here has batch normalization.")
        return None
    if not is_torch_here():
        return None
    found = open_network(DEFAULT_MODEL if DEFAULT_MODEL in names else names[0])
    if found is None:
        return None
    layer = found.norms[len(found.norms) // 2].name
    say_where_from(found.split)
    side, count = settings.side, settings.pictures
    st.caption(
        f"What goes into {layer} of {network_titles([found.name])[found.name]}, of {count} test "
        f"{'picture' if count == 1 else 'pictures'}: its first {CHANNELS} channels, {side} × "
        f"{side} numbers from the middle of each map."
    )
    values = _values(f"{found.name}/{found.card.weights_sha256}", settings.draw, layer, found)
    middle = (values.shape[2] - side) // 2
    return values[:count, :, middle : middle + side, middle : middle + side]


@st.cache_resource(show_spinner="Running the network …", max_entries=24)
def _values(identity: str, draw: int, layer: str, _found: NormalizedNetwork) -> Array:
    """Of as many pictures as may be shown; rounded, as they are written."""
    from cnnviz.norms.capture import capture
    from cnnviz.training.pictures import Normalization

    batch = draw_batch(_found.split, PICTURES[-1], draw=draw)
    normalization = Normalization(_found.card.mean, _found.card.std)
    values = capture(_found.network, batch.images, normalization, layer, mode="eval")
    rounded: Array = values.before[:, :CHANNELS].astype(np.float64).round(2)
    return rounded
